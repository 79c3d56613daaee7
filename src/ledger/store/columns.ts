// A row and its columns: what is filtered by has one of its own, names stand in its group, amounts and the rest are texts as they
// came. A request's id that the gateway made of the call's is NULL: most rows have none of their own.

import type { LedgerRow } from "../row.ts";
import { NAMES } from "../row_line.ts";
import { readAmounts, rowOf as rowOfParts } from "../row_reader.ts";
import type { Dimension } from "./groups.ts";
import { DIMENSIONS } from "./groups.ts";

/** What a column holds. */
export type ColumnValue = string | number | null;

/** A row of the table `calls`, with the names of its group. */
export type CallRecord = Readonly<Record<string, ColumnValue>> & { readonly seq: number };

/** The columns of `calls`, in the order in which rows are written. */
export const CALL_COLUMNS: readonly string[] = [
  ...["seq", "id", "request_id", "time", "group_id", "names", "status", "error", "cache", "amounts", "rest"],
];

/**
 * Where rows are read from: `CROSS` has SQLite go from rows to groups, never the other way.
 * @param way that rows are found by, such as `INDEXED BY calls_by_error`; SQLite chooses without one
 */
export function callRecords(way = ""): string {
  return `SELECT calls.*, ${DIMENSIONS.map((name) => `groups.${name}`).join(", ")}
  FROM calls ${way} CROSS JOIN groups ON groups.id = calls.group_id`;
}

/** The same, found as SQLite likes. */
export const CALL_RECORDS = callRecords();

/** The line that a record was written from. */
export function lineOf(record: CallRecord): string {
  const own = record["names"];
  const own_names = typeof own === "string" ? (JSON.parse(own) as Partial<Record<string, string>>) : {};
  const names = NAMES.map((name) => {
    if (name === "cache") return record[name] ?? "bypass";
    if (name === "error") return record[name];
    return own_names[name] ?? (record[name] || null);
  });
  const { id, request_id, time, status, amounts, rest } = record;
  const request = request_id === null ? "" : JSON.stringify(request_id);
  return [id, request, time, status, JSON.stringify(names), amounts, rest].join("\t");
}

/** The row that a record is of. */
export function rowOf(record: CallRecord): LedgerRow {
  const text = (name: string) => record[name] as string | null;
  const number = (name: string) => record[name] as number;
  const own = text("names");
  const own_names = own === null ? {} : (JSON.parse(own) as Partial<Record<Dimension, string>>);
  const name = (dimension: Dimension) => own_names[dimension] ?? (text(dimension) || null);
  return rowOfParts({
    id: text("id")!,
    request_id: text("request_id"),
    time: number("time"),
    status: number("status"),
    names: {
      tenant: name("tenant") ?? "",
      team: name("team"),
      key: name("key"),
      user: name("user"),
      feature: name("feature"),
      model: name("model"),
      provider: name("provider"),
      served_model: name("served_model"),
      error: text("error"),
      cache: text("cache") ?? "bypass",
    },
    ...readAmounts(text("amounts")!),
    rest: text("rest")!,
  });
}
