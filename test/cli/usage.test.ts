// `venturi usage` as a user runs it: what it prints in every format, and where it looks.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NO_USAGE } from "../../src/dialects/usage.ts";
import { ledgerRow } from "../ledger/store/rows.ts";
import { LedgerFolder } from "./ledger_commands.ts";

const folder = new LedgerFolder();
const time = Date.now() - 5 * 60_000;
const usage = {
  ...NO_USAGE,
  input_tokens: 1_000_000,
  cached_input_tokens: 40,
  output_tokens: 20,
  reasoning_tokens: 5,
};
const rows = [
  ledgerRow({ time, key: "checkout", cost_nano_usd: 1_500_000_000, usage }),
  ledgerRow({ time, key: "checkout", cost_nano_usd: 1_000, error: "upstream_error", estimated: true }),
  ledgerRow({ time, key: 'say "hi", twice', feature: null, cost_nano_usd: null }),
  ledgerRow({
    ...{ time: time - 3 * 86_400_000, key: "old", cost_nano_usd: 123_000 },
    ...{ cache: "semantic", similarity: 0.97, saved_nano_usd: 500_000 },
  }),
];
beforeAll(() => folder.write(rows));
afterAll(() => folder.remove());

describe("venturi usage", () => {
  test("prints a table that a person can read, with its sum", async () => {
    const { code, out, err } = await folder.run(["usage", "--by", "key,feature", "--since", "24h"]);
    expect([code, err]).toEqual([0, ""]);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(
      /^Usage from 20\d\d-\d\d-\d\d \d\d:\d\d to 20\d\d-\d\d-\d\d \d\d:\d\d UTC, tokens by kind$/,
    );
    expect(lines.slice(2)).toEqual([
      "key              feature  calls  errors      input  cached  output  reasoning     cost  unpriced  estimated",
      "───────────────  ───────  ─────  ──────  ─────────  ──────  ──────  ─────────  ───────  ────────  ─────────",
      "checkout         search       2       1  1,000,100      80      40         10    $1.50         0          1",
      'say "hi", twice  –            1       0        100      40      20          5  unknown         1          0',
      "───────────────  ───────  ─────  ──────  ─────────  ──────  ──────  ─────────  ───────  ────────  ─────────",
      "total                         3       1  1,000,200     120      60         15    $1.50         1          1",
    ]);
  });

  test("says what caches saved, where they saved something", async () => {
    const { out } = await folder.run(["usage", "--by", "key", "--since", "7d"]);
    const lines = out.trimEnd().split("\n");
    expect(lines[2]).toMatch(/cost {2}cache hits +saved {2}unpriced {2}estimated$/);
    expect(lines.find((line) => line.startsWith("old"))).toMatch(/ 1 {2}\$0\.000500 +0 +0$/);
    expect(lines.at(-1)).toMatch(/^total .* 1 {2}\$0\.000500 +1 +1$/);
  });

  test("prints JSON with the fields that were asked for", async () => {
    const { code, out } = await folder.run(["usage", "--by", "key", "--since", "7d", "--format", "json"]);
    expect(code).toBe(0);
    const sums = {
      errors: 0,
      input_tokens: 100,
      cached_input_tokens: 40,
      output_tokens: 20,
      reasoning_tokens: 5,
    };
    expect(JSON.parse(out)).toEqual([
      {
        key: "checkout",
        calls: 2,
        errors: 1,
        input_tokens: 1_000_100,
        cached_input_tokens: 80,
        output_tokens: 40,
        reasoning_tokens: 10,
        cost_usd: 1.500001,
        cost_nano_usd: 1_500_001_000,
        unpriced_calls: 0,
        estimated_calls: 1,
        cache_hits: 0,
        saved_usd: 0,
      },
      {
        ...{ key: "old", calls: 1, ...sums },
        ...{ cost_usd: 0.000123, cost_nano_usd: 123_000, unpriced_calls: 0, estimated_calls: 0 },
        ...{ cache_hits: 1, saved_usd: 0.0005 },
      },
      {
        ...{ key: 'say "hi", twice', calls: 1, ...sums },
        ...{ cost_usd: null, cost_nano_usd: 0, unpriced_calls: 1, estimated_calls: 0 },
        ...{ cache_hits: 0, saved_usd: 0 },
      },
    ]);
  });

  test("prints CSV", async () => {
    const { out } = await folder.run(["usage", "--by", "feature,key", "--since", "24h", "--format", "csv"]);
    expect(out.trimEnd().split("\n")).toEqual([
      "feature,key,calls,errors,input_tokens,cached_input_tokens,output_tokens,reasoning_tokens,cost_usd,cost_nano_usd,unpriced_calls,estimated_calls,cache_hits,saved_usd",
      "search,checkout,2,1,1000100,80,40,10,1.500001,1500001000,0,1,0,0",
      ',"say ""hi"", twice",1,0,100,40,20,5,,0,1,0,0,0',
    ]);
  });

  test("says in words that there is nothing", async () => {
    const { code, out } = await folder.run(["usage", "--since", "2020-01-01", "--until", "2020-01-02"]);
    expect([code, out]).toEqual([0, "No calls from 2020-01-01 00:00 to 2020-01-02 00:00 UTC.\n"]);
  });

  test.each([
    [["--by", "colour"], 'there is no field "colour" for --by; there are tenant, team, key'],
    [
      ["--since", "soon"],
      '--since must be a time such as 7d, 24h, 30m, 2026-11-01 or 2026-11-01T12:00Z, not "soon"',
    ],
    [["--since", "1d", "--until", "2d"], "--until must not be before --since"],
    [["--format", "xml"], '--format must be table, json, csv, not "xml"'],
    [["--colour"], "Unknown option '--colour'"],
  ])("refuses %j and says why", async (args, why) => {
    const { code, err } = await folder.run(["usage", ...args]);
    expect(code).toBe(2);
    expect(err).toContain(`venturi usage: ${why}`);
    expect(err).toContain("usage: venturi usage");
  });

  test("says where it looked when there is no ledger, and exits with 1", async () => {
    const { code, out, err } = await folder.run(["usage", "--data", "nowhere"]);
    expect([code, out, err]).toEqual([
      1,
      "",
      `venturi usage: there is no ledger at ${join("nowhere", "ledger.sqlite")}\n`,
    ]);
  });
});

describe("--flush", () => {
  test("says that no gateway runs, and goes on", async () => {
    const { code, out, err } = await folder.run(["usage", "--flush", "--format", "json"]);
    expect([code, err]).toEqual([
      0,
      "venturi usage: no gateway runs on ./data; this is what its ledger has\n",
    ]);
    expect(JSON.parse(out)).toHaveLength(1);
  });

  test("has the gateway write what waits before it looks", async () => {
    const asked: string[] = [];
    const late = ledgerRow({ time, model: "late" });
    const server = Bun.serve({
      unix: join(folder.path, "data", "admin.sock"),
      fetch: async (request) => {
        asked.push(`${request.method} ${new URL(request.url).pathname}`);
        await folder.write([late]);
        return new Response(null, { status: 204 });
      },
    });
    const { out, err } = await folder.run(["usage", "--flush", "--by", "model", "--format", "json"]);
    await server.stop(true);
    expect([asked, err]).toEqual([["POST /admin/v1/ledger/flush"], ""]);
    expect(JSON.parse(out)).toContainEqual(expect.objectContaining({ model: "late", calls: 1 }));
  });
});

describe("the data folder", () => {
  const other = new LedgerFolder();
  beforeAll(async () => {
    await other.write([ledgerRow({ time, model: "elsewhere" })], "store/ledger");
    // No gateway runs.
    await other.stopWriting();
  });
  afterAll(() => other.remove());

  test("is what venturi.yaml says, though its other variables are not set", async () => {
    other.config(
      `data: "\${PLACE}/ledger"\nproviders: { openai: { kind: openai, api_keys: ["\${NOT_SET}"] } }\n`,
    );
    const { code, out } = await other.run(["usage", "--format", "json"], { PLACE: "./store" });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject([{ model: "elsewhere" }]);
  });

  test("is what --data says, whatever the file does", async () => {
    other.config("data: ./wrong\n");
    const { out } = await other.run(["usage", "--format", "json", "--data", "store/ledger"]);
    expect(JSON.parse(out)).toMatchObject([{ model: "elsewhere" }]);
  });
});
