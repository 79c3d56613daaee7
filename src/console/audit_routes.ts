// `/admin/v1/audit`: the newest entries of the audit log.

import * as z from "zod";
import { GatewayError } from "../errors.ts";
import { type AuditEntry, openLine } from "./audit/line.ts";
import { auditLines } from "./audit/log.ts";
import { instantOf, readQuery } from "./query.ts";
import type { Reply, Routes } from "./router.ts";

/** Entries in one answer. */
const PAGE_MAX = 1_000;
const PAGE_DEFAULT = 100;

const audit_query = z.strictObject({
  since: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
});

/** The endpoint of the audit log in a data folder. */
export function auditRoutes(data: string): Routes {
  return { audit: { GET: ({ query }) => tellAudit(data, query) } };
}

async function tellAudit(data: string, query: URLSearchParams): Promise<Reply | GatewayError> {
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
  return { json: { object: "list", data: newest } };
}
