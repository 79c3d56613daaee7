// What gateway processes know of their providers they know together: an outage that one of them saw, a probe, a drill.

import { afterEach, expect, test } from "vitest";
import { venturi as command } from "../cli/command.ts";
import { chatCompletion, type Script, type ScriptedUpstream, startUpstream } from "../scripted_upstream.ts";
import { metric, Venturi } from "./harness.ts";

const ended: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.all(ended.splice(0).map((end) => end()));
});

const ok: Script = (_, reply) => reply.json(200, chatCompletion("hello"));
const down: Script = (_, reply) => reply.json(503, { error: { message: "down", type: "t" } });

async function upstreamOf(script: Script): Promise<ScriptedUpstream> {
  const upstream = await startUpstream(script);
  ended.push(() => upstream.stop());
  return upstream;
}

async function start(first: ScriptedUpstream, second: ScriptedUpstream, rest = ""): Promise<Venturi> {
  const line = (name: string, { base_url }: ScriptedUpstream) =>
    `  ${name}: { kind: openai, base_url: "${base_url}", api_keys: [none]${rest} }\n`;
  const config = `listen: { workers: 2 }\nproviders:\n${line("first", first)}${line("second", second)}models:\n  chat: { targets: [first/a, second/b], retries: { attempts: 0 } }\n`;
  const venturi = new Venturi({ config, args: ["--config", "venturi.yaml"] });
  ended.push(() => venturi.end());
  return venturi.ready();
}

/** So many calls, each over a connection of its own, so that both processes get some; gives who answered, and how. */
async function ask(venturi: Venturi, times: number): Promise<string[]> {
  const answers: string[] = [];
  for (let call = 0; call < times; call++) {
    const response = await fetch(`${venturi.url}/v1/chat/completions`, {
      method: "POST",
      headers: { connection: "close" },
      body: JSON.stringify({ model: "chat", messages: [{ role: "user", content: "Hello" }] }),
    });
    await response.text();
    answers.push(`${response.status} ${response.headers.get("x-venturi-provider")}`);
  }
  return answers;
}

test("an outage costs two processes as little as one, a probe ends it for both, and a killed one forgets nothing", async () => {
  const [first, second] = [await upstreamOf(down), await upstreamOf(ok)];
  const venturi = await start(first, second, ", breaker: { rest_s: 2, slow_start_s: 0 }");
  expect(new Set(await ask(venturi, 40))).toEqual(new Set(["200 second"]));
  expect(first.requests).toHaveLength(5);
  const [killed] = venturi.gateways;
  process.kill(killed!, "SIGKILL");
  await venturi.line(/ended with signal SIGKILL/);
  await venturi.until(() => venturi.gateways.length === 2, "another process");
  first.use(ok);
  // Everything from now on is passed over, probes, or is answered by the first.
  await venturi.until(
    () => venturi.lines.some((line) => line.includes("first/a is passed over")),
    "the word of it",
  );
  for (const end_ms = performance.now() + 20_000; first.requests.length < 6 && performance.now() < end_ms; )
    await ask(venturi, 1);
  expect(first.requests).toHaveLength(6);
  expect(new Set(await ask(venturi, 20))).toEqual(new Set(["200 first"]));
  expect(
    await metric(venturi.url, "venturi_target_breaker_opened_total", 'provider="first"', 'model="a"'),
  ).toBe(1);
  expect(
    await metric(venturi.url, "venturi_target_breaker_closed_total", 'provider="first"', 'model="a"'),
  ).toBe(1);
  expect(await metric(venturi.url, "venturi_target_calls_in_flight", 'provider="first"', 'model="a"')).toBe(
    0,
  );
}, 60_000);

test("a drill makes a provider fail in all processes without asking it, is seen, and leaves nothing behind", async () => {
  const [first, second] = [await upstreamOf(ok), await upstreamOf(ok)];
  const venturi = await start(first, second);
  const drill = (...args: string[]) => command(venturi.folder, "drill", ...args);
  expect(new Set(await ask(venturi, 6))).toEqual(new Set(["200 first"]));
  expect(await drill("--fail", "provider=frist", "--for", "60s")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('did you mean "first"'),
  });
  expect((await drill("--fail", "provider=first", "--for", "2d")).stderr).toContain("from 1s to 1h");
  const begun = await drill("--fail", "provider=first", "--model", "a", "--for", "60s");
  expect(begun).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\w{8} {2}first\/a {2}503 {2}until /),
  });
  await venturi.line(/a drill makes first\/a fail \(503\)/);
  const asked = first.requests.length;
  expect(new Set(await ask(venturi, 20))).toEqual(new Set(["200 second"]));
  expect(first.requests).toHaveLength(asked);
  expect((await drill("list")).stdout).toBe(begun.stdout);
  expect(
    await metric(venturi.url, "venturi_drill_active", 'provider="first"', 'model="a"', 'failure="503"'),
  ).toBe(1);
  expect(await metric(venturi.url, "venturi_target_breaker_state", 'provider="first"', 'model="a"')).toBe(1);
  expect(
    await metric(venturi.url, "venturi_attempts_total", 'provider="first"', 'model="a"', 'outcome="drill"'),
  ).toBe(5);
  const logged = (await command(venturi.folder, "logs", "--limit", "100")).stdout.split("\n");
  expect(logged.filter((line) => line.includes('"outcome":"drill"')).length).toBeGreaterThan(0);
  expect((await drill("stop")).stdout).toBe("1 drill ended\n");
  expect(new Set(await ask(venturi, 10))).toEqual(new Set(["200 first"]));
  expect((await drill("list")).stdout).toBe("no drills\n");
  const audit = (await command(venturi.folder, "audit")).stdout;
  expect(audit).toContain("drill.begin");
  expect(audit).toContain("drill.end");
}, 60_000);
