// A row from its text, as it came through the ring, and as it is shown: nothing is taken for a row that is none.
// Amounts that no call can have are cut to bounds under which no sum of a ledger can overflow.

import { NO_USAGE, type Usage } from "../dialects/usage.ts";
import type { AttemptRow, LedgerRow } from "./row.ts";

/** Tokens, or what else is counted, of one kind in one call, at most. */
export const COUNT_MAX = 10_000_000_000;
/** Nano-dollars of one call, at most: a million dollars. */
export const COST_MAX = 1e15;
/** Characters of a name, at most: clients choose some of them. */
const TEXT_MAX = 1000;
/** The last time that a date can have. */
const TIME_MAX_MS = 8.64e15;

/** The kinds of usage, in the order of their columns. */
export const USAGE_KINDS = Object.keys(NO_USAGE) as readonly (keyof Usage)[];

/** A row as logs and billing events show it: with its cost in dollars too. */
export type ShownRow = LedgerRow & { readonly cost_usd: number | null };

/** Reads a row; null where the text is none. */
export function readRow(text: string): LedgerRow | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  const { id, time, status, usage } = value;
  if (typeof id !== "string" || id === "" || !isWhole(time, TIME_MAX_MS) || !isWhole(status, 999))
    return null;
  if (!isRecord(usage)) return null;
  const amounts = readUsage(usage);
  const cost = value["cost_nano_usd"] === null ? null : amountOf(value["cost_nano_usd"], COST_MAX);
  if (amounts === null || cost === undefined) return null;
  return {
    id,
    request_id: textOf(value["request_id"]) ?? id,
    time,
    tenant: textOf(value["tenant"]) ?? "",
    team: textOf(value["team"]),
    key: textOf(value["key"]),
    user: textOf(value["user"]),
    feature: textOf(value["feature"]),
    tags: recordOf(value["tags"], "string") as Record<string, string>,
    model: textOf(value["model"]),
    provider: textOf(value["provider"]),
    served_model: textOf(value["served_model"]),
    status,
    error: textOf(value["error"]),
    finish_reason: textOf(value["finish_reason"]),
    stream: value["stream"] === true,
    usage: amounts,
    cost_nano_usd: cost,
    price_version: textOf(value["price_version"]),
    cache: textOf(value["cache"]) ?? "bypass",
    similarity: typeof value["similarity"] === "number" ? value["similarity"] : null,
    attempts: Array.isArray(value["attempts"]) ? value["attempts"].filter(isAttempt) : [],
    redactions: recordOf(value["redactions"], "number") as Record<string, number>,
    timings_us: recordOf(value["timings_us"], "number") as Record<string, number>,
    estimated: value["estimated"] === true,
  };
}

/** Usage by kind; a kind that is not named was not used. Null where an amount is none. */
function readUsage(value: Readonly<Record<string, unknown>>): Usage | null {
  const usage: Record<keyof Usage, number> = { ...NO_USAGE };
  for (const kind of USAGE_KINDS) {
    const said = value[kind];
    if (said === undefined || said === 0) continue;
    const amount = amountOf(said, kind === "told_nano_usd" ? COST_MAX : COUNT_MAX);
    if (amount === undefined) return null;
    usage[kind] = amount;
  }
  return usage;
}

/** The row as it is shown. */
export function shownRow(row: LedgerRow): ShownRow {
  return { ...row, cost_usd: row.cost_nano_usd === null ? null : row.cost_nano_usd / 1e9 };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

/** A whole amount within its bound; undefined where it is none. */
function amountOf(value: unknown, most: number): number | undefined {
  if (!Number.isInteger(value) || (value as number) < 0) return undefined;
  return Math.min(value as number, most);
}

/** Text as every reader can take it: within its bound, without NUL, without half a character. */
function textOf(value: unknown): string | null {
  if (typeof value !== "string" || value === "") return null;
  const text = value.length > TEXT_MAX ? value.slice(0, TEXT_MAX) : value;
  if (text.isWellFormed() && !text.includes("\0")) return text;
  return text.replaceAll("\0", " ").toWellFormed();
}

function recordOf(value: unknown, kind: "string" | "number"): Record<string, unknown> {
  return isRecord(value) && Object.values(value).every((item) => typeof item === kind) ? value : {};
}

function isAttempt(value: unknown): value is AttemptRow {
  return isRecord(value) && ["provider", "model", "outcome"].every((name) => typeof value[name] === "string");
}
