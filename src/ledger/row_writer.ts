// A row as text for the ring, written by hand: what is empty, zero or usual is left out, and read back as such. Every call
// writes one, and all of them are read again; a third of the bytes is a third of the work at both ends.

import { NO_USAGE, type Usage } from "../dialects/usage.ts";
import type { LedgerRow } from "./row.ts";

const USAGE_KINDS = Object.keys(NO_USAGE) as readonly (keyof Usage)[];

/** Texts whose JSON is remembered: names of tenants, keys, models, providers come again and again. */
const TEXTS_MAX = 5_000;
const quoted_texts = new Map<string, string>();

function quoted(text: string): string {
  let json = quoted_texts.get(text);
  if (json === undefined) {
    json = JSON.stringify(text);
    if (quoted_texts.size >= TEXTS_MAX) quoted_texts.clear();
    quoted_texts.set(text, json);
  }
  return json;
}

/** `,"name":"value"`, or nothing. */
function member(name: string, value: string | null): string {
  return value === null || value === "" ? "" : `,"${name}":${quoted(value)}`;
}

function usageText(usage: Usage): string {
  if (usage === NO_USAGE) return "{}";
  let text = "";
  for (const kind of USAGE_KINDS) {
    const amount = usage[kind];
    if (amount > 0) text += `${text === "" ? "" : ","}"${kind}":${amount}`;
  }
  return `{${text}}`;
}

function recordText(name: string, record: Readonly<Record<string, string | number>>): string {
  let text = "";
  for (const item in record) {
    const value = record[item]!;
    text += `${text === "" ? "" : ","}${quoted(item)}:${typeof value === "number" ? value : quoted(value)}`;
  }
  return text === "" ? "" : `,"${name}":{${text}}`;
}

/** Visible ASCII that hardly ever comes again. */
function quotedOnce(text: string): string {
  return text.includes('"') || text.includes("\\") ? JSON.stringify(text) : `"${text}"`;
}

/** The row as JSON. `readRow` gives the same row back. */
export function writeRow(row: LedgerRow): string {
  let text = `{"id":"${row.id}","time":${row.time},"status":${row.status},"usage":${usageText(row.usage)}`;
  text += `,"cost_nano_usd":${row.cost_nano_usd},"request_id":${quotedOnce(row.request_id)}`;
  text += member("tenant", row.tenant) + member("team", row.team) + member("key", row.key);
  text += member("user", row.user) + member("feature", row.feature) + member("model", row.model);
  text += member("provider", row.provider) + member("served_model", row.served_model);
  text += member("error", row.error) + member("finish_reason", row.finish_reason);
  text += member("price_version", row.price_version);
  if (row.cache !== "bypass") text += member("cache", row.cache);
  if (row.similarity !== null) text += `,"similarity":${row.similarity}`;
  if (row.stream) text += ',"stream":true';
  if (row.estimated) text += ',"estimated":true';
  if (row.attempts.length > 0) {
    let tries = "";
    for (const { provider, model, outcome } of row.attempts) {
      tries += `${tries === "" ? "" : ","}{"provider":${quoted(provider)},"model":${quoted(model)},"outcome":${quoted(outcome)}}`;
    }
    text += `,"attempts":[${tries}]`;
  }
  text += recordText("tags", row.tags) + recordText("redactions", row.redactions);
  return `${text + recordText("timings_us", row.timings_us)}}`;
}
