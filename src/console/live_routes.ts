// `/admin/v1/calls/live`: calls as they end, as an event stream: first the latest, then each within half a second of its end.
// A reader who is too slow, or more calls than anybody reads, cost whoever looks some of them, which is told; nobody else waits.

import * as z from "zod";
import { GatewayError } from "../errors.ts";
import type { LiveCalls } from "../ledger/live_calls.ts";
import { type LedgerRow, shownRow } from "../ledger/row.ts";
import { CALL_FILTERS } from "../ledger/store/query.ts";
import { readQuery } from "./query.ts";
import type { Routes } from "./router.ts";

/** Calls that were before, at most. */
const RECENT_MAX = 1_000;
/** Calls of one batch that are told: more are no use to a person, and batches come several times a second. */
const TOLD_MAX = 200;
/** Texts that may wait for a reader. */
const WAITING_MAX = 64;
/** How often a quiet stream says that it is there. */
const QUIET_MS = 5_000;
/** Streams at once. */
const STREAMS_MAX = 64;

/** Which calls a stream tells of. */
export const live_query = z.strictObject({
  recent: z.coerce.number().int().min(0).max(RECENT_MAX).default(50),
  /** Only calls that failed. */
  failed: z.enum(["true", "false"]).optional(),
  /** Only calls that took at least so long. */
  min_ms: z.coerce.number().min(0).optional(),
  ...(Object.fromEntries(CALL_FILTERS.map((name) => [name, z.string().optional()])) as Record<
    (typeof CALL_FILTERS)[number],
    z.ZodOptional<z.ZodString>
  >),
});

/** The endpoint; `calls` is null where no gateway runs. */
export function liveRoutes(calls: LiveCalls | null): Routes {
  return {
    "calls/live": {
      GET: ({ query }) => {
        const wanted = readQuery(live_query, query);
        if (wanted instanceof GatewayError) return wanted;
        if (calls === null)
          return new GatewayError("unavailable", "Without a gateway there are no live calls.");
        if (calls.listeners >= STREAMS_MAX) {
          const message = `${STREAMS_MAX} streams of calls are open already: close one.`;
          return new GatewayError("rate_limit_exceeded", message);
        }
        return { events: eventsOf(calls, wanted.recent, filterOf(wanted)) };
      },
    },
  };
}

/** Whether a call is one of those that were asked for. */
function filterOf({ failed, min_ms = 0, recent: _, ...fields }: z.output<typeof live_query>) {
  const wanted = Object.entries(fields).filter(([, value]) => value !== undefined);
  return (row: LedgerRow): boolean => {
    const has_failed = row.error !== null || row.status >= 400;
    if (failed !== undefined && has_failed !== (failed === "true")) return false;
    if (min_ms > 0 && (row.timings_us.total ?? 0) < min_ms * 1_000) return false;
    return wanted.every(([name, value]) => `${row[name as keyof LedgerRow] ?? ""}` === value);
  };
}

function eventsOf(
  calls: LiveCalls,
  recent: number,
  isMeant: (row: LedgerRow) => boolean,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let end = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        /** Calls that were meant, and were not told. */
        let skipped = 0;
        const tell = (rows: readonly LedgerRow[], most: number) => {
          const meant = rows.filter(isMeant);
          const is_slow = (controller.desiredSize ?? 0) <= 0;
          const told = is_slow ? [] : meant.slice(-most);
          skipped += meant.length - told.length;
          if (told.length === 0) return;
          const notice = skipped === 0 ? "" : `event: skipped\ndata: {"calls":${skipped}}\n\n`;
          skipped = 0;
          controller.enqueue(encoder.encode(notice + told.map(eventText).join("")));
        };
        controller.enqueue(encoder.encode(": calls as they end\n\n"));
        if (recent > 0) tell(calls.latest(recent, isMeant), recent);
        const leave = calls.listen((rows) => tell(rows, TOLD_MAX));
        const timer = setInterval(() => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(": quiet\n\n"));
        }, QUIET_MS);
        end = () => {
          leave();
          clearInterval(timer);
        };
      },
      cancel: () => end(),
    },
    { highWaterMark: WAITING_MAX },
  );
}

function eventText(row: LedgerRow): string {
  return `event: call\nid: ${row.id}\ndata: ${JSON.stringify(shownRow(row))}\n\n`;
}
