// `/admin/v1/audit`: the newest entries of the audit log.

import * as z from "zod";
import type { SharedKeys } from "../access/shared/shared_keys.ts";
import { GatewayError } from "../errors.ts";
import { DatabaseFault } from "../postgres/fault.ts";
import { type AuditEntry, openLine } from "./audit/line.ts";
import { auditLines } from "./audit/log.ts";
import { newestShared } from "./audit/shared_log.ts";
import { instantOf, readQuery } from "./query.ts";
import type { Reply, Routes } from "./router.ts";

/** Entries in one answer. */
const PAGE_MAX = 1_000;
const PAGE_DEFAULT = 100;

/** What is asked of the audit log. */
export const audit_query = z.strictObject({
  since: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
});

/** The endpoint of the audit log in a data folder; and of the one that changes of shared keys are recorded in. */
export function auditRoutes(data: string, sharing: Promise<SharedKeys> | null): Routes {
  return { audit: { GET: ({ query }) => tellAudit(data, sharing, query) } };
}

async function tellAudit(
  data: string,
  sharing: Promise<SharedKeys> | null,
  query: URLSearchParams,
): Promise<Reply | GatewayError> {
  const wanted = readQuery(audit_query, query);
  if (wanted instanceof GatewayError) return wanted;
  const since_ms = instantOf("since", wanted.since, 0, Date.now());
  if (since_ms instanceof GatewayError) return since_ms;
  const newest: AuditEntry[] = [];
  for await (const { bytes } of auditLines(data)) {
    const entry = openLine(bytes.toString());
    if (entry === null || Date.parse(entry.time) < since_ms) continue;
    newest.push(entry);
    if (newest.length > wanted.limit) newest.shift();
  }
  const shared = await sharing;
  if (shared === null) return { json: { object: "list", data: newest } };
  try {
    const lines = await newestShared(shared, wanted.limit);
    const entries = lines.map(openLine).filter((entry) => entry !== null);
    const recent = entries.filter(({ time }) => Date.parse(time) >= since_ms);
    const all = [...newest, ...recent].sort((a, b) => (a.time < b.time ? -1 : 1));
    return { json: { object: "list", data: all.slice(-wanted.limit) } };
  } catch (error) {
    if (!(error instanceof DatabaseFault)) throw error;
    return new GatewayError("unavailable", `${shared.shown} did not answer: ${error.message}.`);
  }
}
