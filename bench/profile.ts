// Where the time of a call goes: the processor time of all processes of Venturi by thread, and that of the gateway's main thread by what
// `perf` sees it do, with the names of its compiled JavaScript.

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { roleOf, threadsOf } from "../test/chaos/processes.ts";
import { median } from "./figures.ts";
import { HIT_BODIES, HIT_ROW, keepAnswers } from "./hits.ts";
import type { LoadOrder } from "./load_order.ts";
import { findProgram, pinned } from "./machine.ts";
import { OPEN_ROW, OPEN_SCRIPT, openOrder } from "./open.ts";
import {
  type Case,
  caseOf,
  load,
  onStage,
  orderFor,
  type Part,
  type Sample,
  type Sizes,
  type Stage,
} from "./part.ts";
import { rowOfSize } from "./plain.ts";
import { REJECTED_ROW } from "./rejected.ts";
import { attribute, type Counts, readJitDump } from "./samples.ts";
import { PACED_ROW, streamOrder, streamScript, warmUpSeconds } from "./sse.ts";
import { CACHED_MODEL, type Target, VENTURI, WRONG_AUTHORIZATION } from "./targets.ts";
import { PLAIN_SCRIPT, type Script } from "./upstream.ts";

/** Samples a second. */
const FREQUENCY = 2_999;
/** The share of a load that is sampled: its end is left to stragglers. */
const SAMPLED_SHARE = 0.8;
/** Functions and system calls with a smaller share of all time are added up. */
const SHARE_MIN = 0.4;

/** What is profiled. */
interface Row {
  readonly name: string;
  readonly order: (sizes: Sizes) => Partial<LoadOrder>;
  readonly script?: (sizes: Sizes) => Script;
  /** What comes before everything. */
  readonly prepare?: (stage: Stage, target: Target) => Promise<unknown>;
  /** The provider sees none of the calls. */
  readonly is_answered_here?: boolean;
}

const ROWS: readonly Row[] = [
  { name: rowOfSize(1), order: () => ({}) },
  { name: rowOfSize(500), order: () => ({ body_kb: 500 }) },
  {
    name: REJECTED_ROW,
    order: () => ({ headers: WRONG_AUTHORIZATION, expect_status: 401 }),
    is_answered_here: true,
  },
  {
    name: HIT_ROW,
    order: () => ({ model: CACHED_MODEL, bodies: HIT_BODIES }),
    prepare: keepAnswers,
    is_answered_here: true,
  },
  {
    name: OPEN_ROW,
    order: ({ rate }) => openOrder(rate),
    script: () => OPEN_SCRIPT,
  },
  { name: PACED_ROW, order: streamOrder, script: streamScript },
];

/** Threads, by what they are for, as results name them. */
export const THREADS = {
  all: "all processes",
  main: "gateway, main thread",
  compiler: "gateway, compiling threads",
  helpers: "gateway, allocator's and other threads",
  ledger: "supervisor, ledger's thread",
  supervisor: "supervisor, all else",
} as const;
/** The same for what the gateway's main thread does. */
export const nameOfActivity = (activity: string) => `main thread: ${activity}`;
/** The engine's thread that writes down what was compiled: the profile's own cost. */
const OBSERVER = "JSC PerfLog";

function purposeOf(target: Target, pid: number, tid: number, thread: string): string {
  if (roleOf(pid) !== "gateway")
    return pid === target.pid && thread === "Worker" ? THREADS.ledger : THREADS.supervisor;
  if (tid === pid) return THREADS.main;
  return thread.startsWith("JITWorker") ? THREADS.compiler : THREADS.helpers;
}

/** Processor time of a target's threads so far, in nanoseconds, by number. */
function threadTimes(target: Target) {
  const threads = target.pids().flatMap((pid) => threadsOf(pid).map((thread) => ({ ...thread, pid })));
  return new Map(
    threads
      .filter(({ name }) => name !== OBSERVER)
      .map(({ pid, tid, name, cpu_ns }) => [tid, { purpose: purposeOf(target, pid, tid, name), cpu_ns }]),
  );
}

/**
 * What threads did between two readings, by purpose. One that ended in between counts for nothing: the engine ends those that had
 * nothing to do for ten seconds.
 */
function spentBetween(before: ReturnType<typeof threadTimes>, after: ReturnType<typeof threadTimes>) {
  const times = new Map<string, number>(Object.values(THREADS).map((name) => [name, 0]));
  for (const [tid, { purpose, cpu_ns }] of after) {
    const spent_ns = cpu_ns - (before.get(tid)?.cpu_ns ?? 0);
    for (const name of [THREADS.all, purpose]) times.set(name, times.get(name)! + spent_ns);
  }
  return times;
}

/** What a load cost: nanoseconds of processor time by thread, and the samples of the gateway's main thread. */
interface Recorded {
  readonly times: ReadonlyMap<string, number>;
  readonly counts: Counts;
  /** Calls, or events of streams. */
  readonly units: number;
  readonly is_stream: boolean;
  readonly fault: string | null;
}

/** Records a load; null where perf may not. */
async function record(stage: Stage, target: Target, folder: string, row: Row): Promise<Recorded | null> {
  const { sizes, placement } = stage;
  const pid = target.pids().find((found) => roleOf(found) === "gateway")!;
  const data = join(folder, "perf.data");
  const flags = ["-q", "--call-graph", "fp", "-F", String(FREQUENCY), "-p", String(pid), "-o", data];
  const before = threadTimes(target);
  const perf = Bun.spawn(
    pinned(
      ["perf", "record", ...flags, "--", "sleep", String(sizes.seconds * SAMPLED_SHARE)],
      placement?.load_core,
    ),
    { stdio: ["ignore", "ignore", "ignore"] },
  );
  const order = orderFor(stage, target, row.order(sizes));
  const [status, { result, fault }] = await Promise.all([
    perf.exited,
    load(stage, target, order, (calls) => (row.is_answered_here ? 0 : calls)),
  ]);
  const times = spentBetween(before, threadTimes(target));
  if (status !== 0) return null;
  const fields = ["-F", "ip,sym,dso", "--no-inline", "--tid", String(pid)];
  const script = Bun.spawnSync(["perf", "script", "-i", data, ...fields]).stdout.toString();
  const dump = readdirSync(join(folder, "jit")).find((name) => name.endsWith(`-${pid}.dump`));
  const codes =
    dump === undefined ? [] : readJitDump(Buffer.from(await Bun.file(join(folder, "jit", dump)).bytes()));
  const { is_stream } = order;
  const units = is_stream ? result.events : result.calls;
  return { times, counts: attribute(script, codes), units, is_stream, fault };
}

/** Microseconds of a call, by what they are spent on. */
type Costs = ReadonlyMap<string, number>;

/** The costs of rounds under the same names, dearest first; those below `least_us` are added up as `rest`. */
function fold(rounds: readonly Costs[], least_us: number, rest: string): Costs[] {
  const costOf = (name: string) => median(rounds.map((costs) => costs.get(name) ?? 0));
  const names = [...new Set(rounds.flatMap((costs) => [...costs.keys()]))];
  const dear = names.filter((name) => costOf(name) >= least_us).sort((a, b) => costOf(b) - costOf(a));
  const cheap = names.filter((name) => !dear.includes(name));
  return rounds.map((costs) => {
    const sum = cheap.reduce((sum, name) => sum + (costs.get(name) ?? 0), 0);
    return new Map([...dear.map((name) => [name, costs.get(name) ?? 0] as const), [rest, sum]]);
  });
}

/** A row's cases: threads, what the main thread does, what the kernel does for it, and its functions. */
function casesOf(row: Row, rounds: readonly Recorded[]): Case[] {
  const threads = rounds.map(
    ({ times, units }): Costs => new Map([...times].map(([name, ns]) => [name, ns / 1000 / units])),
  );
  const sampled = (nameOf: (what: string) => string, pick: (counts: Counts) => ReadonlyMap<string, number>) =>
    rounds.map(({ counts }, round): Costs => {
      const us_per_sample = threads[round]!.get(THREADS.main)! / Math.max(1, counts.samples);
      return new Map([...pick(counts)].map(([what, count]) => [nameOf(what), count * us_per_sample]));
    });
  const least_us = (median(threads.map((costs) => costs.get(THREADS.all)!)) * SHARE_MIN) / 100;
  const groups = [
    threads,
    sampled(nameOfActivity, ({ activities }) => activities),
    fold(
      sampled(
        (call) => `kernel: ${call}`,
        ({ kernel }) => kernel,
      ),
      least_us,
      "kernel: all else",
    ),
    fold(
      sampled(
        (name) => name,
        ({ functions }) => functions,
      ),
      least_us,
      "all other functions",
    ),
  ];
  const measure = rounds[0]!.is_stream ? "cpu_us_per_chunk" : "cpu_us";
  return groups.flatMap((group) =>
    [...group[0]!.keys()].map((name) => {
      const samples = rounds.map(({ fault, units, counts }, round): Sample => {
        const us = group[round]!.get(name)!;
        const share_percent = (100 * us) / threads[round]!.get(THREADS.all)!;
        return { values: { [measure]: us, share_percent }, fault, raw: { units, samples: counts.samples } };
      });
      return caseOf(row.name, name, samples);
    }),
  );
}

/** Processor time by thread, activity and function. */
export const profile: Part = {
  name: "profile",
  about:
    "Where the processor time of a call (of a chunk, of streams) goes: by thread; of the gateway's main thread by `perf`: in the kernel and for which system call, in the runtime by itself, in the runtime under our functions, in our compiled code. The shares are of all processes' time. Sampled, and with the engine's notes of what it compiles, a call costs a little more than in the other parts.",
  usual: { rounds: 3, seconds: 4, connections: 32, streams: 200, chunks: 100, rate: 5000, warm_seconds: 9 },
  run: async (sizes, log) => {
    if (findProgram("perf") === null) {
      log("perf is not installed: left out");
      return [];
    }
    const folder = mkdtempSync(join(tmpdir(), "venturi-profile-"));
    mkdirSync(join(folder, "jit"));
    const env = { BUN_JSC_useJITDump: "1", BUN_JSC_jitDumpDirectory: join(folder, "jit") };
    try {
      return await onStage(sizes, log, [{ ...VENTURI, env }], async (stage) => {
        const target = stage.targets[1]!;
        const cases: Case[] = [];
        for (const row of ROWS) {
          await stage.provider.play(row.script?.(sizes) ?? PLAIN_SCRIPT);
          await row.prepare?.(stage, target);
          const order = row.order(sizes);
          const warm_up = { ...order, seconds: Math.max(0.1, warmUpSeconds(sizes, order.is_stream)) };
          await stage.generator.run(orderFor(stage, target, warm_up));
          const rounds: Recorded[] = [];
          for (let round = 0; round < sizes.rounds; round++) {
            const recorded = await record(stage, target, folder, row);
            if (recorded === null) {
              log("perf may not record here: left out");
              return [];
            }
            rounds.push(recorded);
          }
          cases.push(...casesOf(row, rounds));
        }
        return cases;
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
