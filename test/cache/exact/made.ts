// Keys, answers and open stores for the tests of the exact cache.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { CacheEntry } from "../../../src/cache/entry.ts";
import { type ExactCache, openExactCache } from "../../../src/cache/exact/cache.ts";
import { type CacheKeeper, openCacheKeeper } from "../../../src/cache/exact/keeper.ts";
import { CacheKey, type CacheScope, HASH_BYTES } from "../../../src/cache/key.ts";
import { NO_USAGE } from "../../../src/dialects/usage.ts";

export const NOW_MS = 1_764_144_000_000;
export const HOUR_MS = 3_600_000;
export const SIZE_BYTES = 64 * 1024 * 1024;

/** A data folder that lasts as long as the test. */
export function makeData(): string {
  const folder = mkdtempSync(join(tmpdir(), "venturi-answers-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The key of a question by its number. */
export function makeKey(question: number, scope: Partial<CacheScope> = {}): CacheKey {
  const hash = new Bun.CryptoHasher("sha256").update(`question ${question}`).digest();
  return new CacheKey({ tenant: "shop", within: "", ...scope }, hash.subarray(0, HASH_BYTES));
}

/** An answer that is good for hours. */
export function makeEntry(changes: Partial<CacheEntry> = {}): CacheEntry {
  return {
    kind: "whole",
    body: Buffer.from('{"id":"chatcmpl-1"}'),
    usage: { ...NO_USAGE, input_tokens: 12, output_tokens: 3 },
    finish_reason: "stop",
    model: "fast",
    provider: "openai",
    served_model: "gpt-4o-mini",
    created_ms: NOW_MS,
    fresh_until_ms: NOW_MS + HOUR_MS,
    stale_until_ms: NOW_MS + 2 * HOUR_MS,
    tags: [],
    cost_nano_usd: 1_500,
    took_ms: 800,
    ...changes,
  };
}

/** An open cache, closed after the test, and the faults that it told of. */
export function openCache(data: string, max_bytes = SIZE_BYTES): { cache: ExactCache; faults: string[] } {
  const faults: string[] = [];
  const cache = openExactCache(data, { max_bytes, onFault: (message) => faults.push(message) });
  if ("fault" in cache) throw new Error(cache.fault);
  onTestFinished(() => cache.close());
  return { cache, faults };
}

/** An open keeper, closed after the test, and the lines that it logged. */
export function openKeeper(data: string, max_bytes = SIZE_BYTES): { keeper: CacheKeeper; lines: string[] } {
  const lines: string[] = [];
  const keeper = openCacheKeeper(data, { max_bytes, log: (line) => lines.push(line) });
  if ("fault" in keeper) throw new Error(keeper.fault);
  onTestFinished(() => keeper.close());
  return { keeper, lines };
}

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
