// `/admin/v1/usage/series`, `usage/forecast`, `quality`, `pulse`, `health` and `gateway`: what a person who watches the gateway looks at.

import * as z from "zod";
import { GatewayError } from "../errors.ts";
import { FITTED_DAYS, forecastMonth } from "../ledger/forecast.ts";
import type { MetricsSnapshot } from "../ledger/metrics.ts";
import { askQuality, qualityJson } from "../ledger/quality/report.ts";
import type { LedgerSource } from "../ledger/source.ts";
import { type LedgerReader, USAGE_FIELDS } from "../ledger/store/query.ts";
import { NAMES_DEFAULT, type SeriesAnswer, type SeriesPoint } from "../ledger/store/series.ts";
import { LEVEL_MS, LEVELS, type Level, periodStart } from "../ledger/store/windows.ts";
import type { GatewayHooks } from "./admin.ts";
import { askLedger } from "./ledger_routes.ts";
import { instantOf, readQuery } from "./query.ts";
import type { Answerer, Reply, Routes } from "./router.ts";

const DAY_MS = 86_400_000;
/** Steps of one answer, at most. */
const STEPS_MAX = 2_000;
/** How far back calls are looked at that tell how long calls take. */
const LATENCY_MS = 15 * 60_000;

/** What is asked of usage over time. */
export const series_query = z.strictObject({
  by: z.enum(USAGE_FIELDS as [string, ...string[]]).optional(),
  step: z.enum(LEVELS as [Level, ...Level[]]).optional(),
  since: z.string().optional(),
  until: z.string().optional(),
  names: z.coerce.number().int().min(1).max(50).default(NAMES_DEFAULT),
});

/** What these endpoints ask of the process that they run in. */
export interface InsightHooks {
  /** Who counts what all calls have come to; null where nobody does. */
  readonly caches: { counts(): MetricsSnapshot | null } | null;
  /** The gateway; null where none runs. */
  readonly gateway: Pick<GatewayHooks, "url" | "targets"> | null;
}

/** The endpoints of insight into the ledger, and into what this host's data folder alone knows. */
export function insightRoutes(data: string, ledger: LedgerSource, hooks: InsightHooks): Routes {
  const ask =
    (question: (reader: LedgerReader, query: URLSearchParams) => Promise<Reply | GatewayError>): Answerer =>
    ({ query }) =>
      askLedger(ledger, (reader) => question(reader, query));
  return {
    "usage/series": { GET: ask(tellSeries) },
    "usage/forecast": { GET: ask(tellForecast) },
    quality: { GET: () => tellQuality(data) },
    pulse: { GET: ask((reader) => tellPulse(reader, hooks)) },
    health: {
      GET: async () =>
        hooks.gateway === null
          ? new GatewayError("unavailable", "Without a gateway there is no health of targets.")
          : { json: { object: "list", data: await hooks.gateway.targets() } },
    },
    gateway: { GET: () => tellGateway(hooks) },
  };
}

function tellGateway({ gateway }: InsightHooks): Reply | GatewayError {
  const url = gateway?.url() ?? null;
  return url === null
    ? new GatewayError("unavailable", "There is no gateway that listens.")
    : { json: { object: "gateway", url } };
}

function tellQuality(data: string): Reply | GatewayError {
  const report = askQuality(data);
  if ("fault" in report)
    return new GatewayError("unavailable", `The ledger cannot be asked: ${report.fault}.`);
  return { json: qualityJson(report) };
}

async function tellSeries(reader: LedgerReader, query: URLSearchParams): Promise<Reply | GatewayError> {
  const wanted = readQuery(series_query, query);
  if (wanted instanceof GatewayError) return wanted;
  const now_ms = Date.now();
  const since_ms = instantOf("since", wanted.since, now_ms - 30 * DAY_MS, now_ms);
  if (since_ms instanceof GatewayError) return since_ms;
  const until_ms = instantOf("until", wanted.until, now_ms, now_ms);
  if (until_ms instanceof GatewayError) return until_ms;
  const step = wanted.step ?? stepFor(until_ms - since_ms);
  const steps = (until_ms - since_ms) / LEVEL_MS[step];
  if (steps > STEPS_MAX) {
    return new GatewayError(
      "invalid_value",
      `That are ${Math.ceil(steps)} steps; at most ${STEPS_MAX} are told.`,
      {
        param: "step",
      },
    );
  }
  const by = (wanted.by ?? null) as (typeof USAGE_FIELDS)[number] | null;
  return { json: seriesJson(await reader.series({ by, step, since_ms, until_ms, names: wanted.names })) };
}

/** The step that gives a range some dozens of them. */
function stepFor(range_ms: number): Level {
  if (range_ms <= 3 * LEVEL_MS.hour) return "minute";
  return range_ms <= 4 * DAY_MS ? "hour" : "day";
}

function seriesJson({ points, since_ms, until_ms, step_ms, ...rest }: SeriesAnswer): unknown {
  return {
    object: "usage.series",
    ...rest,
    step_s: step_ms / 1_000,
    since: new Date(since_ms).toISOString(),
    until: new Date(until_ms).toISOString(),
    points: points.map(pointJson),
  };
}

function pointJson({ start_ms, cost_nano_usd, ...sums }: SeriesPoint): unknown {
  return { start: new Date(start_ms).toISOString(), ...sums, cost_usd: Number(cost_nano_usd) / 1e9 };
}

async function tellForecast(reader: LedgerReader): Promise<Reply> {
  const now_ms = Date.now();
  const month_ms = periodStart("month", now_ms);
  const since_ms = Math.min(month_ms, now_ms - FITTED_DAYS * DAY_MS);
  const wish = { by: null, step: "day", since_ms, until_ms: now_ms + 1, names: 1 } as const;
  const { points } = await reader.series(wish);
  const days = points.map(({ start_ms, cost_nano_usd }) => ({ start_ms, usd: Number(cost_nano_usd) / 1e9 }));
  const forecast = forecastMonth(days, month_ms, now_ms);
  return {
    json: {
      object: "usage.forecast",
      month: new Date(month_ms).toISOString().slice(0, 7),
      ...forecast,
      days: forecast.days.map(({ start_ms, usd }) => ({ start: new Date(start_ms).toISOString(), usd })),
    },
  };
}

async function tellPulse(reader: LedgerReader, hooks: InsightHooks): Promise<Reply> {
  const now_ms = Date.now();
  const counts = hooks.caches?.counts() ?? null;
  const range = { since_ms: periodStart("day", now_ms), until_ms: now_ms };
  const [today] = (await reader.usage({ by: [], ...range }, now_ms)).rows;
  const first_ms = now_ms - LATENCY_MS;
  return {
    json: {
      object: "pulse",
      time: new Date(now_ms).toISOString(),
      counts: counts === null ? null : sumsOf(counts),
      latency: { since: new Date(first_ms).toISOString(), ...(await reader.latency(first_ms)) },
      today: {
        calls: today?.calls ?? 0,
        errors: today?.errors ?? 0,
        cost_usd: Number(today?.cost_nano_usd ?? 0n) / 1e9,
        saved_usd: Number(today?.saved_nano_usd ?? 0n) / 1e9,
      },
    },
  };
}

/** Sums since the counts began, from which whoever asks twice has a rate; and what is so at the moment. */
function sumsOf({ series, in_flight, sockets }: MetricsSnapshot) {
  const total = (what: "calls" | "errors") =>
    series.reduce((sum, one) => sum + Object.values(one[what]).reduce((all, number) => all + number, 0), 0);
  const tokens = (kind: string) => series.reduce((sum, one) => sum + (one.tokens[kind] ?? 0), 0);
  return {
    calls: total("calls"),
    errors: total("errors"),
    input_tokens: tokens("input"),
    output_tokens: tokens("output"),
    in_flight,
    sockets,
  };
}
