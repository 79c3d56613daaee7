// `/admin/v1/cache`: what the caches hold and have done, and the removal of what they hold.

import * as z from "zod";
import type { KeyStore } from "../access/key_store.ts";
import type { ExactCache } from "../cache/exact/cache.ts";
import type { PurgeFilter } from "../cache/exact/purge_filter.ts";
import { CacheKey } from "../cache/key.ts";
import { verdictsOfNotes } from "../cache/semantic/note.ts";
import { GatewayError } from "../errors.ts";
import type { MetricsSnapshot } from "../ledger/metrics.ts";
import { appendAudit } from "./audit/log.ts";
import { readQuery } from "./query.ts";
import type { Reply, Routes } from "./router.ts";

/** What the caches' endpoints ask of the process that they run in. */
export interface CacheHooks {
  /** The kept answers, if they are open here. */
  answers(): ExactCache | null;
  /** What all calls have come to; null where nobody counts. */
  counts(): MetricsSnapshot | null;
  /** What the search for similar requests says of itself; null where there is none. */
  similar(): Promise<unknown>;
  /** Removes similar requests, as far as a filter tells them. */
  forgetSimilar(filter: PurgeFilter): void;
  /** Removes answers that hosts share; how many, null where none are shared. */
  purgeShared(filter: PurgeFilter, is_bad: boolean): Promise<number | null>;
}

/** Where the audit log of removals is. */
export interface CacheDesk {
  /** The data folder. */
  readonly data: string;
  /** Null: it cannot be used, and removals are not recorded. */
  readonly keys: KeyStore | null;
  readonly hooks: CacheHooks | null;
}

/** Entries of one answer. */
const ENTRIES_MAX = 1_000;

/** Which kept answers are removed. */
export const purge_query = z.strictObject({
  tenant: z.string().max(128).optional(),
  model: z.string().max(512).optional(),
  tag: z.string().max(300).optional(),
  key: z.string().max(4_096).optional(),
  all: z.enum(["true"]).optional(),
});

/** Which kept answers are listed. */
export const entries_query = z.strictObject({
  tenant: z.string().max(128).optional(),
  model: z.string().max(512).optional(),
  after: z
    .string()
    .max(4_096)
    .regex(/^[0-9a-f]*$/, "must be the key of an entry")
    .optional(),
  limit: z.coerce.number().int().min(1).max(ENTRIES_MAX).default(100),
});

/** A command by itself keeps nothing, so that the size does not matter. */
const ANY_SIZE_BYTES = 64 * 1024 ** 3;
/** How long a bad answer's key is remembered as one, in milliseconds. */
const BAD_MS = 90 * 86_400_000;

/** The endpoints of the caches. */
export function cacheRoutes(desk: CacheDesk): Routes {
  return {
    cache: {
      GET: () => tellStats(desk),
      DELETE: ({ query, actor }) => purge(desk, actor, query),
    },
    "cache/entries": { GET: ({ query }) => listEntries(desk, query) },
  };
}

async function tellStats(desk: CacheDesk): Promise<Reply | GatewayError> {
  const kept = await withAnswers(desk, async (cache) => {
    return { answers: cache.stats(), verified: verdictsOfNotes(cache.notes()) };
  });
  if (kept instanceof GatewayError) return kept;
  const counts = desk.hooks?.counts() ?? null;
  return {
    json: {
      object: "cache.stats",
      ...kept,
      ...(counts === null ? {} : countsOf(counts)),
      similar: (await desk.hooks?.similar()) ?? null,
    },
  };
}

/** Outcomes of calls that asked nobody. */
const SERVED = ["hit", "semantic", "stale", "joined"];

function countsOf({ series }: MetricsSnapshot) {
  const calls: Record<string, number> = { hit: 0, semantic: 0, stale: 0, joined: 0, miss: 0 };
  let [saved_nano_usd, saved_ms] = [0, 0];
  for (const { cache, saved } of series) {
    for (const [outcome, number] of Object.entries(cache)) calls[outcome] = (calls[outcome] ?? 0) + number;
    saved_nano_usd += saved["nano_usd"] ?? 0;
    saved_ms += saved["duration_ms"] ?? 0;
  }
  const all = Object.values(calls).reduce((sum, number) => sum + number, 0);
  const served = SERVED.reduce((sum, outcome) => sum + (calls[outcome] ?? 0), 0);
  const hit_rate = all === 0 ? null : served / all;
  return { calls, hit_rate, saved_usd: saved_nano_usd / 1e9, saved_seconds: saved_ms / 1e3 };
}

async function listEntries(desk: CacheDesk, query: URLSearchParams): Promise<Reply | GatewayError> {
  const wanted = readQuery(entries_query, query);
  if (wanted instanceof GatewayError) return wanted;
  const { limit, ...filter } = wanted;
  const found = await withAnswers(desk, (cache) => cache.list({ ...filter, limit: limit + 1 }));
  if (found instanceof GatewayError) return found;
  const data = found.slice(0, limit).map(({ created_s, ends_ms, ...entry }) => ({
    ...entry,
    created: new Date(created_s * 1_000).toISOString(),
    ends: new Date(ends_ms).toISOString(),
  }));
  const has_more = found.length > limit;
  return { json: { object: "list", data, has_more, next: has_more ? (data.at(-1)?.key ?? null) : null } };
}

async function purge(desk: CacheDesk, actor: string, query: URLSearchParams): Promise<Reply | GatewayError> {
  const wanted = readQuery(purge_query, query);
  if (wanted instanceof GatewayError) return wanted;
  const { tenant, model, tag, key, all } = wanted;
  const bad = key === undefined ? null : CacheKey.parse(Buffer.from(key, "hex"));
  if (key !== undefined && bad === null) {
    return new GatewayError("invalid_value", "'key' must be what 'x-venturi-cache-key' said.", {
      param: "key",
    });
  }
  const given = { tenant, model, tag, key_hex: key, all: all === undefined ? undefined : true };
  const filter = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as PurgeFilter;
  if (Object.keys(filter).length === 0) {
    return new GatewayError(
      "missing_required_parameter",
      "Say what to remove: tenant, model, tag, key, or all=true.",
    );
  }
  const { keys, data } = desk;
  keys?.change((writer) => {
    appendAudit(data, writer, { actor, action: "cache.purge", target: "cache", change: { ...filter } });
  });
  const removed = await withAnswers(desk, async (cache) => {
    const number = await cache.purge(filter);
    // Who removes one answer by its key has seen that it is wrong: it may not answer other requests again.
    if (bad !== null) await cache.block(bad, Date.now() + BAD_MS);
    return number;
  });
  if (removed instanceof GatewayError) return removed;
  desk.hooks?.forgetSimilar(filter);
  const shared = (await desk.hooks?.purgeShared(filter, bad !== null)) ?? null;
  return { json: { object: "cache.purge", removed, ...(shared === null ? {} : { removed_shared: shared }) } };
}

/** Does something with the kept answers: those that are open, or opened for this alone. */
async function withAnswers<T>(
  { data, hooks }: CacheDesk,
  action: (cache: ExactCache) => Promise<T>,
): Promise<T | GatewayError> {
  const open = hooks?.answers() ?? null;
  if (open !== null) return action(open);
  const { openExactCache } = await import("../cache/exact/cache.ts");
  const opened = openExactCache(data, { max_bytes: ANY_SIZE_BYTES, onFault: () => {} });
  if ("fault" in opened)
    return new GatewayError("unavailable", `The caches cannot be used: ${opened.fault}.`);
  try {
    return await action(opened);
  } finally {
    await opened.close();
  }
}
