// The groups of a ledger in Postgres, as far as a batch needs them: looked up all at once before its rows are placed, and those
// that are new written all at once afterwards. Within the ledger's lock nobody else makes any.

import { createHash } from "node:crypto";
import type { Transaction } from "../../postgres/database.ts";
import type { Names } from "../row_reader.ts";
import { DIMENSIONS, type GroupTable, possibleNames } from "../store/groups.ts";

/** Numbers of groups that are remembered. */
const REMEMBERED_MAX = 50_000;
/** Days whose groups are remembered. */
const DAYS_MAX = 4;

const COLUMNS = ["id", "digest", ...DIMENSIONS.map((name) => `"${name}"`)];
const INSERT = `INSERT INTO groups (${COLUMNS.join(", ")}) SELECT * FROM json_to_recordset(?::text::json)
  AS made (${COLUMNS.map((name) => `${name} ${name === "id" ? "integer" : "text"}`).join(", ")})`;

/** Remembers groups, and what a transaction makes of them. */
export class PostgresGroups implements GroupTable {
  /** By digest. */
  readonly #ids = new Map<string, number>();
  readonly #days = new Map<number, Set<number>>();
  #made: Record<string, string | number>[] = [];
  #last_id = 0;

  /** Looks up all that placing these may ask for. */
  async learn(
    tx: Transaction,
    kinds: Iterable<{ readonly names: Names; readonly day_ms: number }>,
  ): Promise<void> {
    if (this.#ids.size > REMEMBERED_MAX) this.#ids.clear();
    const digests = new Set<string>();
    const days = new Set<number>();
    for (const { names, day_ms } of kinds) {
      days.add(day_ms);
      for (const possible of possibleNames(names)) digests.add(digestOf(possible));
    }
    const unknown = [...digests].filter((digest) => !this.#ids.has(digest));
    if (unknown.length > 0) await this.#learnGroups(tx, unknown);
    await this.#learnDays(tx, [...days]);
  }

  find(names: readonly string[]): number | undefined {
    return this.#ids.get(digestOf(names));
  }

  add(names: readonly string[]): number {
    const digest = digestOf(names);
    const id = ++this.#last_id;
    this.#ids.set(digest, id);
    const named = DIMENSIONS.map((dimension, index) => [dimension, names[index]!] as const);
    this.#made.push({ id, digest, ...Object.fromEntries(named) });
    return id;
  }

  ofDay(start_ms: number): Iterable<number> {
    return this.#days.get(start_ms) ?? [];
  }

  /** Writes those that were made. */
  async save(tx: Transaction): Promise<void> {
    if (this.#made.length > 0) await tx.ask(INSERT, JSON.stringify(this.#made));
    this.#made = [];
  }

  /** Forgets what it remembers. */
  forget(): void {
    this.#ids.clear();
    this.#days.clear();
    this.#made = [];
  }

  async #learnGroups(tx: Transaction, digests: readonly string[]): Promise<void> {
    const found = await tx.ask<{ id: number; digest: string }>(
      "SELECT id, digest FROM groups WHERE digest IN (SELECT json_array_elements_text(?::text::json))",
      JSON.stringify(digests),
    );
    for (const { id, digest } of found) this.#ids.set(digest, id);
    const [last] = await tx.ask<{ id: number | null }>("SELECT max(id) AS id FROM groups");
    this.#last_id = last?.id ?? 0;
  }

  /** Groups are never taken from a day, so that whose number is the same are the same. */
  async #learnDays(tx: Transaction, days: readonly number[]): Promise<void> {
    for (const day_ms of days) {
      const known = this.#days.get(day_ms);
      if (known !== undefined) {
        const [found] = await tx.ask("SELECT count(*) AS count FROM rollup_day WHERE start_ms = ?", day_ms);
        if (Number(found?.["count"]) === known.size) continue;
      }
      const found = await tx.ask<{ group_id: number }>(
        "SELECT group_id FROM rollup_day WHERE start_ms = ?",
        day_ms,
      );
      if (this.#days.size >= DAYS_MAX + days.length) this.#days.delete(Math.min(...this.#days.keys()));
      this.#days.set(day_ms, new Set(found.map(({ group_id }) => group_id)));
    }
  }
}

/** What names are known by that may be too long for an index. */
export function digestOf(names: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(names)).digest("base64url");
}
