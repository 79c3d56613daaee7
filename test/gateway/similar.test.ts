// Similar requests: what is given for them, what never is, and what becomes of calls when the search is slow, dead or wrong.

import { describe, expect, test } from "vitest";
import { openExactCache } from "../../src/cache/exact/cache.ts";
import { CacheKey } from "../../src/cache/key.ts";
import { chatCompletion, type Script } from "../scripted_upstream.ts";
import { rig, type TestGateway } from "./harness.ts";
import { serveInference } from "./inference_beside.ts";

const room = rig();

/** A model `chat` that gives similar requests' answers, and an upstream that counts and says what it was asked. */
async function similarGateway(semantic: string, rest = "", script?: Script) {
  let asked = 0;
  const upstream = await room.upstream((request, reply) => {
    asked += 1;
    if (script !== undefined) return script(request, reply);
    const { messages } = request.json() as { messages: { content: string }[] };
    return reply.json(200, chatCompletion(`About: ${messages.at(-1)!.content}`));
  });
  const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [up/gpt], retries: { attempts: 0 }, cache: { semantic: { ${semantic} } } } }
cache: { semantic: { budget_ms: 2000 } }
${rest}`);
  return { gateway, asked: () => asked };
}

async function ask(
  gateway: TestGateway,
  content: string,
  { headers = {}, ...extra }: Record<string, unknown> & { headers?: Record<string, string> } = {},
) {
  const response = await gateway.chat({ messages: [{ role: "user", content }], ...extra }, { headers });
  const body = await response.text();
  return {
    cache: response.headers.get("x-venturi-cache"),
    similarity: Number(response.headers.get("x-venturi-similarity")),
    key: response.headers.get("x-venturi-cache-key"),
    status: response.status,
    content: body.startsWith("{") ? JSON.parse(body).choices?.[0].message.content : body,
  };
}

const KEPT = "How do I reset my password?";
const SIMILAR = "please tell me how do i reset my password";

/** Asks what is kept, until a similar request is given its answer. */
async function keep(gateway: TestGateway, extra: { headers?: Record<string, string> } = {}): Promise<void> {
  await ask(gateway, KEPT, extra);
  for (;;) {
    const headers = { ...extra.headers, "x-venturi-cache": "only" };
    const { cache } = await ask(gateway, SIMILAR, { headers });
    if (cache === "semantic") return;
    await Bun.sleep(2);
  }
}

describe("a similar request", () => {
  test("is given the answer, which says how similar it is; a different one is not", async () => {
    const { gateway, asked } = await similarGateway("threshold: 0.85");
    serveInference(room, gateway, 1_000);
    await keep(gateway);
    expect(asked()).toBe(1);
    const given = await ask(gateway, SIMILAR);
    expect(given).toMatchObject({ cache: "semantic", content: `About: ${KEPT}` });
    expect(given.similarity).toBeGreaterThan(0.85);
    expect(given.similarity).toBeLessThan(1);
    for (const different of [
      "How do I not reset my password?",
      "How do I reset my router?",
      "What is the weather like?",
    ]) {
      expect((await ask(gateway, different)).cache).toBe("miss");
    }
    const streamed = await ask(gateway, SIMILAR, { stream: true });
    expect(streamed.cache).toBe("semantic");
    expect(streamed.content).toContain("data: [DONE]");
    await gateway.idle();
    const row = gateway.kept.rows().find(({ cache }) => cache === "semantic")!;
    expect(row.similarity).toBeGreaterThan(0.85);
    expect(row.cost_nano_usd).toBe(0);
  });

  test("of which anything else differs is none", async () => {
    const { gateway } = await similarGateway("threshold: 0.85");
    serveInference(room, gateway, 1_000);
    await keep(gateway);
    for (const extra of [
      { temperature: 0.1 },
      { max_tokens: 5 },
      { response_format: { type: "json_object" } },
    ]) {
      expect((await ask(gateway, SIMILAR, extra)).cache).toBe("miss");
    }
    const turns = [
      { role: "user", content: "Hello" },
      { role: "assistant", content: "Hi" },
      { role: "user", content: SIMILAR },
    ];
    const response = await gateway.chat({ messages: turns });
    expect(response.headers.get("x-venturi-cache")).toBe("miss");
  });

  test("of another tenant is none, whatever it says", async () => {
    const keys = `keys: [{ name: a, key: key-a, tenant: a }, { name: b, key: key-b, tenant: b }]`;
    const { gateway } = await similarGateway("threshold: 0.85", keys);
    serveInference(room, gateway, 1_000);
    const of = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
    await keep(gateway, of("key-a"));
    // Its own answers, once it has some, are another matter.
    const headers = { ...of("key-b").headers, "x-venturi-cache": "only" };
    for (const text of [KEPT, SIMILAR]) expect((await ask(gateway, text, { headers })).status).toBe(504);
    expect((await ask(gateway, KEPT, of("key-b"))).cache).toBe("miss");
  });

  test("may be asked to be more similar than is configured, and never less", async () => {
    const { gateway } = await similarGateway("threshold: 0.85");
    serveInference(room, gateway, 1_000);
    await keep(gateway);
    const asking = (similarity: string) =>
      ask(gateway, SIMILAR, { headers: { "x-venturi-similarity": similarity } });
    expect((await asking("0.999")).cache).not.toBe("semantic");
    const far = await ask(gateway, "password", { headers: { "x-venturi-similarity": "0.1" } });
    expect(far.cache).toBe("miss");
  });

  test("is answered by the model where nobody searches, or nobody answers in time", async () => {
    const { gateway, asked } = await similarGateway("threshold: 0.85");
    expect((await ask(gateway, KEPT)).cache).toBe("miss");
    expect((await ask(gateway, SIMILAR)).cache).toBe("miss");
    expect(asked()).toBe(2);
    // Somebody who accepts and says nothing.
    const { gateway: stalled } = await similarGateway("threshold: 0.85", "");
    const silent = Bun.listen({
      unix: `${stalled.kept.folder}/inference.sock`,
      socket: { data: () => {} },
    });
    room.after(() => silent.stop(true));
    expect((await ask(stalled, KEPT)).status).toBe(200);
  });

  test("whose answer is gone, or was removed as bad, is answered anew", async () => {
    const { gateway } = await similarGateway("threshold: 0.85");
    serveInference(room, gateway, 1_000);
    await keep(gateway);
    const { key } = await ask(gateway, SIMILAR);
    const other = openExactCache(gateway.kept.folder, { max_bytes: 64 * 1024 * 1024, onFault: () => {} });
    if ("fault" in other) throw new Error(other.fault);
    room.after(() => other.close());
    await other.block(CacheKey.parse(Buffer.from(key!, "hex"))!, Date.now() + 60_000);
    let { cache } = await ask(gateway, SIMILAR, { headers: { "x-venturi-cache": "only" } });
    while (cache === "semantic")
      ({ cache } = await ask(gateway, SIMILAR, { headers: { "x-venturi-cache": "only" } }));
    // The very request may be kept again; a similar one does not get it.
    expect((await ask(gateway, KEPT)).cache).toBe("miss");
    await gateway.idle();
    expect((await ask(gateway, `${SIMILAR}?`)).cache).not.toBe("semantic");
  });
});

describe("verified", () => {
  test("answers are compared with the model's until they are known to be right, and then given", async () => {
    const { gateway, asked } = await similarGateway(
      "threshold: 0.8, max_error: 0.05",
      "",
      (_request, reply) => reply.json(200, chatCompletion("Open the settings and press reset.")),
    );
    serveInference(room, gateway, 1_000);
    await ask(gateway, KEPT);
    const wordings = [
      "please tell me how do i reset my password",
      "how can i reset my password",
      "how do i reset my password please",
      "could you tell me how to reset my password",
    ];
    let [served, calls] = [0, 0];
    while (served === 0 && calls < 2_000) {
      // Each is another request, so that none is kept itself.
      const text = `${wordings[calls % wordings.length]}${" ".repeat(calls)}`;
      calls += 1;
      if ((await ask(gateway, text)).cache === "semantic") served += 1;
    }
    expect(served).toBe(1);
    // It was not believed at once.
    expect(asked()).toBeGreaterThan(10);
  }, 60_000);

  test("answers that are found wrong are not given", async () => {
    let number = 0;
    const { gateway } = await similarGateway("threshold: 0.8, max_error: 0.05", "", (_request, reply) => {
      number += 1;
      return reply.json(
        200,
        chatCompletion(`It is ${number * 7919} in ${"abcdefghij"[number % 10]}${number}.`),
      );
    });
    serveInference(room, gateway, 1_000);
    await ask(gateway, KEPT);
    for (let call = 1; call <= 150; call++) {
      expect((await ask(gateway, `${SIMILAR}${" ".repeat(call)}`)).cache).toBe("miss");
    }
  }, 60_000);
});
