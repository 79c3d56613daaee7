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

/** The groups that rows belong to. */
export class Groups {
  readonly #find: Statement<{ id: number }, string[]>;
  readonly #add: Statement<{ id: number }, string[]>;
  readonly #of_day: Statement<{ group_id: number }, [number]>;
  readonly #day_max: number;
  readonly #ids = new Map<string, number>();
  readonly #days = new Map<number, Set<number>>();

  constructor(db: Database, day_max: number) {
    const columns = DIMENSIONS.join(", ");
    const marks = DIMENSIONS.map(() => "?").join(", ");
    this.#find = db.query(`SELECT id FROM groups WHERE (${columns}) = (${marks})`);
    this.#add = db.query(`INSERT INTO groups (${columns}) VALUES (${marks}) RETURNING id`);
    this.#of_day = db.query("SELECT group_id FROM rollup_day WHERE start_ms = ?");
    this.#day_max = day_max;
  }

  /** The group that rows with these names are counted in on a day. Within a transaction: it may be new. */
  groupOf(row: Names, day_ms: number): Placed {
    const day = this.#groupsOfDay(day_ms);
    const names = DIMENSIONS.map((dimension) => row[dimension] ?? "");
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
    const known = this.#ids.get(key) ?? this.#find.get(...names)?.id;
    if (known === undefined && day.size >= max) return null;
    const id = known ?? this.#add.get(...names)!.id;
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
    const loaded = new Set(this.#of_day.all(start_ms).map(({ group_id }) => group_id));
    if (this.#days.size >= DAYS_MAX) this.#days.delete(Math.min(...this.#days.keys()));
    this.#days.set(start_ms, loaded);
    return loaded;
  }
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
