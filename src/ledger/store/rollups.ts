// Sums of calls by window and group. A batch is added up in memory first, so that a group of which it has a thousand calls
// is written once; sizes above the minute are added up from the size below.

import type { Database, Statement } from "bun:sqlite";
import type { LedgerRow } from "../row.ts";
import { USAGE_KINDS } from "../row_text.ts";
import { LEVELS, type Level, startOf } from "./windows.ts";

/** What is counted of usage. What providers say of the cost is kept with the calls alone: only few say it. */
const COUNTED_KINDS = USAGE_KINDS.filter((kind) => kind !== "told_nano_usd");

/** The columns that are sums, in order. */
export const SUM_COLUMNS: readonly string[] = [
  ...["calls", "errors"],
  ...COUNTED_KINDS,
  ...["cost_nano_usd", "unpriced_calls", "estimated_calls"],
];

/** Sums of a group in a window, in the order of the columns, but for the cost. */
interface Sums {
  readonly counts: number[];
  /** The cost in two parts, because the whole may be over what a number says exactly, and numbers are added faster. */
  cost_nano_usd: number;
  carried_nano_usd: bigint;
}

/** What a part of a cost is carried at: with one more call's it is still exact. */
const CARRY_AT = 2 ** 52;

const COST_INDEX = SUM_COLUMNS.indexOf("cost_nano_usd");

/** Sums by the beginning of their window and by group. */
type Windows = Map<number, Map<number, Sums>>;

/** What a batch adds to the rollups. */
export class BatchSums {
  readonly #minutes: Windows = new Map();

  /** Counts a row in its group. */
  add(row: LedgerRow, group: number): void {
    const sums = sumsAt(this.#minutes, startOf("minute", row.time), group);
    const { counts } = sums;
    counts[0]! += 1;
    if (row.error !== null) counts[1]! += 1;
    for (let kind = 0; kind < COUNTED_KINDS.length; kind++)
      counts[2 + kind]! += row.usage[COUNTED_KINDS[kind]!];
    if (row.cost_nano_usd === null) counts[COST_INDEX + 1]! += 1;
    else addCost(sums, row.cost_nano_usd);
    if (row.estimated) counts[COST_INDEX + 2]! += 1;
  }

  /** The sums of every size of window. */
  *byLevel(): Generator<readonly [Level, Windows]> {
    let windows = this.#minutes;
    for (const level of LEVELS) {
      if (level !== "minute") windows = widened(windows, level);
      yield [level, windows];
    }
  }
}

function addCost(sums: Sums, nano_usd: number): void {
  sums.cost_nano_usd += nano_usd;
  if (sums.cost_nano_usd < CARRY_AT) return;
  sums.carried_nano_usd += BigInt(sums.cost_nano_usd);
  sums.cost_nano_usd = 0;
}

function sumsAt(windows: Windows, start_ms: number, group: number): Sums {
  let groups = windows.get(start_ms);
  if (groups === undefined) {
    groups = new Map();
    windows.set(start_ms, groups);
  }
  let sums = groups.get(group);
  if (sums === undefined) {
    sums = { counts: SUM_COLUMNS.map(() => 0), cost_nano_usd: 0, carried_nano_usd: 0n };
    groups.set(group, sums);
  }
  return sums;
}

function widened(windows: Windows, level: Level): Windows {
  const wide: Windows = new Map();
  for (const [start_ms, groups] of windows) {
    for (const [group, { counts, cost_nano_usd, carried_nano_usd }] of groups) {
      const sums = sumsAt(wide, startOf(level, start_ms), group);
      for (let index = 0; index < counts.length; index++) sums.counts[index]! += counts[index]!;
      addCost(sums, cost_nano_usd);
      sums.carried_nano_usd += carried_nano_usd;
    }
  }
  return wide;
}

/** The tables of rollups, to be added to. */
export class Rollups {
  readonly #add: ReadonlyMap<Level, Statement<unknown, (number | bigint)[]>>;

  constructor(db: Database) {
    const columns = ["start_ms", "group_id", ...SUM_COLUMNS];
    const sums = SUM_COLUMNS.map((name) => `${name} = ${name} + excluded.${name}`).join(", ");
    const marks = columns.map(() => "?").join(", ");
    const statement = (level: Level): Statement<unknown, (number | bigint)[]> =>
      db.query(
        `INSERT INTO rollup_${level} (${columns.join(", ")}) VALUES (${marks}) ON CONFLICT DO UPDATE SET ${sums}`,
      );
    this.#add = new Map(LEVELS.map((level) => [level, statement(level)]));
  }

  /** Adds a batch's sums, within the transaction that writes its rows. */
  add(batch: BatchSums): void {
    for (const [level, windows] of batch.byLevel()) {
      const add = this.#add.get(level)!;
      for (const [start_ms, groups] of windows) {
        for (const [group, { counts, cost_nano_usd, carried_nano_usd }] of groups) {
          const values: (number | bigint)[] = [start_ms, group, ...counts];
          values[2 + COST_INDEX] =
            carried_nano_usd === 0n ? cost_nano_usd : carried_nano_usd + BigInt(cost_nano_usd);
          add.run(...values);
        }
      }
    }
  }
}
