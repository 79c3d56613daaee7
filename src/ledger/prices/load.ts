// Where a price book comes from: the prices that `venturi prices update` stored, or those of the installed package.
// The package is a program of 830 KB; what gateway processes read is what was stored of it once, in parts: when the executable or the
// modules were made, or in the data folder.

import { join } from "node:path";
import { knownFacts } from "../../config/facts.ts";
import { preparedPath } from "../../program/parts.ts";
import type { PriceBook } from "./book.ts";
import { readProviders } from "./data.ts";
import { type Prices, readStoredPrices, type StoreResult, storePrices } from "./store.ts";

/** The release of `@pydantic/genai-prices` that is installed, and the day of it. */
export const PACKAGE = { version: "0.1.8", date: "2026-09-23" } as const;

/** Where updated prices lie in the data folder. */
export function priceFilePath(data_folder: string): string {
  return join(data_folder, "prices.json");
}

/** Where the package's prices lie among what was prepared. */
export const PREPARED_PRICES = "prices/installed.json";

function installedFilePath(data_folder: string): string {
  return preparedPath(PREPARED_PRICES) ?? join(data_folder, "installed-prices.json");
}

/** A book, and what was wrong with the updated prices, in words, where they are not used. */
export interface LoadedBook {
  readonly book: PriceBook;
  readonly fault: string | null;
}

/**
 * Loads the newest prices that can be read. Updated ones that cannot cost the calls no price: the package's stand in, and what
 * was wrong is told.
 */
export async function loadPriceBook(data_folder: string): Promise<LoadedBook> {
  const facts = knownFacts();
  const updated = readStoredPrices(priceFilePath(data_folder));
  const is_read = updated !== null && "version" in updated;
  // A package that was installed after the last update knows more.
  const { version, providers } =
    is_read && updated.date >= PACKAGE.date ? updated : await installed(data_folder);
  const fault = updated !== null && "fault" in updated ? updated.fault : null;
  return { book: { version, providers, facts, found: new Map() }, fault };
}

async function installed(data_folder: string): Promise<Prices> {
  const stored = readStoredPrices(installedFilePath(data_folder));
  if (isInstalled(stored)) return stored;
  const read = readProviders(await packageData());
  if (!read.ok) throw new Error(`the prices of the package cannot be read: ${read.fault}`);
  return { version: `genai-prices@${PACKAGE.version}`, date: PACKAGE.date, providers: read.providers };
}

/**
 * Stores the package's prices in the data folder, where they are not yet: once for each release, before gateway processes start.
 * A folder that cannot be written to costs them memory, and no price.
 */
export async function prepareInstalledPrices(data_folder: string): Promise<StoreResult | null> {
  if (preparedPath(PREPARED_PRICES) !== null) return null;
  const path = installedFilePath(data_folder);
  return isInstalled(readStoredPrices(path)) ? null : storePackagePrices(path);
}

/** Stores the package's prices in a file; its folder has to be there. */
export async function storePackagePrices(path: string): Promise<StoreResult> {
  return storePrices(path, await packageData(), { ...PACKAGE, source: "@pydantic/genai-prices" });
}

function isInstalled(stored: ReturnType<typeof readStoredPrices>): stored is Prices {
  return stored !== null && "version" in stored && stored.version === `genai-prices@${PACKAGE.version}`;
}

/** The package hands its data out by this alone: what an update would be waited for. */
async function packageData(): Promise<unknown> {
  const { waitForUpdate } = await import("@pydantic/genai-prices");
  return waitForUpdate();
}
