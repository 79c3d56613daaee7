import { describe, expect, test } from "vitest";
import type { TargetPlan } from "../../src/config/plan.ts";
import { openState } from "../../src/memory/state.ts";
import { admitted, soonestProbeMs } from "../../src/routing/admission.ts";
import { Health } from "../../src/routing/health/health.ts";
import { orderTargets } from "../../src/routing/order.ts";
import { temporaryFolder } from "../memory/folder.ts";
import { chatModel, healthRoom, ownHealth, sightOf, tryOnce } from "./health_room.ts";

const model = chatModel(["a", "b"]);
const [a, b] = model.targets as readonly [TargetPlan, TargetPlan];

function stateOf(health: Health, target: TargetPlan): string {
  return health.healthOf(target, true).state;
}

/** Opens the breaker of a target. */
function fail(health: Health, target: TargetPlan, times = 5): void {
  for (let count = 0; count < times; count++) tryOnce(health, target, false);
}

describe("a breaker", () => {
  test("opens at the fifth failure in a row, for all processes; a success in between begins anew", () => {
    const room = healthRoom(temporaryFolder(), 2);
    const [one, other] = room.processes as [Health, Health];
    fail(one, a, 4);
    tryOnce(other, a, true);
    fail(one, a, 2);
    fail(other, a, 2);
    expect([stateOf(one, a), one.is_careful]).toEqual(["closed", false]);
    tryOnce(other, a, false);
    for (const health of room.processes) {
      expect(health.healthOf(a, true)).toMatchObject({ state: "open", failures_in_row: 5 });
      expect(health.is_careful).toBe(true);
      expect(stateOf(health, b)).toBe("closed");
    }
    expect(room.said).toEqual(["a/m is passed over from now on: its calls fail (503)"]);
  });

  test("opens when half of at least ten calls in half a minute fail", () => {
    const room = healthRoom(temporaryFolder());
    const [health] = room.processes as [Health];
    for (let call = 0; call < 9; call++) tryOnce(health, a, call % 2 === 0);
    expect(stateOf(health, a)).toBe("closed");
    tryOnce(health, a, false);
    expect(health.healthOf(a, true)).toMatchObject({ state: "open", calls: 10, failures: 5 });
    // What is older than the window does not count.
    for (let call = 0; call < 9; call++) tryOnce(health, b, call % 2 === 0);
    room.now_ms += 33_000;
    tryOnce(health, b, false);
    expect(health.healthOf(b, true)).toMatchObject({ state: "closed", calls: 1, failures: 1 });
  });

  test("lets one call probe after its rest, one at a time over all processes, and closes when that succeeds", () => {
    const room = healthRoom(temporaryFolder(), 3);
    const [one, other, third] = room.processes as [Health, Health, Health];
    fail(one, a);
    expect(one.healthOf(a, true).probe_in_ms).toBeCloseTo(10_000, -2);
    room.now_ms += 9_900;
    expect(other.of(a).look(a.breaker)).toBe("open");
    room.now_ms += 200;
    expect(room.processes.map((health) => health.of(a).look(a.breaker))).toEqual(["probe", "probe", "probe"]);
    const probe = other.begin(a, true, "probe")!;
    expect(one.begin(a, true, "probe")).toBeNull();
    expect([stateOf(one, a), stateOf(third, a)]).toEqual(["probing", "probing"]);
    probe.answered(100);
    probe.end();
    expect(room.processes.map((health) => stateOf(health, a))).toEqual([
      "slow_start",
      "slow_start",
      "slow_start",
    ]);
    expect(one.of(a).startShare(a.breaker)).toBeCloseTo(0.1);
    room.now_ms += 15_000;
    expect(one.of(a).startShare(a.breaker)).toBeCloseTo(0.5, 1);
    room.now_ms += 16_000;
    expect([stateOf(one, a), one.of(a).startShare(a.breaker)]).toEqual(["closed", 1]);
    expect(room.said.at(-1)).toBe("a/m is asked again: it answers again");
  });

  test("is probed by somebody else when the prober dies, or when its client leaves", () => {
    const room = healthRoom(temporaryFolder(), 2);
    const [one, other] = room.processes as [Health, Health];
    fail(one, a);
    room.now_ms += 10_100;
    expect(one.begin(a, true, "probe")).not.toBeNull();
    room.now_ms += 29_000;
    expect(other.begin(a, true, "probe")).toBeNull();
    room.now_ms += 1_100;
    const left = other.begin(a, true, "probe")!;
    expect(one.begin(a, true, "probe")).toBeNull();
    left.end();
    expect(one.begin(a, true, "probe")).not.toBeNull();
  });

  test("rests longer after each probe that fails, but not for ever, and as at first once it has recovered", () => {
    const room = healthRoom(temporaryFolder());
    const [health] = room.processes as [Health];
    const rests: number[] = [];
    fail(health, a);
    for (let probe = 0; probe < 6; probe++) {
      const { left_ms } = health.of(a).breaker;
      rests.push(Math.round(left_ms / 1_000));
      room.now_ms += left_ms;
      expect(tryOnce(health, a, false, "probe")).toBe(true);
    }
    expect(rests).toEqual([10, 20, 40, 80, 120, 120]);
    room.now_ms += 120_064;
    tryOnce(health, a, true, "probe");
    // A relapse while it still starts slowly is no first failure.
    fail(health, a);
    expect(health.of(a).breaker.left_ms).toBeGreaterThan(100_000);
    room.now_ms += 120_064;
    tryOnce(health, a, true, "probe");
    room.now_ms += 31_000;
    fail(health, a);
    expect(health.of(a).breaker.left_ms).toBeLessThan(10_100);
  });

  test("hears nothing of its present from calls that began before it opened or closed", () => {
    const room = healthRoom(temporaryFolder());
    const [health] = room.processes as [Health];
    const long_ones = Array.from({ length: 6 }, () => health.begin(a, true)!);
    const [good, ...bad] = long_ones as [NonNullable<(typeof long_ones)[0]>, ...typeof long_ones];
    good.answered(100);
    fail(health, a);
    good.end();
    expect(stateOf(health, a)).toBe("open");
    room.now_ms += 10_100;
    tryOnce(health, a, true, "probe");
    for (const trial of bad) {
      trial.shows("ill", "first_byte_timeout");
      trial.end();
    }
    expect(health.healthOf(a, true)).toMatchObject({ state: "slow_start", failures_in_row: 0 });
  });

  test("counts nothing of tries that show nothing, and is never open where there is none", () => {
    const [health] = healthRoom(temporaryFolder()).processes as [Health];
    for (let call = 0; call < 20; call++) health.begin(a, true)!.end();
    expect(health.healthOf(a, true)).toMatchObject({ state: "closed", calls: 0 });
    const [off] = chatModel(["a"], "breaker: off").targets as [TargetPlan];
    fail(health, off, 20);
    expect(stateOf(health, off)).toBe("off");
    expect(stateOf(health, a)).toBe("closed");
  });

  test("keeps to what is configured", () => {
    const room = healthRoom(temporaryFolder());
    const [health] = room.processes as [Health];
    const [own] = chatModel(["a"], "breaker: { failures: 2, rest_s: 1, max_rest_s: 3, slow_start_s: 0 }")
      .targets as [TargetPlan];
    fail(health, own, 2);
    expect(stateOf(health, own)).toBe("open");
    room.now_ms += 1_064;
    tryOnce(health, own, true, "probe");
    expect(stateOf(health, own)).toBe("closed");
  });

  test("outlives all processes, and does not trust a time that no clock of ours can have written", () => {
    const folder = temporaryFolder();
    const room = healthRoom(folder);
    fail(room.processes[0]!, a);
    const later = (now_ms: number) => {
      const { health: table, drills } = openState(folder);
      return new Health({ table, drills, column: 0, columns: 1, now_ms: () => now_ms, log: () => {} });
    };
    expect(
      later(room.now_ms + 1_000)
        .of(a)
        .look(a.breaker),
    ).toBe("open");
    expect(
      later(room.now_ms - 3_000_000)
        .of(a)
        .look(a.breaker),
    ).toBe("probe");
  });
});

describe("targets", () => {
  const order = orderTargets(model, sightOf(ownHealth()));
  const names = (health: Health, passed: string[] = []) =>
    admitted(order, health, ({ provider }) => passed.push(provider.name)).map(
      ({ target, reason, is_last }) => `${target.provider.name} ${reason} ${is_last}`,
    );

  test("are given as they are while no breaker is open", () => {
    const [health] = healthRoom(temporaryFolder()).processes as [Health];
    expect(admitted(order, health, () => {})).toBe(order);
  });

  test("whose breaker is open are passed over until they are to be probed", () => {
    const room = healthRoom(temporaryFolder());
    const [health] = room.processes as [Health];
    const passed: string[] = [];
    fail(health, a);
    expect(names(health, passed)).toEqual(["b free true"]);
    expect(passed).toEqual(["a"]);
    room.now_ms += 10_100;
    expect(names(health)).toEqual(["a probe false", "b free true"]);
    health.begin(a, true, "probe");
    expect(names(health)).toEqual(["b free true"]);
  });

  test("that are all open are tried nevertheless, who is probed soonest first, and only so many at once", () => {
    const room = healthRoom(temporaryFolder());
    const [health] = room.processes as [Health];
    fail(health, b);
    room.now_ms += 1_000;
    fail(health, a);
    expect(names(health)).toEqual(["b last_resort false", "a last_resort true"]);
    expect(Math.round(soonestProbeMs(order, health) / 1_000)).toBe(9);
    const hanging = Array.from({ length: 8 }, () => health.begin(b, true, "last_resort")!);
    expect(names(health)).toEqual(["a last_resort true"]);
    for (let call = 0; call < 8; call++) health.begin(a, true, "last_resort");
    expect(names(health)).toEqual([]);
    // Whichever of them answers closes the breaker.
    hanging[3]!.answered(200);
    expect(names(health)).toEqual(["b free true"]);
  });
});

describe("times to the first byte", () => {
  test("have a quantile of late, of streams and of plain answers apart, for all processes", () => {
    const room = healthRoom(temporaryFolder(), 2);
    const [one, other] = room.processes as [Health, Health];
    expect(one.p95Ms(a, true)).toBeNull();
    for (let call = 1; call <= 200; call++) {
      const trial = (call % 2 ? one : other).begin(a, true)!;
      trial.answered(call);
      trial.end();
    }
    const plain = one.begin(a, false)!;
    plain.answered(9_000);
    plain.end();
    const p95 = other.p95Ms(a, true)!;
    expect(p95.samples).toBe(200);
    expect(p95.ms).toBeGreaterThan(190 / 1.1);
    expect(p95.ms).toBeLessThan(190 * 1.1);
    expect(one.p95Ms(a, false)!.samples).toBe(1);
    // What was long ago is forgotten by and by, and never so much that nothing is left.
    for (let minute = 0; minute < 10; minute++) {
      room.now_ms += 61_000;
      for (let call = 0; call < 300; call++) tryOnce(one, a, true);
    }
    expect(one.p95Ms(a, true)!.ms).toBeLessThan(115);
    expect(one.p95Ms(a, true)!.samples).toBeGreaterThan(127);
    expect(one.p95Ms(a, true)!.samples).toBeLessThan(1_025);
  });

  test("have an average that rises at once and falls with time", () => {
    const room = healthRoom(temporaryFolder());
    const [health] = room.processes as [Health];
    const observe = (ms: number) => {
      health.of(a).observe(ms, true);
      return health.of(a).averageMs(true);
    };
    expect(observe(100)).toBe(100);
    expect(observe(2_000)).toBe(2_000);
    expect(observe(100)).toBeCloseTo(2_000, -1);
    room.now_ms += 10_000;
    expect(observe(100)).toBeCloseTo(100 + 1_900 / Math.E, 0);
    room.now_ms += 100_000;
    expect(observe(100)).toBeCloseTo(100, 0);
  });
});

test("a probe is waited for in proportion to what a target's answers took", () => {
  const [health] = healthRoom(temporaryFolder()).processes as [Health];
  const patience = () => health.patienceMs(a, true);
  for (let call = 0; call < 19; call++) health.of(a).observe(4_000, true);
  expect(patience()).toBeNull();
  health.of(a).observe(4_000, true);
  expect(patience()).toBeGreaterThan(10_000);
  expect(patience()).toBeLessThan(15_000);
  for (let call = 0; call < 20; call++) health.of(b).observe(100, true);
  expect(health.patienceMs(b, true)).toBe(5_000);
  expect(health.patienceMs(b, false)).toBeNull();
});

test("calls under way are counted over all processes, and a dead one's are taken away", () => {
  const folder = temporaryFolder();
  const room = healthRoom(folder, 2);
  const [one, other] = room.processes as [Health, Health];
  const trial = one.begin(a, true)!;
  other.begin(a, true)!;
  expect(one.of(a).load).toEqual({ in_flight: 2, waiting: 2 });
  trial.answered(1);
  expect(one.of(a).load).toEqual({ in_flight: 2, waiting: 1 });
  trial.end();
  trial.end();
  expect(other.of(a).load).toEqual({ in_flight: 1, waiting: 1 });
  expect(openState(folder).releaseColumn(1)).toBe(true);
  expect(one.of(a).load).toEqual({ in_flight: 0, waiting: 0 });
});
