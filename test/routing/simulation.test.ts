import { describe, expect, test } from "vitest";
import { chatModel } from "./health_room.ts";
import { bestFirst, bestPlace, inTurn, type SimulatedCall, type Simulation, simulate } from "./simulation.ts";
import { CASES } from "./simulation_cases.ts";

const PROVIDERS = ["a", "b", "c"];
/** The place of the one that does something in the cases. */
const BEST = 2;

function run(name: string, more: Partial<Simulation> = {}): readonly SimulatedCall[] {
  const { upstreams } = CASES.find((one) => one.name === name)!;
  return simulate({
    model: chatModel(PROVIDERS, "strategy: least-latency"),
    ...{ upstreams, seconds: 300, calls_per_s: 20, processes: 4, seed: 7, streaming_ms: 2_000 },
    ...more,
  });
}

function between(calls: readonly SimulatedCall[], from_s: number, to_s: number): readonly SimulatedCall[] {
  return calls.filter(({ at_s }) => at_s >= from_s && at_s < to_s);
}

function meanMs(calls: readonly SimulatedCall[]): number {
  return calls.reduce((sum, { latency_ms }) => sum + latency_ms!, 0) / calls.length;
}

/** The share of calls that asked a target first. */
function shareOf(calls: readonly SimulatedCall[], place: number): number {
  return calls.filter(({ tried }) => tried[0] === place).length / calls.length;
}

test("a simulation is the same for the same seed", () => {
  expect(run("heavy tails", { seconds: 20 })).toEqual(run("heavy tails", { seconds: 20 }));
  expect(run("heavy tails", { seconds: 20, seed: 8 })).not.toEqual(run("heavy tails", { seconds: 20 }));
});

describe("least-latency", () => {
  test("finds the fastest within seconds, and stays near whoever knew it", () => {
    const calls = run("steady");
    expect(shareOf(between(calls, 3, 10), BEST)).toBeGreaterThan(0.85);
    expect(shareOf(between(calls, 10, 300), BEST)).toBeGreaterThan(0.94);
    const { upstreams } = CASES[0]!;
    const best_ms = meanMs(run("steady", { order: bestFirst(upstreams) }));
    expect(bestPlace(upstreams, 0)).toBe(BEST);
    expect(meanMs(calls)).toBeLessThan(best_ms * 1.1);
    expect(meanMs(run("steady", { order: inTurn }))).toBeGreaterThan(best_ms * 2.5);
  });

  test("leaves a target that becomes slow within seconds, and comes back to it", () => {
    const calls = run("the best becomes ten times slower for a minute");
    expect(shareOf(between(calls, 30, 60), BEST)).toBeGreaterThan(0.9);
    expect(shareOf(between(calls, 65, 120), BEST)).toBeLessThan(0.05);
    expect(shareOf(between(calls, 150, 300), BEST)).toBeGreaterThan(0.9);
  });

  test("finds out that one has become faster which it had given up", () => {
    const calls = run("the slowest becomes the best");
    expect(shareOf(between(calls, 50, 100), 0)).toBeLessThan(0.02);
    expect(shareOf(between(calls, 130, 300), 0)).toBeGreaterThan(0.9);
  });

  test("spares one that fails some of its calls, or has more than it can do", () => {
    const failing = run("the best fails three of ten calls for two minutes");
    const blind = run("the best fails three of ten calls for two minutes", {
      order: (targets) => targets.toReversed(),
    });
    const retried = (calls: readonly SimulatedCall[]) =>
      between(calls, 65, 180).filter(({ tried }) => tried.length > 1).length;
    expect(retried(failing)).toBeLessThan(retried(blind) / 2);
    const full = run("the best has room for ten calls");
    expect(meanMs(full)).toBeLessThan(meanMs(run("the best has room for ten calls", { order: inTurn })));
  });
});

describe("an outage of two minutes", () => {
  const named = "the best is down for two minutes";

  test.each(["priority", "weighted", "least-latency", "least-busy"])(
    "costs a handful of tries under %s, and no call its answer",
    (strategy) => {
      const calls = run(named, {
        model: chatModel(PROVIDERS.toReversed(), `strategy: ${strategy}`),
        upstreams: reversed(),
      });
      const hit = between(calls, 60, 180).filter(({ tried }) => tried[0] === 0);
      expect(calls.every(({ latency_ms }) => latency_ms !== null)).toBe(true);
      // Five in a row behind the last good answer that was on its way, what came meanwhile, and a probe at 10, 30 and 70 s.
      expect(hit.length).toBeGreaterThanOrEqual(8);
      expect(hit.length).toBeLessThan(20);
      expect(hit.reduce((sum, { probes }) => sum + probes, 0)).toBe(3);
      expect(shareOf(between(calls, 240, 300), 0)).toBeGreaterThan(0.3);
    },
  );

  test("is probed by one process at a time, however long the probe takes", () => {
    const calls = run("the best hangs for two minutes (10 s timeout)");
    const probes = calls.filter(({ probes: some }) => some > 0).map(({ at_s }) => at_s);
    for (const [index, at_s] of probes.entries()) {
      // Ten seconds of rest, and as long until the probe has failed.
      if (index > 0) expect(at_s - probes[index - 1]!).toBeGreaterThan(19);
    }
    expect(probes.length).toBeGreaterThanOrEqual(3);
  });
});

/** The upstreams of the outage, the one that is down first. */
function reversed() {
  return CASES.find(({ name }) => name === "the best is down for two minutes")!.upstreams.toReversed();
}
