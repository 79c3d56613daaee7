// A part of the suite: a name, the sizes that it usually has, and the cases that it gives. What every part needs (provider,
// generator, targets) is set up and taken down here, and targets take turns here.

import { type Generator, type Provider, startGenerator, startProvider } from "./actors.ts";
import { type LoadOrder, type LoadResult, PLAIN_ORDER } from "./load_order.ts";
import { findPlacement, type Placement } from "./machine.ts";
import { cpuOf, type Program, startProgram, type Target } from "./targets.ts";

/** How large a part is. */
export interface Sizes {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly streams: number;
  /** Events of a stream. */
  readonly chunks: number;
  /** Calls per second of the open loop. */
  readonly rate: number;
  /** A fixed number of calls. */
  readonly calls: number;
  readonly minutes: number;
  /** How long after the load the processor time is read, so that work put off until after the answers is in it. */
  readonly settle_ms: number;
  /**
   * How long each target is loaded before the first round, in seconds: the engine compiles what it runs during some ten thousands of
   * calls, and a gateway runs for weeks.
   */
  readonly warm_seconds: number;
  /** Connections that are opened at once. */
  readonly burst: number;
  /** 1 installs peers that are missing, from npm. */
  readonly peers: number;
}

/** Sizes that a part does not name. */
export const USUAL_SIZES: Sizes = {
  rounds: 5,
  seconds: 2,
  connections: 32,
  streams: 200,
  chunks: 100,
  rate: 5000,
  calls: 2000,
  minutes: 1,
  settle_ms: 300,
  warm_seconds: 3,
  burst: 2_000,
  peers: 0,
};

/** What was measured of one target in one row: a value for every measure and round. */
export interface Case {
  readonly row: string;
  readonly target: string;
  /** Why there are no figures. */
  readonly fault: string | null;
  readonly values: Readonly<Record<string, readonly number[]>>;
  /** What each round gave as it was. */
  readonly rounds: readonly unknown[];
}

/** A part of the suite. */
export interface Part {
  readonly name: string;
  /** What it tells, in a sentence for the results. */
  readonly about: string;
  /** The sizes that it has, and their usual values. */
  readonly usual: Partial<Sizes>;
  run(sizes: Sizes, log: (line: string) => void): Promise<Case[]>;
}

/** What a part works with. */
export interface Stage {
  readonly sizes: Sizes;
  readonly placement: Placement | null;
  readonly provider: Provider;
  readonly generator: Generator;
  /** `direct` first. */
  readonly targets: readonly Target[];
  log(line: string): void;
}

/** A round of one target: its values, or what is wrong. */
export interface Sample {
  readonly values: Readonly<Record<string, number>>;
  readonly fault: string | null;
  readonly raw: unknown;
}

/** Sets the stage, lets `play` use it, and ends every process. Without a `placement` the system puts them where it likes. */
export async function onStage<T>(
  sizes: Sizes,
  log: (line: string) => void,
  programs: readonly Program[],
  play: (stage: Stage) => Promise<T>,
  placement: Placement | null = findPlacement(),
): Promise<T> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const provider = await startProvider(placement);
    stops.push(provider.stop);
    const generator = await startGenerator(placement);
    stops.push(generator.stop);
    const started = await Promise.all(
      programs.map((program) => startProgram(program, provider.port, placement, log)),
    );
    const gateways = started.filter((target) => target !== null);
    stops.push(...gateways.map((target) => target.stop));
    const targets: Target[] = [directly(provider), ...gateways];
    return await play({ sizes, placement, provider, generator, targets, log });
  } finally {
    await Promise.all(stops.map((stop) => stop()));
  }
}

function directly(provider: Provider): Target {
  return {
    name: "direct",
    port: provider.port,
    path: "/v1/chat/completions",
    headers: "",
    model: "bench",
    pid: provider.pid,
    pids: () => [provider.pid],
    stop: async () => {},
  };
}

/** An order for a target: the usual one, of the part's size, with changes. */
export function orderFor(stage: Stage, target: Target, changes: Partial<LoadOrder> = {}): LoadOrder {
  const { connections, seconds } = stage.sizes;
  const { port, path, headers, model } = target;
  return { ...PLAIN_ORDER, connections, seconds, port, path, headers, model, ...changes };
}

/** A load that was measured from all sides. */
export interface Loaded {
  readonly result: LoadResult;
  /** Processor time of all processes of the target, until it was quiet again. */
  readonly cpu_ms: number;
  readonly fault: string | null;
}

/**
 * Puts a load on a target; reads its processor time before, and after it has settled, and what the provider saw.
 * @param seen how many calls the provider should see of so many sent
 */
export async function load(
  stage: Stage,
  target: Target,
  order: LoadOrder,
  seen: (calls: number) => number = (calls) => calls,
): Promise<Loaded> {
  const counts_before = await stage.provider.counts();
  const cpu_before_ms = cpuOf(target);
  const result = await stage.generator.run(order);
  await Bun.sleep(stage.sizes.settle_ms);
  const cpu_ms = cpuOf(target) - cpu_before_ms;
  const counts = await stage.provider.counts();
  const arrived = counts.calls - counts_before.calls;
  const expected = seen(result.calls);
  let fault: string | null = null;
  if (result.errors > 0) fault = `${result.errors} of ${result.calls} calls failed: ${result.fault}`;
  else if (arrived !== expected) fault = `the provider saw ${arrived} calls instead of ${expected}`;
  else if (result.calls === 0) fault = "no call was made";
  return { result, cpu_ms, fault };
}

/**
 * Measures every target in turn, again and again, so that what else the machine does falls on all alike.
 * One failed call in any round, and the case has no figures.
 */
export async function inTurn(
  stage: Stage,
  row: string,
  measure: (target: Target, is_warm_up: boolean) => Promise<Sample>,
  targets: readonly Target[] = stage.targets,
): Promise<Case[]> {
  const rounds = new Map<Target, Sample[]>(targets.map((target) => [target, []]));
  const attempt = async (target: Target, is_warm_up: boolean): Promise<Sample> => {
    try {
      return await measure(target, is_warm_up);
    } catch (error) {
      return { values: {}, fault: error instanceof Error ? error.message : String(error), raw: null };
    }
  };
  if (stage.sizes.warm_seconds > 0) for (const target of targets) await attempt(target, true);
  for (let round = 0; round < stage.sizes.rounds; round++) {
    for (const target of targets) {
      const sample = await attempt(target, false);
      rounds.get(target)!.push(sample);
      if (sample.fault !== null) stage.log(`${row}, ${target.name}, round ${round + 1}: ${sample.fault}`);
    }
  }
  return [...rounds].map(([target, samples]) => caseOf(row, target.name, samples));
}

/** The case of some samples. */
export function caseOf(row: string, target: string, samples: readonly Sample[]): Case {
  const fault = samples.find((sample) => sample.fault !== null)?.fault ?? null;
  const names = Object.keys(samples[0]?.values ?? {});
  const values = Object.fromEntries(
    names.map((name) => [name, samples.map((sample) => sample.values[name]!)]),
  );
  return { row, target, fault, values: fault === null ? values : {}, rounds: samples.map(({ raw }) => raw) };
}

/** Adds to every case what its latencies are over those of `direct` in the same round, as `added_…`. */
export function addOverDirect(cases: readonly Case[], measures: readonly string[]): Case[] {
  return cases.map((found) => {
    const direct = cases.find(({ row, target }) => row === found.row && target === "direct");
    if (found.fault !== null || direct === undefined || direct.fault !== null || direct === found)
      return found;
    const added = measures.map((name) => {
      const values = found.values[name]!.map((value, round) => value - direct.values[name]![round]!);
      return [`added_${name}`, values] as const;
    });
    return { ...found, values: { ...found.values, ...Object.fromEntries(added) } };
  });
}
