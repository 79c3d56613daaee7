// What a batch of rows adds up to: by minute and group, and by who pays for it. Most rows of a batch are like others of it, so that
// names are read, groups looked up and budgets found once for all of them.

import type { LineReader, Names } from "../row_reader.ts";
import type { Placed } from "./groups.ts";
import { Money } from "./money.ts";
import { Sums } from "./rollups.ts";
import { startOf } from "./windows.ts";

/** Rows of a day with the same names. */
export class Kind {
  readonly names: Names;
  readonly day_ms: number;
  readonly group: number;
  readonly own_names: string | null;
  readonly cost = new Money();
  /** Where its last row was counted: the next one most likely is too. */
  minute: Minute | null = null;
  sums: Sums | null = null;

  constructor(names: Names, day_ms: number, { group, own_names }: Placed) {
    this.names = names;
    this.day_ms = day_ms;
    this.group = group;
    this.own_names = own_names;
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
    const known = this.#kinds.get(row.names);
    if (known !== undefined && known.day_ms === day_ms) return known;
    const name = `${day_ms}${row.names}`;
    const of_day = this.#kinds.get(name);
    if (of_day !== undefined) return of_day;
    const kind = make(row.names, day_ms);
    if (kind !== null) this.#kinds.set(known === undefined ? row.names : name, kind);
    return kind;
  }

  /** Counts a row that is written. */
  count(row: LineReader, kind: Kind, seq: number): void {
    const minute = this.#minuteOf(startOf("minute", row.time), seq);
    minute.last_seq = seq;
    if (kind.minute !== minute || kind.sums === null) {
      kind.minute = minute;
      kind.sums = minute.groups.get(kind.group) ?? new Sums();
      minute.groups.set(kind.group, kind.sums);
    }
    kind.sums.add(row, kind.names);
    kind.cost.add(row.amounts[0]!);
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
