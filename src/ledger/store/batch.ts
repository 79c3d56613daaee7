// What a batch of rows adds up to: by minute and group, and by who pays for it. Most rows of a batch are like others of it, so that
// names are read, groups looked up and budgets found once for all of them.

import { COST, type LineReader, type Names } from "../row_reader.ts";
import type { Placed } from "./groups.ts";
import { Money } from "./money.ts";
import { Sums } from "./rollups.ts";
import { startOf } from "./windows.ts";

/** Rows of a day with the same names. */
export class Kind {
  /** As their lines have them. */
  readonly text: string;
  readonly names: Names;
  readonly day_ms: number;
  readonly placed: Placed;
  readonly cost = new Money();
  /** Where its last row was counted: the next one most likely is too. */
  minute: Minute | null = null;
  sums: Sums | null = null;

  constructor(text: string, names: Names, day_ms: number, placed: Placed) {
    this.text = text;
    this.names = names;
    this.day_ms = day_ms;
    this.placed = placed;
  }
}

/** Rows of a minute. */
export interface Minute {
  readonly start_ms: number;
  readonly groups: Map<number, Sums>;
  readonly first_seq: number;
  last_seq: number;
}

/** A batch, as far as its rows have been counted. */
export class Batch {
  readonly #kinds = new Map<string, Kind>();
  readonly #minutes = new Map<number, Minute>();
  #minute: Minute | null = null;
  #kind: Kind | null = null;
  /** The day that most of its rows are of: that of the first. */
  #day_ms: number | null = null;

  /** Its kinds of rows. */
  get kinds(): Iterable<Kind> {
    return this.#kinds.values();
  }

  /** Its minutes. */
  get minutes(): Iterable<Minute> {
    return this.#minutes.values();
  }

  /** Its sums. */
  get windows(): Map<number, Map<number, Sums>> {
    return new Map(this.#minutes.values().map(({ start_ms, groups }) => [start_ms, groups]));
  }

  /** The kind that a row is of, made where it is the first; null where `make` gives none. */
  kindOf(row: LineReader, make: (names: string, day_ms: number) => Kind | null): Kind | null {
    const day_ms = startOf("day", row.time);
    const last = this.#kind;
    if (last !== null && last.day_ms === day_ms && last.text === row.names) return last;
    this.#day_ms ??= day_ms;
    const name = day_ms === this.#day_ms ? row.names : `${day_ms}${row.names}`;
    const kind = this.#kinds.get(name) ?? make(row.names, day_ms);
    if (kind === null) return null;
    this.#kinds.set(name, kind);
    this.#kind = kind;
    return kind;
  }

  /** Counts a row that is written. */
  count(row: LineReader, kind: Kind, seq: number): void {
    const minute = this.#minuteOf(startOf("minute", row.time), seq);
    minute.last_seq = seq;
    if (kind.minute !== minute || kind.sums === null) {
      kind.minute = minute;
      kind.sums = minute.groups.get(kind.placed.group) ?? new Sums();
      minute.groups.set(kind.placed.group, kind.sums);
    }
    kind.sums.add(row, kind.names);
    kind.cost.add(row.amounts[COST]!);
  }

  #minuteOf(start_ms: number, seq: number): Minute {
    if (this.#minute?.start_ms === start_ms) return this.#minute;
    let minute = this.#minutes.get(start_ms);
    if (minute === undefined) {
      minute = { start_ms, groups: new Map(), first_seq: seq, last_seq: seq };
      this.#minutes.set(start_ms, minute);
    }
    this.#minute = minute;
    return minute;
  }
}
