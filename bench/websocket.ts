// WebSockets: what a stream's events cost and how long they are on their way, beside the same streams over HTTP; and the memory of
// very many sockets, a third of which read slowly, and a third of which vanish.

import { join } from "node:path";
import { type Provider, startProvider } from "./actors.ts";
import type { EventOrder, EventResult, FromEventLoad } from "./event_load.ts";
import { median } from "./figures.ts";
import { fileLimit } from "./idle.ts";
import { findPlacement, type Placement, pinned } from "./machine.ts";
import { memoryOf } from "./memory.ts";
import {
  addOverDirect,
  type Case,
  caseOf,
  inTurn,
  onStage,
  type Part,
  type Sizes,
  type Stage,
} from "./part.ts";
import { cpuOf, SPREAD_MODEL, type Target, VENTURI, venturi } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

const PACED_ROW = "paced streams";
const ROUGH_ROW = "slow and vanishing clients";
/** Calls at once on every socket. */
const CALLS_EACH = 4;
const INTERVAL_MS = 10;
/** Of the many, each stream has an event this often. */
const ROUGH_INTERVAL_MS = 2_000;
/** A process may have so many files open that two gateways and two providers have room for 5,000 sockets with four calls each. */
const PROCESSES = 2;
/** Descriptors of a process besides those of sockets and calls; new sockets do not fall on the gateways quite alike. */
const SPARE_FILES = 1_500;
const SAMPLE_EVERY_MS = 500;
const SHARES = 4;
/** How long it may take until nothing is left of sockets that are gone. */
const QUIET_MAX_MS = 10_000;
const ORDER_MARGIN_MS = 60_000;

/** The generator of timed streams. */
interface EventGenerator {
  run(order: EventOrder): Promise<EventResult>;
  stop(): Promise<void>;
}

async function startEventGenerator(placement: Placement | null): Promise<EventGenerator> {
  const ready = Promise.withResolvers<void>();
  let answered = Promise.withResolvers<EventResult>();
  const command = [process.execPath, join(import.meta.dirname, "event_load.ts")];
  const child = Bun.spawn(pinned(command, placement?.load_core), {
    stdio: ["ignore", "ignore", "inherit"],
    ipc: (said: FromEventLoad) => {
      if ("ready" in said) ready.resolve();
      else answered.resolve(said.result);
    },
  });
  await ready.promise;
  return {
    run: (order) => {
      answered = Promise.withResolvers();
      child.send({ order });
      const late = Bun.sleep(order.seconds * 1_000 + ORDER_MARGIN_MS).then(() => {
        throw new Error("the load took too long");
      });
      return Promise.race([answered.promise, late]);
    },
    stop: async () => {
      child.kill();
      await child.exited;
    },
  };
}

function orderFor(
  target: Target,
  transport: EventOrder["transport"],
  changes: Partial<EventOrder>,
): EventOrder {
  const { port, path, headers, model } = target;
  const usual = { sockets: 1, calls_each: CALLS_EACH, seconds: 1, ramp_ms: 0, is_rough: false };
  return { ...usual, transport, port, path, headers, model, ...changes };
}

async function measurePaced(stage: Stage, generator: EventGenerator): Promise<Case[]> {
  const { sizes } = stage;
  const { chunks, streams } = sizes;
  await stage.provider.play({
    ...PLAIN_SCRIPT,
    ...{ answer: "stream", chunks, interval_ms: INTERVAL_MS, is_stamped: true },
  });
  const [direct, http] = stage.targets;
  if (direct === undefined || http === undefined) return [];
  const socket: Target = { ...http, name: "venturi websocket" };
  const measured = await inTurn(
    stage,
    PACED_ROW,
    async (target, is_warm_up) => {
      const cpu_before_ms = cpuOf(target);
      const result = await generator.run(
        orderFor(target, target === socket ? "websocket" : "http", {
          sockets: Math.ceil(streams / CALLS_EACH),
          ramp_ms: chunks * INTERVAL_MS,
          seconds: is_warm_up ? sizes.warm_seconds : sizes.seconds,
        }),
      );
      await Bun.sleep(sizes.settle_ms);
      const cpu_ms = cpuOf(target) - cpu_before_ms;
      const fault = result.errors > 0 ? `${result.errors} errors: ${result.fault}` : null;
      const values = {
        cpu_us_per_chunk: (cpu_ms * 1_000) / result.events,
        event_p50_us: result.way.p50_us,
        event_p99_us: result.way.p99_us,
      };
      return { values, fault, raw: { ...result, cpu_ms } };
    },
    [direct, http, socket],
  );
  return addOverDirect(measured, ["event_p50_us", "event_p99_us"]);
}

/** Calls in flight, by the gateway's own word. */
async function inFlight({ port }: Target): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^venturi_calls_in_flight (\d+)/m.exec(text)?.[1] ?? Number.NaN);
}

async function measureRough(stage: Stage, beside: Provider, generator: EventGenerator): Promise<Case[]> {
  const { sizes } = stage;
  const target = stage.targets[1];
  if (target === undefined) return [];
  const most = Math.floor((PROCESSES * (fileLimit() - SPARE_FILES)) / (CALLS_EACH + 1));
  const sockets = Math.min(sizes.connections, most);
  if (sockets < sizes.connections)
    stage.log(
      `the limit of ${fileLimit()} open files lets ${sockets} sockets with ${CALLS_EACH} calls each be measured`,
    );
  for (const provider of [stage.provider, beside])
    await provider.play({
      ...PLAIN_SCRIPT,
      ...{ answer: "stream", chunks: sizes.chunks, interval_ms: ROUGH_INTERVAL_MS, is_stamped: true },
    });
  const seconds = sizes.minutes * 60;
  const samples: { at_ms: number; private_mb: number }[] = [];
  const begin_ms = performance.now();
  const watching = setInterval(
    () => samples.push({ at_ms: performance.now() - begin_ms, private_mb: memoryOf(target).private_mb }),
    Math.min(SAMPLE_EVERY_MS, (seconds * 1_000) / 20),
  );
  const result = await generator.run(
    orderFor(target, "websocket", {
      ...{ sockets, seconds, ramp_ms: ROUGH_INTERVAL_MS, is_rough: true },
      model: SPREAD_MODEL,
    }),
  );
  clearInterval(watching);
  const quiet_end_ms = performance.now() + QUIET_MAX_MS;
  let left = await inFlight(target);
  while (left !== 0 && performance.now() < quiet_end_ms) {
    await Bun.sleep(100);
    left = await inFlight(target);
  }
  const level = (share: number) =>
    median(
      samples
        .filter(({ at_ms }) => Math.floor((at_ms / (seconds * 1_000)) * SHARES) === share)
        .map(({ private_mb }) => private_mb),
    );
  const [early_mb, late_mb] = [level(1), level(SHARES - 1)];
  let fault = result.errors > 0 ? `${result.errors} errors: ${result.fault}` : null;
  if (left !== 0) fault ??= `${left} calls are left of sockets that are gone`;
  const values = {
    sockets,
    event_p50_us: result.way.p50_us,
    event_p99_us: result.way.p99_us,
    ...{ early_mb, late_mb, growth_percent: (late_mb / early_mb - 1) * 100 },
    private_mb: memoryOf(target).private_mb,
  };
  return [caseOf(ROUGH_ROW, target.name, [{ values, fault, raw: { ...result, samples } }])];
}

/** WebSockets. */
export const websocket: Part = {
  name: "websocket",
  about: `Streams over WebSockets, ${CALLS_EACH} calls a socket: paced, with a chunk every ${INTERVAL_MS} ms, beside the same over HTTP; and very many sockets (connections) through two gateway processes and two providers, a third of them slow and a third vanishing, with their memory in the second and the last quarter of the time, and what is left of it behind them.`,
  usual: { rounds: 3, seconds: 3, streams: 200, chunks: 100, connections: 5_000, minutes: 1 },
  run: async (sizes, log) => [
    ...(await onStage(sizes, log, [VENTURI], (stage) => withGenerator(stage, measurePaced))),
    ...(await measureMany(sizes, log)),
  ],
};

async function withGenerator<T>(
  stage: Stage,
  measure: (stage: Stage, generator: EventGenerator) => Promise<T>,
): Promise<T> {
  const generator = await startEventGenerator(stage.placement);
  try {
    return await measure(stage, generator);
  } finally {
    await generator.stop();
  }
}

/** With a second provider, and a gateway that has a process for each. */
async function measureMany(sizes: Sizes, log: (line: string) => void): Promise<Case[]> {
  const beside = await startProvider(findPlacement());
  try {
    const program = venturi(VENTURI.name, PROCESSES, [beside.port]);
    return await onStage(sizes, log, [program], (stage) =>
      withGenerator(stage, (_, generator) => measureRough(stage, beside, generator)),
    );
  } finally {
    await beside.stop();
  }
}
