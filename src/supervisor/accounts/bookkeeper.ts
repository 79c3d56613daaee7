// Brings the rows of all gateway processes from shared memory into the ledger, and closes the accounts of processes that died.
// A row leaves the ring only when the ledger has it for good, so that whoever dies in between, nothing is lost or counted twice.

import { ALL_TENANTS, type Scope } from "../../access/counter_key.ts";
import { moneyCounter } from "../../access/limit_set.ts";
import { type FlightNote, readNote, rowOfKilled } from "../../ledger/flight_note.ts";
import type { LedgerRow } from "../../ledger/row.ts";
import { writeRow } from "../../ledger/row_line.ts";
import { RING_BYTES } from "../../memory/layout.ts";
import type { ProcessArea } from "../../memory/process_area.ts";
import { readSpill } from "../../memory/spill.ts";
import type { State } from "../../memory/state.ts";
import { syncToDisk } from "./disk_sync.ts";
import type { LedgerWriter } from "./ledger_writer.ts";

/** How often the rings are looked at, in milliseconds. */
const LOOK_MS = 100;
/**
 * How many looks rows may wait: what a power failure may cost. A transaction costs as much as two hundred rows, so that a few
 * rows are not worth one. A ring that fills up is emptied at the next look.
 */
const LOOKS_PER_BATCH = 4;
/** How many looks it takes until files of spilled rows are looked for. */
const LOOKS_PER_SPILL = 12;
/** Rows of one transaction at most. */
const BATCH_MAX = 2_000;

/** How often places of the dead are tried to be freed. */
const RELEASE_TRIES = 600;

/** What a bookkeeper works with. */
export interface BookkeeperOptions {
  readonly state: State;
  readonly writer: LedgerWriter;
  log(line: string): void;
  /** These rows, a line each, are in the ledger; the bytes are the listener's. */
  onWritten?(lines: Uint8Array): void;
}

/** The supervisor's bookkeeper. */
export class Bookkeeper {
  readonly #state: State;
  #writer: LedgerWriter;
  readonly #log: (line: string) => void;
  readonly #onWritten: (lines: Uint8Array) => void;
  #timer: ReturnType<typeof setInterval> | null = null;
  #endSync = () => {};
  /** One drain after another. */
  #work: Promise<void> = Promise.resolve();
  #is_waiting = false;
  #looks = 0;

  constructor({ state, writer, log, onWritten = () => {} }: BookkeeperOptions) {
    this.#state = state;
    this.#writer = writer;
    this.#log = log;
    this.#onWritten = onWritten;
  }

  /** Begins to look after the rings by itself; with another writer, where one is given. */
  start(writer = this.#writer): void {
    this.#writer = writer;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
    this.#endSync = syncToDisk(this.#state, this.#log);
  }

  /** Everything that was recorded until now is in the ledger when this resolves. */
  flush(): Promise<void> {
    return this.#then(async () => {
      for (let index = 0; index < this.#state.areas; index++) await this.#drain(this.#state.area(index));
      await this.#drainSpilled();
    });
  }

  /** A gateway process is dead: its places are free at once, its calls are accounted for. */
  async bury(index: number): Promise<void> {
    const freed = this.#releaseColumn(index);
    await this.#then(async () => {
      await this.#drain(this.#state.area(index));
      await this.#drainSpilled();
      await this.#closeFlights(this.#state.area(index));
    });
    await freed;
  }

  /** A process of an earlier version is dead, which had its area in another file. */
  inherit(area: ProcessArea): Promise<void> {
    return this.#then(async () => {
      await this.#drain(area);
      await this.#closeFlights(area);
    });
  }

  /** A process that is stopped in the middle of a change may stand in the way, for a moment or until it goes on. */
  async #releaseColumn(index: number): Promise<void> {
    for (let tries = 0; tries < RELEASE_TRIES; tries++) {
      if (this.#state.releaseColumn(index)) return;
      await Bun.sleep(LOOK_MS);
    }
  }

  /** Writes what is left, closes the ledger and looks after nothing until the next start. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#endSync();
    await this.flush();
    await this.#writer.close();
  }

  #look(): void {
    this.#looks += 1;
    // Rows that found no room in their ring wait in files; whether there are any is not asked every time.
    const is_spill_due = this.#looks % LOOKS_PER_SPILL === 0;
    const enough_bytes = this.#looks % LOOKS_PER_BATCH === 0 ? 1 : RING_BYTES / 4;
    if (this.#is_waiting || !(is_spill_due || this.#hasRows(enough_bytes))) return;
    this.#is_waiting = true;
    void this.flush().finally(() => {
      this.#is_waiting = false;
    });
  }

  /** Whether rows of so many bytes wait in a ring. */
  #hasRows(enough_bytes: number): boolean {
    for (let index = 0; index < this.#state.areas; index++) {
      if (this.#state.area(index).ring.waiting_bytes >= enough_bytes) return true;
    }
    return false;
  }

  #then(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#log(`the ledger could not be written: ${error instanceof Error ? error.message : String(error)}`);
    });
    return this.#work;
  }

  async #drain({ ring }: ProcessArea): Promise<void> {
    for (;;) {
      const { lines, release } = ring.read(BATCH_MAX);
      if (lines.length === 0) break;
      await this.#write(lines);
      release();
    }
  }

  async #write(lines: Uint8Array): Promise<void> {
    await this.#writer.write(lines);
    this.#onWritten(lines);
  }

  /** Rows that found no room in their ring. */
  async #drainSpilled(): Promise<void> {
    for (;;) {
      const { lines, release } = readSpill(this.#state);
      if (lines.length === 0) return release();
      await this.#write(lines);
      release();
    }
  }

  /** Calls that were in flight when their process died: a row for each, and what they held of budgets set right. */
  async #closeFlights(area: ProcessArea): Promise<void> {
    const rows: LedgerRow[] = [];
    for (const { text, output_tokens } of area.calls.live) {
      const note = readNote(text);
      if (note === null) continue;
      const row = rowOfKilled(note, output_tokens);
      rows.push(row);
      this.#setBudgetsRight(note, row);
    }
    if (rows.length > 0) await this.#write(Buffer.from(rows.map(writeRow).join("\n")));
    area.calls.clear();
    if (rows.length > 0) this.#log(`${rows.length} calls were in flight in a process that died`);
  }

  /** Whatever of the scopes has a budget holds what the call reserved; it keeps what the call has cost. */
  #setBudgetsRight({ held }: FlightNote, row: LedgerRow): void {
    const difference = BigInt(row.cost_nano_usd ?? 0) - BigInt(held);
    if (difference === 0n || held === "0") return;
    const { counters } = this.#state;
    for (const [tenant, scope, name] of scopesOf(row)) {
      for (const period of ["day", "month"] as const) {
        const at = counters.find(moneyCounter(tenant, scope, name, period, row.time), Date.now());
        if (at >= 0) Atomics.add(counters.longs, at >> 1, difference);
      }
    }
  }
}

/** The scopes whose budgets a row may count in. */
function scopesOf(row: LedgerRow): (readonly [tenant: string, scope: Scope, name: string])[] {
  const { tenant, team, key, user, model } = row;
  const scopes: (readonly [string, Scope, string])[] = [[tenant, "tenant", tenant]];
  if (key !== null) scopes.push([tenant, "key", key]);
  if (key !== null && user !== null) scopes.push([tenant, "user", JSON.stringify([key, user])]);
  if (team !== null) scopes.push([tenant, "team", team]);
  if (model !== null) scopes.push([ALL_TENANTS, "model", model]);
  return scopes;
}
