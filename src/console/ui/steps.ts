// Points of usage over time as the rows of a chart: every step has a value, also where nothing was called.

import type { UsagePoint, UsageSeries } from "./answers.ts";
import { type ChartSeries, colorOf } from "./chart.tsx";

/** The rows of a chart. */
export interface Steps {
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
}

/** A chart's rows: one for each name, of whatever `read` takes of a point. */
export function stepsOf(usage: UsageSeries, nobody: string, read: (point: UsagePoint) => number): Steps {
  const times = timesOf(usage);
  const places = new Map(times.map((time, place) => [time, place]));
  const rows = usage.names.map(() => new Array<number>(times.length).fill(0));
  for (const point of usage.points) {
    const place = places.get(Date.parse(point.start) / 1_000);
    const row = rows[point.name];
    if (place !== undefined && row !== undefined) row[place] = read(point);
  }
  const last = usage.names.length - 1;
  const series = usage.names.map((name, place) => {
    const is_others = usage.has_others && place === last;
    return {
      name: is_others ? "all others" : (name ?? nobody),
      values: rows[place]!,
      color: colorOf(place, is_others),
    };
  });
  return { times, series };
}

/** The beginnings of all steps of a range. */
export function timesOf({ since, until, step_s }: UsageSeries): number[] {
  const first_s = Date.parse(since) / 1_000;
  const end_s = Date.parse(until) / 1_000;
  const times: number[] = [];
  for (let time_s = first_s; time_s < end_s; time_s += step_s) times.push(time_s);
  return times;
}
