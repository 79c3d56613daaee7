// Usage over time, out of the rollups: one sum for each step of time, and for the dearest names of a field in it.

import { DIMENSIONS, type Dimension } from "./groups.ts";
import type { AskSums } from "./query.ts";
import { LEVEL_MS, type Level, startOf } from "./windows.ts";

/** Names that are told apart where nothing is said. */
export const NAMES_DEFAULT = 8;

/** A question for usage over time. */
export interface SeriesQuery {
  /** What is told apart; null: nothing. */
  readonly by: Dimension | null;
  readonly step: Level;
  /** Whole steps are told: from the one that this is in. */
  readonly since_ms: number;
  readonly until_ms: number;
  /** Names that are told apart, the dearest first; the others are one. */
  readonly names: number;
}

/** What was used in a step of time. */
export interface SeriesSums {
  readonly calls: number;
  readonly errors: number;
  readonly cost_nano_usd: bigint;
}

/** A step of one name. */
export interface SeriesPoint extends SeriesSums {
  readonly start_ms: number;
  /** The place of its name among the names of the answer. */
  readonly name: number;
}

/** Usage over time. */
export interface SeriesAnswer {
  /** The dearest first; null is no name, the last one may be all the others. */
  readonly names: readonly (string | null)[];
  /** Whether the last of the names is all the others. */
  readonly has_others: boolean;
  readonly step_ms: number;
  readonly since_ms: number;
  readonly until_ms: number;
  /** Steps without calls have no point. */
  readonly points: readonly SeriesPoint[];
}

/** Each more of them is sorted with every row, and a month has hundreds of thousands. */
const SUMS = ["calls", "errors", "cost_nano_usd"] as const;

type Found = Readonly<Record<(typeof SUMS)[number] | "start_ms", bigint>> & { readonly name: string };

/** Asks for usage over time. */
export async function usageSeries(ask: AskSums, query: SeriesQuery): Promise<SeriesAnswer> {
  const { by, step, names } = query;
  if (by !== null && !DIMENSIONS.includes(by)) throw new RangeError(`there is no field ${by}`);
  const since_ms = startOf(step, query.since_ms);
  const until_ms = Math.max(since_ms, query.until_ms);
  const sums = SUMS.map((name) => `CAST(sum(${name}) AS BIGINT) AS ${name}`).join(", ");
  const text =
    by === null
      ? `SELECT start_ms, '' AS name, ${sums} FROM rollup_${step} WHERE start_ms >= ? AND start_ms < ? GROUP BY start_ms`
      : `SELECT start_ms, groups.${by} AS name, ${sums} FROM rollup_${step} JOIN groups ON groups.id = group_id
         WHERE start_ms >= ? AND start_ms < ? GROUP BY start_ms, groups.${by}`;
  const found = (await ask(text, since_ms, until_ms)) as Found[];
  const order = dearest(found);
  const told = order.slice(0, names);
  const places = new Map(told.map((name, place) => [name, place]));
  const points = new Map<string, SeriesPoint>();
  for (const record of found) {
    const name = places.get(record.name) ?? told.length;
    const id = `${record.start_ms} ${name}`;
    points.set(id, added(points.get(id), record, name));
  }
  const has_others = order.length > told.length;
  return {
    names: [...told.map((name) => (name === "" ? null : name)), ...(has_others ? ["other"] : [])],
    has_others,
    step_ms: LEVEL_MS[step],
    since_ms,
    until_ms,
    points: [...points.values()],
  };
}

/** Names by what they cost, then by their calls. */
function dearest(found: readonly Found[]): string[] {
  const sums = new Map<string, { cost: bigint; calls: bigint }>();
  for (const { name, cost_nano_usd, calls } of found) {
    const sum = sums.get(name) ?? { cost: 0n, calls: 0n };
    sums.set(name, { cost: sum.cost + cost_nano_usd, calls: sum.calls + calls });
  }
  const sign = (difference: bigint) => (difference > 0n ? 1 : difference < 0n ? -1 : 0);
  return [...sums]
    .sort(([, a], [, b]) => sign(b.cost - a.cost) || sign(b.calls - a.calls))
    .map(([name]) => name);
}

function added(before: SeriesPoint | undefined, record: Found, name: number): SeriesPoint {
  const count = (sum: (typeof SUMS)[number]) => Number(record[sum]);
  return {
    start_ms: Number(record.start_ms),
    name,
    calls: (before?.calls ?? 0) + count("calls"),
    errors: (before?.errors ?? 0) + count("errors"),
    cost_nano_usd: (before?.cost_nano_usd ?? 0n) + record.cost_nano_usd,
  };
}
