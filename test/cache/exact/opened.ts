// Folders and open stores for the tests of the exact cache, gone when the test is.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type ExactCache, openExactCache } from "../../../src/cache/exact/cache.ts";
import { type CacheKeeper, openCacheKeeper } from "../../../src/cache/exact/keeper.ts";
import { SIZE_BYTES } from "./made.ts";

/** A data folder that lasts as long as the test. */
export function makeData(): string {
  const folder = mkdtempSync(join(tmpdir(), "venturi-answers-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
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
