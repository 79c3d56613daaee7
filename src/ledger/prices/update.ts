// New prices from a file or an address into the data folder. Nothing is stored that could not be read again,
// and the old prices stay until the new ones are complete.

import { readFileSync, statSync } from "node:fs";
import { priceFilePath } from "./load.ts";
import { storePrices } from "./store.ts";

/** A larger file is no price list; bytes. */
const MAX_BYTES = 32 * 1024 * 1024;
const FETCH_TIMEOUT_MS = 60_000;

/** What an update gives. */
export type UpdateResult =
  | { readonly ok: true; readonly path: string; readonly providers: number; readonly models: number }
  | { readonly ok: false; readonly fault: string };

/** Takes prices in genai-prices' format from a file or an http address over into the data folder. */
export async function updatePrices(data_folder: string, source: string, now: Date): Promise<UpdateResult> {
  let text: string;
  try {
    text = /^https?:\/\//.test(source) ? await fetchText(source) : readText(source);
  } catch (error) {
    return { ok: false, fault: `${source} cannot be read: ${(error as Error).message}` };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, fault: `${source} is not JSON: ${(error as Error).message}` };
  }
  const path = priceFilePath(data_folder);
  const date = now.toISOString().slice(0, 10);
  const stored = storePrices(path, value, { source, date, version: null });
  return stored.ok ? { ...stored, path } : { ok: false, fault: `${source}: ${stored.fault}` };
}

function readText(path: string): string {
  const { size } = statSync(path);
  if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, and may have ${MAX_BYTES}`);
  return readFileSync(path, "utf8");
}

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
