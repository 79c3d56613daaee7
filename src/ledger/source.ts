// Where the ledger is that is asked: the file of a data folder, or the database that hosts share. Files are opened for each question,
// which sees what is written so far; a database is connected to once.

import { isPostgres } from "../config/stores_schema.ts";
import { type LedgerReader, openLedgerReader } from "./store/query.ts";

/** Opens the ledger to be asked. */
export class LedgerSource {
  readonly #folder: string;
  readonly #store: () => string;
  #shared: { readonly url: string; readonly reader: LedgerReader } | null = null;

  /** `store` says where rows go, at every question: `ledger.store` of the configuration. */
  constructor(folder: string, store: () => string) {
    this.#folder = folder;
    this.#store = store;
  }

  /** The ledger, or in words why it cannot be asked. Whoever has it closes it. */
  async open(): Promise<LedgerReader | { readonly fault: string }> {
    const url = this.#store();
    if (this.#shared !== null && this.#shared.url !== url) this.close();
    if (!isPostgres(url)) return openLedgerReader(this.#folder);
    if (this.#shared === null) {
      const { openPostgresReader } = await import("./postgres/reader.ts");
      const reader = await openPostgresReader(url);
      if ("fault" in reader) return reader;
      this.close();
      this.#shared = { url, reader };
    }
    return { ...this.#shared.reader, close: () => {} };
  }

  /** Ends the connections. */
  close(): void {
    this.#shared?.reader.close();
    this.#shared = null;
  }
}
