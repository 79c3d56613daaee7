// The endpoints that the dashboard looks at: usage over time, the forecast, the pulse, targets, the configuration's file and drafts.

import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "vitest";
import { writeRow } from "../../src/ledger/row_line.ts";
import { ledgerPath, openToWrite } from "../../src/ledger/store/open.ts";
import { Store } from "../../src/ledger/store/store.ts";
import { ledgerRow } from "../ledger/store/rows.ts";
import { type ApiUnderTest, openApi } from "./admin_api.ts";

let under: ApiUnderTest;

afterEach(() => under.end());

/** Calls of the last minutes, a thousandth of a dollar each. */
function withCalls(count: number): void {
  under = openApi();
  const db = openToWrite(ledgerPath(under.folder), () => {});
  if (!(db instanceof Database)) throw new Error(db.fault);
  const now_ms = Date.now();
  const rows = Array.from({ length: count }, (_, index) =>
    ledgerRow({
      time: now_ms - index * 1_000,
      key: `key-${index % 3}`,
      cost_nano_usd: 1_000_000,
      timings_us: { total: 5_000, first_byte: 3_000 },
    }),
  );
  new Store(db).write(rows.map(writeRow), now_ms);
  db.close();
}

describe("usage over time", () => {
  test("is told with its names, its steps and its money in dollars", async () => {
    withCalls(9);
    const { status, json } = await under.ask("GET", "usage/series?by=key&since=1h");
    expect(status).toBe(200);
    expect(json).toMatchObject({ object: "usage.series", has_others: false, step_s: 60 });
    expect([...json.names].sort()).toEqual(["key-0", "key-1", "key-2"]);
    const total = json.points.reduce((sum: number, { cost_usd }: { cost_usd: number }) => sum + cost_usd, 0);
    expect(total).toBeCloseTo(0.009);
  });

  test("has steps that suit the range, and refuses too many", async () => {
    withCalls(1);
    for (const [since, step_s] of [
      ["2h", 60],
      ["2d", 3_600],
      ["30d", 86_400],
    ] as const)
      expect((await under.ask("GET", `usage/series?since=${since}`)).json.step_s).toBe(step_s);
    const many = await under.ask("GET", "usage/series?since=30d&step=minute");
    expect(many).toMatchObject({ status: 400, json: { error: { param: "step" } } });
    expect((await under.ask("GET", "usage/series?by=colour")).status).toBe(400);
  });
});

test("the forecast of a month without whole days is what today has cost", async () => {
  withCalls(3);
  const { json } = await under.ask("GET", "usage/forecast");
  expect(json).toMatchObject({ object: "usage.forecast", month: new Date().toISOString().slice(0, 7) });
  expect(json.expected_usd).toBeGreaterThan(0);
  expect(json.method).not.toBe("");
});

test("the pulse has the latency of the newest calls and what was spent today", async () => {
  withCalls(4);
  const { json } = await under.ask("GET", "pulse");
  expect(json.latency).toMatchObject({ calls: 4, total_ms: { p50: 5, p99: 5 }, first_byte_ms: { p95: 3 } });
  expect(json.counts).toBeNull();
  expect(json.today.calls).toBeGreaterThan(0);
});

test("a ledger that is not there is told", async () => {
  under = openApi();
  for (const path of ["pulse", "usage/series", "usage/forecast"])
    expect((await under.ask("GET", path)).status).toBe(503);
});

describe("the configuration", () => {
  test("of the file is told masked, and a draft is judged without being shown", async () => {
    under = openApi("keys: [{ name: till, key: sk-very-secret-key }]");
    const file = await under.ask("GET", "config/file");
    expect(file.json).toMatchObject({ ok: true, problems: [] });
    expect(JSON.stringify(file.json)).not.toContain("sk-very-secret-key");
    const good = await under.ask("POST", "config/check", { text: "data: ./elsewhere" });
    expect(good.json).toEqual({ object: "config.check", ok: true, config: null, problems: [] });
    const bad = await under.ask("POST", "config/check", { text: "listen:\n  prot: 1\n" });
    expect(bad.json).toMatchObject({ ok: false, problems: [{ line: 2, col: 3 }] });
    expect((await under.ask("POST", "config/check", { txt: "" })).status).toBe(400);
  });
});

test("a link to the dashboard is told to whoever may ask, not where others could use it without a token", async () => {
  under = openApi();
  const { json } = await under.ask("POST", "ui/link");
  expect(json.url).toMatch(/^http:\/\/127\.0\.0\.1:8080\/ui#code=[\w-]{43}$/);
  await under.end();
  under = openApi("listen: { host: 0.0.0.0 }\nkeys: [{ name: a, key: sk-a-key-of-some-length }]");
  expect((await under.ask("POST", "ui/link")).json.error.message).toContain("admin.token");
});

test("where the gateway listens is told to whoever may ask", async () => {
  under = openApi();
  expect((await under.ask("GET", "gateway")).json).toEqual({
    object: "gateway",
    url: "http://127.0.0.1:8080",
  });
});

test("targets are told as the gateway has them", async () => {
  under = openApi();
  expect((await under.ask("GET", "health")).json.data).toEqual([
    { provider: "sim", model: "echo", state: "closed" },
  ]);
});
