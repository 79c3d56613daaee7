// A row from its line: at once all that tables and sums need, and the rest when somebody wants to see it. Nothing is taken for
// a row that is none. Amounts that no call can have are cut to bounds under which no sum of a ledger can overflow.

import { NO_USAGE, type Usage } from "../dialects/usage.ts";
import { judgedOf } from "./judged.ts";
import { madeRequestId } from "./request_id.ts";
import {
  type AttemptRow,
  type LedgerRow,
  type Moments,
  type RoutingRow,
  type ShadowRow,
  STAGES,
  type Timings,
} from "./row.ts";
import { AMOUNTS, type NAMES, TEXT_MAX, USAGE_KINDS } from "./row_line.ts";
import type { ClientTrace } from "./trace.ts";

/** Tokens, or what else is counted, of one kind in one call, at most. */
export const COUNT_MAX = 10_000_000_000;
/** Nano-dollars of one call, at most: a million dollars. */
export const COST_MAX = 1e15;
/** The last time that a date can have. */
const TIME_MAX_MS = 8.64e15;
/** Digits of an amount, at most: more are no whole number. */
const DIGITS_MAX = 16;

const FIELDS = 7;
const COMMA = 44;
const ZERO = 48;

/** Where the cost is among amounts. */
export const COST = 0;
/** What a cache saved. */
export const SAVED = 1;
/** Whether the usage is estimated. */
export const ESTIMATED = 2;
/** The first of the usage, by kind. */
export const USAGE = 3;

const MOST = AMOUNTS.map((name) => {
  if (name === "estimated") return 1;
  return name.endsWith("_nano_usd") ? COST_MAX : COUNT_MAX;
});

/** The names of a row, and what came of it. */
export type Names = Pick<LedgerRow, (typeof NAMES)[number]>;

/** The lines that these bytes are; those without anything in them are none. */
export function linesIn(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  return text.split("\n").filter((line) => line !== "");
}

/** Reads lines, one after another: what it has read is in its fields until the next. */
export class LineReader {
  id = "";
  /** Null where it is made of the id. */
  request_id: string | null = null;
  time = 0;
  status = 0;
  /** As `readNames` reads them: many rows have the same. */
  names = "";
  /** In the order of AMOUNTS; the cost is 0 where it is not known. */
  readonly amounts: Float64Array = new Float64Array(AMOUNTS.length);
  has_cost = false;
  amounts_text = "";
  rest = "";

  /** Takes a line apart; false where it is none. */
  read(line: string): boolean {
    const fields = line.split("\t");
    if (fields.length !== FIELDS) return false;
    const [id = "", request = "", time = "", status = "", names = "", amounts = "", rest = ""] = fields;
    this.id = id;
    this.request_id = request === "" ? null : textOf(jsonOf(request));
    this.time = wholeOf(time, 0, time.length);
    this.status = wholeOf(status, 0, status.length);
    this.names = names;
    this.amounts_text = amounts;
    this.rest = rest;
    const is_moment = this.time >= 0 && this.time <= TIME_MAX_MS && this.status >= 0 && this.status <= 999;
    const is_whole = id !== "" && names.startsWith("[") && rest.startsWith("{") && rest.endsWith("}");
    this.has_cost = hasCost(amounts);
    return is_moment && is_whole && fillAmounts(amounts, this.amounts);
  }
}

/** Reads amounts into their places; false where they are none. */
function fillAmounts(text: string, amounts: Float64Array): boolean {
  let count = 0;
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && text.charCodeAt(at) !== COMMA) continue;
    const amount = at === from ? 0 : wholeOf(text, from, at);
    if (amount < 0 || count === AMOUNTS.length) return false;
    amounts[count] = Math.min(amount, MOST[count]!);
    count += 1;
    from = at + 1;
  }
  amounts.fill(0, count);
  return true;
}

function hasCost(amounts: string): boolean {
  return amounts !== "" && amounts.charCodeAt(0) !== COMMA;
}

/** A whole number in decimal; -1 where the text is none. */
function wholeOf(text: string, from: number, to: number): number {
  if (from === to || to - from > DIGITS_MAX) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Reads the names of a line; null where they are none. */
export function readNames(text: string): Names | null {
  const value = jsonOf(text);
  if (!Array.isArray(value)) return null;
  const [tenant, team, key, user, feature, model, provider, served_model, error, cache] = value.map(textOf);
  return {
    tenant: tenant ?? "",
    ...{ team: team ?? null, key: key ?? null, user: user ?? null, feature: feature ?? null },
    ...{ model: model ?? null, provider: provider ?? null, served_model: served_model ?? null },
    error: error ?? null,
    cache: cache ?? "bypass",
  };
}

/** What a line says beyond its columns. */
export interface LineParts {
  readonly id: string;
  readonly request_id: string | null;
  readonly time: number;
  readonly status: number;
  readonly names: Names;
  readonly amounts: ArrayLike<number>;
  readonly has_cost: boolean;
  readonly rest: string;
}

/** Reads a line whole; null where it is none. */
export function readRow(line: string): LedgerRow | null {
  const reader = new LineReader();
  if (!reader.read(line)) return null;
  const names = readNames(reader.names);
  return names === null ? null : rowOf({ ...reader, names });
}

/** Reads amounts as a line has them. */
export function readAmounts(text: string): Pick<LineParts, "amounts" | "has_cost"> {
  const amounts = new Float64Array(AMOUNTS.length);
  fillAmounts(text, amounts);
  return { amounts, has_cost: hasCost(text) };
}

/** The row of its parts. */
export function rowOf({
  id,
  request_id,
  time,
  status,
  names,
  amounts,
  has_cost,
  rest,
}: LineParts): LedgerRow {
  const parsed = jsonOf(rest);
  const more = isRecord(parsed) ? parsed : {};
  const { provider, served_model } = names;
  const attempts = Array.isArray(more["attempts"]) ? more["attempts"] : [];
  return {
    id,
    request_id: request_id ?? madeRequestId(id),
    time,
    tenant: names.tenant,
    team: names.team,
    key: names.key,
    user: names.user,
    feature: names.feature,
    tags: recordOf(more["tags"], isText),
    model: names.model,
    provider,
    served_model,
    status,
    error: names.error,
    finish_reason: textOf(more["finish_reason"]),
    stream: more["stream"] === true,
    endpoint: textOf(more["endpoint"]),
    usage: usageIn(amounts),
    cost_nano_usd: has_cost ? amounts[COST]! : null,
    price_version: textOf(more["price_version"]),
    saved_nano_usd: amounts[SAVED] ?? 0,
    cache: names.cache,
    similarity: isNumber(more["similarity"]) ? more["similarity"] : null,
    attempts: attempts.map((attempt) => attemptOf(attempt, provider, served_model)).filter(isPresent),
    redactions: recordOf(more["redactions"], isNumber),
    guards: recordOf(more["guards"], isText),
    routing: routingOf(more["routing"]),
    refusal: more["refusal"] === true,
    judged: isText(more["judged"]) ? judgedOf(more["judged"]) : null,
    shadow: shadowOf(more["shadow"]),
    replay_of: textOf(more["replay_of"]),
    timings_us: timingsOf(more["timings_us"]),
    trace: traceOf(more["trace"]),
    sampled: more["sampled"] === true,
    estimated: amounts[ESTIMATED] === 1,
  };
}

function usageIn(amounts: ArrayLike<number>): Usage {
  const usage: Record<keyof Usage, number> = { ...NO_USAGE };
  for (const [index, kind] of USAGE_KINDS.entries()) usage[kind] = amounts[USAGE + index] ?? 0;
  return usage;
}

function attemptOf(value: unknown, provider: string | null, model: string | null): AttemptRow | null {
  if (isText(value)) return { provider: provider ?? "", model: model ?? "", outcome: value };
  if (!isRecord(value)) return null;
  const { provider: at = provider ?? "", model: of = model ?? "", outcome } = value;
  if (!isText(at) || !isText(of) || !isText(outcome)) return null;
  const moments_us = momentsOf(value["at"]);
  return { provider: at, model: of, outcome, ...(moments_us === null ? {} : { moments_us }) };
}

function momentsOf(value: unknown): Moments | null {
  if (!Array.isArray(value)) return null;
  const [started, connected, first_byte, ended] = value as unknown[];
  if (!isNumber(started) || !isNumber(ended)) return null;
  return {
    ...{ started, ended },
    connected: isNumber(connected) ? connected : null,
    first_byte: isNumber(first_byte) ? first_byte : null,
  };
}

function traceOf(value: unknown): ClientTrace | null {
  if (!Array.isArray(value)) return null;
  const [trace_id, parent_id, sampled] = value as unknown[];
  const is_one = isText(trace_id) && isText(parent_id) && TRACE_ID.test(trace_id) && SPAN_ID.test(parent_id);
  return is_one ? { trace_id, parent_id, is_sampled: sampled === 1 } : null;
}

const TRACE_ID = /^[0-9a-f]{32}$/;
const SPAN_ID = /^[0-9a-f]{16}$/;

function timingsOf(value: unknown): Timings {
  const timings: { -readonly [stage in keyof Timings]: number } = {};
  if (!Array.isArray(value)) return timings;
  for (const [index, stage] of STAGES.entries()) {
    const duration_us: unknown = value[index];
    if (isNumber(duration_us)) timings[stage] = duration_us;
  }
  return timings;
}

function shadowOf(value: unknown): ShadowRow | null {
  if (!isRecord(value)) return null;
  const { agreement, of_refused } = value;
  const of = textOf(value["of"]);
  if (of === null) return null;
  return {
    of,
    agreement: isNumber(agreement) ? agreement : null,
    of_refused: typeof of_refused === "boolean" ? of_refused : null,
  };
}

function routingOf(value: unknown): RoutingRow | null {
  if (!isRecord(value)) return null;
  const { split, needs } = value;
  const routing: { -readonly [name in keyof RoutingRow]: RoutingRow[name] } = {};
  for (const name of ROUTING_WORDS) {
    const word = textOf(value[name]);
    if (word !== null) routing[name] = word;
  }
  if (split === true) routing.split = true;
  if (Array.isArray(needs)) routing.needs = needs.filter(isText);
  return routing;
}

const ROUTING_WORDS = ["route", "model", "task", "region", "tier", "complexity"] as const;

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function isPresent<T>(value: T | null): value is T {
  return value !== null;
}

/** A record whose every value is of a kind; empty where one is not. */
function recordOf<T>(value: unknown, isKind: (item: unknown) => item is T): Record<string, T> {
  if (!isRecord(value)) return {};
  const entries: [string, T][] = [];
  for (const [name, item] of Object.entries(value)) {
    if (!isKind(item)) return {};
    entries.push([name, item]);
  }
  return Object.fromEntries(entries);
}

/** Text as every reader can take it: within its bound, without NUL, without half a character. */
function textOf(value: unknown): string | null {
  if (typeof value !== "string" || value === "") return null;
  const text = value.length > TEXT_MAX ? value.slice(0, TEXT_MAX) : value;
  if (text.isWellFormed() && !text.includes("\0")) return text;
  return text.replaceAll("\0", " ").toWellFormed();
}
