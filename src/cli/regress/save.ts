// `venturi regress save`: makes a set of the newest calls whose content is kept. Each reading is in the audit log.

import type { ShownRow } from "../../ledger/row.ts";
import type { AdminClient } from "../admin_client.ts";
import { makeSet } from "./set.ts";

/** Longer requests are not taken: the admin API would not take them back. */
const REQUEST_MAX_CHARS = 900_000;
/** Rows that are asked for at once. */
const PAGE_ROWS = 200;
/** Rows that are looked at for one that is taken, at most. */
const ROWS_PER_CALL = 200;

/** Which calls are taken. */
export interface SaveWish {
  readonly path: string;
  readonly limit: number;
  /** What calls are asked for by, as `GET /admin/v1/calls` takes it. */
  readonly filter: Readonly<Record<string, string>>;
  onProgress(taken: number): void;
}

/** What came of it. */
export interface Saved {
  readonly taken: number;
  /** Calls that were looked at, and of which nothing is kept that could be compared. */
  readonly without_content: number;
}

interface CallsAnswer {
  readonly data: readonly ShownRow[];
  readonly next: number | null;
}

interface ContentAnswer {
  readonly id: string;
  readonly tenant: string;
  readonly endpoint: string;
  readonly model: string;
  readonly stream: boolean;
  readonly request: Record<string, unknown>;
  readonly answer: Record<string, unknown> | null;
}

/** Makes it; in words, why it cannot be made. */
export async function saveSet(
  client: AdminClient,
  { path, limit, filter, onProgress }: SaveWish,
): Promise<Saved | { readonly fault: string }> {
  let write: ReturnType<typeof makeSet>;
  try {
    write = makeSet(path);
  } catch (error) {
    return { fault: `${path} cannot be made (${error instanceof Error ? error.message : String(error)})` };
  }
  const seen = new Set<string>();
  let without_content = 0;
  let looked_at = 0;
  for (let before: number | null = null; ; ) {
    const query = new URLSearchParams({ ...filter, status: "200", limit: String(PAGE_ROWS) });
    if (before !== null) query.set("before", String(before));
    const { json, fault } = await client.ask("GET", `calls?${query}`);
    if (fault !== null) return { fault };
    const { data, next } = json as CallsAnswer;
    for (const { id, replay_of, shadow } of data) {
      if (replay_of !== null || shadow !== null) continue;
      looked_at += 1;
      const call = await contentOf(client, id);
      if (typeof call === "string") return { fault: call };
      if (call === null) {
        without_content += 1;
        continue;
      }
      // The same question again shows nothing new.
      const request = JSON.stringify(call.request);
      if (seen.has(request) || request.length > REQUEST_MAX_CHARS) continue;
      seen.add(request);
      write(call);
      onProgress(seen.size);
      if (seen.size === limit) return { taken: seen.size, without_content };
    }
    if (next === null || looked_at > limit * ROWS_PER_CALL) return { taken: seen.size, without_content };
    before = next;
  }
}

/** What a call said, as a set has it; null where that is not kept whole; in words, why it may not be read at all. */
async function contentOf(client: AdminClient, id: string) {
  const { json, fault, status } = await client.ask("GET", `calls/${encodeURIComponent(id)}/content`);
  if (fault !== null) return status === 404 ? null : fault;
  const { tenant, endpoint, model, stream, request, answer } = json as ContentAnswer;
  if (answer === null || typeof answer !== "object" || typeof request !== "object") return null;
  return { id, endpoint, model, stream, tenant, request, answer };
}
