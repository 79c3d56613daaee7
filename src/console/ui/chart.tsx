// A chart of sums over time: bars that are stacked, or lines. What it shows is told to screen readers by its label, and in numbers by
// the table that stands beside every chart.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { useTheme } from "./theme.ts";

/** A named row of values, one for each time. */
export interface ChartSeries {
  readonly name: string;
  readonly values: readonly number[];
  /** A custom property of the stylesheet, such as `--c1`. */
  readonly color: string;
}

/** What a chart shows. */
export interface ChartProps {
  readonly label: string;
  /** The beginnings of steps, in seconds since 1970. */
  readonly times: readonly number[];
  readonly step_s: number;
  readonly series: readonly ChartSeries[];
  readonly format: (value: number) => string;
  /** The same for the axis, where it is to be shorter. */
  readonly axisFormat?: (value: number) => string;
  /** Days of UTC rather than times of the reader's zone. */
  readonly is_utc?: boolean;
  readonly height?: number;
}

/** Colours of names, in order; the last is for all the others. */
export function colorOf(place: number, is_others: boolean): string {
  return is_others ? "--c-other" : `--c${(place % 8) + 1}`;
}

/** Bars over time, stacked in the order of their names. */
export function Chart(props: ChartProps) {
  const { label, series, height = 220, format } = props;
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const { change } = useTheme();
  const [at, setAt] = useState<number | null>(null);
  const shape = `${series.map(({ name }) => name).join("\n")}\n${change}\n${props.step_s}\n${height}`;
  useEffect(() => {
    const element = holder.current!;
    const made = new uPlot(optionsOf(props, element, setAt), dataOf(props), element);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => {
    plot.current?.setData(dataOf(props));
  }, [props.times, props.series]);
  const place = at ?? props.times.length - 1;
  return (
    <figure class="chart">
      <div
        ref={holder}
        class="chart-canvas"
        role="img"
        aria-label={label}
        style={{ height: `${height}px` }}
      />
      <figcaption class="legend">
        <span class="legend-time">{timeAt(props, place)}</span>
        {series.map(({ name, values, color }) => (
          <span key={name} class="legend-item">
            <i style={{ background: `var(${color})` }} aria-hidden="true" />
            <span class="legend-name">{name}</span> <b>{format(values[place] ?? 0)}</b>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function timeAt({ times, step_s, is_utc }: ChartProps, place: number): string {
  const time = times[place];
  if (time === undefined) return "";
  const zone = is_utc ? { timeZone: "UTC" } : {};
  const date = new Date(time * 1_000);
  const day = date.toLocaleDateString("en-GB", { ...zone, day: "numeric", month: "short" });
  if (step_s >= 86_400) return day;
  return `${day}, ${date.toLocaleTimeString("en-GB", { ...zone, hour: "2-digit", minute: "2-digit" })}`;
}

/** What stands at a tick: a day where ticks are days apart, else a time. */
function tickText(time_s: number, every_s: number, is_utc: boolean): string {
  const zone = is_utc ? { timeZone: "UTC" } : {};
  const date = new Date(time_s * 1_000);
  return every_s >= 86_400
    ? date.toLocaleDateString("en-GB", { ...zone, day: "numeric", month: "short" })
    : date.toLocaleTimeString("en-GB", { ...zone, hour: "2-digit", minute: "2-digit" });
}

/** Sums from the first name to each, the topmost first: each covers the lower part of the one before it. */
function dataOf({ times, series }: ChartProps): uPlot.AlignedData {
  const below = new Array<number>(times.length).fill(0);
  const sums = series.map(({ values }) =>
    values.map((value, index) => (below[index] = below[index]! + value)),
  );
  return [[...times], ...sums.toReversed()] as uPlot.AlignedData;
}

function optionsOf(
  props: ChartProps,
  element: HTMLElement,
  onPoint: (place: number | null) => void,
): uPlot.Options {
  const { series, step_s, format, axisFormat = format, is_utc, height = 220 } = props;
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const font = `11px ${style.fontFamily}`;
  const axis = { stroke: color("--dim"), font, ticks: { show: false } };
  const grid = { stroke: color("--line"), width: 1 };
  return {
    width: element.clientWidth,
    height,
    ...(is_utc ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1_000), "UTC") } : {}),
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { range: (_, min, max) => [min - step_s / 2, max + step_s / 2] },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 64,
        size: 26,
        values: (_, ticks, __, ___, every_s) => ticks.map((tick) => tickText(tick, every_s, is_utc ?? false)),
      },
      {
        ...axis,
        grid,
        size: 58,
        space: 36,
        values: (_, ticks) => ticks.map((tick) => axisFormat(tick)),
      },
    ],
    series: [
      {},
      ...series.toReversed().map(({ color: name }) => ({
        fill: color(name),
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars!({ size: [0.72, 48], radius: 0 }),
      })),
    ],
    hooks: { setCursor: [(chart) => onPoint(chart.cursor.idx ?? null)] },
  };
}
