// Sums of calls by window and group. A batch is added up in memory first (`batch.ts`), so that a group of which it has a
// thousand calls is written once; sizes above the minute are added up from the size below.

import type { Database, Statement } from "bun:sqlite";
import { CACHE_HITS } from "../row.ts";
import { USAGE_KINDS } from "../row_line.ts";
import { COST, ESTIMATED, type LineReader, type Names, SAVED, USAGE } from "../row_reader.ts";
import { Money } from "./money.ts";
import { LEVELS, type Level, startOf } from "./windows.ts";

/** What is counted of usage. What providers say of the cost is kept with the calls alone: only few say it, and it is the last. */
const COUNTED_KINDS = USAGE_KINDS.filter((kind) => kind !== "told_nano_usd");

/** The columns that are sums, in order: counts, then money. */
export const SUM_COLUMNS: readonly string[] = [
  ...["calls", "errors", "unpriced_calls", "estimated_calls", "cache_hits"],
  ...COUNTED_KINDS,
  ...["cost_nano_usd", "saved_nano_usd"],
];

const CALLS = 0;
const ERRORS = 1;
const UNPRICED = 2;
const ESTIMATES = 3;
const HITS = 4;
/** The first of the usage, by kind. */
const KINDS = 5;
const COUNTS = KINDS + COUNTED_KINDS.length;

/** Sums of a group in a window. */
export class Sums {
  readonly #counts: number[] = new Array(COUNTS).fill(0);
  readonly #cost = new Money();
  readonly #saved = new Money();

  /** Counts a row. */
  add({ amounts, has_cost }: LineReader, { error, cache }: Names): void {
    const counts = this.#counts;
    counts[CALLS]! += 1;
    if (error !== null) counts[ERRORS]! += 1;
    if (!has_cost) counts[UNPRICED]! += 1;
    counts[ESTIMATES]! += amounts[ESTIMATED]!;
    if (CACHE_HITS.has(cache)) counts[HITS]! += 1;
    for (let kind = 0; kind < COUNTED_KINDS.length; kind++) counts[KINDS + kind]! += amounts[USAGE + kind]!;
    this.#cost.add(amounts[COST]!);
    this.#saved.add(amounts[SAVED]!);
  }

  addAll(other: Sums): void {
    for (let index = 0; index < COUNTS; index++) this.#counts[index]! += other.#counts[index]!;
    this.#cost.addAll(other.#cost);
    this.#saved.addAll(other.#saved);
  }

  /** In the order of the columns. */
  get values(): (number | bigint)[] {
    return [...this.#counts, this.#cost.sum, this.#saved.sum];
  }
}

/** Sums by group, by the beginning of their window. */
export type Windows = ReadonlyMap<number, ReadonlyMap<number, Sums>>;

/** The sums of the next larger windows. */
export function widened(windows: Windows, level: Level): Windows {
  const wide = new Map<number, Map<number, Sums>>();
  for (const [window_ms, groups] of windows) {
    const start_ms = startOf(level, window_ms);
    const wide_groups = wide.get(start_ms) ?? new Map<number, Sums>();
    wide.set(start_ms, wide_groups);
    for (const [group, sums] of groups) {
      const wide_sums = wide_groups.get(group) ?? new Sums();
      wide_groups.set(group, wide_sums);
      wide_sums.addAll(sums);
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

  /** Adds a batch's sums by minutes, within the transaction that writes its rows. */
  add(minutes: Windows): void {
    let windows = minutes;
    for (const level of LEVELS) {
      if (level !== "minute") windows = widened(windows, level);
      const add = this.#add.get(level)!;
      for (const [start_ms, groups] of windows) {
        for (const [group, sums] of groups) add.run(start_ms, group, ...sums.values);
      }
    }
  }
}
