// A row and its columns: what is filtered and counted by has a column of its own, the rest is JSON.
// Empty lists and records are NULL, and so is a request's id that the gateway made of the call's: most rows have none of them.

import type { Usage } from "../../dialects/usage.ts";
import type { LedgerRow } from "../row.ts";
import { USAGE_KINDS } from "../row_text.ts";

/** What a column holds. */
export type ColumnValue = string | number | null;

/** A row of the table `calls`. */
export type CallRecord = Readonly<Record<string, ColumnValue>> & { readonly seq: number };

/** The columns of `calls` but `seq`, in the order of `valuesOf`. */
export const CALL_COLUMNS: readonly string[] = [
  ...["id", "request_id", "time", "tenant", "team", "key", "user", "feature", "tags"],
  ...["model", "provider", "served_model", "status", "error", "finish_reason", "stream"],
  ...USAGE_KINDS,
  ...[
    "cost_nano_usd",
    "price_version",
    "cache",
    "similarity",
    "attempts",
    "redactions",
    "timings_us",
    "estimated",
  ],
];

/** The request's id that the gateway makes of a call's where the client gave none. */
function madeRequestId(id: string): string {
  return `req_${id.replaceAll("-", "")}`;
}

/** The call's id that a request's may have been made of; null if it has not that form. */
export function madeOf(request_id: string): string | null {
  const parts = /^req_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(request_id);
  return parts === null ? null : parts.slice(1).join("-");
}

/** The values of a row's columns. */
export function valuesOf(row: LedgerRow): ColumnValue[] {
  const { usage } = row;
  return [
    row.id,
    row.request_id === madeRequestId(row.id) ? null : row.request_id,
    row.time,
    row.tenant,
    row.team,
    row.key,
    row.user,
    row.feature,
    jsonOf(row.tags),
    row.model,
    row.provider,
    row.served_model,
    row.status,
    row.error,
    row.finish_reason,
    row.stream ? 1 : 0,
    ...USAGE_KINDS.map((kind) => usage[kind]),
    row.cost_nano_usd,
    row.price_version,
    row.cache,
    row.similarity,
    jsonOf(row.attempts),
    jsonOf(row.redactions),
    jsonOf(row.timings_us),
    row.estimated ? 1 : 0,
  ];
}

/** The row that a record is of. */
export function rowOf(record: CallRecord): LedgerRow {
  const text = (name: string) => record[name] as string | null;
  const number = (name: string) => record[name] as number;
  const json = (name: string, none: unknown) => (record[name] === null ? none : JSON.parse(text(name)!));
  return {
    id: text("id")!,
    request_id: text("request_id") ?? madeRequestId(text("id")!),
    time: number("time"),
    tenant: text("tenant")!,
    team: text("team"),
    key: text("key"),
    user: text("user"),
    feature: text("feature"),
    tags: json("tags", {}),
    model: text("model"),
    provider: text("provider"),
    served_model: text("served_model"),
    status: number("status"),
    error: text("error"),
    finish_reason: text("finish_reason"),
    stream: record["stream"] === 1,
    usage: Object.fromEntries(USAGE_KINDS.map((kind) => [kind, number(kind)])) as unknown as Usage,
    cost_nano_usd: record["cost_nano_usd"] as number | null,
    price_version: text("price_version"),
    cache: text("cache")!,
    similarity: record["similarity"] as number | null,
    attempts: json("attempts", []),
    redactions: json("redactions", {}),
    timings_us: json("timings_us", {}),
    estimated: record["estimated"] === 1,
  };
}

function jsonOf(value: object): string | null {
  for (const _ in value) return JSON.stringify(value);
  return null;
}
