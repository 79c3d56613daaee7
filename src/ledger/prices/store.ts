// Prices as a file in the data folder: small, checked before it is written, read in parts.
// Each provider's models are a text of their own in it, so that a gateway that asks three providers parses three of forty.

import { createHash } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { type ProviderData, readProviders, readStoredProvider } from "./data.ts";

/** Prices of one version. */
export interface Prices {
  readonly version: string;
  /** Since when they are known, as 2026-11-26. */
  readonly date: string;
  readonly providers: readonly ProviderData[];
}

/** The file. */
interface StoredPrices {
  /** Of this layout. */
  readonly format: 1;
  readonly version: string;
  readonly date: string;
  /** Where they came from. */
  readonly source: string;
  readonly providers: readonly {
    readonly id: string;
    readonly api_pattern: string;
    readonly fallbacks: readonly string[];
    readonly models: string;
  }[];
  /** SHA-256 of the providers: a file that somebody changed is not read. */
  readonly hash: string;
}

/** What storing gives. */
export type StoreResult =
  | { readonly ok: true; readonly providers: number; readonly models: number }
  | { readonly ok: false; readonly fault: string };

/**
 * Checks prices in genai-prices' format and stores them. The version is `genai-prices@` with the given one, or with the date
 * and the hash of what is stored.
 */
export function storePrices(
  path: string,
  value: unknown,
  origin: { readonly source: string; readonly date: string; readonly version: string | null },
): StoreResult {
  const read = readProviders(value);
  if (!read.ok) return read;
  const models = read.providers.reduce((count, provider) => count + provider.models().length, 0);
  if (models === 0) return { ok: false, fault: "there are no prices in it" };
  const providers = (value as readonly RawProvider[]).map(withoutWords);
  const hash = hashOf(providers);
  const { source, date } = origin;
  const version = `genai-prices@${origin.version ?? `${date}-${hash.slice(0, 8)}`}`;
  const file: StoredPrices = { format: 1, version, date, source, providers, hash };
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeWhole(path, `${JSON.stringify(file)}\n`);
  } catch (error) {
    return { ok: false, fault: `${path} cannot be written: ${(error as Error).message}` };
  }
  return { ok: true, providers: providers.length, models };
}

/** Reads stored prices; null where there are none, or in words why they cannot be read. */
export function readStoredPrices(path: string): Prices | { readonly fault: string } | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const is_missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    return is_missing ? null : { fault: `${path} cannot be read: ${(error as Error).message}` };
  }
  try {
    const { format, version, date, providers, hash } = JSON.parse(text) as StoredPrices;
    if (format !== 1 || hash !== hashOf(providers)) {
      return { fault: `${path} is not as \`venturi prices update\` wrote it` };
    }
    const read = providers.map(({ id, api_pattern, fallbacks, models }) =>
      readStoredProvider(id, api_pattern, fallbacks, models),
    );
    return { version, date, providers: read };
  } catch (error) {
    return { fault: `${path} cannot be read: ${(error as Error).message}` };
  }
}

interface RawProvider {
  readonly id: string;
  readonly api_pattern: string;
  readonly fallback_model_providers?: readonly string[];
  readonly models: readonly Readonly<Record<string, unknown>>[];
}

/** Only what is read again: descriptions and extractors are the larger part. */
function withoutWords({ id, api_pattern, fallback_model_providers, models }: RawProvider) {
  const kept = models.map(({ id: model, match, context_window, prices }) => ({
    ...{ id: model, match, context_window, prices },
  }));
  return { id, api_pattern, fallbacks: fallback_model_providers ?? [], models: JSON.stringify(kept) };
}

function hashOf(providers: StoredPrices["providers"]): string {
  const hash = createHash("sha256");
  for (const { id, api_pattern, fallbacks, models } of providers) {
    hash.update(`${JSON.stringify([id, api_pattern, fallbacks])}${models}\n`);
  }
  return hash.digest("hex");
}

/** A file is either the old one or the new one, whole and on the disk. */
function writeWhole(path: string, text: string): void {
  const unfinished = `${path}.${process.pid}.new`;
  const file = openSync(unfinished, "w", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(unfinished, path);
}
