// A gateway process that is killed in the middle of a hedged call, and of a shadow: each leaves one row, and the client pays for its own.

import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { openLedgerReader } from "../../src/ledger/store/query.ts";
import { chatCompletion, type ScriptedUpstream, startUpstream } from "../scripted_upstream.ts";
import { chat, Venturi } from "./harness.ts";

const running: { stop(): void }[] = [];
let venturi: Venturi | null = null;

afterEach(async () => {
  await venturi?.end();
  venturi = null;
  for (const upstream of running.splice(0)) upstream.stop();
});

/** An upstream that never answers. */
async function silent(): Promise<ScriptedUpstream> {
  const upstream = await startUpstream((_, reply) => reply.never());
  running.push(upstream);
  return upstream;
}

/** The rows of the ledger, once there are so many; it is asked to be written each time. */
async function rowsOf(gateway: Venturi, count: number): Promise<LedgerRow[]> {
  let rows: LedgerRow[] = [];
  let is_reading = false;
  const read = async () => {
    is_reading = true;
    const reader = openLedgerReader(join(gateway.folder, "data"));
    if (!("fault" in reader)) {
      rows = (await reader.calls({ limit: 10 })).map(({ row }) => row);
      reader.close();
    }
    is_reading = false;
  };
  const isThere = () => {
    if (!is_reading) void read();
    return rows.length >= count;
  };
  await gateway.until(isThere, `${count} rows`, 20_000);
  return rows;
}

test("a hedged call whose process is killed has one row, of the try that was sent last", async () => {
  const [first, second] = [await silent(), await silent()];
  venturi = new Venturi({
    args: ["--workers", "1"],
    config: `
providers:
  first: { kind: openai, base_url: "${first.base_url}", api_keys: [none] }
  second: { kind: openai, base_url: "${second.base_url}", api_keys: [none] }
models:
  m: { targets: [first/a, second/b], hedge: { after: 20ms, max_extra: 1 }, price: { input_per_mtok: 1000, output_per_mtok: 1000 } }
keys: [{ name: k, key: key-k, tenant: acme, limits: { usd_per_day: 1 } }]
`,
  });
  const gateway = await venturi.ready();
  const answer = fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer key-k" },
    body: chat("m"),
  }).catch(() => null);
  await second.waitFor(() => second.requests.length === 1);
  process.kill(gateway.gateways[0]!, "SIGKILL");
  expect(await answer).toBeNull();
  const rows = await rowsOf(gateway, 1);
  expect(rows).toMatchObject([
    {
      tenant: "acme",
      key: "k",
      provider: "second",
      served_model: "b",
      status: 502,
      error: "killed",
      shadow: null,
    },
  ]);
  await Promise.all([first.requests[0]!.aborted, second.requests[0]!.aborted]);
}, 60_000);

test("a shadow whose process is killed has a row that is nobody's", async () => {
  const candidate = await silent();
  const real = await startUpstream((_, reply) => reply.json(200, chatCompletion("hello")));
  running.push(real);
  venturi = new Venturi({
    args: ["--workers", "1"],
    config: `
providers:
  real: { kind: openai, base_url: "${real.base_url}", api_keys: [none] }
  other: { kind: openai, base_url: "${candidate.base_url}", api_keys: [none] }
models:
  m: { targets: [real/a], shadow: { model: c, share: 1 } }
  c: { targets: [other/b], price: { input_per_mtok: 1000, output_per_mtok: 1000 } }
keys: [{ name: k, key: key-k, tenant: acme }]
`,
  });
  const gateway = await venturi.ready();
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer key-k" },
    body: chat("m"),
  });
  expect(answer.status).toBe(200);
  await answer.text();
  await candidate.waitFor(() => candidate.requests.length === 1);
  process.kill(gateway.gateways[0]!, "SIGKILL");
  const rows = await rowsOf(gateway, 2);
  const own = rows.find(({ tenant }) => tenant === "acme")!;
  expect(own).toMatchObject({ key: "k", status: 200, shadow: null });
  expect(rows.find(({ tenant }) => tenant === "shadow/acme")).toMatchObject({
    ...{ key: null, user: null, status: 502, error: "killed" },
    shadow: { of: own.id, agreement: null },
  });
}, 60_000);
