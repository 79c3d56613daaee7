// Sessions when a gateway process is killed under them, and when the gateway is told to stop: the sockets close, and the books are whole.

import { afterEach, expect, test } from "vitest";
import {
  Client,
  type RealtimeUpstream,
  responseEvents,
  startRealtime,
} from "../gateway/realtime/realtime_upstream.ts";
import { Venturi } from "./harness.ts";

let venturi: Venturi | null = null;
let provider: RealtimeUpstream | null = null;

afterEach(async () => {
  await venturi?.end();
  provider?.stop();
});

const USAGE = { total_tokens: 150, input_tokens: 100, output_tokens: 50 };
const PATH = "/v1/realtime?model=voice";
const headers = { authorization: "Bearer client-key" };

/** What the ledger has of the answers, by their ends: status, error, cost. */
async function answers(gateway: Venturi): Promise<unknown[][]> {
  const logs = new Venturi({ command: ["logs", "--data", `${gateway.folder}/data`] });
  await logs.exited;
  await logs.end();
  return logs.output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { status: number; error: string | null; cost_nano_usd: number })
    .filter(({ cost_nano_usd }) => cost_nano_usd > 0)
    .map(({ status, error, cost_nano_usd }) => [status, error, cost_nano_usd]);
}

test("a killed process closes its sockets and leaves the rows of its answers; a stop says goodbye", async () => {
  let number = 0;
  provider = startRealtime({
    heard: (session, message) => {
      const { hang } = JSON.parse(String(message)) as { hang?: boolean };
      const events = responseEvents(`r${++number}`, "word ".repeat(80), USAGE);
      for (const event of hang ? events.slice(0, 2) : events) session.send(event);
    },
  });
  venturi = new Venturi({
    args: ["--config", "venturi.yaml"],
    config: `
listen: { workers: 1, drain_ms: 300 }
providers: { up: { kind: openai, base_url: "${provider.base_url}", api_keys: [secret-of-up] } }
models: { voice: { targets: [up/gpt-realtime], price: { input_per_mtok: 1, output_per_mtok: 4 } } }
keys: [{ name: k, key: client-key, tenant: acme, limits: { concurrency: 1, usd_per_day: 1 } }]
`,
  });
  await venturi.ready();
  const first = new Client(venturi.port, PATH, { headers });
  await first.opened;
  first.send({ type: "response.create" });
  await first.until((one) => one.ofType("response.done").length === 1);
  first.send({ type: "response.create", hang: true, response: { max_output_tokens: 20 } });
  await first.until((one) => one.messages.length === 6);
  process.kill(venturi.gateways[0]!, "SIGKILL");
  expect((await first.end()).code).toBe(1006);
  await venturi.line(/in flight in a process that died/);

  // Its place among the calls at once is free again.
  const gateway = venturi;
  await gateway.until(() => gateway.gateways.length === 1, "gateway process");
  let second: Client;
  do {
    second = new Client(venturi.port, PATH, { headers });
  } while (
    !(await second.opened.then(
      () => true,
      () => Bun.sleep(50).then(() => false),
    ))
  );
  second.send({ type: "response.create" });
  await second.until((one) => one.ofType("response.done").length === 1);
  await gateway.until(() => provider!.sessions.length === 2, "second session");
  const whole = 100 * 1_000 + 50 * 4_000;
  let kept = await answers(venturi);
  for (let look = 0; kept.length < 3 && look < 20; look++) kept = await answers(venturi);
  // The conversation had 150 tokens; 100 had come of the answer that was cut.
  expect(kept).toEqual([
    [200, null, whole],
    [502, "killed", 150 * 1_000 + 100 * 4_000],
    [200, null, whole],
  ]);

  venturi.kill("SIGTERM");
  expect((await second.end()).code).toBe(1012);
  expect(second.errors()[0]).toMatchObject({ code: "unavailable" });
  expect((await venturi.exited).code).toBe(0);
  expect(venturi.lines.join("\n")).not.toMatch(/client-key|secret-of-up/);
}, 30_000);
