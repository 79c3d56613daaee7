// More gateway processes on one port: what a call costs with each of them, how evenly the kernel spreads connections over them,
// and a burst of connections that all open at once.

import { cpuMs } from "../test/chaos/processes.ts";
import { measureCalls } from "./calls.ts";
import { type Case, inTurn, load, onStage, orderFor, type Part, type Stage } from "./part.ts";
import { cpuOf, type Target, venturi } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** Gateway processes that are compared. */
const PROCESSES = [1, 2, 4] as const;
/** Connections of the burst, opened at once, with one call each. */
const BURST = 2_000;

const nameOf = (processes: number) => `${processes} process${processes === 1 ? "" : "es"}`;

/** A target's processes but the first, which is the supervisor and answers no call. */
const gatewaysOf = (target: Target) => target.pids().slice(1);

/** How much of the work the busiest process did, over an even share of it: 1 is even. */
async function measureSpread(stage: Stage, targets: readonly Target[]): Promise<Case[]> {
  return inTurn(
    stage,
    "spread over the processes",
    async (target) => {
      const pids = gatewaysOf(target);
      const before = pids.map(cpuMs);
      const { fault, result } = await load(stage, target, orderFor(stage, target));
      const spent = pids.map((pid, index) => cpuMs(pid) - before[index]!);
      const even = spent.reduce((sum, ms) => sum + ms, 0) / spent.length;
      // A load too short for the clock of processor time says nothing about its spread.
      const busiest_share = even > 0 ? Math.max(...spent) / even : 1;
      return { values: { busiest_share }, fault, raw: { spent, ...result } };
    },
    targets,
  );
}

/** Connections that all open at once: every one must be answered. */
async function measureBurst(stage: Stage, targets: readonly Target[]): Promise<Case[]> {
  return inTurn(
    stage,
    "burst of connections",
    async (target) => {
      const connections = stage.sizes.burst;
      const order = orderFor(stage, target, { connections, open_at_once: connections, calls: connections });
      const cpu_before_ms = cpuOf(target);
      const { fault, result } = await load(stage, target, order);
      const cpu_us = ((cpuOf(target) - cpu_before_ms) * 1000) / result.calls;
      return { values: { p99_us: result.latency.p99_us, cpu_us }, fault, raw: result };
    },
    targets,
  );
}

/** CPU per call, throughput and spread by the number of gateway processes. */
export const scaling: Part = {
  name: "scaling",
  about:
    "1, 2 and 4 gateway processes on one port, with generator and provider on the same cores (nothing is pinned): 1 KB calls over 64 connections, and a burst of connections that open at once.",
  usual: { rounds: 5, seconds: 2, connections: 64, burst: BURST },
  run: (sizes, log) =>
    onStage(
      sizes,
      log,
      PROCESSES.map((processes) => venturi(nameOf(processes), processes)),
      async (stage) => {
        await stage.provider.play(PLAIN_SCRIPT);
        const gateways = stage.targets.slice(1);
        return [
          ...(await measureCalls(stage, "1 KB, 64 connections", {})),
          ...(await measureSpread(stage, gateways)),
          ...(await measureBurst(stage, gateways)),
        ];
      },
      null,
    ),
};
