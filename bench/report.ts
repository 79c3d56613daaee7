// The report: results/README.md with the targets and the tables of every part's last run, and the plots.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BODY_SIZES_KB } from "./bodies.ts";
import { breakdownTable } from "./breakdown.ts";
import { MEASURES, markdownTable, median, medianOf, show, tablesOf } from "./figures.ts";
import { GOALS, type Goal, standings } from "./goals.ts";
import type { Latency, LoadResult } from "./load_order.ts";
import type { Machine } from "./machine.ts";
import { OPEN_ROW } from "./open.ts";
import type { Case } from "./part.ts";
import { rowOfSize } from "./plain.ts";
import { drawPlot } from "./plot.ts";
import { RESULTS_FOLDER, type Results, readAllResults } from "./results.ts";

const VERDICTS = {
  aim: "**aim reached**",
  target: "reached",
  missed: "**missed**",
  "no figure": "no figure",
} as const;

/** The table of the targets. */
export function goalsTable(casesOf: (part: string) => readonly Case[]): string[][] {
  const bound = (goal: Goal, value: number | null) =>
    value === null ? "" : goal.against === "haproxy" ? `≤ ${value} ×` : `≤ ${value}`;
  const lines = standings(casesOf).map(({ goal, venturi, haproxy, value, verdict }) => {
    const figure = (of: number | null) => (of === null ? "–" : show(of, MEASURES[goal.measure]!.digits));
    const ratio = goal.against === "haproxy" && value !== null ? `${show(value, 2)} ×` : "";
    const over =
      value !== null && verdict === "missed" ? ` by ${show((value / goal.target - 1) * 100, 0)} %` : "";
    const bounds = [bound(goal, goal.target), bound(goal, goal.aim)];
    return [goal.title, ...bounds, figure(venturi), figure(haproxy), ratio, VERDICTS[verdict] + over];
  });
  return [["row", "target", "aim", "Venturi", "HAProxy", "ratio", "verdict"], ...lines];
}

function describe(machine: Machine): string {
  const { processor, cores, memory_gib, kernel, bun, haproxy, nginx, placement } = machine;
  return `${processor}, ${cores} cores, ${memory_gib} GiB, Linux ${kernel}; Bun ${bun}, HAProxy ${haproxy}, nginx ${nginx}; ${placement}.`;
}

/** The section on what the time goes to; empty where nothing was profiled. */
function breakdown(casesOf: (part: string) => readonly Case[]): string[] {
  const table = breakdownTable(casesOf);
  const about =
    "Processor time in microseconds: of all processes by `floor`, then by `profile`, whose columns from the kernel to native addons (scanner, LMDB) are the gateway's main thread. Medians each, so that the parts come near their sum.";
  return table.length === 1 ? [] : ["## What the time goes to", "", about, "", ...markdownTable(table), ""];
}

/** The report of some results as Markdown. */
export function reportOf(all: readonly Results[]): string {
  const casesOf = (part: string) => all.find((results) => results.part === part)?.cases ?? [];
  const order = [...new Set(GOALS.map(({ part }) => part)), "peers"];
  const place = ({ part }: Results) => (order.indexOf(part) + order.length + 1) % (order.length + 1);
  const sections = all
    .toSorted((a, b) => place(a) - place(b))
    .filter(({ cases }) => cases.length > 0)
    .flatMap((results) => [
      `## ${results.part}`,
      "",
      results.about,
      `Measured ${results.measured_at}, load average before ${results.machine.load_average}; ${Object.entries(
        results.sizes,
      )
        .map(([name, size]) => `${name} ${size}`)
        .join(", ")}.`,
      "",
      ...tablesOf(results.cases).flatMap((table) => [...markdownTable(table), ""]),
    ]);
  return [
    "# Results of the last run",
    "",
    "Written by `npm run bench`; how it is measured stands in [../README.md](../README.md). Medians over the rounds, ± half the range,",
    "in parentheses the ratio to HAProxy in the same run. Ratios travel to other machines, absolute figures do not.",
    "",
    ...[...new Set(all.map(({ machine }) => describe(machine)))],
    "",
    "## Targets",
    "",
    ...markdownTable(goalsTable(casesOf)),
    "",
    ...breakdown(casesOf),
    ...(all.some(({ part }) => part === "plain")
      ? ["![CPU per call by body size](cpu_by_body.svg)", ""]
      : []),
    ...(all.some(({ part }) => part === "open") ? ["![Latency of the open loop](open_loop.svg)", ""] : []),
    ...sections,
  ].join("\n");
}

/** Processor time per call by the size of the body. */
function cpuPlot(cases: readonly Case[]): string {
  const targets = [...new Set(cases.map(({ target }) => target))].filter((name) => name !== "direct");
  return drawPlot({
    title: "Processor time per call by the size of the request's body",
    x_title: "KB",
    y_title: "µs per call, all processes of the target",
    x_marks: BODY_SIZES_KB.map((size) => [size, size.toLocaleString("en")] as const),
    lines: targets.map((name) => ({
      name,
      points: BODY_SIZES_KB.flatMap((size) => {
        const value = medianOf(cases, rowOfSize(size), name, "cpu_us");
        return value === null ? [] : [[size, value] as const];
      }),
    })),
  });
}

const PERCENTILES: readonly (readonly [keyof Latency, share: number, string])[] = [
  ["p50_us", 2, "p50"],
  ["p75_us", 4, "p75"],
  ["p90_us", 10, "p90"],
  ["p95_us", 20, "p95"],
  ["p99_us", 100, "p99"],
  ["p999_us", 1000, "p99.9"],
];

/** Percentiles of the latency in the open loop: the x axis is one in how many calls. */
function openPlot(cases: readonly Case[]): string {
  return drawPlot({
    title: "Latency from the intended send, open loop, provider 60 ms",
    x_title: "percentile",
    y_title: "milliseconds",
    x_marks: PERCENTILES.map(([, share, text]) => [share, text] as const),
    lines: cases
      .filter(({ row, fault }) => row === OPEN_ROW && fault === null)
      .map(({ target, rounds }) => ({
        name: target,
        points: PERCENTILES.map(([name, share]) => {
          const values = (rounds as readonly LoadResult[]).map(({ latency }) => latency[name] / 1000);
          return [share, median(values)] as const;
        }),
      })),
  });
}

/** Writes the report and the plots from all results in the folder. */
export function writeReport(folder = RESULTS_FOLDER): void {
  const all = readAllResults(folder);
  const casesOf = (part: string) => all.find((results) => results.part === part)?.cases ?? [];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "README.md"), reportOf(all));
  const plots = { "cpu_by_body.svg": cpuPlot(casesOf("plain")), "open_loop.svg": openPlot(casesOf("open")) };
  for (const [name, svg] of Object.entries(plots)) if (svg !== "") writeFileSync(join(folder, name), svg);
}
