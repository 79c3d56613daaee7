// Books of a gateway that runs in a test: a real mapped file in a folder of its own, and the rows that calls left in it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Books } from "../../src/gateway/books.ts";
import { loadPriceBook } from "../../src/ledger/prices/load.ts";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { linesIn, readRow } from "../../src/ledger/row_reader.ts";
import { type AnswerSketch, readSketch } from "../../src/ledger/sketch.ts";
import { clockBase, SteadyClock } from "../../src/memory/clock.ts";
import { EventSink } from "../../src/memory/spill.ts";
import { createState, type State } from "../../src/memory/state.ts";

/** Books, and what stands in them. */
export interface TestBooks {
  /** The data folder. */
  readonly folder: string;
  readonly books: Books;
  readonly state: State;
  /** All rows so far, the oldest first. */
  rows(): readonly LedgerRow[];
  /** All sketches of answers so far. */
  sketches(): readonly AnswerSketch[];
  /** What was told to a person. */
  readonly said: string[];
  dispose(): void;
}

const { book } = await loadPriceBook(tmpdir());

/** Opens books in a new folder. */
export function testBooks(): TestBooks {
  const folder = mkdtempSync(join(tmpdir(), "venturi-books-"));
  const state = createState(folder, { areas: 1, call_slots: 1_024 }, () => {});
  const said: string[] = [];
  const books = new Books({
    state,
    index: 0,
    clock: new SteadyClock(clockBase()),
    sink: new EventSink(folder, state.area(0)),
    desk: null,
    log: (line) => said.push(line),
  });
  books.setPrices(book);
  const rows: LedgerRow[] = [];
  const sketches: AnswerSketch[] = [];
  const read = () => {
    const { lines, release } = state.area(0).ring.read(100_000);
    for (const line of linesIn(lines)) {
      const sketch = readSketch(line);
      if (sketch === null) rows.push(readRow(line)!);
      else sketches.push(sketch);
    }
    release();
  };
  return {
    folder,
    books,
    state,
    said,
    rows() {
      read();
      return rows;
    },
    sketches() {
      read();
      return sketches;
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}
