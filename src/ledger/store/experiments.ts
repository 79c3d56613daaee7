// What tests and shadows have shown: of each arm what its calls cost, how long they took, and how often they failed, were refused or
// cut short, with how sure that is. Read from the rows of the calls themselves.

import type { Database } from "bun:sqlite";
import { CACHE_HITS } from "../row.ts";
import { USAGE_KINDS } from "../row_line.ts";
import { COST, readAmounts, USAGE } from "../row_reader.ts";
import { type Estimate, meanOf, quantileOf, shareOf } from "../statistics.ts";
import { type Span, spansOf } from "./spans.ts";

/** Rows of experiments that are added up, and rows that they are looked for among: of more, the newest. */
export const ADDED_MAX = 100_000;
const SEARCHED_MAX = 1_000_000;

/** A question for experiments. */
export interface ExperimentsQuery {
  readonly since_ms: number;
  readonly until_ms: number;
  /** Only the rule of this name, or the model of this name that has a shadow. */
  readonly route?: string | undefined;
}

/** What the calls of one arm were like. Times in milliseconds, money in nano-dollars. */
export interface Arm {
  readonly name: string;
  readonly calls: number;
  /** Of all calls. */
  readonly errors: Estimate | null;
  /** Of the answers: refusals, and those that were cut by their length. */
  readonly refusals: Estimate | null;
  readonly cut: Estimate | null;
  /** Of the answers: from the arrival of the call to their end. */
  readonly p50_ms: Estimate | null;
  readonly p95_ms: Estimate | null;
  readonly output_tokens: Estimate | null;
  /** Of all calls whose price is known. */
  readonly cost_nano_usd: Estimate | null;
}

/** A rule that splits calls, or a model and its candidate. */
export interface Experiment {
  readonly kind: "split" | "shadow";
  /** The rule's name, or the model's. */
  readonly name: string;
  /** Of a shadow: the model, then its candidate, over the same calls. */
  readonly arms: readonly Arm[];
  /** Of a shadow: how much of both answers is the same, 0 to 1. */
  readonly agreement: Estimate | null;
}

/** The experiments of a time. */
export interface ExperimentsAnswer {
  readonly experiments: readonly Experiment[];
  readonly since_ms: number;
  readonly until_ms: number;
  /** Whether there were more rows than are looked at. */
  readonly is_cut: boolean;
}

const OUTPUT_TOKENS = USAGE + USAGE_KINDS.indexOf("output_tokens");
/** Why answers end that are cut by their length, in the words of all formats. */
const CUT: ReadonlySet<unknown> = new Set(["length", "max_tokens", "MAX_TOKENS", "max_output_tokens"]);

/** Adds up the calls of an arm. */
class Tally {
  readonly #name: string;
  #calls = 0;
  #errors = 0;
  #refusals = 0;
  #cut = 0;
  readonly #took_ms: number[] = [];
  readonly #output_tokens: number[] = [];
  readonly #cost_nano_usd: number[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  /** @param refused in place of what the row says of its answer */
  add({ error, amounts, rest }: Seen, refused = rest["refusal"] === true): void {
    this.#calls += 1;
    const { amounts: used, has_cost } = readAmounts(amounts);
    if (has_cost) this.#cost_nano_usd.push(used[COST]!);
    if (error !== null) {
      this.#errors += 1;
      return;
    }
    if (refused) this.#refusals += 1;
    if (CUT.has(rest["finish_reason"])) this.#cut += 1;
    const [total_us] = listOf(rest["timings_us"]);
    if (typeof total_us === "number") this.#took_ms.push(total_us / 1_000);
    this.#output_tokens.push(used[OUTPUT_TOKENS]!);
  }

  get arm(): Arm {
    const answers = this.#calls - this.#errors;
    return {
      ...{ name: this.#name, calls: this.#calls, errors: shareOf(this.#errors, this.#calls) },
      ...{ refusals: shareOf(this.#refusals, answers), cut: shareOf(this.#cut, answers) },
      ...{ p50_ms: quantileOf(this.#took_ms, 0.5), p95_ms: quantileOf(this.#took_ms, 0.95) },
      ...{ output_tokens: meanOf(this.#output_tokens), cost_nano_usd: meanOf(this.#cost_nano_usd) },
    };
  }
}

/** A row, as far as it is looked at. */
interface Seen {
  readonly error: string | null;
  readonly amounts: string;
  readonly rest: Fields;
}

type Fields = Readonly<Record<string, unknown>>;

/** Rows of experiments, and whether there are more than are looked at. */
export interface FoundRows<T> {
  readonly rows: readonly T[];
  readonly is_cut: boolean;
}

/** A row of a split. */
export type SplitRow = Record<"error" | "cache" | "amounts" | "rest", string>;

/** A row of a shadow, beside the row of the call itself. */
export type PairRow = Record<
  "error" | "amounts" | "rest" | "candidate" | "of_error" | "of_amounts" | "of_rest" | "model",
  string
>;

/** Reads the experiments of a file. */
export function readExperiments(db: Database, query: ExperimentsQuery): ExperimentsAnswer {
  return tellExperiments(query, rowsOf<SplitRow>(db, query, SPLITS), rowsOf<PairRow>(db, query, SHADOWS));
}

const SPLITS = `SELECT error, cache, amounts, rest FROM calls
     WHERE seq BETWEEN ? AND ? AND time >= ? AND time < ? AND instr(rest, '"split":true') > 0
     ORDER BY seq DESC LIMIT ?`;

const SHADOWS = `SELECT shadow.error, shadow.amounts, shadow.rest, shadow_group.model AS candidate,
       own.error AS of_error, own.amounts AS of_amounts, own.rest AS of_rest, own_group.model AS model
     FROM calls AS shadow
       CROSS JOIN calls AS own ON own.id = shadow.rest ->> '$.shadow.of'
       CROSS JOIN groups AS shadow_group ON shadow_group.id = shadow.group_id
       CROSS JOIN groups AS own_group ON own_group.id = own.group_id
     WHERE shadow.seq BETWEEN ? AND ? AND shadow.time >= ? AND shadow.time < ?
       AND instr(shadow.rest, '"shadow":{') > 0
     ORDER BY shadow.seq DESC LIMIT ?`;

/** What these rows say. Calls that a cache answered, or that their client left, say nothing of an arm. */
export function tellExperiments(
  query: ExperimentsQuery,
  splits: FoundRows<SplitRow>,
  shadows: FoundRows<PairRow>,
): ExperimentsAnswer {
  const { since_ms, until_ms } = query;
  return {
    experiments: [...splitsOf(splits.rows, query), ...shadowsOf(shadows.rows, query)],
    ...{ since_ms, until_ms, is_cut: splits.is_cut || shadows.is_cut },
  };
}

function splitsOf(rows: readonly SplitRow[], query: ExperimentsQuery): Experiment[] {
  const routes = new Map<string, Map<string, Tally>>();
  for (const { cache, ...columns } of rows) {
    const row = seenOf(columns);
    const routing = fieldsOf(row.rest["routing"]);
    const { route, model, split } = routing;
    if (split !== true || typeof route !== "string" || typeof model !== "string") continue;
    if (!isTelling(row, cache) || (query.route !== undefined && query.route !== route)) continue;
    tallyOf(routes, route, model).add(row);
  }
  return [...routes].map(([name, arms]) => ({
    ...{ kind: "split" as const, name, agreement: null },
    arms: [...arms.values()].map(({ arm }) => arm).sort((one, other) => one.name.localeCompare(other.name)),
  }));
}

function tallyOf(routes: Map<string, Map<string, Tally>>, route: string, model: string): Tally {
  const arms = routes.get(route) ?? new Map<string, Tally>();
  routes.set(route, arms);
  const tally = arms.get(model) ?? new Tally(model);
  arms.set(model, tally);
  return tally;
}

function shadowsOf(rows: readonly PairRow[], query: ExperimentsQuery): Experiment[] {
  const pairs = new Map<string, { own: Tally; candidate: Tally; name: string; agreements: number[] }>();
  for (const row of rows) {
    const shadow = seenOf(row);
    const own = seenOf({ error: row.of_error, amounts: row.of_amounts, rest: row.of_rest });
    // Where a rule gave another model than the client named, that one has the shadow.
    const { model } = fieldsOf(own.rest["routing"]);
    const name = typeof model === "string" ? model : row.model;
    if (query.route !== undefined && query.route !== name) continue;
    const key = JSON.stringify([name, row.candidate]);
    const pair = pairs.get(key) ?? {
      ...{ own: new Tally(name), candidate: new Tally(row.candidate), name, agreements: [] },
    };
    pairs.set(key, pair);
    const { agreement, of_refused } = fieldsOf(shadow.rest["shadow"]);
    pair.own.add(own, typeof of_refused === "boolean" ? of_refused : undefined);
    pair.candidate.add(shadow);
    if (typeof agreement === "number") pair.agreements.push(agreement);
  }
  return [...pairs.values()].map(({ own, candidate, name, agreements }) => ({
    ...{ kind: "shadow" as const, name, arms: [own.arm, candidate.arm], agreement: meanOf(agreements, 1) },
  }));
}

/** The newest rows of a time that a statement finds. */
function rowsOf<T>(db: Database, { since_ms, until_ms }: ExperimentsQuery, sql: string): FoundRows<T> {
  const spans: Iterable<Span> = spansOf(db, {
    groups: null,
    has_failed: false,
    has_hit: false,
    since_ms,
    until_ms,
  });
  // Without a group there is one span of all.
  const [span] = spans;
  if (span === undefined) return { rows: [], is_cut: false };
  const first_seq = Math.max(span.first_seq, span.last_seq - SEARCHED_MAX + 1);
  const rows = db.prepare<T, number[]>(sql).all(first_seq, span.last_seq, since_ms, until_ms, ADDED_MAX);
  return { rows, is_cut: first_seq > span.first_seq || rows.length === ADDED_MAX };
}

function isTelling({ error }: Seen, cache: string | null): boolean {
  return error !== "client_closed" && !CACHE_HITS.has(cache ?? "bypass");
}

function seenOf({ error, amounts, rest }: { error: string | null; amounts: string; rest: string }): Seen {
  return { error, amounts, rest: fieldsOf(JSON.parse(rest)) };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The experiments as the admin API and `venturi experiments --format json` tell them; money in dollars. */
export function experimentsJson({ experiments, since_ms, until_ms, is_cut }: ExperimentsAnswer): object {
  return {
    object: "list",
    ...{ since: new Date(since_ms).toISOString(), until: new Date(until_ms).toISOString(), is_cut },
    data: experiments.map(({ arms, ...rest }) => ({ ...rest, arms: arms.map(armJson) })),
  };
}

function armJson({ cost_nano_usd, ...rest }: Arm): object {
  return { ...rest, cost_usd: inDollars(cost_nano_usd) };
}

/** An amount of nano-dollars in dollars. */
export function inDollars(estimate: Estimate | null): Estimate | null {
  if (estimate === null) return null;
  const { value, low, high } = estimate;
  return { value: value / 1e9, low: low / 1e9, high: high / 1e9 };
}
