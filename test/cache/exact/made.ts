// Keys and answers for the tests of the exact cache.

import type { CacheEntry } from "../../../src/cache/entry.ts";
import { CacheKey, type CacheScope, HASH_BYTES } from "../../../src/cache/key.ts";
import { NO_USAGE } from "../../../src/dialects/usage.ts";

export const NOW_MS = 1_764_144_000_000;
export const HOUR_MS = 3_600_000;
export const SIZE_BYTES = 64 * 1024 * 1024;

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
