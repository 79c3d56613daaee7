// Content: what is kept of calls, in every format, plain and streamed; and of which nothing is.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { KeptContent } from "../../src/content/record.ts";
import { ContentStore } from "../../src/content/store.ts";
import { keyFor } from "../../src/privacy/key.ts";
import { chatChunks, chatCompletion, type Script } from "../scripted_upstream.ts";
import {
  answers,
  type Format,
  providersAt,
  readBack,
  requestOf,
  textAnswer,
  textOf,
} from "./format_calls.ts";
import { rig, type TestGateway, until } from "./harness.ts";

const room = rig();
const KEY = Buffer.alloc(32, 7);
const KEYS = { seal: keyFor(KEY, "content seal"), name: keyFor(KEY, "content name") };

function config(base_url: string, model = "", content = "{ store: on }", rest = ""): string {
  return `
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [none] } }
models: { chat: { targets: [up/gpt], retries: { attempts: 0 } ${model === "" ? "" : `, ${model}`} } }
telemetry: { content: ${content} }
${rest}`;
}

function openStore({ kept }: TestGateway): ContentStore {
  const store = ContentStore.open(kept.folder, KEYS);
  if (!(store instanceof ContentStore)) throw new Error(store.fault);
  return store;
}

/** What is kept of the call that ended last, as soon as it is. */
async function keptOf(gateway: TestGateway, outcome = "kept", calls = 1): Promise<KeptContent | null> {
  const { facts } = gateway.kept.state;
  await until(() => facts.contentCalls(outcome as "kept") >= calls);
  const { id } = gateway.kept.rows().at(-1)!;
  const store = openStore(gateway);
  try {
    return store.find(id);
  } finally {
    store.close();
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

const says: (said: string) => Script = (said) => async (request, reply) => {
  if ((request.json() as { stream?: boolean }).stream !== true) return reply.json(200, chatCompletion(said));
  for (const chunk of chatChunks(said)) await reply.sse(chunk);
  await reply.sse("[DONE]");
};

describe("content is kept", () => {
  test("in every format, plain and streamed, as it was asked and as one answer", async () => {
    const upstream = await room.upstream(answers(textAnswer("Grüße aus dem Harz.")));
    const gateway = room.gateway(
      `${providersAt(upstream.base_url)}models: { chat: { targets: [messages/served] } }
telemetry: { content: { store: on } }`,
    );
    let calls = 0;
    for (const format of ["chat", "messages", "responses", "gemini"] as const satisfies readonly Format[]) {
      for (const stream of [false, true]) {
        const [path, init] = requestOf(format, stream, "Wie geht es?");
        await (await gateway.fetch(path, init)).arrayBuffer();
        calls += 1;
        const kept = await keptOf(gateway, "kept", calls);
        expect(kept).toMatchObject({ format, is_stream: stream, model: "chat", tenant: "default" });
        expect(text(kept!.request)).toBe(init.body as string);
        expect(kept!.answer!.form).toBe("whole");
        expect(textOf(readBack(format, false, kept!.answer!.bytes))).toBe("Grüße aus dem Harz.");
      }
    }
  });

  test("with placeholders where privacy has put some, both ways, and never with the values", async () => {
    const echo: Script = async (request, reply) => {
      const { messages, stream } = request.json() as { messages: { content: string }[]; stream?: boolean };
      const said = `You wrote: ${messages.at(-1)!.content}`;
      if (stream !== true) return reply.json(200, chatCompletion(said));
      for (const chunk of chatChunks(said)) await reply.sse(chunk);
      await reply.sse("[DONE]");
    };
    const upstream = await room.upstream(echo);
    const gateway = room.gateway(config(upstream.base_url, "privacy: { mode: redact }"));
    const messages = [{ role: "user", content: "Write to jo.doe@example.com or call +49 30 901820." }];
    for (const [index, stream] of [false, true].entries()) {
      const response = await gateway.chat({ messages, stream });
      expect(await response.text()).toContain("jo.doe@example.com");
      const kept = await keptOf(gateway, "kept", index + 1);
      expect(text(kept!.request)).toMatch(/EMAIL_1/);
      expect(text(kept!.answer!.bytes)).toMatch(/You wrote: .*EMAIL_1/);
      for (const bytes of [kept!.request, kept!.answer!.bytes]) {
        expect(text(bytes)).not.toContain("jo.doe");
        expect(text(bytes)).not.toContain("901820");
      }
    }
  });

  test("of answers that come from a cache or are shared, too", async () => {
    const upstream = await room.upstream(says("the same for all"));
    const gateway = room.gateway(config(upstream.base_url, "cache: { exact: { ttl_s: 60 } }"));
    for (const [index, extra] of [{}, {}, { stream: true }].entries()) {
      await (await gateway.chat(extra)).text();
      const kept = await keptOf(gateway, "kept", index + 1);
      expect(textOf(readBack("chat", false, kept!.answer!.bytes))).toBe("the same for all");
    }
    expect(gateway.kept.rows().map(({ cache }) => cache)).toEqual(["miss", "hit", "hit"]);
  });

  test("of a stream that two share, once for each", async () => {
    const asked = Promise.withResolvers<void>();
    const upstream = await room.upstream(async (request, reply) => {
      await asked.promise;
      await says("the same for both")(request, reply);
    });
    const gateway = room.gateway(config(upstream.base_url, "cache: { exact: { ttl_s: 60 } }"));
    const both = [gateway.chat({ stream: true }), gateway.chat({ stream: true })];
    await until(() => gateway.gateway.calls.size === 2);
    await upstream.waitFor(() => upstream.requests.length === 1);
    asked.resolve();
    for (const response of both) await (await response).text();
    const { facts } = gateway.kept.state;
    await until(() => facts.contentCalls("kept") === 2);
    const rows = gateway.kept.rows();
    expect(rows.map(({ cache }) => cache).sort()).toEqual(["joined", "miss"]);
    const store = openStore(gateway);
    for (const { id } of rows)
      expect(textOf(readBack("chat", false, store.find(id)!.answer!.bytes))).toBe("the same for both");
    store.close();
  });

  test("of calls over a WebSocket", async () => {
    const upstream = await room.upstream(says("through a socket"));
    const gateway = room.gateway(config(upstream.base_url));
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/v1/chat/completions`);
    const done = Promise.withResolvers<void>();
    socket.onmessage = ({ data }) => {
      if ((JSON.parse(String(data)) as { event: string }).event === "done") done.resolve();
    };
    socket.onopen = () => {
      const body = { model: "chat", stream: true, messages: [{ role: "user", content: "Hello" }] };
      socket.send(JSON.stringify({ id: "1", body }));
    };
    await done.promise;
    socket.close();
    const kept = await keptOf(gateway);
    expect(JSON.parse(text(kept!.request)).messages[0].content).toBe("Hello");
    expect(await (await gateway.fetch("/metrics")).text()).toMatch(/^venturi_content_bytes [1-9]\d+$/m);
    expect(textOf(readBack("chat", false, kept!.answer!.bytes))).toBe("through a socket");
  });

  test("of a stream that broke off as far as it came, and of a call that failed its request", async () => {
    const upstream = await room.upstream(async (request, reply) => {
      if ((request.json() as { stream?: boolean }).stream !== true) return reply.json(500, { error: {} });
      await reply.sse(chatChunks("a beginning")[0]!);
      await reply.sse(chatChunks("a beginning")[1]!);
      reply.destroy();
    });
    const gateway = room.gateway(config(upstream.base_url));
    await (await gateway.chat({ stream: true })).text();
    const broken = await keptOf(gateway);
    expect(broken!.answer!.form).toBe("events");
    expect(text(broken!.answer!.bytes)).toContain('"delta":{"content":"a"}');
    await (await gateway.chat()).text();
    const failed = await keptOf(gateway, "kept", 2);
    expect(failed).toMatchObject({ answer: null, left_out: "none" });
  });

  test("without an answer that a guard has changed, or that is too long", async () => {
    const secret = "sk-proj-4f9Kq2LmX7vB1nR8tZ3wY6cD0hJ5gP2sA9eU4iO7";
    const upstream = await room.upstream(async (request, reply) => {
      const said = request.text().includes("long") ? "so ".repeat(2_000) : `Use ${secret} for it.`;
      return says(said)(request, reply);
    });
    const guards = "guards: { output: [secrets] }";
    const gateway = room.gateway(config(upstream.base_url, guards, "{ store: on, max_call_kb: 4 }"));
    for (const [index, stream] of [false, true].entries()) {
      const answer = await (await gateway.chat({ stream })).text();
      expect(answer).not.toContain(secret);
      expect(await keptOf(gateway, "kept", index + 1)).toMatchObject({ answer: null, left_out: "guarded" });
    }
    for (const [index, stream] of [false, true].entries()) {
      await (await gateway.chat({ stream, messages: [{ role: "user", content: "at long last" }] })).text();
      expect(await keptOf(gateway, "kept", index + 3)).toMatchObject({ answer: null, left_out: "too_long" });
    }
  });
});

describe("nothing is kept", () => {
  test("while the store is off: there is not even a file", async () => {
    const upstream = await room.upstream(says("well"));
    const gateway = room.gateway(config(upstream.base_url, "", "{ store: off }"));
    await (await gateway.chat()).text();
    expect(existsSync(join(gateway.kept.folder, "content.sqlite"))).toBe(false);
  });

  test("of what is excepted, of what its client wants nowhere, of what nothing was done for", async () => {
    const upstream = await room.upstream(says("well"));
    const except = "{ models: [up/*], keys: [quiet], tenants: [secret] }";
    const keys = ["loud", "quiet", "hidden"].map(
      (name) => `{ name: ${name}, key: key-of-${name}, tenant: ${name === "hidden" ? "secret" : "acme"} }`,
    );
    const limited = "{ name: limited, key: key-of-limited, limits: { tpm: 1 } }";
    const gateway = room.gateway(
      config(
        upstream.base_url,
        "",
        `{ store: on, except: ${except} }`,
        `keys: [${[...keys, limited].join(", ")}]`,
      ),
    );
    const ask = async (key: string, extra = {}, headers: Record<string, string> = {}) =>
      (await gateway.chat(extra, { headers: { authorization: `Bearer key-of-${key}`, ...headers } })).text();
    await ask("quiet");
    await ask("hidden");
    await ask("loud", { model: "up/gpt" });
    await ask("loud", {}, { "cache-control": "max-age=0, no-store" });
    expect(await ask("limited")).toContain("rate_limit_exceeded");
    await ask("loud");
    expect(await keptOf(gateway)).toMatchObject({ key: "loud" });
    await gateway.gateway.stop(0);
    expect(gateway.kept.state.facts.contentCalls("kept")).toBe(1);
    const store = openStore(gateway);
    expect(store.stats().calls).toBe(1);
    store.close();
  });

  test("of what goes out with personal data in it, and of requests that are too long; both are counted", async () => {
    const upstream = await room.upstream(says("well"));
    const content = "{ store: on, max_call_kb: 2 }";
    const gateway = room.gateway(config(upstream.base_url, "privacy: { mode: audit }", content));
    await (await gateway.chat({ messages: [{ role: "user", content: "I am jo.doe@example.com." }] })).text();
    await (await gateway.chat({ messages: [{ role: "user", content: "so ".repeat(1_000) }] })).text();
    const { facts } = gateway.kept.state;
    expect([facts.contentCalls("private"), facts.contentCalls("too_long")]).toEqual([1, 1]);
    const metrics = await (await gateway.fetch("/metrics")).text();
    expect(metrics).toContain('venturi_content_calls_total{outcome="private"} 1');
    await gateway.gateway.stop(0);
    expect(existsSync(join(gateway.kept.folder, "content.sqlite"))).toBe(false);
  });
});
