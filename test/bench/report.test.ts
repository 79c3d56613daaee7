// From rounds to the report: medians, ratios, verdicts, what got slower, and the plots.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { breakdownTable } from "../../bench/breakdown.ts";
import { alignTable, markdownTable, median, spread, tablesOf } from "../../bench/figures.ts";
import { standings } from "../../bench/goals.ts";
import { describeMachine } from "../../bench/machine.ts";
import { addOverDirect, type Case } from "../../bench/part.ts";
import { drawPlot } from "../../bench/plot.ts";
import { writeReport } from "../../bench/report.ts";
import { readResults, slowerThan, writeResults } from "../../bench/results.ts";

const measured = (target: string, cpu_us: readonly number[], row = "1 KB"): Case => ({
  row,
  target,
  fault: null,
  values: { cpu_us },
  rounds: [],
});

describe("figures", () => {
  test("are medians with half the range", () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3]), spread([1, 5, 2])]).toEqual([2, 2.5, 2]);
  });

  test("stand in a table with their ratio to HAProxy", () => {
    const faulty: Case = { ...measured("nginx", []), fault: "1 of 2 calls failed", values: {} };
    const table = tablesOf([measured("venturi", [30, 31, 29]), measured("haproxy", [20]), faulty])[0]!;
    expect(table[0]).toEqual(["row", "target", "CPU µs/call"]);
    expect(table[1]).toEqual(["1 KB", "venturi", "30.0 ±1.0 (1.50×)"]);
    expect(table[2]).toEqual(["1 KB", "haproxy", "20.0 ±0.0"]);
    expect(table[3]![2]).toBe("no figure: 1 of 2 calls failed");
    expect(markdownTable(table)[2]).toBe("| 1 KB | venturi | 30.0 ±1.0 (1.50×) |");
    expect(alignTable(table)[1]).toMatch(/^1 KB {2}venturi {2,}30\.0/);
  });

  test("of rows with other measures stand in a table of their own", () => {
    const streams: Case = { ...measured("venturi", [], "streams"), values: { cpu_us_per_chunk: [9] } };
    const tables = tablesOf([measured("venturi", [30]), streams, measured("venturi", [60], "10 KB")]);
    expect(tables.map((table) => table.map(([row]) => row))).toEqual([
      ["row", "1 KB", "10 KB"],
      ["row", "streams"],
    ]);
  });

  test("of latencies that are added are differences within a round", () => {
    const at = (target: string, p50_us: number[]): Case => ({ ...measured(target, []), values: { p50_us } });
    const [, venturi] = addOverDirect([at("direct", [10, 20]), at("venturi", [15, 30])], ["p50_us"]);
    expect(venturi!.values["added_p50_us"]).toEqual([5, 10]);
  });
});

describe("a verdict", () => {
  test.each([
    [27, "aim"],
    [35, "target"],
    [37, "missed"],
  ])("on %i µs beside HAProxy's 20 is: %s", (cpu_us, verdict) => {
    const cases = [measured("venturi", [cpu_us]), measured("haproxy", [20])];
    const standing = standings((part) => (part === "plain" ? cases : []));
    expect(standing[0]!.verdict).toBe(verdict);
    expect(standing[1]!.verdict).toBe("no figure");
  });
});

describe("the breakdown", () => {
  test("stands the floor's totals beside what was profiled, threads added up", () => {
    const floor = [measured("haproxy", [20]), measured("bare server", [30]), measured("venturi", [60, 62])];
    const shares = { "all processes": 70, "main thread: kernel": 20, "main thread: our compiled code": 12 };
    const ledger = { "supervisor, ledger's thread": 4, "supervisor, all else": 1.5 };
    const profile = Object.entries({ ...shares, ...ledger }).map(([name, us]) => measured(name, [us]));
    const streams = { ...measured("all processes", [], "streams"), values: { cpu_us_per_chunk: [9] } };
    const cases: Record<string, Case[]> = { floor, profile: [...profile, streams] };
    const [head, call, chunk] = breakdownTable((part) => cases[part] ?? []);
    expect(Object.fromEntries(head!.map((title, index) => [title, call![index]]))).toEqual({
      row: "1 KB",
      "µs of": "a call",
      target: "36.0",
      HAProxy: "20.0",
      "bare runtime": "30.0",
      Venturi: "61.0",
      "Venturi, profiled": "70.0",
      kernel: "20.0",
      "runtime by itself": "–",
      "runtime under our code": "–",
      "our code": "12.0",
      "native addons": "–",
      "ledger, supervisor": "5.5",
      "compiler, allocator": "–",
    });
    expect(chunk!.slice(0, 7)).toEqual(["streams", "a chunk", "–", "–", "–", "–", "9.0"]);
  });

  test("is empty where nothing was profiled", () => {
    expect(breakdownTable((part) => (part === "floor" ? [measured("venturi", [60])] : []))).toHaveLength(1);
  });
});

describe("a comparison", () => {
  const before = [measured("venturi", [30]), measured("haproxy", [20])];
  test("tells what got slower by its ratio to HAProxy", () => {
    expect(slowerThan(before, [measured("venturi", [36]), measured("haproxy", [20])])).toEqual([
      "1 KB, CPU µs/call: 1.50× HAProxy before, 1.80× HAProxy now",
    ]);
  });

  test("does not tell of a machine that got slower, nor of noise", () => {
    expect(slowerThan(before, [measured("venturi", [60]), measured("haproxy", [40])])).toEqual([]);
    expect(slowerThan(before, [measured("venturi", [33]), measured("haproxy", [20])])).toEqual([]);
  });

  test("tells of a row that has no figure any more", () => {
    const faulty: Case = { ...measured("venturi", []), fault: "it broke", values: {} };
    expect(slowerThan(before, [faulty])).toEqual([
      "1 KB: there was a figure, and now there is none: it broke",
    ]);
  });
});

describe("the report", () => {
  test("is written from the results that are kept", () => {
    const folder = mkdtempSync(join(tmpdir(), "venturi-report-"));
    const machine = describeMachine(null);
    const sizes = { rounds: 1 };
    const cases = [measured("venturi", [30]), measured("haproxy", [20]), measured("venturi", [90], "10 KB")];
    const results = { part: "plain", about: "About.", measured_at: "now", machine, sizes, cases };
    writeResults(results, folder);
    expect(readResults("plain", folder)).toEqual(results);
    writeFileSync(join(folder, "stray.json"), "{}");
    writeReport(folder);
    const report = readFileSync(join(folder, "README.md"), "utf8");
    expect(report).toContain(
      "| pass-through 1 KB, CPU per call | ≤ 1.8 × | ≤ 1.4 × | 30.0 | 20.0 | 1.50 × | reached |",
    );
    expect(report).toContain("| 1 KB | venturi | 30.0 ±0.0 (1.50×) |");
    expect(readFileSync(join(folder, "cpu_by_body.svg"), "utf8")).toContain(">venturi</text>");
    rmSync(folder, { recursive: true });
  });

  test("draws a plot that is well-formed", () => {
    const svg = drawPlot({
      title: "A < B & C",
      x_title: "x",
      y_title: "y",
      x_marks: [
        [1, "1"],
        [100, "100"],
      ],
      lines: [
        { name: "venturi", points: [[1, 20], [100, 400]] }, // biome-ignore format: a line of two points
        { name: "none", points: [[1, 0]] }, // biome-ignore format: a line without a point that can be drawn
      ],
    });
    expect(svg).toContain("A &lt; B &amp; C");
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(svg.match(/<circle/g)).toHaveLength(2);
    const opened = svg.match(/<(svg|text)\b/g)!.length;
    expect(svg.match(/<\/(svg|text)>/g)).toHaveLength(opened);
    expect(drawPlot({ title: "", x_title: "", y_title: "", x_marks: [], lines: [] })).toBe("");
  });
});
