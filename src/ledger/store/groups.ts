// What usage is summed up by: a group is one combination of tenant, team, key, user, feature and models, known by a number.
// Clients choose some of these names, so a day has a bound: further combinations are counted with their names as "other".

import type { Database, Statement } from "bun:sqlite";
import type { LedgerRow } from "../row.ts";
import { startOf } from "./windows.ts";

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

/** What a row's group and its spending are decided by, as a text: its names and its day. */
export function kindOf(row: LedgerRow): string {
  const whose = `${row.tenant}\0${row.team}\0${row.key}\0${row.user}\0${row.feature}`;
  return `${whose}\0${row.model}\0${row.provider}\0${row.served_model}\0${startOf("day", row.time)}`;
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

  /** The group that a row is counted in. Within a transaction: its group may be new. Rows of one `kindOf` are in one group. */
  groupOf(row: LedgerRow): number {
    const day = this.#groupsOfDay(startOf("day", row.time));
    const names = DIMENSIONS.map((dimension) => row[dimension] ?? "");
    // The same at every size of window, because it is decided by the day.
    const found =
      this.#within(day, names, this.#day_max) ??
      this.#within(day, withOther(names, ["user", "feature"]), 2 * this.#day_max);
    if (found !== null) return found;
    // What is left are names of the configuration.
    const bounded = withOther(names, ["user", "feature", "model", "served_model"]);
    return this.#within(day, bounded, Number.POSITIVE_INFINITY)!;
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

function withOther(names: readonly string[], folded: readonly Dimension[]): string[] {
  return names.map((name, index) => (name !== "" && folded.includes(DIMENSIONS[index]!) ? OTHER : name));
}
