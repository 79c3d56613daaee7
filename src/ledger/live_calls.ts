// The latest calls as they end, for whoever looks on: a few megabytes of rows that were written last, and listeners to those to come.
// While nobody looks it keeps bytes that are there anyway, and reads none of them.

import type { LedgerRow } from "./row.ts";
import { linesIn, readRow } from "./row_reader.ts";

/** Bytes of rows that are kept: those of some thousands of calls. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** Hears of calls, the oldest first, all of a batch at once. */
export type LiveListener = (rows: readonly LedgerRow[]) => void;

/** The latest calls. */
export class LiveCalls {
  readonly #kept_bytes: number;
  /** The oldest first. */
  readonly #batches: Uint8Array[] = [];
  #bytes = 0;
  readonly #listeners = new Set<LiveListener>();

  constructor(kept_bytes = KEPT_BYTES) {
    this.#kept_bytes = kept_bytes;
  }

  /** These rows, a line each, are in the ledger. The bytes must not change afterwards. */
  add(lines: Uint8Array): void {
    this.#batches.push(lines);
    this.#bytes += lines.length;
    while (this.#bytes > this.#kept_bytes && this.#batches.length > 1) {
      this.#bytes -= this.#batches.shift()!.length;
    }
    if (this.#listeners.size === 0) return;
    const rows = rowsIn(lines);
    for (const listener of [...this.#listeners]) listener(rows);
  }

  /** The latest of those calls that are meant, the oldest first. */
  latest(count: number, isMeant: (row: LedgerRow) => boolean): LedgerRow[] {
    const found: LedgerRow[] = [];
    for (let at = this.#batches.length - 1; at >= 0 && found.length < count; at--) {
      const meant = rowsIn(this.#batches[at]!).filter(isMeant);
      found.unshift(...meant.slice(-(count - found.length)));
    }
    return found;
  }

  /** Has a listener hear of calls from now on; gives what ends that. */
  listen(listener: LiveListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Those who listen now. */
  get listeners(): number {
    return this.#listeners.size;
  }
}

function rowsIn(lines: Uint8Array): LedgerRow[] {
  return linesIn(lines).flatMap((line) => readRow(line) ?? []);
}
