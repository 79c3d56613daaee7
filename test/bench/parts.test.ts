// Every part of the suite, as small as it can be: so that it does not rot. What is not installed is left out, with a message.

import { describe, expect, test } from "vitest";
import { contention } from "../../bench/contention.ts";
import { MEASURES, tablesOf } from "../../bench/figures.ts";
import { floor } from "../../bench/floor.ts";
import { GOALS } from "../../bench/goals.ts";
import { idle } from "../../bench/idle.ts";
import { insight } from "../../bench/insight.ts";
import { findProgram } from "../../bench/machine.ts";
import { memory } from "../../bench/memory.ts";
import { MORE_US, open } from "../../bench/open.ts";
import { inTurn, onStage, type Part, type Sizes, USUAL_SIZES } from "../../bench/part.ts";
import { peers } from "../../bench/peers.ts";
import { plain } from "../../bench/plain.ts";
import { profile } from "../../bench/profile.ts";
import { redacted } from "../../bench/redacted.ts";
import { rejected } from "../../bench/rejected.ts";
import { scaling } from "../../bench/scaling.ts";
import { GROUPS, shared } from "../../bench/shared.ts";
import { single } from "../../bench/single.ts";
import { soak } from "../../bench/soak.ts";
import { sse } from "../../bench/sse.ts";
import { start } from "../../bench/start.ts";
import { syscalls } from "../../bench/syscalls.ts";
import { bareServer, EXECUTABLE, SOURCES } from "../../bench/targets.ts";
import { translated } from "../../bench/translated.ts";
import { turns } from "../../bench/turns.ts";
import { websocket } from "../../bench/websocket.ts";
import { SERVER } from "../redis_server.ts";

const TINY: Sizes = {
  rounds: 1,
  seconds: 0.15,
  connections: 4,
  streams: 8,
  chunks: 5,
  rate: 200,
  calls: 50,
  minutes: 0.01,
  settle_ms: 10,
  warm_seconds: 0,
  burst: 20,
  peers: 0,
};

/** Parts with paced streams, which have to end within the time, with other work on the machine. */
const PACED: ReadonlySet<Part> = new Set([sse, translated, redacted]);
const PACED_SECONDS = 0.5;

const has = (name: string) => findProgram(name) !== null;
const relays = ["venturi", ...["haproxy", "nginx"].filter(has)];

const BARE_SERVERS = MORE_US.map((more_us) => bareServer("relay", more_us).name);
const INSIGHTS = [
  ...["tells nobody", "quality watch", "quality watch, similarity", "log of calls", "OTLP, a tenth sampled"],
  ...["content store", "all of it", "tells nobody, again"],
];

async function run(part: Part) {
  const said: string[] = [];
  const sizes = PACED.has(part) ? { ...TINY, seconds: PACED_SECONDS } : TINY;
  const cases = await part.run(sizes, (line) => said.push(line));
  for (const name of ["haproxy", "nginx"].filter((name) => !has(name))) {
    if (
      ![
        soak.name,
        idle.name,
        start.name,
        turns.name,
        contention.name,
        floor.name,
        insight.name,
        shared.name,
      ].includes(part.name)
    ) {
      expect(said.join("\n")).toContain(`${name} is not installed`);
    }
  }
  return { cases, said };
}

describe("the part", () => {
  test.each([
    [plain, ["direct", ...relays], 5],
    [single, ["direct", ...relays], 1],
    [sse, ["direct", ...relays], 2],
    [translated, ["direct", ...relays], 1],
    [rejected, relays, 1],
    [redacted, ["direct", ...relays], 5],
    [turns, ["venturi"], 6],
    [open, ["direct", ...relays, ...BARE_SERVERS], 1],
    [idle, [...relays, "bare server"], 1],
    [start, [...relays, SOURCES.name, EXECUTABLE], 1],
    [soak, ["venturi"], 1],
    [insight, ["direct", ...INSIGHTS], 1],
    ...(SERVER === null ? [] : [[shared, GROUPS, 1] as const]),
    [floor, ["bare server", "venturi", ...(has("haproxy") ? ["haproxy"] : [])], 6],
    [contention, ["1 process", "2 processes"], 3],
    [scaling, ["direct", "1 process", "2 processes", "4 processes"], 3],
  ] as const)("$name measures every target without a fault", async (part, targets, rows) => {
    const { cases } = await run(part);
    expect(cases.map(({ fault }) => fault)).toEqual(cases.map(() => null));
    expect(new Set(cases.map(({ target }) => target))).toEqual(new Set(targets));
    expect(new Set(cases.map(({ row }) => row)).size).toBe(rows);
    for (const { values } of cases) {
      for (const [name, all] of Object.entries(values)) {
        expect(MEASURES).toHaveProperty(name);
        expect(all.filter(Number.isFinite)).toHaveLength(TINY.rounds);
      }
    }
    for (const goal of GOALS.filter(({ part: name }) => name === part.name)) {
      const found = cases.find(({ row, target }) => row === goal.row && target === "venturi");
      expect(found?.values).toHaveProperty(goal.measure);
    }
  });

  test("websocket measures streams beside those of HTTP, and rough clients", async () => {
    const { cases } = await run(websocket);
    expect(cases.map(({ target, fault }) => [target, fault])).toEqual([
      ["direct", null],
      ["venturi", null],
      ["venturi websocket", null],
      ["venturi", null],
    ]);
    for (const { values } of cases) {
      for (const [name, all] of Object.entries(values)) {
        expect(MEASURES).toHaveProperty(name);
        expect(all.filter(Number.isFinite)).toHaveLength(1);
      }
    }
  });

  test("memory measures all processes, with and without a configuration", async () => {
    const { cases } = await run(memory);
    const zero = cases.find(({ row }) => row === "zero-config, idle")!;
    expect(zero.values["processes"]![0]).toBeGreaterThanOrEqual(2);
    expect(zero.values["memory_mb"]![0]).toBeGreaterThan(20);
    expect(cases.filter(({ fault }) => fault !== null)).toEqual([]);
  });

  test("syscalls counts them, where strace is there and may", async () => {
    const { cases, said } = await run(syscalls);
    if (cases.length === 0) {
      expect(said.join("\n")).toContain("strace");
      return;
    }
    for (const { fault, values } of cases) {
      if (fault?.includes("cannot attach")) continue;
      expect(fault).toBe(null);
      expect(values["system_calls"]![0]).toBeGreaterThan(1);
    }
  });

  test("profile tells threads apart, and the main thread's time by what it does, where perf is there and may", async () => {
    const { cases, said } = await run(profile);
    if (cases.length === 0) {
      expect(said.join("\n")).toContain("perf");
      return;
    }
    expect(cases.map(({ fault }) => fault)).toEqual(cases.map(() => null));
    const rows = new Set(cases.map(({ row }) => row));
    expect(rows.size).toBe(6);
    for (const row of rows) {
      const costOf = (name: (target: string) => boolean) => {
        const found = cases.filter((each) => each.row === row && name(each.target));
        return found.reduce(
          (sum, { values }) => sum + (values["cpu_us"] ?? values["cpu_us_per_chunk"])![0]!,
          0,
        );
      };
      const all = costOf((name) => name === "all processes");
      expect(all).toBeGreaterThan(0);
      expect(costOf((name) => /^(gateway|supervisor), /.test(name))).toBeCloseTo(all, 3);
      const main = costOf((name) => name === "gateway, main thread");
      expect(main).toBeGreaterThan(0);
      // A load this small may end between two samples.
      expect(
        [0, main].some((sum) => Math.abs(costOf((name) => name.startsWith("main thread: ")) - sum) < 0.01),
      ).toBe(true);
    }
  });

  test("peers installs nothing unless it is asked to", async () => {
    const { cases, said } = await run(peers);
    if (cases.length === 0) expect(said.join("\n")).toContain("portkey is not installed: left out");
  });
});

describe("a row", () => {
  test("in which a call fails gives no figure, but says why", async () => {
    const broken = {
      name: "broken",
      command: (port: number) => [
        process.execPath,
        "-e",
        `Bun.serve({ port: ${port}, hostname: "127.0.0.1", fetch: () => new Response("{}", { status: 500 }) })`,
      ],
    };
    const cases = await onStage(
      TINY,
      () => {},
      [broken],
      async (stage) => {
        const { load, orderFor } = await import("../../bench/part.ts");
        return inTurn(stage, "a row", async (target) => {
          const seen = target.name === "direct" ? (calls: number) => calls + 1 : undefined;
          const loaded = await load(stage, target, orderFor(stage, target), seen);
          return { values: { cpu_us: 1 }, fault: loaded.fault, raw: null };
        });
      },
    );
    expect(cases.map(({ target, values }) => [target, values])).toEqual([
      ["direct", {}],
      ["broken", {}],
    ]);
    expect(cases[0]!.fault).toMatch(/^the provider saw \d+ calls instead of \d+$/);
    expect(cases[1]!.fault).toMatch(/^4 of 4 calls failed: status 500 instead of 200$/);
    expect(tablesOf(cases)[0]![1]).toEqual(["a row", "direct", `no figure: ${cases[0]!.fault}`]);
  });

  test("has usual sizes in every part", () => {
    for (const part of [
      plain,
      single,
      sse,
      rejected,
      open,
      syscalls,
      idle,
      start,
      memory,
      scaling,
      soak,
      peers,
    ]) {
      expect(Object.keys(USUAL_SIZES)).toEqual(expect.arrayContaining(Object.keys(part.usual)));
    }
  });
});
