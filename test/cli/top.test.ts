// `venturi top`: what it draws, and how it ends.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  COLOURS,
  type Look,
  PLAIN,
  type Pulse,
  ratesBetween,
  screenLines,
  showDuration,
  type TopCall,
} from "../../src/cli/top_screen.ts";
import { chat, Venturi } from "../chaos/harness.ts";
import { venturi } from "./command.ts";

const counts = { calls: 100, errors: 4, input_tokens: 1_000, output_tokens: 500, in_flight: 3, sockets: 2 };
const pulse: Pulse = {
  time: "2026-11-26T12:00:00.000Z",
  counts,
  latency: { first_byte_ms: { p50: 0.4, p95: 12, p99: 1_500 }, total_ms: null },
  today: { calls: 1_234, errors: 5, cost_usd: 12.5, saved_usd: 0 },
};
const target = {
  provider: "up",
  model: "m",
  state: "closed",
  calls: 9,
  failures: 0,
  in_flight: 1,
  p95_ms: 20,
};
const call: TopCall = {
  ...{ time: Date.UTC(2026, 10, 26, 11, 59, 58), model: "chat", provider: "up", served_model: "m" },
  ...{ key: "checkout", status: 200, error: null, cost_usd: 0.001, timings_us: { total: 2_500 } },
};
const look = (changes: Partial<Look> = {}): Look => ({ pulse, targets: [target], calls: [call], ...changes });

describe("the screen", () => {
  test("says what is so, what happened a second, and the newest calls", () => {
    const text = screenLines(
      look(),
      { calls: 12.5, errors: 0, input_tokens: 3, output_tokens: 0.25 },
      { rows: 30, columns: 120 },
      PLAIN,
    ).join("\n");
    for (const said of [
      ...[
        "2026-11-26 12:00:00 UTC",
        "calls 13/s",
        "failed 0/s",
        "3.0 in, 0.3 out",
        "in flight 3",
        "sockets 2",
      ],
      ...["first byte 400 µs / 12 ms / 1.50 s", "whole –", "today 1,234 calls, 5 failed, $12.50 spent"],
      ...["up/m", "closed", "20 ms", "11:59:58", "checkout", "2.5 ms", "$0.00100"],
    ])
      expect(text).toContain(said);
  });

  test("never has more rows or columns than the terminal, whatever stands in names", () => {
    const calls = Array.from({ length: 200 }, () => ({ ...call, key: `evil\u001b[2J${"名".repeat(80)}` }));
    for (const [rows, columns] of [
      [24, 80],
      [10, 40],
      [3, 20],
      [1, 1],
    ] as const) {
      const lines = screenLines(look({ calls }), null, { rows, columns }, COLOURS);
      expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
      for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
      expect(lines.join("")).not.toContain("\u001b[2J");
    }
  });

  test("marks what fails on a terminal, and nothing elsewhere", () => {
    const failing = look({
      targets: [{ ...target, state: "open" }],
      calls: [{ ...call, status: 502, error: "upstream_error" }],
    });
    const size = { rows: 30, columns: 120 };
    expect(
      screenLines(failing, null, size, COLOURS).filter((line) => line.includes("\u001b[31m")),
    ).toHaveLength(2);
    expect(screenLines(failing, null, size, PLAIN).join("")).not.toContain("\u001b");
  });

  test("has rates from two looks alone, and none below zero", () => {
    const later = (changes: Partial<typeof counts>, time = "2026-11-26T12:00:02.000Z"): Pulse => {
      return { ...pulse, time, counts: { ...counts, ...changes } };
    };
    expect(ratesBetween(pulse, later({ calls: 110, errors: 5 }))).toEqual({
      ...{ calls: 5, errors: 0.5, input_tokens: 0, output_tokens: 0 },
    });
    expect(ratesBetween(pulse, later({ calls: 0 }))!.calls).toBe(0);
    expect(ratesBetween(pulse, later({}, pulse.time))).toBeNull();
    expect(ratesBetween({ ...pulse, counts: null }, later({}))).toBeNull();
  });

  test("shows durations with two or three digits that say something", () => {
    expect([0, 999, 1_000, 9_949, 10_000, 999_999, 1_000_000, 12_345_678, null].map(showDuration)).toEqual([
      ...["0 µs", "999 µs", "1.0 ms", "9.9 ms", "10 ms", "1.00 s", "1.00 s", "12.3 s", "–"],
    ]);
  });
});

describe("venturi top", () => {
  let gateway: Venturi;
  beforeAll(async () => {
    gateway = await new Venturi({ config: "models: { chat: { targets: [sim/echo] } }\n" }).ready();
    const ask = () => fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", body: chat("chat") });
    for (let count = 0; count < 3; count++) expect((await ask()).status).toBe(200);
  });
  afterAll(() => gateway.end());

  test("looks once, without an escape where nobody draws", async () => {
    const { code, stdout, stderr } = await venturi(gateway.folder, "top", "--once", "--every", "0.2");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^calls 0\.0\/s/m);
    expect(stdout).toContain("sim/echo");
    expect(stdout).not.toContain("\u001b");
  });

  test("tells each look as a line of JSON", async () => {
    const { code, stdout } = await venturi(gateway.folder, "top", "--json", "--once", "--every", "0.2");
    expect(code).toBe(0);
    const told = JSON.parse(stdout) as { counts: { calls: number }; per_second: { calls: number } };
    expect(told.counts.calls).toBe(3);
    expect(told.per_second.calls).toBe(0);
  });

  test.each([
    [["--every", "0"], 2],
    [["--often"], 2],
    [["--data", "nowhere"], 1],
    [["--help"], 0],
  ] as const)("with %j ends with %i", async (args, code) => {
    expect((await venturi(gateway.folder, "top", ...args)).code).toBe(code);
  });
});
