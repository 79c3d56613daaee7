// `/admin/v1/usage`, `calls`, `experiments` and `ledger/flush`: questions to the ledger, each by a reader of its own that sees what is
// written so far; and to write what waits.

import * as z from "zod";
import { GatewayError } from "../errors.ts";
import { shownRow } from "../ledger/row.ts";
import type { LedgerSource } from "../ledger/source.ts";
import { experimentsJson } from "../ledger/store/experiments.ts";
import {
  CALL_FILTERS,
  type LedgerReader,
  USAGE_FIELDS,
  type UsageAnswer,
  type UsageRow,
  usdOf,
} from "../ledger/store/query.ts";
import { DatabaseFault } from "../postgres/fault.ts";
import { instantOf, readQuery } from "./query.ts";
import type { Reply, Routes } from "./router.ts";

const DAY_MS = 86_400_000;
/** Calls in one page. */
const PAGE_MAX = 1_000;
const PAGE_DEFAULT = 100;

const range = { since: z.string().optional(), until: z.string().optional() };
/** What is asked of usage. */
export const usage_query = z.strictObject({ ...range, by: z.string().optional() });
/** What is asked of experiments. */
export const experiments_query = z.strictObject({ ...range, route: z.string().optional() });
/** Which calls are asked for. */
export const calls_query = z.strictObject({
  ...range,
  id: z.string().optional(),
  request: z.string().optional(),
  before: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
  ...(Object.fromEntries(CALL_FILTERS.map((name) => [name, z.string().optional()])) as Record<
    (typeof CALL_FILTERS)[number],
    z.ZodOptional<z.ZodString>
  >),
});

/** The endpoints of the ledger. `flush` writes what waits; null where nothing can wait. */
export function ledgerRoutes(ledger: LedgerSource, flush: (() => Promise<void>) | null): Routes {
  return {
    usage: { GET: ({ query }) => askLedger(ledger, (reader) => tellUsage(reader, query)) },
    calls: { GET: ({ query }) => askLedger(ledger, (reader) => tellCalls(reader, query)) },
    experiments: { GET: ({ query }) => askLedger(ledger, (reader) => tellExperiments(reader, query)) },
    "ledger/flush": {
      POST: async () => {
        await flush?.();
        return { json: { object: "ledger.flush", flushed: true } };
      },
    },
  };
}

/** Asks the ledger; without one there is nothing to tell. */
export async function askLedger(
  ledger: LedgerSource,
  question: (reader: LedgerReader) => Promise<Reply | GatewayError>,
): Promise<Reply | GatewayError> {
  const reader = await ledger.open();
  if ("fault" in reader)
    return new GatewayError("unavailable", `The ledger cannot be asked: ${reader.fault}.`);
  try {
    return await question(reader);
  } catch (error) {
    if (!(error instanceof DatabaseFault)) throw error;
    return new GatewayError("unavailable", `The ledger did not answer: ${error.message}.`);
  } finally {
    reader.close();
  }
}

async function tellUsage(reader: LedgerReader, query: URLSearchParams): Promise<Reply | GatewayError> {
  const wanted = readQuery(usage_query, query);
  if (wanted instanceof GatewayError) return wanted;
  const by = (wanted.by ?? "").split(",").filter((field) => field !== "");
  const unknown = by.find((field) => !(USAGE_FIELDS as readonly string[]).includes(field));
  if (unknown !== undefined) {
    return new GatewayError(
      "invalid_value",
      `'by' has no field '${unknown}'; there are ${USAGE_FIELDS.join(", ")}.`,
      { param: "by" },
    );
  }
  const now_ms = Date.now();
  const since_ms = instantOf("since", wanted.since, now_ms - 30 * DAY_MS, now_ms);
  if (since_ms instanceof GatewayError) return since_ms;
  const until_ms = instantOf("until", wanted.until, now_ms, now_ms);
  if (until_ms instanceof GatewayError) return until_ms;
  const wish = { by: by as (typeof USAGE_FIELDS)[number][], since_ms, until_ms };
  const answer = await reader.usage(wish, now_ms);
  return { json: usageJson(answer) };
}

function usageJson({ rows, since_ms, until_ms }: UsageAnswer): unknown {
  return {
    object: "list",
    since: new Date(since_ms).toISOString(),
    until: new Date(until_ms).toISOString(),
    data: rows.map(usageRowJson),
  };
}

function usageRowJson(row: UsageRow): unknown {
  const { by, saved_nano_usd, cost_nano_usd, ...sums } = row;
  return {
    ...by,
    ...sums,
    saved_usd: Number(saved_nano_usd) / 1e9,
    cost_usd: usdOf(row),
    cost_nano_usd: Number(cost_nano_usd),
  };
}

async function tellExperiments(reader: LedgerReader, query: URLSearchParams): Promise<Reply | GatewayError> {
  const wanted = readQuery(experiments_query, query);
  if (wanted instanceof GatewayError) return wanted;
  const now_ms = Date.now();
  const since_ms = instantOf("since", wanted.since, now_ms - 7 * DAY_MS, now_ms);
  if (since_ms instanceof GatewayError) return since_ms;
  const until_ms = instantOf("until", wanted.until, now_ms, now_ms);
  if (until_ms instanceof GatewayError) return until_ms;
  const answer = await reader.experiments({ since_ms, until_ms, route: wanted.route });
  return { json: experimentsJson(answer) };
}

async function tellCalls(reader: LedgerReader, query: URLSearchParams): Promise<Reply | GatewayError> {
  const wanted = readQuery(calls_query, query);
  if (wanted instanceof GatewayError) return wanted;
  const { since, until, id, request, before, limit, status, ...filters } = wanted;
  const now_ms = Date.now();
  const since_ms = instantOf("since", since, 0, now_ms);
  if (since_ms instanceof GatewayError) return since_ms;
  const until_ms = instantOf("until", until, Infinity, now_ms);
  if (until_ms instanceof GatewayError) return until_ms;
  const found = await reader.calls({
    ...{ id, request_id: request, before_seq: before, limit: limit + 1 },
    since_ms: since === undefined ? undefined : since_ms,
    until_ms: until === undefined ? undefined : until_ms,
    filters: { ...definedOf(filters), ...(status === undefined ? {} : { status: Number(status) }) },
  });
  const page = found.slice(0, limit);
  const has_more = found.length > limit;
  return {
    json: {
      object: "list",
      data: page.map(({ row }) => shownRow(row)),
      has_more,
      // What to ask for as `before` to see the next page.
      next: has_more ? (page.at(-1)?.seq ?? null) : null,
    },
  };
}

function definedOf<T extends object>(filters: T): { [name in keyof T]: string } {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)) as {
    [name in keyof T]: string;
  };
}
