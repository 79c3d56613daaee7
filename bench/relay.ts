// What relaying costs: 1 KB chat calls, plain and streamed, direct and through each gateway, in turn.
// The method and its limits are in README.md.

import { join } from "node:path";
import { cpuMs } from "../test/chaos/processes.ts";
import type { LoadResult } from "./load.ts";
import { startTargets, type Target } from "./targets.ts";

/** How large a benchmark is. */
export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  log(line: string): void;
}

interface Round extends LoadResult {
  /** Processor time of all processes of the target, user and system. */
  readonly cpu_us_per_call: number;
}

/** A target under one kind of load: medians over the rounds, and the rounds. */
export interface RelayCase {
  readonly kind: "plain" | "sse";
  readonly target: string;
  readonly median: Omit<Round, "calls" | "errors">;
  readonly errors: number;
  readonly rounds: readonly Round[];
}

const MEASURES = ["calls_per_s", "p50_us", "p99_us", "cpu_us_per_call"] as const;

async function measure(target: Target, kind: RelayCase["kind"], options: BenchOptions): Promise<Round> {
  const cpu = () => target.pids().reduce((sum, pid) => sum + cpuMs(pid), 0);
  const before_ms = cpu();
  const args = [target.port, kind, options.connections, options.seconds * 1000].map(String);
  const client = Bun.spawn([process.execPath, join(import.meta.dirname, "load.ts"), ...args]);
  const result = JSON.parse(await client.stdout.text()) as LoadResult;
  return { ...result, cpu_us_per_call: Math.round(((cpu() - before_ms) * 1000) / Math.max(1, result.calls)) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** Runs it: every target in turn, again and again, so that what else the machine does falls on all alike. */
export async function relay(options: BenchOptions): Promise<RelayCase[]> {
  const targets = await startTargets(options.log);
  const cases: RelayCase[] = [];
  try {
    for (const kind of ["plain", "sse"] as const) {
      const rounds = new Map<Target, Round[]>(targets.map((target) => [target, []]));
      for (let round = 0; round < options.rounds; round++) {
        for (const target of targets) rounds.get(target)!.push(await measure(target, kind, options));
      }
      for (const [target, all] of rounds) {
        const middle = Object.fromEntries(
          MEASURES.map((name) => [name, median(all.map((round) => round[name]))]),
        ) as unknown as RelayCase["median"];
        const errors = all.reduce((sum, round) => sum + round.errors, 0);
        cases.push({ kind, target: target.name, median: middle, errors, rounds: all });
        const { calls_per_s, p50_us, p99_us, cpu_us_per_call } = middle;
        options.log(
          `${kind.padEnd(6)}${target.name.padEnd(9)}${String(calls_per_s).padStart(8)} calls/s` +
            `${String(p50_us).padStart(8)} us p50${String(p99_us).padStart(8)} us p99` +
            `${String(cpu_us_per_call).padStart(7)} us CPU/call${errors > 0 ? `  ${errors} errors` : ""}`,
        );
      }
    }
  } finally {
    for (const target of targets.toReversed()) await target.stop();
  }
  return cases;
}
