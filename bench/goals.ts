// What must hold: the targets and the aims, and where in the results each is found.

import { medianOf, ratioToHaproxy } from "./figures.ts";
import { HIT_ROW, SIMILAR_ROW } from "./hits.ts";
import { OPEN_ROW } from "./open.ts";
import type { Case } from "./part.ts";
import { rowOfSize } from "./plain.ts";
import { REJECTED_ROW } from "./rejected.ts";
import { SINGLE_ROW } from "./single.ts";
import { PACED_ROW } from "./sse.ts";
import { rowOfConnections } from "./syscalls.ts";
import { EXECUTABLE, VENTURI } from "./targets.ts";
import { TRANSLATED_ROW } from "./translated.ts";

/** A line of the table of targets. */
export interface Goal {
  readonly title: string;
  readonly part: string;
  readonly row: string;
  readonly measure: string;
  /** `haproxy`: so many times HAProxy's figure in the same run; `absolute`: in the measure's own unit. */
  readonly against: "haproxy" | "absolute";
  readonly target: number;
  readonly aim: number | null;
  /** Whose figure it is about; Venturi's, as `npm ci` leaves it, by default. */
  readonly of?: string;
}

const ratio = (
  title: string,
  part: string,
  row: string,
  measure: string,
  target: number,
  aim: number,
): Goal => ({
  title,
  part,
  row,
  measure,
  against: "haproxy",
  target,
  aim,
});
const absolute = (
  title: string,
  part: string,
  row: string,
  measure: string,
  target: number,
  aim: number | null,
): Goal => ({ title, part, row, measure, against: "absolute", target, aim });

/** The table. Rows of features that are not there yet join it with them. */
export const GOALS: readonly Goal[] = [
  ratio("pass-through 1 KB, CPU per call", "plain", rowOfSize(1), "cpu_us", 1.8, 1.4),
  ratio("one connection, added p50", "single", SINGLE_ROW, "added_p50_us", 2, 1.4),
  ratio("500 KB body, CPU per call", "plain", rowOfSize(500), "cpu_us", 2, 1.5),
  ratio("SSE relay, CPU per chunk", "sse", PACED_ROW, "cpu_us_per_chunk", 1.5, 1.2),
  ratio("translated stream, CPU per chunk", "translated", TRANSLATED_ROW, "cpu_us_per_chunk", 2.5, 1.8),
  ratio("L1 hit, CPU per call, against relaying", "hits", HIT_ROW, "cpu_us", 1.2, 0.9),
  absolute("L2 hit, built-in embedder, p50 in µs", "hits", SIMILAR_ROW, "p50_us", 500, 200),
  ratio("rejected call, CPU", "rejected", REJECTED_ROW, "cpu_us", 1.6, 1.2),
  ratio("5,000 calls/s, provider 60 ms, added p99", "open", OPEN_ROW, "added_p99_us", 3, 2),
  absolute("system calls per call, 1 connection", "syscalls", rowOfConnections(1), "system_calls", 8, 6),
  absolute("system calls per call, 32 connections", "syscalls", rowOfConnections(32), "system_calls", 8, 6),
  absolute("10,000 idle streams, KB each", "idle", "idle streams", "kb_per_stream", 12, 6),
  absolute("first 200 after start, ms", "start", "cold start", "first_200_ms", 400, 200),
  {
    ...absolute("first 200 of the executable, ms", "start", "cold start", "first_200_ms", 400, 200),
    of: EXECUTABLE,
  },
  absolute("memory, zero-config idle, MB", "memory", "zero-config, idle", "memory_mb", 220, 140),
  absolute("memory growth under mixed load, %", "soak", "mixed load", "growth_percent", 5, null),
];

/** How a goal stands: Venturi's own figure, HAProxy's, and the one that is judged. */
export interface Standing {
  readonly goal: Goal;
  readonly venturi: number | null;
  readonly haproxy: number | null;
  /** The ratio, or the figure itself; null where there is none. */
  readonly value: number | null;
  readonly verdict: "aim" | "target" | "missed" | "no figure";
}

/** Holds the cases of each part against the goals. */
export function standings(casesOf: (part: string) => readonly Case[]): Standing[] {
  return GOALS.map((goal) => {
    const cases = casesOf(goal.part);
    const venturi = medianOf(cases, goal.row, goal.of ?? VENTURI.name, goal.measure);
    const haproxy = medianOf(cases, goal.row, "haproxy", goal.measure);
    const value =
      goal.against === "absolute" ? venturi : ratioToHaproxy(cases, goal.row, VENTURI.name, goal.measure);
    let verdict: Standing["verdict"] = "missed";
    if (value === null) verdict = "no figure";
    else if (goal.aim !== null && value <= goal.aim) verdict = "aim";
    else if (value <= goal.target) verdict = "target";
    return { goal, venturi, haproxy, value, verdict };
  });
}
