// The live view: calls as they end, as an event stream, by the admin API itself and over the public port of a gateway that runs.

import { afterEach, describe, expect, test } from "vitest";
import { LiveCalls } from "../../src/ledger/live_calls.ts";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { writeRow } from "../../src/ledger/row_line.ts";
import { chat, Venturi } from "../chaos/harness.ts";
import { ledgerRow } from "../ledger/store/rows.ts";
import { openApi } from "./admin_api.ts";

const TOKEN = "an-admin-token-for-tests";
const undone: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of undone.splice(0)) await undo();
});

const linesOf = (...rows: readonly LedgerRow[]) => Buffer.from(rows.map(writeRow).join("\n"));

interface LiveEvent {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came.
  readonly data: any;
}

/** Reads events one after another; null at the end. */
function eventsOf(response: Response): { next(): Promise<LiveEvent | null>; leave(): Promise<void> } {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    async next() {
      for (;;) {
        const end = text.indexOf("\n\n");
        if (end >= 0) {
          const block = text.slice(0, end);
          text = text.slice(end + 2);
          const field = (name: string) =>
            block
              .split("\n")
              .find((line) => line.startsWith(`${name}: `))
              ?.slice(name.length + 2);
          const data = field("data");
          if (data !== undefined) return { event: field("event") ?? "", data: JSON.parse(data) };
          continue;
        }
        const { done, value } = await reader.read();
        if (done) return null;
        text += value;
      }
    },
    leave: () => reader.cancel(),
  };
}

async function listen(query = "") {
  const opened = openApi();
  undone.push(() => opened.end());
  const open = async () => {
    const request = new Request(`http://admin/admin/v1/calls/live${query}`);
    const response = await opened.api.answer(request);
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const events = eventsOf(response);
    undone.push(() => events.leave());
    return events;
  };
  return { live: opened.live, open, ask: opened.ask };
}

describe("the stream of calls", () => {
  test("begins with the latest and goes on with those that end", async () => {
    const { live, open } = await listen("?recent=2");
    live.add(linesOf(ledgerRow({ key: "a" }), ledgerRow({ key: "b" })));
    live.add(linesOf(ledgerRow({ key: "c" })));
    const events = await open();
    live.add(linesOf(ledgerRow({ key: "d", cost_nano_usd: 5_000 })));
    const keys = [];
    for (let count = 0; count < 3; count++) keys.push((await events.next())!.data);
    expect(keys.map(({ key }) => key)).toEqual(["b", "c", "d"]);
    expect(keys[2]).toMatchObject({
      cost_usd: 0.000005,
      trace_id: expect.any(String),
      timings_us: { total: 1000 },
    });
  });

  test.each([
    ["?recent=0&tenant=acme", { tenant: "acme" }, { tenant: "other" }],
    ["?recent=0&status=429", { status: 429, error: "rate_limit_exceeded" }, {}],
    ["?recent=0&failed=true", { status: 200, error: "client_closed" }, {}],
    ["?recent=0&failed=false", {}, { status: 500, error: "x" }],
    ["?recent=0&min_ms=10", { timings_us: { total: 10_000 } }, { timings_us: { total: 9_999 } }],
    ["?recent=0&user=u9&cache=hit", { user: "u9", cache: "hit" }, { user: "u9", cache: "miss" }],
  ])("tells of those that are asked for: %s", async (query, meant, other) => {
    const { live, open } = await listen(query);
    const events = await open();
    const row = ledgerRow(meant as Partial<LedgerRow>);
    live.add(linesOf(ledgerRow(other as Partial<LedgerRow>), row));
    expect((await events.next())!.data.id).toBe(row.id);
  });

  test("tells of the latest of very many, and how many it left out", async () => {
    const { live, open } = await listen("?recent=0");
    const events = await open();
    const rows = Array.from({ length: 500 }, (_, index) => ledgerRow({ key: `k${index}` }));
    live.add(linesOf(...rows));
    expect(await events.next()).toEqual({ event: "skipped", data: { calls: 300 } });
    expect((await events.next())!.data.key).toBe("k300");
  });

  test("costs a reader that reads nothing calls, and nobody memory", async () => {
    const { live, open } = await listen("?recent=0");
    const events = await open();
    for (let batch = 0; batch < 500; batch++) live.add(linesOf(ledgerRow({ key: `b${batch}` })));
    const told: string[] = [];
    for (let event = await events.next(); event!.event === "call"; event = await events.next()) {
      told.push(event!.data.key);
      // What was left out is told with the next call.
      if (told.length === 60) live.add(linesOf(ledgerRow({ key: "last" })));
    }
    expect(told.length).toBeLessThan(70);
  });

  test("has no listener left when its reader has gone", async () => {
    const { live, open } = await listen();
    const events = await open();
    expect(live.listeners).toBe(1);
    await events.leave();
    expect(live.listeners).toBe(0);
  });

  test("is refused to those who ask wrongly, and beyond so many at once", async () => {
    const { ask, open, live } = await listen();
    expect(await ask("GET", "calls/live?colour=red")).toMatchObject({ status: 400 });
    expect(await ask("GET", "calls/live?recent=-1")).toMatchObject({ status: 400 });
    for (let count = 0; count < 64; count++) await open();
    expect(live.listeners).toBe(64);
    expect(await ask("GET", "calls/live")).toMatchObject({ status: 429 });
  });
});

test("what is kept of calls has a bound in bytes", () => {
  const live = new LiveCalls(10_000);
  for (let count = 0; count < 1_000; count++) live.add(linesOf(ledgerRow({ key: `k${count}` })));
  const kept = live.latest(1_000, () => true);
  expect(kept.length).toBeGreaterThan(10);
  expect(kept.length).toBeLessThan(100);
  expect(kept.at(-1)!.key).toBe("k999");
  expect(live.latest(2, ({ key }) => key === "k998").map(({ key }) => key)).toEqual(["k998"]);
});

test("a gateway that runs tells of its calls over its public port, and a stream does not keep it from stopping", async () => {
  const gateway = await new Venturi({ config: `admin: { token: ${TOKEN} }\n` }).ready();
  undone.push(() => gateway.end());
  const live = `${gateway.url}/admin/v1/calls/live`;
  expect((await fetch(live)).status).toBe(401);
  const response = await fetch(live, { headers: { authorization: `Bearer ${TOKEN}` } });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const events = eventsOf(response);
  await fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", body: chat("sim/echo") });
  expect(await events.next()).toMatchObject({ event: "call", data: { model: "sim/echo", status: 200 } });
  const began_ms = performance.now();
  gateway.kill("SIGTERM");
  expect(await events.next()).toBe(null);
  await gateway.exited;
  expect(performance.now() - began_ms).toBeLessThan(8_000);
});
