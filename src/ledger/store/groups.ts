// What usage is summed up by: a group is one combination of tenant, team, key, user, feature and models, known by a number.
// Clients choose some of these names, so a day has a bound: further combinations are counted with their names as "other".

import type { Database, Statement } from "bun:sqlite";
import type { Names } from "../row_reader.ts";

/** Combinations of a day that are groups of their own. In further ones user and feature are "other". */
export const DAY_GROUPS_MAX = 10_000;
/** The name of what is not counted by its own. */
export const OTHER = "other";
/** Numbers of groups that are remembered. */
const REMEMBERED_MAX = 50_000;
/** Days whose groups are remembered: today, and those of late rows. */
const DAYS_MAX = 4;

/** What groups are told apart by, in the order of their columns. */
export const DIMENSIONS = [
  "tenant",
  "team",
  "key",
  "user",
  "feature",
  "model",
  "provider",
  "served_model",
] as const;

/** One of them. */
export type Dimension = (typeof DIMENSIONS)[number];

/** Those that clients can fill with what they like, so that a group may have "other" in their place. */
export const FOLDED: readonly Dimension[] = ["user", "feature", "model", "served_model"];

/** A group, and what of the names that it was asked for is "other" in it: as JSON; null for none. */
export interface Placed {
  readonly group: number;
  readonly own_names: string | null;
}

/** Where groups are kept; names are in the order of DIMENSIONS. */
export interface GroupTable {
  find(names: readonly string[]): number | undefined;
  /** Makes a group of these names, which has none. */
  add(names: readonly string[]): number;
  /** The groups that a day has. */
  ofDay(start_ms: number): Iterable<number>;
}

/** The groups of a file. */
export function groupTable(db: Database): GroupTable {
  const columns = DIMENSIONS.join(", ");
  const marks = DIMENSIONS.map(() => "?").join(", ");
  const find: Statement<{ id: number }, string[]> = db.query(
    `SELECT id FROM groups WHERE (${columns}) = (${marks})`,
  );
  const add: Statement<{ id: number }, string[]> = db.query(
    `INSERT INTO groups (${columns}) VALUES (${marks}) RETURNING id`,
  );
  const of_day: Statement<{ group_id: number }, [number]> = db.query(
    "SELECT group_id FROM rollup_day WHERE start_ms = ?",
  );
  return {
    find: (names) => find.get(...names)?.id,
    add: (names) => add.get(...names)!.id,
    ofDay: (start_ms) => of_day.all(start_ms).map(({ group_id }) => group_id),
  };
}

/** The groups that rows belong to. */
export class Groups {
  readonly #table: GroupTable;
  readonly #day_max: number;
  readonly #ids = new Map<string, number>();
  readonly #days = new Map<number, Set<number>>();

  constructor(table: GroupTable, day_max: number) {
    this.#table = table;
    this.#day_max = day_max;
  }

  /** The group that rows with these names are counted in on a day. Within a transaction: it may be new. */
  groupOf(row: Names, day_ms: number): Placed {
    const day = this.#groupsOfDay(day_ms);
    const names = namesOf(row);
    // The same at every size of window, because it is decided by the day.
    const group = this.#within(day, names, this.#day_max);
    if (group !== null) return { group, own_names: null };
    // When there are too many even so, what is left are names of the configuration.
    const without_users = withOther(names, ["user", "feature"]);
    const bounded = withOther(names, FOLDED);
    const found = this.#within(day, without_users, 2 * this.#day_max);
    if (found !== null) return { group: found, own_names: differenceOf(names, without_users) };
    const last = this.#within(day, bounded, Number.POSITIVE_INFINITY)!;
    return { group: last, own_names: differenceOf(names, bounded) };
  }

  /** Forgets what it remembers: the transaction that it was learned in was undone. */
  forget(): void {
    this.#ids.clear();
    this.#days.clear();
  }

  /** The number of a combination, if the day has it or may have one more. */
  #within(day: Set<number>, names: string[], max: number): number | null {
    const key = names.join("\0");
    const known = this.#ids.get(key) ?? this.#table.find(names);
    if (known === undefined && day.size >= max) return null;
    const id = known ?? this.#table.add(names);
    if (!day.has(id)) {
      if (day.size >= max) return null;
      day.add(id);
    }
    if (this.#ids.size >= REMEMBERED_MAX) this.#ids.clear();
    this.#ids.set(key, id);
    return id;
  }

  #groupsOfDay(start_ms: number): Set<number> {
    const known = this.#days.get(start_ms);
    if (known !== undefined) return known;
    const loaded = new Set(this.#table.ofDay(start_ms));
    if (this.#days.size >= DAYS_MAX) this.#days.delete(Math.min(...this.#days.keys()));
    this.#days.set(start_ms, loaded);
    return loaded;
  }
}

function namesOf(row: Names): string[] {
  return DIMENSIONS.map((dimension) => row[dimension] ?? "");
}

/** All names under which rows with these may be counted: their own, and those with "other" in some places. */
export function possibleNames(row: Names): string[][] {
  const names = namesOf(row);
  return [names, withOther(names, ["user", "feature"]), withOther(names, FOLDED)];
}

/** Names that are others than those of their group. */
function differenceOf(names: readonly string[], of_group: readonly string[]): string | null {
  const own = DIMENSIONS.map((dimension, index) => [dimension, names[index]!] as const).filter(
    ([, name], index) => name !== of_group[index],
  );
  return own.length === 0 ? null : JSON.stringify(Object.fromEntries(own));
}

function withOther(names: readonly string[], folded: readonly Dimension[]): string[] {
  return names.map((name, index) => (name !== "" && folded.includes(DIMENSIONS[index]!) ? OTHER : name));
}
