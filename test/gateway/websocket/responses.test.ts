// Responses in WebSocket mode: events in, events out, one response after another, and turns that go on with the one before.

import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";
import { describe, expect, test } from "vitest";
import { ResponseMemory } from "../../../src/gateway/websocket/response_memory.ts";
import { chatChunks, type Script } from "../../scripted_upstream.ts";
import { rig, until } from "../harness.ts";
import { openSocket, type SocketClient, type SocketOptions } from "./socket_client.ts";

const room = rig();
const SSE = { "content-type": "text/event-stream" };

/** An event of Responses. */
interface Event {
  readonly type: string;
  readonly stream_id?: string;
  readonly status?: number;
  readonly error?: { readonly code: string; readonly param: string | null };
  readonly delta?: string;
  readonly response?: {
    readonly id: string;
    readonly status: string;
    readonly output: { content?: { text: string }[] }[];
  };
}

async function open(port: number, how: SocketOptions = {}): Promise<SocketClient & { events: Event[] }> {
  const client = await openSocket(port, { path: "/v1/responses", ...how });
  room.after(() => client.socket.terminate());
  return Object.assign(client, { events: client.frames as unknown as Event[] });
}

/** Waits for the end of so many turns, of one stream of turns. */
async function ends(client: { events: Event[] }, count = 1, stream_id?: string): Promise<Event> {
  const ended = () =>
    client.events.filter(
      (event) =>
        event.stream_id === stream_id &&
        (["response.completed", "response.failed", "response.incomplete"].includes(event.type) ||
          event.type === "error"),
    );
  await until(() => ended().length >= count);
  return ended()[count - 1]!;
}

const create = (fields: Record<string, unknown>) => ({ type: "response.create", model: "chat", ...fields });

/** A chat provider that says how much it was told, and keeps nothing. */
const counting: Script = async (request, reply) => {
  const { messages } = request.json() as { messages: unknown[] };
  await reply.head(200, SSE);
  for (const chunk of chatChunks(`heard ${messages.length}`)) await reply.sse(chunk);
  await reply.chunk("data: [DONE]\n\n");
};

const config = (base_url: string, more = "") => `
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [none], responses: false } }
models: { chat: { targets: [up/gpt], retries: { attempts: 0 } } }
${more}
`;

const textOf = (event: Event) =>
  event
    .response!.output.flatMap(({ content }) => content ?? [])
    .map(({ text }) => text)
    .join("");

describe("a socket of Responses", () => {
  test("answers events with events, and a turn goes on with what was before it", async () => {
    const upstream = await room.upstream(counting);
    const gateway = room.gateway(config(upstream.base_url));
    const client = await open(gateway.port);
    client.send(create({ input: "one", store: false }));
    const first = await ends(client, 1);
    expect(client.events[0]!.type).toBe("response.created");
    expect(textOf(first)).toBe("heard 1");
    client.send(create({ input: "two", store: false, previous_response_id: first.response!.id }));
    const second = await ends(client, 2);
    expect(textOf(second)).toBe("heard 3");
    client.send({
      type: "response.create",
      response: { model: "chat", input: "three", previous_response_id: second.response!.id },
    });
    const third = await ends(client, 3);
    expect(textOf(third)).toBe("heard 5");
    const told = (upstream.requests[2]!.json() as { messages: { role: string; content: unknown }[] })
      .messages;
    expect(told.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant", "user"]);
    expect(JSON.stringify(told)).toContain("heard 3");
    await gateway.idle();
    expect(gateway.kept.rows().map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test("takes turns one after another, in each stream of turns, and streams at once", async () => {
    const gates = new Map<string, PromiseWithResolvers<void>>();
    const upstream = await room.upstream(async (request, reply) => {
      const gate = Promise.withResolvers<void>();
      gates.set(request.text().match(/q\d/g)!.at(-1)!, gate);
      await gate.promise;
      await counting(request, reply);
    });
    const gateway = room.gateway(config(upstream.base_url));
    const client = await open(gateway.port);
    client.send(create({ input: "q1" }));
    client.send(create({ input: "q2" }));
    client.send(create({ input: "q3", stream_id: "side" }));
    await until(() => gates.size === 2);
    expect([...gates.keys()].sort()).toEqual(["q1", "q3"]);
    gates.get("q3")!.resolve();
    await ends(client, 1, "side");
    gates.get("q1")!.resolve();
    await ends(client, 1);
    await until(() => gates.has("q2"));
    gates.get("q2")!.resolve();
    const last = await ends(client, 2);
    // One stream can go on with what was said in another.
    client.send(create({ input: "q4", stream_id: "side", previous_response_id: last.response!.id }));
    await until(() => gates.has("q4"));
    gates.get("q4")!.resolve();
    expect(textOf(await ends(client, 2, "side"))).toBe("heard 3");
  });

  test("tells errors as events, and goes on", async () => {
    const upstream = await room.upstream(counting);
    const gateway = room.gateway(config(upstream.base_url));
    const client = await open(gateway.port);
    const cases: [unknown, number, string, string | null][] = [
      ["{", 400, "invalid_json", null],
      [{ type: "response.cancel" }, 400, "invalid_value", "type"],
      [create({ input: "x", background: true }), 400, "invalid_value", "background"],
      [create({ input: "x", stream_id: 7 }), 400, "invalid_type", "stream_id"],
      [create({ input: "x", model: "none/such" }), 404, "model_not_found", "model"],
      [
        create({ input: "x", previous_response_id: "resp_x", store: false }),
        400,
        "previous_response_not_found",
        "previous_response_id",
      ],
      // Nobody told the provider, which would answer without what was before.
      [
        create({ input: "x", previous_response_id: "resp_x" }),
        400,
        "previous_response_not_found",
        "previous_response_id",
      ],
    ];
    for (const [index, [message, status, code, param]] of cases.entries()) {
      client.socket.send(typeof message === "string" ? message : JSON.stringify(message));
      expect(await ends(client, index + 1)).toMatchObject({ type: "error", status, error: { code, param } });
    }
    client.send(create({ input: "x" }));
    expect((await ends(client, cases.length + 1)).type).toBe("response.completed");
    upstream.use((_, reply) =>
      reply.json(429, { error: { message: "slow", type: "rate_limit_error", code: "slow" } }),
    );
    client.send(create({ input: "x" }));
    expect(await ends(client, cases.length + 2)).toMatchObject({
      type: "error",
      status: 429,
      error: { code: "slow" },
    });
    upstream.use(async (_, reply) => {
      await reply.head(200, SSE);
      for (const chunk of chatChunks("a b c").slice(0, 2)) await reply.sse(chunk);
      reply.destroy();
    });
    client.send(create({ input: "x" }));
    // A response that broke ends with both.
    expect((await ends(client, cases.length + 3)).type).toBe("error");
    expect((await ends(client, cases.length + 4)).type).toBe("response.failed");
  });

  test("remembers what is not to be answered yet", async () => {
    const upstream = await room.upstream(counting);
    const gateway = room.gateway(config(upstream.base_url));
    const client = await open(gateway.port);
    client.send(
      create({
        input: [{ role: "user", content: "long" }],
        generate: false,
        tools: [{ type: "function", name: "f".repeat(100_000), parameters: {} }],
      }),
    );
    const warm = await ends(client, 1);
    expect(warm.response).toMatchObject({ status: "completed", output: [] });
    expect(upstream.requests).toHaveLength(0);
    client.send(create({ input: "short", previous_response_id: warm.response!.id }));
    expect(textOf(await ends(client, 2))).toBe("heard 2");
  });

  test("passes the events of a provider that speaks Responses on as they are", async () => {
    const event = (type: string, more: object) =>
      `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
    const response = {
      id: "resp_up",
      object: "response",
      status: "completed",
      output: [
        { type: "message", id: "msg_1", role: "assistant", content: [{ type: "output_text", text: "hi" }] },
      ],
      usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
      odd: 12345,
    };
    const upstream = await room.upstream(async (_, reply) => {
      await reply.head(200, SSE);
      await reply.chunk(
        event("response.created", { response: { ...response, status: "in_progress", output: [] } }),
      );
      await reply.chunk(event("response.output_text.delta", { delta: "hi", item_id: "msg_1" }));
      await reply.chunk(event("response.completed", { response }));
    });
    const gateway = room.gateway(config(upstream.base_url).replace("responses: false", "responses: true"));
    const client = await open(gateway.port);
    client.send(create({ input: "x" }));
    expect((await ends(client, 1)).response).toEqual(response);
    // Not held: the provider may know it.
    client.send(create({ input: "y", previous_response_id: "resp_elsewhere" }));
    await ends(client, 2);
    expect(upstream.requests[1]!.json()).toMatchObject({
      previous_response_id: "resp_elsewhere",
      input: "y",
      stream: true,
    });
  });

  test("takes its calls with it when it closes", async () => {
    const upstream = await room.upstream(async (_, reply) => {
      await reply.head(200, SSE);
      for (const chunk of chatChunks("a b c").slice(0, 2)) await reply.sse(chunk);
      await reply.never();
    });
    const gateway = room.gateway(config(upstream.base_url));
    const client = await open(gateway.port);
    client.send(create({ input: "x" }));
    client.send(create({ input: "y" }));
    await until(() => client.events.some(({ delta }) => delta !== undefined));
    client.socket.terminate();
    await gateway.idle();
    expect(upstream.requests).toHaveLength(1);
    expect(gateway.kept.rows().map(({ error }) => error)).toEqual(["client_closed"]);
  });

  test("works with OpenAI's own client", async () => {
    const gateway = room.gateway(`keys: [{ name: k, key: "sk-key-1234567890" }]`);
    const openai = new OpenAI({
      apiKey: "sk-key-1234567890",
      baseURL: `http://127.0.0.1:${gateway.port}/v1`,
    });
    const socket = new ResponsesWS(openai);
    room.after(() => socket.close());
    socket.send({ type: "response.create", model: "sim/echo", input: "over the socket" });
    let text = "";
    for await (const one of socket.stream()) {
      if (one.type === "error") throw one.error;
      if (one.type !== "message") continue;
      if (one.message.type === "response.output_text.delta") text += one.message.delta;
      if (one.message.type === "response.completed") break;
    }
    expect(text).toBe("over the socket");
  });
});

describe("the memory of a connection", () => {
  const response = (id: string, ...output: object[]) => ({ id, output });

  test("holds the latest of each stream of turns, and no more than it may", () => {
    const memory = new ResponseMemory();
    memory.keep(null, { input: "a" }, response("r1", { type: "message", id: "m1" }));
    memory.keep("s", { input: "b" }, response("r2"));
    expect(memory.expand({ previous_response_id: "r1", input: "c" })?.["input"]).toHaveLength(3);
    memory.keep(null, { input: "a" }, response("r3"));
    expect(memory.expand({ previous_response_id: "r1" })).toBeNull();
    memory.keep(null, { input: "x".repeat(5_000_000) }, response("r4"));
    expect(memory.expand({ previous_response_id: "r2" })).not.toBeNull();
    memory.keep("t", { input: "x".repeat(5_000_000) }, response("r5"));
    expect(memory.expand({ previous_response_id: "r4" })).toBeNull();
    expect(memory.expand({ previous_response_id: "r5" })).not.toBeNull();
    memory.keep("u", { input: "x".repeat(9_000_000) }, response("r6"));
    expect(memory.expand({ previous_response_id: "r6" })).toBeNull();
  });

  test("leaves out reasoning that nobody would know by its id", () => {
    const memory = new ResponseMemory();
    const output = [
      { type: "reasoning", id: "rs_1", summary: [] },
      { type: "reasoning", id: "rs_2", encrypted_content: "e" },
      { type: "message", id: "m" },
    ];
    memory.keep(null, { input: "a" }, response("r", ...output));
    const said = memory.expand({ previous_response_id: "r", input: [] })!["input"] as { id?: string }[];
    // What was tied to such a thought by its id goes on without.
    expect(said.map(({ id }) => id)).toEqual([undefined, "rs_2", undefined]);
  });
});
