// Load with everything going wrong at once that may: failing providers, reloads, a killed process, the gateway's own end.
// Of every call it is known what became of it, and a lost one must have been on the killed process.

import { afterEach, describe, expect, test } from "vitest";
import type { ScriptedUpstream } from "../scripted_upstream.ts";
import { startFlaky, startSteady } from "./flaky_upstream.ts";
import { chat, metric, type RunOptions, Venturi } from "./harness.ts";
import { type CallRecord, startLoad } from "./load_client.ts";
import { connectionsOf, isAlive } from "./processes.ts";

let venturi: Venturi | null = null;
let upstreams: ScriptedUpstream[] = [];

async function start(options: RunOptions): Promise<Venturi> {
  venturi = new Venturi(options);
  return venturi.ready();
}

afterEach(async () => {
  await venturi?.end();
  venturi = null;
  for (const upstream of upstreams) upstream.stop();
  upstreams = [];
});

async function startBoth(seed: number): Promise<[flaky: ScriptedUpstream, steady: ScriptedUpstream]> {
  const both: [ScriptedUpstream, ScriptedUpstream] = [await startFlaky(seed), await startSteady()];
  upstreams = both;
  return both;
}

/** A configuration whose `revision` shows nowhere but makes another file. */
function config(flaky: ScriptedUpstream, steady: ScriptedUpstream, revision = 0): string {
  return `
providers:
  flaky: { kind: openai, base_url: "${flaky.base_url}", api_keys: [none], timeouts: { first_byte_ms: ${5_000 + revision} } }
  steady: { kind: openai, base_url: "${steady.base_url}", api_keys: [none] }
models:
  chat:
    targets: [flaky/m, steady/m]
    retries: { attempts: 1, backoff_ms: 1 }
`;
}

/** Every other call is streamed; each asks for a text of its own. */
function body(number: number): string {
  return chat("chat", `call-${number}`, number % 2 === 0 ? {} : { stream: true });
}

/** What is wrong with an answer, or null: it must be whole, and that of this call. */
function faultOf({ outcome }: CallRecord, number: number): string | null {
  if (outcome.kind !== "answered") return outcome.kind;
  if (outcome.status !== 200) return `status ${outcome.status}: ${outcome.body.slice(0, 300)}`;
  const text = number % 2 === 0 ? plainText(outcome.body) : streamedText(outcome.body);
  return text === `call-${number}` ? null : `another answer: ${outcome.body.slice(0, 500)}`;
}

function plainText(answer: string): string {
  return JSON.parse(answer).choices[0].message.content;
}

function streamedText(answer: string): string | null {
  const events = answer.split("\n\n");
  if (events.pop() !== "" || events.pop() !== "data: [DONE]") return null;
  return events
    .map((event) => JSON.parse(event.slice("data: ".length)).choices[0]?.delta.content ?? "")
    .join("");
}

describe("10,000 calls at 64 connections over two processes", () => {
  test("lose none but those on the process that is killed, through 20 reloads and failing upstreams", async () => {
    const [flaky, steady] = await startBoth(7);
    const gateway = await start({ args: ["--workers", "2"], config: config(flaky, steady) });
    const calls = 10_000;
    const faults: { readonly fault: string; readonly record: CallRecord }[] = [];
    const progress = { answered: 0 };
    const load = startLoad({
      port: () => gateway.port,
      connections: 64,
      calls,
      calls_per_connection: 40,
      body,
      onRecord: (record, number) => {
        progress.answered += 1;
        const fault = faultOf(record, number);
        if (fault !== null) faults.push({ fault, record });
      },
    });

    const killed_ports = new Set<number>();
    let stopped_ms = 0;
    let dead_ms = 0;
    for (let reload = 1; reload <= 20; reload++) {
      await gateway.until(() => progress.answered > (calls / 22) * reload, "progress of the load", 20_000);
      const from = gateway.lines.length;
      gateway.writeConfig(config(flaky, steady, reload));
      gateway.kill("SIGHUP");
      await gateway.line(/configuration reloaded/, from);
      if (reload !== 10) continue;
      const [victim] = gateway.gateways;
      // Stopped first, so that what is in flight on it stays that.
      process.kill(victim!, "SIGSTOP");
      stopped_ms = performance.now();
      for (const row of connectionsOf(victim!)) {
        if (row.local_port === gateway.port) killed_ports.add(row.remote_port);
      }
      process.kill(victim!, "SIGKILL");
      await gateway.line(new RegExp(`gateway process ${victim} ended with signal SIGKILL`));
      dead_ms = performance.now();
    }
    await load.done;

    expect(load.records).toHaveLength(calls);
    const isExcused = ({ fault, record }: (typeof faults)[number]): boolean => {
      const was_there = killed_ports.has(record.local_port) && record.sent_ms < dead_ms;
      // Opened by the kernel on behalf of the stopped process, which never came to accept it.
      const was_waiting =
        record.answers_before === 0 && record.dialled_ms <= dead_ms && record.done_ms >= stopped_ms;
      return fault === "cut" && (was_there || was_waiting);
    };
    expect(faults.filter((fault) => !isExcused(fault))).toEqual([]);
    expect(killed_ports.size).toBeGreaterThan(0);
    // Each of its connections had at most one call in flight.
    const lost_there = faults.filter(({ record }) => killed_ports.has(record.local_port));
    expect(lost_there.length).toBeLessThanOrEqual(killed_ports.size);
    expect(faults.length).toBeLessThan(64);

    expect(gateway.gateways).toHaveLength(2);
    expect(await metric(gateway.url, "venturi_calls_in_flight")).toBe(0);
    // The killed process told its counts every second, so at most a second of its calls is not counted.
    const counted = await metric(gateway.url, "venturi_calls_total", 'status="200"');
    const answered_in_last_second = load.records.filter(
      ({ done_ms }) => done_ms > stopped_ms - 1_200 && done_ms < dead_ms,
    ).length;
    expect(counted).toBeLessThanOrEqual(calls);
    expect(counted).toBeGreaterThanOrEqual(calls - faults.length - answered_in_last_second);
    console.log(
      `${calls} calls, ${faults.length} lost on the killed process (${killed_ports.size} connections),`,
      `${flaky.requests.length} tries upstream at the flaky one, ${steady.requests.length} at the steady one`,
    );
  }, 60_000);
});

describe("SIGTERM under load", () => {
  test.each([
    { calls_per_connection: Number.POSITIVE_INFINITY, what: "connections that are kept" },
    { calls_per_connection: 5, what: "connections that come and go" },
  ])(
    "cuts no call on $what, and refuses later connections",
    async ({ calls_per_connection }) => {
      const [flaky, steady] = await startBoth(11);
      const gateway = await start({ args: ["--workers", "2"], config: config(flaky, steady) });
      const { gateways } = gateway;
      const faults: string[] = [];
      const progress = { answered: 0, refused: 0 };
      const slow = startLoad({
        port: () => gateway.port,
        connections: 8,
        calls: 8,
        body: (number) => chat("sim/slow", `slow ${number}`, { stream: true, max_tokens: 20 }),
        onRecord: ({ outcome }) => {
          if (outcome.kind !== "answered" || !outcome.body.endsWith("data: [DONE]\n\n"))
            faults.push("slow call cut");
        },
      });
      const load = startLoad({
        port: () => gateway.port,
        connections: 64,
        calls: Number.POSITIVE_INFINITY,
        calls_per_connection,
        ends_when_refused: true,
        body,
        onRecord: (record, number) => {
          progress.answered += 1;
          if (record.outcome.kind === "refused") progress.refused += 1;
          else {
            const fault = faultOf(record, number);
            if (fault !== null) faults.push(`${fault}, answers before: ${record.answers_before}`);
          }
        },
      });
      await gateway.until(() => progress.answered > 1_500, "calls", 20_000);
      gateway.kill("SIGTERM");
      expect(await gateway.exited).toMatchObject({ code: 0 });
      await Promise.all([load.done, slow.done]);
      expect(faults).toEqual([]);
      expect(progress.refused).toBe(64);
      expect(gateways.filter(isAlive)).toEqual([]);
    },
    40_000,
  );
});
