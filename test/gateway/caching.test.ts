// Answers given again, and answers shared: what reaches the upstream, and what every client gets.

import { describe, expect, test } from "vitest";
import { chatChunks, chatCompletion, type Reply, type Script } from "../scripted_upstream.ts";
import { chatRequest, errorOf, planOf, rig, type TestGateway, until } from "./harness.ts";

const room = rig();

/** A model `chat` that keeps its answers. */
function config(base_url: string, cache = "exact: { ttl_s: 60 }", rest = ""): string {
  return `
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [none] } }
models: { chat: { targets: [up/gpt], retries: { attempts: 0 }, cache: { ${cache} },
  price: { input_per_mtok: 1, output_per_mtok: 2 } } }
${rest}
`;
}

/** Answers with a text that tells the request's number, as a stream where one is asked for. */
function counting(): { script: Script; asked: () => number } {
  let asked = 0;
  return {
    asked: () => asked,
    script: async (request, reply) => {
      asked += 1;
      const { stream } = request.json() as { stream?: boolean };
      if (stream) await sendStream(reply, `answer ${asked} in words`);
      else await reply.json(200, chatCompletion(`answer ${asked}`));
    },
  };
}

async function sendStream(reply: Reply, text: string): Promise<void> {
  for (const chunk of chatChunks(text)) await reply.sse(chunk);
  await reply.sse("[DONE]");
}

async function contentOf(response: Response): Promise<string> {
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
  return choices[0]!.message.content;
}

/** The text of a streamed answer, and its last usage. */
function readStream(text: string): {
  content: string;
  usage: Record<string, unknown> | null;
  is_done: boolean;
} {
  let content = "";
  let usage: Record<string, unknown> | null = null;
  const data = text.split("\n").filter((line) => line.startsWith("data: "));
  for (const line of data.map((one) => one.slice(6))) {
    if (line === "[DONE]") continue;
    const chunk = JSON.parse(line);
    content += chunk.choices[0]?.delta?.content ?? "";
    usage = chunk.usage ?? usage;
  }
  return { content, usage, is_done: data.at(-1) === "data: [DONE]" };
}

/** Waits until what a call has left is found by the next. */
async function kept(gateway: TestGateway, body: Record<string, unknown> = {}): Promise<void> {
  await gateway.idle();
  for (;;) {
    const response = await gateway.chat(body, { headers: { "x-venturi-cache": "only" } });
    await response.arrayBuffer();
    if (response.status === 200) return;
    await Bun.sleep(1);
  }
}

describe("a kept answer", () => {
  test("is given again as it came, says so, and costs nothing", async () => {
    const { script, asked } = counting();
    const upstream = await room.upstream(script);
    const gateway = room.gateway(config(upstream.base_url));
    const start_ms = performance.now();
    const first = await gateway.chat();
    expect(first.headers.get("x-venturi-cache")).toBe("miss");
    const bytes = await first.text();
    await kept(gateway);
    const second = await gateway.chat();
    expect(await second.text()).toBe(bytes);
    expect(second.headers.get("x-venturi-cache")).toBe("hit");
    // Whole seconds; a disk that is busy may take some to keep it.
    expect(second.headers.get("age")).toMatch(/^\d+$/);
    expect(Number(second.headers.get("age"))).toBeLessThanOrEqual((performance.now() - start_ms) / 1_000);
    expect(second.headers.get("x-venturi-provider")).toBe("up");
    expect(second.headers.get("x-venturi-model")).toBe("gpt");
    expect(second.headers.get("x-venturi-attempts")).toBe("0");
    expect(second.headers.get("x-venturi-cost-usd")).toBe("0");
    expect(second.headers.get("x-venturi-cache-key")).toMatch(/^[0-9a-f]+$/);
    expect(second.headers.get("server-timing")).toContain("cache;dur=");
    expect(asked()).toBe(1);
    await gateway.idle();
    const rows = gateway.kept.rows();
    expect(rows.map(({ cache }) => cache)).toContain("miss");
    const hit = rows.at(-1)!;
    expect(hit).toMatchObject({
      cache: "hit",
      cost_nano_usd: 0,
      status: 200,
      provider: "up",
      served_model: "gpt",
    });
    expect(gateway.counted("cache", "hit")).toBeGreaterThan(0);
    expect(gateway.counted("saved", "nano_usd")).toBeGreaterThan(0);
  });

  test("serves a plain call what was streamed, and the reverse", async () => {
    const { script, asked } = counting();
    const upstream = await room.upstream(script);
    const gateway = room.gateway(config(upstream.base_url));
    const streamed = { stream: true, messages: [{ role: "user", content: "streamed" }] };
    const plain = { messages: [{ role: "user", content: "plain" }] };
    const usage = { stream_options: { include_usage: true } };
    const stream = readStream(await (await gateway.chat({ ...streamed, ...usage })).text());
    const whole = await contentOf(await gateway.chat(plain));
    await kept(gateway, streamed);
    await kept(gateway, plain);
    expect(await contentOf(await gateway.chat({ ...streamed, stream: false }))).toBe(stream.content);
    const unfolded = await gateway.chat({ ...plain, stream: true, ...usage });
    expect(unfolded.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(unfolded.headers.get("x-venturi-cache")).toBe("hit");
    const read = readStream(await unfolded.text());
    expect(read).toMatchObject({ content: whole, is_done: true, usage: { cost_usd: 0 } });
    // A stream that was asked for without its usage has none.
    const again = readStream(await (await gateway.chat(streamed)).text());
    expect(again).toEqual({ content: stream.content, usage: null, is_done: true });
    const with_usage = readStream(await (await gateway.chat({ ...streamed, ...usage })).text());
    expect(with_usage.usage).toEqual({ ...stream.usage, cost_usd: 0 });
    expect(asked()).toBe(2);
  });

  test("is another tenant's for nobody, and all keys of a tenant share it unless the model says otherwise", async () => {
    const keys = `keys:
- { name: a1, key: key-a1, tenant: a }
- { name: a2, key: key-a2, tenant: a }
- { name: b1, key: key-b1, tenant: b }`;
    const { script, asked } = counting();
    const upstream = await room.upstream(script);
    const ask = async (gateway: TestGateway, key: string) => {
      const response = await gateway.chat({}, { headers: { authorization: `Bearer ${key}` } });
      await response.arrayBuffer();
      await gateway.idle();
      return response.headers.get("x-venturi-cache");
    };
    const shared = room.gateway(config(upstream.base_url, "exact: { ttl_s: 60 }", keys));
    expect(await ask(shared, "key-a1")).toBe("miss");
    await until(() => asked() === 1);
    for (let look = 0; look < 1_000 && (await ask(shared, "key-a2")) !== "hit"; look++);
    expect(await ask(shared, "key-a2")).toBe("hit");
    expect(await ask(shared, "key-b1")).toBe("miss");
    const own = room.gateway(config(upstream.base_url, "exact: { ttl_s: 60, scope: key }", keys));
    expect(await ask(own, "key-a1")).toBe("miss");
    for (let look = 0; look < 1_000 && (await ask(own, "key-a1")) !== "hit"; look++);
    expect(await ask(own, "key-a2")).toBe("miss");
  });

  test("is not looked for, not kept, or asked for alone as the caller wishes", async () => {
    const { script, asked } = counting();
    const upstream = await room.upstream(script);
    const gateway = room.gateway(config(upstream.base_url));
    const ask = async (headers: Record<string, string>) => {
      const response = await gateway.chat({}, { headers });
      await response.arrayBuffer();
      await gateway.idle();
      return [response.status, response.headers.get("x-venturi-cache")];
    };
    const only = await gateway.chat({}, { headers: { "cache-control": "only-if-cached" } });
    expect(only.status).toBe(504);
    expect(errorOf(await only.text())).toMatchObject({ code: "cache_miss" });
    expect(await ask({ "cache-control": "no-store" })).toEqual([200, "bypass"]);
    expect(await ask({ "x-venturi-cache": "off" })).toEqual([200, "bypass"]);
    expect((await ask({ "x-venturi-cache": "only" }))[0]).toBe(504);
    expect(await ask({})).toEqual([200, "miss"]);
    await kept(gateway);
    expect(await ask({})).toEqual([200, "hit"]);
    expect(await ask({ "cache-control": "no-cache" })).toEqual([200, "miss"]);
    expect(await ask({ "x-venturi-cache": "refresh" })).toEqual([200, "miss"]);
    expect(asked()).toBe(5);
    expect((await ask({ "x-venturi-cache": "nonsense" }))[0]).toBe(400);
    await until(() => gateway.gateway.calls.size === 0);
    // What came last is what is kept.
    for (;;) {
      const content = await contentOf(await gateway.chat());
      if (content === "answer 5") break;
    }
  });

  test.each([
    [
      "an error",
      (reply: Reply) => reply.json(400, { error: { message: "no", type: "invalid_request_error" } }),
    ],
    [
      "what was filtered",
      (reply: Reply) => {
        const answer = chatCompletion("x") as { choices: { finish_reason: string }[] };
        answer.choices[0]!.finish_reason = "content_filter";
        return reply.json(200, answer);
      },
    ],
    ["what is too large", (reply: Reply) => reply.json(200, chatCompletion("x".repeat(20_000)))],
  ])("is never %s", async (_name, answer) => {
    let asked = 0;
    const upstream = await room.upstream((_request, reply) => {
      asked += 1;
      return answer(reply);
    });
    const gateway = room.gateway(config(upstream.base_url, undefined, "cache: { max_entry_kb: 16 }"));
    for (let call = 1; call <= 3; call++) {
      await (await gateway.chat()).arrayBuffer();
      await gateway.idle();
      expect(asked).toBe(call);
    }
  });

  test("nor a stream that broke off, nor one for more answers or of a higher temperature than may be", async () => {
    let asked = 0;
    const upstream = await room.upstream(async (request, reply) => {
      asked += 1;
      if (!(request.json() as { stream?: boolean }).stream) return reply.json(200, chatCompletion("x"));
      await reply.sse(chatChunks("one two")[0]);
      await reply.sse(chatChunks("one two")[1]);
      return reply.destroy();
    });
    const gateway = room.gateway(config(upstream.base_url, "exact: { ttl_s: 60, max_temperature: 0.5 }"));
    const bodies = [{ stream: true }, { n: 2 }, { temperature: 0.6 }];
    for (const [index, body] of bodies.entries()) {
      for (let call = 1; call <= 2; call++) {
        await (await gateway.chat(body)).arrayBuffer();
        await gateway.idle();
        expect(asked).toBe(2 * index + call);
      }
    }
  });

  test("that is stale is given at once while one call asks for it anew", async () => {
    const gates: PromiseWithResolvers<void>[] = [];
    let asked = 0;
    const upstream = await room.upstream(async (_request, reply) => {
      asked += 1;
      const number = asked;
      if (number > 1) {
        gates.push(Promise.withResolvers());
        await gates.at(-1)!.promise;
      }
      await reply.json(200, chatCompletion(`answer ${number}`));
    });
    const gateway = room.gateway(config(upstream.base_url, "exact: { ttl_s: 1, stale_s: 600 }"));
    await (await gateway.chat()).arrayBuffer();
    await kept(gateway);
    const ask = async () => {
      const response = await gateway.chat();
      return [response.headers.get("x-venturi-cache"), await contentOf(response)];
    };
    await until(() => asked === 1);
    let first = await ask();
    while (first[0] === "hit") first = await ask();
    expect(first).toEqual(["stale", "answer 1"]);
    await until(() => gates.length === 1);
    for (let call = 0; call < 20; call++) expect(await ask()).toEqual(["stale", "answer 1"]);
    expect(asked).toBe(2);
    gates[0]!.resolve();
    let next = await ask();
    while (next[1] === "answer 1") next = await ask();
    expect(next[1]).toBe("answer 2");
    for (const gate of gates) gate.resolve();
    await gateway.idle();
  });

  test("is of another model as soon as the model's targets change", async () => {
    const { script, asked } = counting();
    const upstream = await room.upstream(script);
    const yaml = config(upstream.base_url);
    const gateway = room.gateway(yaml);
    await (await gateway.chat()).arrayBuffer();
    await kept(gateway);
    gateway.gateway.setPlan(planOf(yaml.replace("up/gpt", "up/other")));
    expect((await gateway.chat()).headers.get("x-venturi-cache")).toBe("miss");
    expect(asked()).toBe(2);
  });

  test("does without volatile text", async () => {
    const { script, asked } = counting();
    const upstream = await room.upstream(script);
    const gateway = room.gateway(
      config(upstream.base_url, undefined, 'cache: { volatile: ["at \\\\d+:\\\\d+"] }'),
    );
    const said = (time: string) => ({ messages: [{ role: "user", content: `Hello at ${time}` }] });
    await (await gateway.chat(said("10:00"))).arrayBuffer();
    await kept(gateway, said("10:01"));
    expect(asked()).toBe(1);
    // It is sent as it was.
    expect(upstream.requests[0]!.text()).toContain("10:00");
  });
});

describe("equal calls at once", () => {
  test("200 streams share one, and every client gets the same bytes", async () => {
    const gate = Promise.withResolvers<void>();
    let asked = 0;
    const chunks = chatChunks("one two three four five");
    const upstream = await room.upstream(async (_request, reply) => {
      asked += 1;
      for (const chunk of chunks.slice(0, 3)) await reply.sse(chunk);
      await gate.promise;
      for (const chunk of chunks.slice(3)) await reply.sse(chunk);
      await reply.sse("[DONE]");
    });
    const gateway = room.gateway(config(upstream.base_url));
    const calls = Array.from({ length: 200 }, () => gateway.chat({ stream: true }));
    const responses = await Promise.all(calls);
    gate.resolve();
    const texts = await Promise.all(responses.map((response) => response.text()));
    expect(asked).toBe(1);
    expect(new Set(texts).size).toBe(1);
    expect(readStream(texts[0]!)).toMatchObject({ content: "one two three four five", is_done: true });
    const outcomes = responses.map(({ headers }) => headers.get("x-venturi-cache"));
    expect(outcomes.filter((outcome) => outcome === "miss").length).toBe(1);
    expect(outcomes.filter((outcome) => outcome === "joined").length).toBe(199);
    await gateway.idle();
    const rows = gateway.kept.rows();
    expect(rows.length).toBe(200);
    expect(rows.filter(({ cost_nano_usd }) => cost_nano_usd !== 0).length).toBe(1);
  });

  test("a plain one and a streamed one share an answer too, whoever came first", async () => {
    const { script, asked } = counting();
    let gate = Promise.withResolvers<void>();
    const upstream = await room.upstream(async (request, reply) => {
      await gate.promise;
      await script(request, reply);
    });
    const gateway = room.gateway(config(upstream.base_url));
    for (const [first, second] of [
      [true, false],
      [false, true],
    ]) {
      gate = Promise.withResolvers();
      const message = { messages: [{ role: "user", content: `first ${first}` }] };
      const calls = [gateway.chat({ ...message, stream: first })];
      await until(() => gateway.gateway.calls.size === 1);
      calls.push(gateway.chat({ ...message, stream: second }));
      await until(() => gateway.gateway.calls.size === 2);
      gate.resolve();
      const [a, b] = await Promise.all((await Promise.all(calls)).map((response) => response.text()));
      const [plain, streamed] = first ? [b!, a!] : [a!, b!];
      const whole = JSON.parse(plain).choices[0].message.content;
      expect(whole).toContain("answer");
      expect(readStream(streamed).content).toBe(whole);
      await gateway.idle();
    }
    expect(asked()).toBe(2);
  });

  test("whose leader leaves before anything came are led by another: one call more", async () => {
    let asked = 0;
    const gate = Promise.withResolvers<void>();
    const upstream = await room.upstream(async (_request, reply) => {
      asked += 1;
      await gate.promise;
      await sendStream(reply, "here it is");
    });
    const gateway = room.gateway(config(upstream.base_url));
    const leader = await room.connect(gateway.port);
    leader.write(
      chatRequest({ model: "chat", messages: [{ role: "user", content: "Hello" }], stream: true }),
    );
    await until(() => asked === 1);
    const others = Array.from({ length: 20 }, () => gateway.chat({ stream: true }));
    await until(() => gateway.gateway.calls.size === 21);
    leader.destroy();
    await until(() => asked === 2);
    gate.resolve();
    const texts = await Promise.all((await Promise.all(others)).map((response) => response.text()));
    expect(texts.map((text) => readStream(text).content)).toEqual(Array(20).fill("here it is"));
    expect(asked).toBe(2);
    await gateway.idle();
  });

  test("whose leader leaves in the middle go on with the same stream, which ends with the last of them", async () => {
    const gate = Promise.withResolvers<void>();
    let aborted = 0;
    const chunks = chatChunks("one two three four");
    const upstream = await room.upstream(async (request, reply) => {
      void request.aborted.then(() => aborted++);
      for (const chunk of chunks.slice(0, 3)) await reply.sse(chunk);
      await gate.promise;
      for (const chunk of chunks.slice(3)) await reply.sse(chunk);
      await reply.sse("[DONE]");
    });
    const gateway = room.gateway(config(upstream.base_url));
    const begin = async (content: string) => {
      const client = await room.connect(gateway.port);
      client.write(chatRequest({ model: "chat", messages: [{ role: "user", content }], stream: true }));
      await client.until((received) => received.includes('"one"'));
      return client;
    };
    const leader = await begin("a");
    const follower = await gateway.chat({ stream: true, messages: [{ role: "user", content: "a" }] });
    expect(follower.headers.get("x-venturi-cache")).toBe("joined");
    leader.destroy();
    // Of another request all leave: nobody asks for it any more.
    const [alone, with_it] = [await begin("b"), await begin("b")];
    alone.destroy();
    await until(() => gateway.gateway.calls.size === 4);
    with_it.destroy();
    await until(() => aborted === 1);
    await until(() => gateway.gateway.calls.size === 2);
    gate.resolve();
    expect(readStream(await follower.text()).content).toBe("one two three four");
    await gateway.idle();
    expect(aborted).toBe(1);
    expect(upstream.requests.length).toBe(2);
    // Whoever asked pays for it, also when it is gone.
    const rows = gateway.kept.rows();
    expect(
      rows.find(({ cost_nano_usd, error }) => error === "client_closed" && cost_nano_usd! > 0),
    ).toBeDefined();
  });

  test("get the upstream's error together, or try each for itself where the model says so", async () => {
    for (const [on_error, calls] of [
      ["share", 1],
      ["retry", 5],
    ] as const) {
      let asked = 0;
      const gate = Promise.withResolvers<void>();
      const upstream = await room.upstream(async (_request, reply) => {
        asked += 1;
        await gate.promise;
        await reply.json(500, { error: { message: "broken", type: "server_error" } });
      });
      const gateway = room.gateway(config(upstream.base_url, `exact: { on_error: ${on_error} }`));
      const waiting = Array.from({ length: 5 }, () => gateway.chat());
      await until(() => gateway.gateway.calls.size === 5);
      gate.resolve();
      const statuses = (await Promise.all(waiting)).map(({ status }) => status);
      expect(statuses).toEqual(Array(5).fill(500));
      expect(asked).toBe(calls);
      await gateway.idle();
    }
  });

  test("of which the leader is over its limit are not refused with it", async () => {
    const { script, asked } = counting();
    const upstream = await room.upstream(script);
    const keys = `keys:
- { name: poor, key: key-poor, tenant: t, limits: { rpm: 1 } }
- { name: rich, key: key-rich, tenant: t }`;
    const gateway = room.gateway(config(upstream.base_url, undefined, keys));
    const ask = (key: string, content: string) =>
      gateway.chat(
        { messages: [{ role: "user", content }] },
        { headers: { authorization: `Bearer ${key}` } },
      );
    expect((await ask("key-poor", "one")).status).toBe(200);
    const both = await Promise.all([ask("key-poor", "two"), ask("key-rich", "two")]);
    expect(both.map(({ status }) => status)).toEqual([429, 200]);
    expect(asked()).toBe(2);
    // A kept answer takes nothing of a limit.
    expect((await ask("key-poor", "one")).status).toBe(200);
  });

  test("a follower that reads slowly holds nobody back, and gets all of it", async () => {
    const [opening, one, ...rest] = chatChunks("x");
    const choice = { index: 0, delta: { content: "x".repeat(8_000) }, finish_reason: null };
    const chunks = Array.from({ length: 400 }, () => ({ ...one, choices: [choice] }));
    const gate = Promise.withResolvers<void>();
    const upstream = await room.upstream(async (_request, reply) => {
      await reply.sse(opening);
      await reply.sse(one);
      await gate.promise;
      for (const chunk of [...chunks, ...rest]) await reply.sse(chunk);
      await reply.sse("[DONE]");
    });
    const gateway = room.gateway(config(upstream.base_url, undefined, "cache: { max_entry_kb: 8192 }"));
    const body = { model: "chat", messages: [{ role: "user", content: "Hello" }], stream: true };
    const slow = await room.connect(gateway.port);
    slow.write(chatRequest(body));
    await slow.until((received) => received.includes("data:"));
    slow.socket.pause();
    const quick = await gateway.chat(body);
    gate.resolve();
    const text = await quick.text();
    expect(readStream(text)).toMatchObject({ is_done: true });
    expect(text.length).toBeGreaterThan(3_000_000);
    slow.socket.resume();
    const answer = await slow.answer();
    expect(answer.body).toBe(text);
  });
});
