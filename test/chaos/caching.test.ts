// Kept answers as a user has them: two gateway processes, commands beside them, deaths and damage.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { venturi } from "../cli/command.ts";
import { chatCompletion, type ScriptedUpstream, startUpstream } from "../scripted_upstream.ts";
import { chat, metric, type RunOptions, Venturi } from "./harness.ts";

const running: Venturi[] = [];
const upstreams: ScriptedUpstream[] = [];

async function start(options: RunOptions): Promise<Venturi> {
  const gateway = new Venturi(options);
  running.push(gateway);
  return gateway.ready();
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((gateway) => gateway.end()));
  for (const upstream of upstreams.splice(0)) upstream.stop();
});

/** Answers each request with how many of its kind came before it; `answering` may be waited for. */
async function countingUpstream(hold: (text: string) => Promise<void> | void = () => {}) {
  const asked = new Map<string, number>();
  const upstream = await startUpstream(async (request, reply) => {
    const { messages } = request.json() as { messages: { content: string }[] };
    const text = messages.at(-1)!.content;
    const number = (asked.get(text) ?? 0) + 1;
    asked.set(text, number);
    await hold(text);
    await reply.json(200, chatCompletion(`${text} ${number}`));
  });
  upstreams.push(upstream);
  const total = () => [...asked.values()].reduce((sum, number) => sum + number, 0);
  return { upstream, asked, total };
}

function config(base_url: string, exact = "ttl_s: 600", rest = ""): string {
  return `
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [none] } }
models: { chat: { targets: [up/m], cache: { exact: { ${exact} } }, price: { input_per_mtok: 5, output_per_mtok: 10 } } }
${rest}`;
}

/** A call on a connection of its own, so that any process may get it. */
async function ask(gateway: Venturi, text: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    body: chat("chat", text),
    headers,
    keepalive: false,
  });
  const answer = (await response.json()) as { choices?: { message: { content: string } }[] };
  return {
    status: response.status,
    cache: response.headers.get("x-venturi-cache"),
    key: response.headers.get("x-venturi-cache-key"),
    content: answer.choices?.[0]?.message.content,
  };
}

/** Asks until the answer is kept, wherever it is asked for. */
async function askUntilKept(gateway: Venturi, text: string): Promise<void> {
  for (let hits = 0; hits < 10; ) hits = (await ask(gateway, text)).cache === "hit" ? hits + 1 : 0;
}

/** Asks until it is seen that the answer is removed: a moment after it was. */
async function askUntilGone(gateway: Venturi, text: string): Promise<void> {
  while ((await ask(gateway, text)).cache === "hit");
}

describe("two processes", () => {
  test("give each other's answers, and a purge is for both", async () => {
    const { upstream, total } = await countingUpstream();
    const gateway = await start({ args: ["--workers", "2"], config: config(upstream.base_url) });
    expect((await ask(gateway, "a", { "x-venturi-tags": "app=shop,beta" })).cache).toBe("miss");
    await askUntilKept(gateway, "a");
    const before = total();
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(gateway, "a")));
    expect(answers.every(({ cache }) => cache === "hit")).toBe(true);
    expect(total()).toBe(before);
    expect(await metric(gateway.url, "venturi_cache_calls_total", 'outcome="hit"')).toBeGreaterThanOrEqual(
      40,
    );
    expect(await metric(gateway.url, "venturi_cache_saved_usd_total")).toBeGreaterThan(0);
    expect(await metric(gateway.url, "venturi_cache_answers")).toBe(1);
    expect(await metric(gateway.url, "venturi_cache_bytes")).toBeGreaterThan(0);

    const stats = await venturi(gateway.folder, "cache", "stats");
    expect(stats.code).toBe(0);
    expect(stats.stdout).toMatch(/^answers {4}1 in /);
    expect(stats.stdout).toContain("hit rate");
    const json = JSON.parse((await venturi(gateway.folder, "cache", "stats", "--format", "json")).stdout);
    expect(json).toMatchObject({ answers: { entries: 1 }, verified: { compared: 0 }, similar: null });
    expect(json.saved_usd).toBeGreaterThan(0);

    for (const [flags, removed] of [
      [["--tenant", "nobody"], "0 answers removed"],
      [["--tag", "beta=no"], "0 answers removed"],
      [["--tag", "app"], "1 answer removed"],
    ] as const) {
      expect((await venturi(gateway.folder, "cache", "purge", ...flags)).stdout.trim()).toBe(removed);
    }
    await askUntilGone(gateway, "a");
    const audit = await venturi(gateway.folder, "audit", "--format", "json");
    expect(audit.stdout).toContain('"cache.purge"');

    await askUntilKept(gateway, "a");
    const { key } = await ask(gateway, "a");
    expect((await venturi(gateway.folder, "cache", "purge", "--key", key!)).stdout.trim()).toBe(
      "1 answer removed",
    );
    expect((await venturi(gateway.folder, "cache", "purge", "--key", "abcd")).code).toBe(1);
    expect((await venturi(gateway.folder, "cache", "purge")).code).toBe(2);
    await askUntilGone(gateway, "a");
  });

  test("ask for a stale answer anew once, whichever of them gives it", async () => {
    let gate = Promise.withResolvers<void>();
    gate.resolve();
    const { upstream, asked } = await countingUpstream(() => gate.promise);
    const gateway = await start({
      args: ["--workers", "2"],
      config: config(upstream.base_url, "ttl_s: 1, stale_s: 600"),
    });
    await askUntilKept(gateway, "a");
    const before = asked.get("a")!;
    gate = Promise.withResolvers();
    let answer = await ask(gateway, "a");
    while (answer.cache === "hit") answer = await ask(gateway, "a");
    expect(answer).toMatchObject({ cache: "stale", content: `a ${before}` });
    const answers = await Promise.all(Array.from({ length: 60 }, () => ask(gateway, "a")));
    expect(answers.every(({ cache, content }) => cache === "stale" && content === `a ${before}`)).toBe(true);
    await gateway.until(() => asked.get("a")! > before, "a call that asks anew");
    expect(asked.get("a")).toBe(before + 1);
    gate.resolve();
    while ((await ask(gateway, "a")).content === `a ${before}`);
  });

  test("of which one is killed again and again give whole answers, and those that were kept", async () => {
    const { upstream } = await countingUpstream();
    const gateway = await start({ args: ["--workers", "2"], config: config(upstream.base_url) });
    await askUntilKept(gateway, "first");
    for (let round = 0; round < 5; round++) {
      const [victim] = gateway.gateways;
      const calls = Array.from({ length: 60 }, (_, index) =>
        ask(gateway, `${round} ${index}`).catch(() => null),
      );
      process.kill(victim!, "SIGKILL");
      for (const [index, answer] of (await Promise.all(calls)).entries()) {
        if (answer !== null) expect(answer.content).toMatch(new RegExp(`^${round} ${index} \\d$`));
      }
      await gateway.until(() => gateway.gateways.length === 2, "two processes");
      for (let tries = 0; tries < 100; tries++) {
        const answer = await ask(gateway, "first").catch(() => null);
        if (answer !== null) expect(answer.cache).toBe("hit");
        if (answer !== null) break;
      }
    }
  });
});

describe("similar requests", () => {
  test("are found over processes and runs, and calls go on while the search is dead", async () => {
    const { upstream, total } = await countingUpstream();
    const yaml = `
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [up/m], cache: { semantic: { threshold: 0.85 } } } }
cache: { semantic: { budget_ms: 2000 } }`;
    const gateway = await start({ args: ["--workers", "2"], config: yaml });
    const [kept, similar] = ["How do I reset my password?", "please tell me how do i reset my password"];
    const askSimilar = () => ask(gateway, similar, { "x-venturi-cache": "only" });
    await ask(gateway, kept);
    while ((await askSimilar()).cache !== "semantic");
    const before = total();
    for (let call = 0; call < 10; call++) {
      expect(await askSimilar()).toMatchObject({ cache: "semantic", content: `${kept} 1` });
    }
    expect(total()).toBe(before);
    const stats = JSON.parse((await venturi(gateway.folder, "cache", "stats", "--format", "json")).stdout);
    expect(stats.similar.index.entries).toBe(1);

    const first = gateway.inference!;
    process.kill(first, "SIGKILL");
    for (let call = 0; call < 20; call++) expect((await ask(gateway, `other ${call}`)).status).toBe(200);
    await gateway.until(() => gateway.inference !== null && gateway.inference !== first, "another search");
    while ((await askSimilar()).cache !== "semantic");

    expect((await venturi(gateway.folder, "cache", "purge", "--all")).stdout).toContain("removed");
    while ((await askSimilar()).cache === "semantic");
    gateway.kill("SIGTERM");
    expect((await gateway.exited).code).toBe(0);
  });
});

describe("the answers of an earlier run", () => {
  test("are there again, and those that are damaged are put aside", async () => {
    const { upstream, total } = await countingUpstream();
    const yaml = config(upstream.base_url);
    const gateway = await start({ config: yaml });
    await askUntilKept(gateway, "a");
    gateway.kill("SIGTERM");
    await gateway.exited;
    const before = total();
    const again = await startIn(gateway, yaml);
    expect((await ask(again, "a")).cache).toBe("hit");
    expect(total()).toBe(before);
    again.kill("SIGTERM");
    await again.exited;

    const file = join(gateway.folder, "data/cache/answers/data.mdb");
    expect(existsSync(file)).toBe(true);
    const bytes = readFileSync(file);
    for (let at = 0; at < bytes.length; at += 97) bytes[at] = (bytes[at]! + 13) & 0xff;
    writeFileSync(file, bytes);
    const mended = await startIn(gateway, yaml);
    expect((await ask(mended, "a")).cache).toBe("miss");
    expect(mended.lines.join("\n")).toMatch(/damaged/);
    await askUntilKept(mended, "a");
  });

  test("are no matter where they cannot be kept: the gateway goes on and says so", async () => {
    const { upstream, total } = await countingUpstream();
    const yaml = config(upstream.base_url);
    const gateway = await start({ config: yaml });
    await ask(gateway, "a");
    gateway.kill("SIGTERM");
    await gateway.exited;
    const cache = join(gateway.folder, "data/cache");
    await Bun.$`rm -rf ${cache}`.quiet();
    writeFileSync(cache, "a file");
    const without = await startIn(gateway, yaml);
    const before = total();
    for (let call = 0; call < 3; call++) expect((await ask(without, "a")).status).toBe(200);
    expect(total()).toBe(before + 3);
    expect(without.lines.join("\n")).toMatch(/answers cannot be/);
  });
});

/** Another run on the data of one that has ended. */
function startIn(gateway: Venturi, yaml: string): Promise<Venturi> {
  const data = join(gateway.folder, "data");
  return start({ config: yaml, command: ["serve", "--port", "0", "--data", data] });
}
