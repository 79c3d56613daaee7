// Calls that are made again for an operator: asked as they were, of another model, and in nobody's name.

import { describe, expect, test } from "vitest";
import type { ReplayOrder, ReplayOutcome } from "../../src/gateway/replay.ts";
import { chatChunks, chatCompletion } from "../scripted_upstream.ts";
import {
  answers,
  type Format,
  providersAt,
  readBack,
  requestOf,
  textAnswer,
  textOf,
} from "./format_calls.ts";
import { rig, type TestGateway } from "./harness.ts";

const room = rig();
const never = new AbortController().signal;

function orderOf(given: Partial<ReplayOrder> = {}): ReplayOrder {
  const request = { model: "chat", messages: [{ role: "user", content: "Hello" }] };
  return {
    ...{ of: "call-1", tenant: "acme", endpoint: "/chat/completions", model: "other", is_stream: false },
    request: Buffer.from(JSON.stringify(request)),
    ...given,
  };
}

function replay(gateway: TestGateway, order: Partial<ReplayOrder> = {}): Promise<ReplayOutcome> {
  return gateway.gateway.replay(orderOf(order), () => {}, never);
}

const PATHS = {
  ...{
    chat: "/chat/completions",
    messages: "/messages",
    responses: "/responses",
    gemini: "/generateContent",
  },
} as const;

describe("a call that is made again", () => {
  test("asks the model that is meant, in every format, plain and streamed, and its row says what it is", async () => {
    const upstream = await room.upstream(answers(textAnswer("Once more.")));
    const gateway = room.gateway(
      `${providersAt(upstream.base_url)}models: { chat: { targets: [chat/one] }, other: { targets: [messages/two] } }
routes: [{ when: { model: other }, use: chat }]
keys: [{ name: app, key: key-of-acme, tenant: acme, limits: { rpm: 1 } }]`,
    );
    for (const format of ["chat", "messages", "responses", "gemini"] as const satisfies readonly Format[]) {
      for (const is_stream of [false, true]) {
        const [, { body }] = requestOf(format, is_stream, "Say it again");
        const request = Buffer.from(body as string);
        const outcome = await replay(gateway, { endpoint: PATHS[format], is_stream, request });
        expect(outcome).toMatchObject({ status: 200, is_events: is_stream, is_whole: true });
        expect(textOf(readBack(format, is_stream, outcome.body))).toBe("Once more.");
        expect(upstream.requests.at(-1)!.json()).toMatchObject({ model: "two" });
        const row = gateway.kept.rows().at(-1)!;
        expect(row).toMatchObject({ id: outcome.id, replay_of: "call-1", tenant: "replay/acme", key: null });
        expect(row).toMatchObject({ model: "other", stream: is_stream, status: 200 });
      }
    }
    expect(gateway.kept.rows().every(({ usage }) => usage.output_tokens === 9)).toBe(true);
  });

  test("takes no answer from a cache, leaves none there, and is not kept", async () => {
    let count = 0;
    const upstream = await room.upstream((_, reply) => reply.json(200, chatCompletion(`answer ${++count}`)));
    const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [up/gpt], cache: { exact: { ttl_s: 60 } } } }
telemetry: { content: { store: on } }`);
    const said = [await replay(gateway, { model: "chat" }), await replay(gateway, { model: "chat" })];
    expect(said.map(({ body }) => textOf(readBack("chat", false, body)))).toEqual(["answer 1", "answer 2"]);
    expect(await (await gateway.chat()).text()).toContain("answer 3");
    await gateway.gateway.stop(0);
    expect(gateway.kept.state.facts.contentCalls("kept")).toBe(1);
  });

  test("tells how much has come, and ends when it is to", async () => {
    const upstream = await room.upstream(async (_, reply) => {
      const [opening, piece] = chatChunks("on and on");
      await reply.sse(opening!);
      for (let count = 0; count < 5_000; count++) {
        await reply.sse(piece!);
        await Bun.sleep(5);
      }
    });
    const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }`);
    const ending = new AbortController();
    const told: number[] = [];
    const order = orderOf({ model: "up/gpt", is_stream: true });
    const outcome = await gateway.gateway.replay(
      {
        ...order,
        request: Buffer.from('{"model":"x","stream":true,"messages":[{"role":"user","content":"Go"}]}'),
      },
      (bytes) => {
        told.push(bytes);
        if (told.length === 3) ending.abort();
      },
      ending.signal,
    );
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(outcome.is_whole).toBe(false);
    await gateway.idle();
    expect(gateway.kept.rows().at(-1)).toMatchObject({ error: "client_closed", replay_of: "call-1" });
  });

  test("is refused where there is no such model, and where nothing of the kind is called", async () => {
    const gateway = room.gateway("models: { chat: { targets: [sim/echo] } }");
    const unknown = await replay(gateway, { model: "nothing" });
    expect(unknown.status).toBe(404);
    expect(Buffer.from(unknown.body).toString()).toContain("model_not_found");
    const odd = await replay(gateway, { endpoint: "/files" });
    expect(odd).toMatchObject({ id: null, status: 404 });
  });
});
