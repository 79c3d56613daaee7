// Answers that have to be JSON by a schema: what is given, what is not, what is asked for once more and what that costs.

import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { chatChunks, chatCompletion, type Script, type SeenRequest } from "../scripted_upstream.ts";
import { errorOf, rig, type TestGateway, until } from "./harness.ts";

const room = rig();

const SCHEMA = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer", minimum: 0 } },
  required: ["name", "age"],
  additionalProperties: false,
};
const FORMAT = {
  type: "json_schema",
  json_schema: { name: "person", strict: true, schema: SCHEMA },
} as const;
const GOOD = '{"name":"Ada","age":36}';
const BAD = '{"name":"Ada","age":"old"}';

type Message = Record<string, unknown>;
interface Said {
  readonly content?: string | null;
  readonly finish_reason?: string;
  readonly message?: Message;
}

/** Says one thing after another to the requests that come; the last for ever. Plain, or a few letters at a time. */
function says(...all: (string | Said)[]): Script {
  let turn = 0;
  return async (request, reply) => {
    const given = all[Math.min(turn++, all.length - 1)]!;
    const {
      content = null,
      finish_reason = "stop",
      message = {},
    } = typeof given === "string" ? { content: given } : given;
    const { stream, n = 1 } = request.json() as { stream?: boolean; n?: number };
    if (!stream) {
      const choices = Array.from({ length: n }, (_, index) => ({
        ...{ index, logprobs: null, finish_reason },
        message: { role: "assistant", content, refusal: null, ...message },
      }));
      return reply.json(200, chatCompletion("", { choices }));
    }
    const [opening, piece] = chatChunks("x");
    const usage = chatChunks("x").at(-1)!;
    await reply.sse(opening);
    const say = (delta: unknown, reason: string | null = null) =>
      reply.sse({ ...piece, choices: [{ index: 0, delta, finish_reason: reason }] });
    for (const part of (content ?? "").match(/.{1,3}/gsu) ?? []) await say({ content: part });
    if (Object.keys(message).length > 0) await say(message);
    await say({}, finish_reason);
    await reply.sse(usage);
    await reply.sse("[DONE]");
  };
}

async function gatewayOf(script: Script, guard: string, rest = "", more = "") {
  const seen: SeenRequest[] = [];
  const upstream = await room.upstream((request, reply) => {
    seen.push(request);
    return script(request, reply);
  });
  const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models:
  chat:
    targets: [up/gpt]
    retries: { attempts: 0 }
    price: { input_per_mtok: 1, output_per_mtok: 2 }
    ${rest}
    guards: { output: [${guard}] }
${more}`);
  return { gateway, seen };
}

function ask(gateway: TestGateway, extra: Record<string, unknown> = {}): Promise<Response> {
  return gateway.chat({ response_format: FORMAT, ...extra });
}

/** The text of an answer, the error that it ends with, and how it says that it ended. */
async function read(response: Response) {
  const text = await response.text();
  if (text.startsWith("{")) {
    const { choices, error } = JSON.parse(text);
    return {
      content: choices?.[0].message.content ?? "",
      code: error?.code ?? null,
      finish: choices?.[0].finish_reason ?? null,
    };
  }
  const events = text
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)));
  return {
    content: events.map(({ choices }) => choices?.[0]?.delta?.content ?? "").join(""),
    code: events.at(-1)?.error?.code ?? null,
    finish:
      events.map(({ choices }) => choices?.[0]?.finish_reason ?? null).findLast((one) => one !== null) ??
      null,
  };
}

const BLOCK = "{ guard: json_schema, action: block }";
const FLAG = "{ guard: json_schema, action: flag }";
const REPAIR = "{ guard: json_schema, action: block, repair: true, stream: collect }";

describe.each([false, true])("an answer (streamed: %s)", (stream) => {
  test("that is what was asked for is given as it came", async () => {
    const { gateway, seen } = await gatewayOf(says(GOOD), BLOCK);
    const response = await ask(gateway, { stream });
    expect(await read(response)).toEqual({ content: GOOD, code: null, finish: "stop" });
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({
      status: 200,
      error: null,
      guards: {},
      cost_nano_usd: 19_000,
    });
    expect(seen).toHaveLength(1);
  });

  test.each([
    ["is not by the schema", BAD],
    ["lacks a member", '{"name":"Ada"}'],
    ["is no JSON", "Sure, here it is."],
    ["has words around its JSON", `\`\`\`json\n${GOOD}\n\`\`\``],
    ["is cut short by its length", { content: '{"name":"Ada","a', finish_reason: "length" }],
    ["says that it is cut short", { content: GOOD, finish_reason: "content_filter" }],
    ["is empty", ""],
  ])("that %s is not given where that blocks, and is paid for", async (_, said) => {
    const { gateway } = await gatewayOf(says(said), BLOCK);
    const response = await ask(gateway, { stream });
    expect(response.status).toBe(stream ? 200 : 400);
    const { code, finish } = await read(response);
    // Whoever reads a stream never hears of a good end.
    expect({ code, finish }).toEqual({ code: "content_blocked", finish: null });
    await gateway.idle();
    const [row] = gateway.kept.rows();
    expect(row).toMatchObject({ error: "content_blocked", guards: { json_schema: "block" } });
    if (!stream) expect(row).toMatchObject({ status: 400, cost_nano_usd: 19_000, estimated: false });
    else expect(row!.usage.output_tokens).toBeGreaterThan(0);
  });

  test("is told of where that flags, and given as it came", async () => {
    const { gateway } = await gatewayOf(says(BAD), FLAG);
    const response = await ask(gateway, { stream });
    if (!stream) expect(response.headers.get("x-venturi-guards")).toBe("json_schema=flag");
    expect(await read(response)).toEqual({ content: BAD, code: null, finish: "stop" });
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({ status: 200, guards: { json_schema: "flag" } });
  });

  test("that calls tools or refuses is judged by nobody", async () => {
    const tool_calls = [{ index: 0, id: "a", type: "function", function: { name: "f", arguments: "{" } }];
    const tools = [{ type: "function", function: { name: "f" } }];
    for (const said of [
      { content: null, finish_reason: "tool_calls", message: { tool_calls } },
      { content: "Let me look.", finish_reason: "tool_calls", message: { tool_calls } },
      { content: null, message: { refusal: "I cannot." } },
    ]) {
      const { gateway } = await gatewayOf(says(said), BLOCK);
      const { code, finish } = await read(await ask(gateway, { stream, tools }));
      expect({ code, finish }).toEqual({ code: null, finish: said.finish_reason ?? "stop" });
    }
  });

  test("to a request that wants JSON only has to be an object; to one that wants none, anything", async () => {
    const { gateway } = await gatewayOf(says('{"any":1}', "[1]", "Words."), BLOCK);
    const json = { response_format: { type: "json_object" }, stream };
    expect((await read(await gateway.chat(json))).code).toBeNull();
    expect((await read(await gateway.chat(json))).code).toBe("content_blocked");
    expect((await read(await gateway.chat({ stream }))).code).toBeNull();
  });

  test("is judged with the client's values put back", async () => {
    const schema = {
      type: "object",
      properties: { mail: { type: "string", pattern: "^[a-z]+@mine\\.test$" } },
    };
    const response_format = { type: "json_schema", json_schema: { name: "mail", schema } };
    const { gateway } = await gatewayOf(says('{"mail":"[EMAIL_1]"}'), BLOCK, "privacy: { mode: redact }");
    const messages = [{ role: "user", content: "I am jo@mine.test." }];
    const response = await gateway.chat({ response_format, messages, stream });
    expect(await read(response)).toMatchObject({ content: '{"mail":"jo@mine.test"}', code: null });
  });

  test("is judged by every choice", async () => {
    const script: Script = async (_, reply) => {
      const choices = [GOOD, BAD].map((content, index) => ({
        ...{ index, finish_reason: "stop" },
        ...(stream ? { delta: { content } } : { message: { role: "assistant", content } }),
      }));
      if (!stream) return reply.json(200, chatCompletion("", { choices }));
      for (const choice of choices) await reply.sse({ ...chatChunks("x")[0], choices: [choice] });
      await reply.sse("[DONE]");
    };
    const { gateway } = await gatewayOf(script, BLOCK);
    expect((await read(await ask(gateway, { stream, n: 2 }))).code).toBe("content_blocked");
  });

  test("that is kept is judged each time; one that is not what was asked for is not kept", async () => {
    const { gateway, seen } = await gatewayOf(says(BAD, GOOD), BLOCK, "cache: { exact: {} }");
    expect((await read(await ask(gateway, { stream }))).code).toBe("content_blocked");
    await gateway.idle();
    expect((await read(await ask(gateway, { stream }))).content).toBe(GOOD);
    await gateway.idle();
    const third = await ask(gateway, { stream });
    expect(third.headers.get("x-venturi-cache")).toMatch(/hit|joined/);
    expect((await read(third)).content).toBe(GOOD);
    expect(seen).toHaveLength(2);
  });

  test("is asked for once more where it is to be repaired: the model sees what is wrong", async () => {
    const { gateway, seen } = await gatewayOf(says(BAD, GOOD), REPAIR);
    const response = await ask(gateway, {
      stream,
      stream_options: stream ? { include_usage: true } : undefined,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-venturi-guards")).toBe("json_schema=repair");
    expect(response.headers.get("x-venturi-attempts")).toBe("2");
    expect(response.headers.get("x-venturi-cost-usd")).toBe("0.000038");
    expect(response.headers.get("content-type")).toContain(stream ? "text/event-stream" : "application/json");
    expect(await read(response)).toEqual({ content: GOOD, code: null, finish: "stop" });
    const [first, second] = seen.map((request) => request.json() as Record<string, unknown>);
    expect(first).toMatchObject({ messages: [{ role: "user", content: "Hello" }] });
    expect(first!["stream"] ?? false).toBe(false);
    expect(first!["stream_options"]).toBeUndefined();
    const { messages, ...others } = second as { messages: Message[] };
    expect(others).toEqual({ ...first, messages: undefined });
    expect(messages.slice(0, 2)).toEqual([
      { role: "user", content: "Hello" },
      { role: "assistant", content: BAD },
    ]);
    expect(messages[2]).toMatchObject({
      role: "user",
      content: expect.stringContaining("/age: must be integer"),
    });
    await gateway.idle();
    const rows = gateway.kept.rows();
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      ...{ status: 200, error: null, stream, cost_nano_usd: 38_000, estimated: false },
      guards: { json_schema: "repair" },
      usage: { input_tokens: 10, output_tokens: 14 },
      attempts: [{ outcome: "ok" }, { outcome: "ok" }],
    });
    expect(gateway.counted("calls", "200")).toBe(1);
    expect(gateway.counted("tokens", "input")).toBe(10);
  });

  test("that is no better when it comes again is blocked, and both are paid for", async () => {
    const { gateway, seen } = await gatewayOf(says(BAD), REPAIR);
    const response = await ask(gateway, { stream });
    expect(response.status).toBe(400);
    expect((await read(response)).code).toBe("content_blocked");
    expect(seen).toHaveLength(2);
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({
      ...{ status: 400, cost_nano_usd: 38_000, guards: { json_schema: "block" } },
      usage: { input_tokens: 10, output_tokens: 14 },
    });
  });
});

describe("a stream that is checked", () => {
  test("ends where it is no JSON any more, while the model still speaks", async () => {
    let is_aborted = false;
    const { gateway } = await gatewayOf(async (request, reply) => {
      const piece = chatChunks("x")[1]!;
      const say = (content: string) => reply.sse({ ...piece, choices: [{ index: 0, delta: { content } }] });
      await say('{"name": ');
      await say("Ada");
      await request.aborted;
      is_aborted = true;
      return reply.never();
    }, BLOCK);
    const { content, code } = await read(await ask(gateway, { stream: true }));
    expect(content).toBe('{"name": ');
    expect(code).toBe("content_blocked");
    await until(() => is_aborted);
  });

  test("holds nothing back: each event goes out when it comes", async () => {
    const gate = Promise.withResolvers<void>();
    const { gateway } = await gatewayOf(async (_, reply) => {
      const piece = chatChunks("x")[1]!;
      await reply.sse({ ...piece, choices: [{ index: 0, delta: { content: '{"name":"A' } }] });
      await gate.promise;
      await reply.sse({ ...piece, choices: [{ index: 0, delta: { content: 'da","age":36}' } }] });
      await reply.sse({ ...piece, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
      await reply.sse("[DONE]");
    }, BLOCK);
    const response = await ask(gateway, { stream: true });
    const reader = response.body!.getReader();
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toContain('\\"name\\":\\"A');
    gate.resolve();
    let rest = "";
    for (let next = await reader.read(); !next.done; next = await reader.read())
      rest += new TextDecoder().decode(next.value);
    expect(rest).toContain("[DONE]");
  });

  test("is not asked for again, whatever repair says", async () => {
    const guard = "{ guard: json_schema, action: block, repair: true }";
    const { gateway, seen } = await gatewayOf(says(BAD, GOOD), guard);
    expect((await read(await ask(gateway, { stream: true }))).code).toBe("content_blocked");
    expect(seen).toHaveLength(1);
  });

  test("is given to all who asked for it, with the same end", async () => {
    const gate = Promise.withResolvers<void>();
    const script: Script = async (request, reply) => {
      await gate.promise;
      return says(BAD)(request, reply);
    };
    const { gateway, seen } = await gatewayOf(script, BLOCK, "cache: { exact: {} }");
    const asked = [1, 2, 3].map(() => ask(gateway, { stream: true }).then(read));
    await Bun.sleep(0);
    gate.resolve();
    for (const { code, finish } of await Promise.all(asked))
      expect({ code, finish }).toEqual({ code: "content_blocked", finish: null });
    expect(seen.length).toBeLessThanOrEqual(3);
  });
});

describe("an answer that is to be repaired", () => {
  test("is what came first where the second does not come", async () => {
    for (const [action, status] of [
      ["flag", 200],
      ["block", 400],
    ] as const) {
      let turn = 0;
      const script: Script = (request, reply) =>
        turn++ === 0 ? says(BAD)(request, reply) : reply.json(500, { error: { message: "no" } });
      const { gateway } = await gatewayOf(script, `{ guard: json_schema, action: ${action}, repair: true }`);
      const response = await ask(gateway);
      expect(response.status).toBe(status);
      if (status === 200) expect((await read(response)).content).toBe(BAD);
      await gateway.idle();
      expect(gateway.kept.rows()[0]).toMatchObject({
        ...{ status, cost_nano_usd: 19_000, estimated: false, guards: { json_schema: action } },
        attempts: [{ outcome: "ok" }, { outcome: "500" }],
      });
    }
  });

  test("is not asked for again where it was cut short, or is too long to be shown", async () => {
    for (const said of [{ content: '{"name', finish_reason: "length" }, "x".repeat(40_000)]) {
      const { gateway, seen } = await gatewayOf(says(said), REPAIR);
      expect((await ask(gateway)).status).toBe(400);
      expect(seen).toHaveLength(1);
    }
  });

  test("ends with its deadline, and what came is paid for", async () => {
    let turn = 0;
    const script: Script = (request, reply) => (turn++ === 0 ? says(BAD)(request, reply) : reply.never());
    const { gateway } = await gatewayOf(script, REPAIR);
    const response = await gateway.chat(
      { response_format: FORMAT },
      { headers: { "x-venturi-deadline-ms": "2000" } },
    );
    expect(response.status).toBe(504);
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({ error: "deadline_exceeded", cost_nano_usd: 19_000 });
  });

  test("is under the limits as two calls are", async () => {
    const keys = "keys: [{ name: one, key: k-12345678, limits: { rpm: 3, concurrency: 1 } }]";
    const { gateway, seen } = await gatewayOf(says(BAD, GOOD, BAD, BAD), REPAIR, "", keys);
    const init = { headers: { authorization: "Bearer k-12345678" } };
    const first = await gateway.chat({ response_format: FORMAT }, init);
    expect((await read(first)).content).toBe(GOOD);
    expect(first.headers.get("x-ratelimit-remaining-requests")).toBe("1");
    // There is room for one more, and none for a repair.
    const second = await gateway.chat({ response_format: FORMAT }, init);
    expect(second.status).toBe(400);
    expect((await read(second)).code).toBe("content_blocked");
    expect(seen).toHaveLength(3);
    await gateway.idle();
    expect(gateway.kept.rows().map(({ cost_nano_usd }) => cost_nano_usd)).toEqual([38_000, 19_000]);
  });

  test("is kept as it came then, for whoever asks the same", async () => {
    const { gateway, seen } = await gatewayOf(says(BAD, GOOD), REPAIR, "cache: { exact: {} }");
    expect((await read(await ask(gateway))).content).toBe(GOOD);
    await gateway.idle();
    const again = await ask(gateway, { stream: true });
    expect(again.headers.get("x-venturi-cache")).toMatch(/hit|joined/);
    expect((await read(again)).content).toBe(GOOD);
    expect(seen).toHaveLength(2);
  });

  test("shows the model no value of the client's that was taken out", async () => {
    const { gateway, seen } = await gatewayOf(
      says('{"name":"[EMAIL_1]","[EMAIL_1]":1}', GOOD),
      REPAIR,
      "privacy: { mode: redact }",
    );
    const messages = [{ role: "user", content: "I am jo@mine.test." }];
    expect((await read(await ask(gateway, { messages }))).content).toBe(GOOD);
    expect(seen).toHaveLength(2);
    expect(seen[1]!.text()).toContain("[EMAIL_1]");
    expect(seen[1]!.text()).not.toContain("jo@mine.test");
  });

  test("without told usage is estimated, both times", async () => {
    const script = says(BAD, GOOD);
    const { gateway } = await gatewayOf(
      (request, reply) =>
        script(request, {
          ...reply,
          json: (status, value) => reply.json(status, { ...(value as Message), usage: undefined }),
        }),
      REPAIR,
    );
    expect((await read(await ask(gateway))).content).toBe(GOOD);
    await gateway.idle();
    await until(() => gateway.kept.rows().length > 0);
    const [row] = gateway.kept.rows();
    expect(row).toMatchObject({ estimated: true });
    expect(row!.usage.output_tokens).toBeGreaterThan(10);
  });
});

describe("a schema", () => {
  test("that cannot be used is refused before anything is asked, where that blocks", async () => {
    const { gateway, seen } = await gatewayOf(says(GOOD), BLOCK);
    const schema = { $ref: "https://elsewhere.test/person.json" };
    const response_format = { type: "json_schema", json_schema: { name: "x", schema } };
    const response = await gateway.chat({ response_format });
    expect(response.status).toBe(400);
    expect(errorOf(await response.text())).toMatchObject({
      code: "invalid_value",
      param: "response_format.json_schema.schema",
    });
    expect(seen).toHaveLength(0);
  });

  test("that cannot be used is told of, where that flags", async () => {
    const { gateway } = await gatewayOf(says(GOOD), FLAG);
    const response_format = { type: "json_schema", json_schema: { name: "x", schema: { pattern: "(?=a)" } } };
    const response = await gateway.chat({ response_format });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-venturi-guards")).toBe("json_schema=flag");
  });
});

describe("the openai SDK", () => {
  test.each([false, true])("parses what passes, and throws what does not (streamed: %s)", async (stream) => {
    const { gateway } = await gatewayOf(says(BAD, GOOD, BAD), REPAIR);
    const client = new OpenAI({
      baseURL: `http://127.0.0.1:${gateway.port}/v1`,
      apiKey: "none",
      maxRetries: 0,
    });
    const ask = async (): Promise<unknown> => {
      const request = {
        model: "chat",
        messages: [{ role: "user" as const, content: "Who?" }],
        response_format: FORMAT,
      };
      if (!stream)
        return JSON.parse((await client.chat.completions.create(request)).choices[0]!.message.content!);
      const runner = client.chat.completions.stream(request);
      return JSON.parse((await runner.finalContent())!);
    };
    expect(await ask()).toEqual({ name: "Ada", age: 36 });
    await expect(ask()).rejects.toThrow(/response_format/);
  });

  test("throws where a checked stream turns out to be something else", async () => {
    const { gateway } = await gatewayOf(says(BAD), BLOCK);
    const client = new OpenAI({
      baseURL: `http://127.0.0.1:${gateway.port}/v1`,
      apiKey: "none",
      maxRetries: 0,
    });
    const stream = await client.chat.completions.create({
      ...{
        model: "chat",
        messages: [{ role: "user", content: "Who?" }],
        response_format: FORMAT,
        stream: true,
      },
    });
    let text = "";
    const reading = async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    };
    await expect(reading()).rejects.toThrow(/response_format/);
    expect(text).toBe(BAD);
  });
});

describe("an answer that is judged elsewhere as well", () => {
  /** A webhook that takes the found letters out of answers. */
  async function gatewayBeside(found: string, replacement: string, script: Script, guard: string) {
    const hook = await room.upstream((request, reply) => {
      const { texts } = request.json() as { texts: { text: string }[] };
      const spans = texts.flatMap(({ text }, index) => {
        const start = text.indexOf(found);
        return start < 0 ? [] : [{ text: index, start, end: start + found.length, replacement }];
      });
      return reply.json(200, spans.length === 0 ? { action: "allow" } : { action: "redact", spans });
    });
    return gatewayOf(script, `{ guard: webhook, url: "${hook.base_url}/judge" }, ${guard}`);
  }

  test.each([false, true])("is judged as it is left (streamed: %s)", async (stream) => {
    // What the model says is not by the schema, and what is left is; and the other way round.
    const better = await gatewayBeside('"old"', "36", says(BAD), BLOCK);
    expect(await read(await ask(better.gateway, { stream }))).toMatchObject({ content: GOOD, code: null });
    const worse = await gatewayBeside("36", "[gone]", says(GOOD), BLOCK);
    const { code, finish } = await read(await ask(worse.gateway, { stream }));
    expect({ code, finish }).toEqual({ code: "content_blocked", finish: null });
    await worse.gateway.idle();
    expect(worse.gateway.kept.rows()[0]).toMatchObject({
      ...{ error: "content_blocked", guards: { webhook: "redact", json_schema: "block" } },
    });
  });

  test.each([false, true])("is asked for once more (streamed: %s)", async (stream) => {
    const { gateway, seen } = await gatewayBeside("nothing", "", says(BAD, GOOD), REPAIR);
    expect(await read(await ask(gateway, { stream }))).toMatchObject({ content: GOOD, code: null });
    expect(seen).toHaveLength(2);
  });
});
