// Waiting until what was written is seen.

import type { CacheEntry } from "../../../src/cache/entry.ts";
import type { ExactCache } from "../../../src/cache/exact/cache.ts";
import type { CacheKey } from "../../../src/cache/key.ts";

/** Puts an answer and waits until it is written and the turn is another, so that it is seen. */
export async function putAndSee(cache: ExactCache, key: CacheKey, entry: CacheEntry): Promise<void> {
  cache.put(key, entry);
  await seen(cache);
}

/** All that was put so far is written and seen. */
export async function seen(cache: ExactCache): Promise<void> {
  await cache.settled();
  await nextSnapshot();
}

/** What other processes wrote before is seen from here on: the library looks anew after a timer. */
export async function nextSnapshot(): Promise<void> {
  await new Promise((next) => setTimeout(next, 5));
}
