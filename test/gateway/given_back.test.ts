// The memory of a large request is given back when nobody reads it any more, and not before.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { chatCompletion, type Script } from "../scripted_upstream.ts";
import { rig, until } from "./harness.ts";

const room = rig();
const LONG = "word ".repeat(30_000);
const ASKED = JSON.stringify({ model: "chat", messages: [{ role: "user", content: LONG }] });
/** The request as a target gets it whose name is as long as the model's. */
const SENT = ASKED.replace("chat", "real");

/** Lengths of what was given back. */
let given_back: number[] = [];
const { transfer } = ArrayBuffer.prototype;

beforeEach(() => {
  given_back = [];
  ArrayBuffer.prototype.transfer = function (this: ArrayBuffer, length?: number) {
    given_back.push(this.byteLength);
    return transfer.call(this, length);
  };
});
afterEach(() => {
  ArrayBuffer.prototype.transfer = transfer;
});

const answer: Script = (_, reply) => reply.json(200, chatCompletion("hello"));

const provider = (name: string, base_url: string) =>
  `${name}: { kind: openai, base_url: "${base_url}", api_keys: [none] }`;

function configOf(base_url: string, rest = "", more = ""): string {
  return `
providers: { ${provider("up", base_url)} ${more} }
models: { chat: { targets: [up/real], ${rest} } }`;
}

const post = { method: "POST", body: ASKED } as const;

describe("the body of a request", () => {
  test("is given back when its call is over, and another gets its own", async () => {
    const upstream = await room.upstream(answer);
    const gateway = room.gateway(configOf(upstream.base_url));
    for (let call = 0; call < 3; call++) {
      expect((await gateway.fetch("/v1/chat/completions", post)).status).toBe(200);
      expect(upstream.requests[call]!.text() === SENT).toBe(true);
    }
    await gateway.idle();
    expect(given_back.filter((length) => length === ASKED.length)).toHaveLength(3);
  });

  test("in chunks, of which nobody tells how many will come, is whole too", async () => {
    const upstream = await room.upstream(answer);
    const gateway = room.gateway(configOf(upstream.base_url));
    const client = await room.connect(gateway.port);
    client.write("POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\n");
    for (let at = 0; at < ASKED.length; at += 70_000) {
      const piece = ASKED.slice(at, at + 70_000);
      client.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    }
    client.write("0\r\n\r\n");
    expect((await client.answer()).status).toBe(200);
    expect(upstream.requests[0]!.text() === SENT).toBe(true);
  });

  test("that is larger than what is read in one go is whole", async () => {
    const body = JSON.stringify({ model: "chat", messages: [{ role: "user", content: LONG.repeat(20) }] });
    const upstream = await room.upstream(answer);
    const gateway = room.gateway(configOf(upstream.base_url));
    expect((await gateway.fetch("/v1/chat/completions", { ...post, body })).status).toBe(200);
    expect(upstream.requests[0]!.text() === body.replace("chat", "real")).toBe(true);
    await gateway.idle();
    expect(given_back).toContain(body.length);
  });

  test("is there for every try, and given back after the last", async () => {
    const upstream = await room.upstream((request, reply) =>
      upstream.requests.length < 3
        ? reply.json(500, { error: { message: "not now" } })
        : answer(request, reply),
    );
    const gateway = room.gateway(configOf(upstream.base_url, "retries: { attempts: 2, backoff_ms: 1 }"));
    expect((await gateway.fetch("/v1/chat/completions", post)).status).toBe(200);
    expect(upstream.requests.map((request) => request.text() === SENT)).toEqual([true, true, true]);
    await gateway.idle();
    expect(given_back.filter((length) => length === ASKED.length)).toHaveLength(1);
  });

  test.each([
    ["large", ASKED],
    ["small", ASKED.replace(LONG, LONG.slice(0, 1_000))],
  ])("of a stream is given back while the stream lasts, %s", async (_size, asked) => {
    const upstream = await room.upstream(async (_, reply) => {
      await reply.sse({ choices: [{ index: 0, delta: { content: "well" } }] });
      await reply.never();
    });
    const gateway = room.gateway(configOf(upstream.base_url));
    const body = asked.replace("{", '{"stream":true,');
    const response = await gateway.fetch("/v1/chat/completions", { ...post, body });
    const reader = response.body!.getReader();
    await reader.read();
    await until(() => given_back.includes(body.length));
    await reader.cancel();
  });

  test("is there for the shadow that is asked after the call", async () => {
    const upstream = await room.upstream(answer);
    let begun = 0;
    const candidate = await room.upstream((request, reply) => {
      begun += 1;
      return answer(request, reply);
    });
    const gateway = room.gateway(`
providers: { ${provider("up", upstream.base_url)}, ${provider("other", candidate.base_url)} }
models:
  chat: { targets: [up/real], shadow: { model: next, share: 1 } }
  next: { targets: [other/next] }`);
    expect((await gateway.fetch("/v1/chat/completions", post)).status).toBe(200);
    await until(() => begun === 1 && gateway.kept.rows().length === 2);
    expect(candidate.requests[0]!.json()).toMatchObject({ model: "next", messages: [{ content: LONG }] });
  });

  test("is there to be counted where the provider tells no usage", async () => {
    const { usage: _, ...untold } = chatCompletion("hello") as Record<string, unknown>;
    const upstream = await room.upstream((_request, reply) => reply.json(200, untold));
    const gateway = room.gateway(configOf(upstream.base_url));
    expect((await gateway.fetch("/v1/chat/completions", post)).status).toBe(200);
    await until(() => gateway.kept.rows().length === 1);
    expect(gateway.kept.rows()[0]!.usage.input_tokens).toBeGreaterThan(20_000);
    expect(given_back).not.toContain(ASKED.length);
  });

  test("is there to ask anew what is stale", async () => {
    const upstream = await room.upstream(answer);
    const gateway = room.gateway(configOf(upstream.base_url, "cache: { exact: { ttl_s: 1, stale_s: 600 } }"));
    const ask = async () =>
      (await gateway.fetch("/v1/chat/completions", post)).headers.get("x-venturi-cache");
    // A second is the shortest time that an answer can be fresh for.
    let before = 0;
    do before = upstream.requests.length;
    while ((await ask()) !== "stale");
    // Where the disk is busy, a later call asks anew.
    while (upstream.requests.length === before) await ask();
    expect(upstream.requests.at(-1)!.text() === SENT).toBe(true);
  });
});
