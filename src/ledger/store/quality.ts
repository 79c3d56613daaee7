// How models answer, by the hour: added to with every batch, read by whoever watches. And the sketches of answers to prompts that come
// again, against which later ones are compared. No table here has a word of a request or of an answer.

import type { Database, Statement } from "bun:sqlite";
import { lettersAt } from "../judged.ts";
import { NO_COUNTS, QUALITY_COLUMNS, type QualityColumn, type QualityCounts } from "../quality/counts.ts";
import { CACHE_HITS } from "../row.ts";
import { USAGE_KINDS } from "../row_line.ts";
import { type LineReader, type Names, USAGE } from "../row_reader.ts";
import { type AnswerSketch, sketchSimilarity } from "../sketch.ts";
import { LEVEL_MS, startOf } from "./windows.ts";

/** Models of a day with counts of their own: clients can name any. */
const DAY_MODELS_MAX = 300;
const OTHER = "other";
/** How long hours are kept. */
const KEPT_MS = 100 * LEVEL_MS.day;
/** An answer is what later ones are compared with for so long; then the next one is. */
const REFERENCE_MS = 28 * LEVEL_MS.day;
/** Answers that are compared with, at most. */
const REFERENCES_MAX = 20_000;

const OUTPUT_TOKENS = USAGE + USAGE_KINDS.indexOf("output_tokens");

/** A model in an hour. */
export interface QualityHour {
  readonly start_ms: number;
  readonly provider: string;
  readonly model: string;
  readonly counts: QualityCounts;
}

type Counting = Record<QualityColumn, number>;

/** The tables of quality, to be written. */
export class Quality {
  readonly #add: Statement<unknown, (string | number)[]>;
  readonly #models: Statement<{ provider: string; model: string }, [number, number]>;
  readonly #reference: Statement<{ time: number; sketch: Uint8Array }, [Uint8Array, string, string]>;
  readonly #refer: Statement<unknown, [Uint8Array, string, string, number, Uint8Array]>;
  readonly #prune: Statement<unknown, [number]>;
  readonly #forget_references: Statement<unknown, [number, number]>;
  readonly #days = new Map<number, Set<string>>();
  /** What the batch adds, by hour and model. */
  readonly #hours = new Map<
    string,
    { readonly key: readonly [number, string, string]; readonly counts: Counting }
  >();

  constructor(db: Database) {
    const columns = ["start_ms", "provider", "model", ...QUALITY_COLUMNS];
    const sums = QUALITY_COLUMNS.map((name) => `${name} = ${name} + excluded.${name}`).join(", ");
    this.#add = db.query(
      `INSERT INTO quality (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")}) ON CONFLICT DO UPDATE SET ${sums}`,
    );
    this.#models = db.query(
      "SELECT DISTINCT provider, model FROM quality WHERE start_ms >= ? AND start_ms < ?",
    );
    this.#reference = db.query(
      "SELECT time, sketch FROM answers WHERE prompt = ? AND provider = ? AND model = ?",
    );
    this.#refer = db.query(
      "INSERT INTO answers VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET time = excluded.time, sketch = excluded.sketch",
    );
    this.#prune = db.query("DELETE FROM quality WHERE start_ms < ?");
    this.#forget_references = db.query(
      `DELETE FROM answers WHERE time < ? OR time <= (SELECT time FROM answers ORDER BY time DESC LIMIT 1 OFFSET ?)`,
    );
  }

  /** Counts a row that is written. What a cache gave, or nobody answered, says nothing of a model. */
  count({ time, amounts, rest }: LineReader, { provider, served_model, error, cache }: Names): void {
    if (provider === null || error !== null || CACHE_HITS.has(cache)) return;
    const tokens = amounts[OUTPUT_TOKENS]!;
    const letters = lettersAt(rest);
    if (tokens === 0 && letters === null) return;
    const counts = this.#countsOf(time, provider, served_model ?? "");
    if (tokens > 0) {
      const length = Math.log2(1 + tokens);
      counts.answers += 1;
      counts.length_sum += length;
      counts.length_squares += length * length;
    }
    if (letters !== null) countLetters(counts, letters);
  }

  /** Compares an answer with the one that its prompt had before, which the first one is for some weeks. */
  compare({ time, provider, model, prompt, sketch }: AnswerSketch): void {
    const before = this.#reference.get(prompt, provider, model);
    if (before === null || before.time < time - REFERENCE_MS) {
      this.#refer.run(prompt, provider, model, time, sketch);
      return;
    }
    // The same line once more.
    if (before.time >= time) return;
    const counts = this.#countsOf(time, provider, model);
    const similarity = sketchSimilarity(before.sketch, sketch);
    counts.compared += 1;
    counts.similarity_sum += similarity;
    counts.similarity_squares += similarity * similarity;
  }

  /** Writes what was counted. */
  flush(): void {
    for (const { key, counts } of this.#hours.values()) {
      this.#add.run(...key, ...QUALITY_COLUMNS.map((name) => counts[name]));
    }
    this.#hours.clear();
  }

  /** Forgets what was counted and is not written: the transaction was undone. */
  forget(): void {
    this.#hours.clear();
    this.#days.clear();
  }

  /** Deletes what is old, and the oldest of what is too much. */
  prune(now_ms: number): void {
    this.#prune.run(now_ms - KEPT_MS);
    this.#forget_references.run(now_ms - 2 * REFERENCE_MS, REFERENCES_MAX);
  }

  #countsOf(time: number, provider: string, model: string): Counting {
    const start_ms = startOf("hour", time);
    const key = this.#isTold(start_ms, provider, model)
      ? ([start_ms, provider, model] as const)
      : ([start_ms, OTHER, OTHER] as const);
    const name = key.join("\0");
    let hour = this.#hours.get(name);
    if (hour === undefined) {
      hour = { key, counts: { ...NO_COUNTS } };
      this.#hours.set(name, hour);
    }
    return hour.counts;
  }

  /** Whether a model has counts of its own on its day. */
  #isTold(hour_ms: number, provider: string, model: string): boolean {
    const day_ms = startOf("day", hour_ms);
    let models = this.#days.get(day_ms);
    if (models === undefined) {
      const found = this.#models.all(day_ms, day_ms + LEVEL_MS.day);
      models = new Set(found.map((one) => `${one.provider}\0${one.model}`));
      if (this.#days.size >= 4) this.#days.clear();
      this.#days.set(day_ms, models);
    }
    const name = `${provider}\0${model}`;
    if (models.has(name)) return true;
    if (models.size >= DAY_MODELS_MAX) return false;
    models.add(name);
    return true;
  }
}

function countLetters(counts: Counting, letters: string): void {
  counts.judged += 1;
  for (const letter of letters) {
    if (letter === "r") counts.refused += 1;
    else if (letter === "c") counts.cut += 1;
    else if (letter === "j" || letter === "J") {
      counts.json += 1;
      if (letter === "J") counts.json_invalid += 1;
    } else if (letter === "t" || letter === "T") {
      counts.tools += 1;
      if (letter === "T") counts.tools_failed += 1;
    }
  }
}

/** The hours of a range, from its beginning on. */
export function qualityHours(db: Database, since_ms: number, until_ms: number): readonly QualityHour[] {
  return db
    .query<QualityCounts & { start_ms: number; provider: string; model: string }, [number, number]>(
      "SELECT * FROM quality WHERE start_ms >= ? AND start_ms < ? ORDER BY start_ms",
    )
    .all(since_ms, until_ms)
    .map(({ start_ms, provider, model, ...counts }) => ({ start_ms, provider, model, counts }));
}
