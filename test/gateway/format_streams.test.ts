// Streams of clients that speak Responses, Messages or Gemini: how they begin, what they tell of usage and cost, and every way in which
// they end.

import { describe, expect, test } from "vitest";
import { FORMATS } from "../../src/dialects/formats.ts";
import type { ChatAnswer } from "../../src/dialects/neutral/answer.ts";
import { EMPTY_REQUEST } from "../../src/dialects/neutral/request.ts";
import { usageOf } from "../../src/dialects/usage.ts";
import type { Script } from "../scripted_upstream.ts";
import {
  answerOf,
  answers,
  askedIn,
  beginStream,
  CHECKS,
  dataOf,
  eventsOfAnswer,
  type Format,
  NEW_FORMATS,
  type NewFormat,
  providersAt,
  readStream,
  requestOf,
  streamOf,
  textAnswer,
  textOf,
} from "./format_calls.ts";
import { rig } from "./harness.ts";

type Json = Record<string, unknown>;

const room = rig();

const PAIRS = NEW_FORMATS.flatMap((client) =>
  [...new Set<Format>([client, "chat", "messages"])].map((provider) => [client, provider] as const),
);

interface Settings {
  readonly model?: string;
  readonly limits?: string;
  readonly quiet_ms?: number;
}

async function gatewayOf(
  provider: Format,
  script: Script,
  { model = "", limits = "", quiet_ms }: Settings = {},
) {
  const upstream = await room.upstream(script);
  const gateway = room.gateway(
    `${providersAt(upstream.base_url)}
models: { chat: { targets: [${provider}/m], retries: { attempts: 0 }, price: { input_per_mtok: 1, output_per_mtok: 4 }${model} } }
keys: [{ name: acme-key, key: key-of-acme, tenant: acme${limits} }]`,
    quiet_ms === undefined ? {} : { quiet_ms },
  );
  return { upstream, gateway };
}

const words = (count: number) => Array.from({ length: count }, (_, at) => `word${at} `).join("");
const ANSWER = answerOf([
  { kind: "thinking", text: "Let me think." },
  { kind: "text", text: words(20) },
  { kind: "tool_call", id: "call_1", name: "send", arguments: '{"to":"ada","n":1}' },
]);

function writerOf(format: Format) {
  return FORMATS[format]!.format.writeStream({
    ...{ call_id: "call1", model: "m", now_s: 1 },
    request: { ...EMPTY_REQUEST, model: "m" },
  });
}

/** Sends a stream's beginning: `share` of its neutral events. */
function begins(answer: ChatAnswer, share: number, then: (reply: Parameters<Script>[1]) => unknown): Script {
  return async (request, reply) => {
    const writer = writerOf(askedIn(request.path));
    const events = eventsOfAnswer(answer, (text) => text.match(/.{1,6}/gsu) ?? []);
    await beginStream(reply);
    const some = events.slice(0, Math.floor(events.length * share));
    await reply.chunk(some.map((event) => writer.write(event)).join(""));
    await then(reply);
  };
}

/** The error that a stream ends with, and whether anything follows it. */
function errorAtEnd(client: NewFormat, stream: string): { readonly code: string; readonly last: string } {
  const data = dataOf(stream);
  const last = data.at(-1)!;
  if (client === "responses") {
    const { response } = last as { response: { status: string; error: { code: string } } };
    expect(data.at(-2)).toMatchObject({ type: "error", code: response.error.code });
    expect(response.status).toBe("failed");
    return { code: response.error.code, last: String(last["type"]) };
  }
  const error = last["error"] as Json;
  if (client === "messages") {
    const { error_code } = error["details"] as { error_code: string };
    return { code: error_code, last: String(last["type"]) };
  }
  const { reason } = (error["details"] as Json[])[0] as { reason: string };
  return { code: reason.toLowerCase(), last: String(error["status"]) };
}

const ERROR_EVENTS = { responses: "response.failed", messages: "error", gemini: "UNAVAILABLE" } as const;

/** Responses counts its events. */
function expectCounted(client: NewFormat, stream: string): void {
  if (client !== "responses") return;
  const numbers = dataOf(stream).map(({ sequence_number }) => sequence_number);
  expect(numbers).toEqual(numbers.map((_, index) => index));
}

describe.each(PAIRS)("a stream of %s, answered in %s", (client, provider) => {
  test("is of its format, says what was said, and tells usage and cost", async () => {
    const { gateway } = await gatewayOf(provider, answers(ANSWER));
    const response = await gateway.fetch(...requestOf(client, true));
    const stream = Buffer.from(await response.arrayBuffer());
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect(textOf(readStream(client, stream))).toBe(words(20));
    const told = stream.toString().replaceAll(/,"cost_usd":"?[0-9.]+"?/g, "");
    expect(CHECKS[client](Buffer.from(told))).toEqual([]);
    const cost = (12 * 1 + 9 * 4) / 1e6;
    expect(Number(/"cost_usd":"?([0-9.e-]+)/.exec(stream.toString())?.[1])).toBeCloseTo(cost, 12);
    await gateway.idle();
    expect(gateway.kept.rows()).toMatchObject([
      { usage: { input_tokens: 12, output_tokens: 9 }, estimated: false, status: 200, stream: true },
    ]);
  });

  test("that breaks off upstream ends with an error of its format, and is counted", async () => {
    const { gateway } = await gatewayOf(
      provider,
      begins(textAnswer(words(200)), 0.8, (reply) => reply.destroy()),
    );
    const stream = await (await gateway.fetch(...requestOf(client, true))).text();
    const { code, last } = errorAtEnd(client, stream);
    expect([code, last]).toEqual(["upstream_stream_interrupted", ERROR_EVENTS[client]]);
    expectCounted(client, stream);
    expect(textOf(readStream(client, Buffer.from(stream)))).toMatch(/^word0 .*word1\d\d/);
    await gateway.idle();
    const [row] = gateway.kept.rows();
    expect(row).toMatchObject({ error: "upstream_stream_interrupted", estimated: true });
    expect(row!.usage.output_tokens).toBeGreaterThan(100);
    expect(row!.usage.output_tokens).toBeLessThan(700);
  });

  test("that ends upstream without its end ends with an error", async () => {
    const { gateway } = await gatewayOf(
      provider,
      begins(textAnswer(words(20)), 0.6, (reply) => reply.end()),
    );
    const stream = await (await gateway.fetch(...requestOf(client, true))).text();
    expect(errorAtEnd(client, stream).code).toBe("upstream_stream_interrupted");
    expectCounted(client, stream);
  });

  test("in which the provider tells of an error ends there", async () => {
    const { gateway } = await gatewayOf(provider, async (request, reply) => {
      const writer = writerOf(askedIn(request.path));
      const events = eventsOfAnswer(textAnswer(words(5)));
      await beginStream(reply);
      const error = { message: "Too many", type: "overloaded_error", param: null, code: null };
      const told = [...events.slice(0, 3), { kind: "error", error } as const];
      await reply.chunk(told.map((event) => writer.write(event)).join(""));
    });
    const stream = await (await gateway.fetch(...requestOf(client, true))).text();
    expect(stream).toContain("Too many");
    expect(stream.match(/Too many/g)).toHaveLength(client === "responses" ? 2 : 1);
    expectCounted(client, stream);
    expect(dataOf(stream).filter(({ type }) => type === "message_stop")).toEqual([]);
  });

  test("that reaches its budget ends as one of full length, with all that is open closed", async () => {
    for (const part of ["text", "thinking", "tool_call"] as const) {
      if (part === "tool_call" && client === "gemini") continue;
      const long: ChatAnswer = answerOf([
        { kind: "text", text: "Well: " },
        part === "tool_call"
          ? { kind: part, id: "call_1", name: "send", arguments: `{"a":"${words(3_000)}"}` }
          : { kind: part, text: words(3_000) },
      ]);
      const { gateway, upstream } = await gatewayOf(
        provider,
        begins(long, 0.95, (reply) => reply.never()),
        { limits: ", limits: { usd_per_day: 0.004 }" },
      );
      const limit = client === "gemini" ? { generationConfig: { maxOutputTokens: 100 } } : {};
      const limits = client === "responses" ? { max_output_tokens: 100 } : limit;
      const response = await gateway.fetch(...requestOf(client, true, "Hello", limits));
      const stream = Buffer.from(await response.arrayBuffer());
      expect(stream.toString()).toContain('"venturi":{"stopped":"budget_exceeded"}');
      const plain = stream.toString().replace(',"venturi":{"stopped":"budget_exceeded"}', "");
      expect([part, CHECKS[client](Buffer.from(plain))]).toEqual([part, []]);
      const answer = readStream(client, stream);
      expect(answer.choices[0]!.finish?.reason).toBe("length");
      const tokens = answer.usage!.output_tokens;
      expect(tokens).toBeGreaterThan(700);
      expect(tokens).toBeLessThanOrEqual(1_000);
      await gateway.idle();
      const [row] = gateway.kept.rows();
      expect(row).toMatchObject({ status: 200, finish_reason: "length", estimated: true });
      expect(row!.cost_nano_usd).toBeLessThanOrEqual(4_050_000);
      await upstream.requests[0]!.aborted;
    }
  });

  test("whose error comes before anything else fails over", async () => {
    const upstream = await room.upstream(async (request, reply) => {
      const format = askedIn(request.path);
      const is_first = request.text().includes("first") || request.path.includes("first");
      await beginStream(reply);
      if (!is_first) return reply.chunk(streamOf(format, textAnswer("second says"), (text) => [text]));
      const writer = writerOf(format);
      const error = { message: "Too many", type: "overloaded_error", param: null, code: null };
      const [start] = eventsOfAnswer(textAnswer("x"));
      await reply.chunk(writer.write(start!) + writer.write({ kind: "error", error }));
    });
    const gateway = room.gateway(`${providersAt(upstream.base_url)}
models: { chat: { targets: [${provider}/first, ${provider}/second], retries: { attempts: 0 } } }
keys: [{ name: acme-key, key: key-of-acme, tenant: acme }]`);
    const stream = Buffer.from(await (await gateway.fetch(...requestOf(client, true))).arrayBuffer());
    expect(textOf(readStream(client, stream))).toBe("second says");
    expect(upstream.requests).toHaveLength(2);
  });

  test("of a client that goes away is given up, and counted", async () => {
    const { gateway, upstream } = await gatewayOf(
      provider,
      begins(textAnswer(words(100)), 0.8, (reply) => reply.never()),
    );
    const stopping = new AbortController();
    const [path, init] = requestOf(client, true);
    const response = await gateway.fetch(path, { ...init, signal: stopping.signal });
    const reader = response.body!.getReader();
    let read = "";
    while (read.length < 5_000) read += Buffer.from((await reader.read()).value!).toString();
    stopping.abort();
    await upstream.requests[0]!.aborted;
    await gateway.idle();
    const [row] = gateway.kept.rows();
    expect(row).toMatchObject({ status: 499, error: "client_closed", estimated: true });
    expect(row!.usage.output_tokens).toBeGreaterThan(50);
  });

  test("that falls quiet gets comments, which are no events", async () => {
    const go = Promise.withResolvers<void>();
    const { gateway } = await gatewayOf(
      provider,
      begins(textAnswer(words(20)), 0.5, async (reply) => {
        await go.promise;
        reply.destroy();
      }),
      { quiet_ms: 30 },
    );
    const response = await gateway.fetch(...requestOf(client, true));
    let stream = "";
    for await (const piece of response.body!) {
      stream += Buffer.from(piece as Uint8Array).toString();
      if (stream.split(": keep-alive\n\n").length > 2) go.resolve();
    }
    expect(stream.split(": keep-alive\n\n").length).toBeGreaterThan(2);
    expect(textOf(readStream(client, Buffer.from(stream)))).toMatch(/^word0 /);
  });
});

describe("Gemini's stream as one array", () => {
  const asArray = (): [string, RequestInit] => {
    const [path, init] = requestOf("gemini", true);
    return [path.replace("?alt=sse", ""), init];
  };

  test.each(["gemini", "chat"] as const)("is one, answered in %s, whole and in pieces", async (provider) => {
    const { gateway } = await gatewayOf(provider, answers(ANSWER));
    const response = await gateway.fetch(...asArray());
    expect(response.headers.get("content-type")).toContain("application/json");
    const text = await response.text();
    const chunks = JSON.parse(text) as Json[];
    const sse = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`).join("");
    expect(textOf(readStream("gemini", Buffer.from(sse)))).toBe(words(20));
    // Whoever reads it as it comes has whole elements before each comma.
    for (let at = text.indexOf(",\r\n"); at >= 0; at = text.indexOf(",\r\n", at + 1))
      expect(Array.isArray(JSON.parse(`${text.slice(0, at)}]`))).toBe(true);
  });

  test("that breaks off ends with an error as its last element", async () => {
    const { gateway } = await gatewayOf(
      "gemini",
      begins(textAnswer(words(20)), 0.6, (reply) => reply.destroy()),
    );
    const chunks = JSON.parse(await (await gateway.fetch(...asArray())).text()) as Json[];
    expect(chunks.length).toBeGreaterThan(2);
    expect(chunks.at(-1)).toMatchObject({ error: { code: 502, status: "UNAVAILABLE" } });
  });

  test("that falls quiet gets white space", async () => {
    const go = Promise.withResolvers<void>();
    const { gateway } = await gatewayOf(
      "gemini",
      begins(textAnswer(words(20)), 0.5, async (reply) => {
        await go.promise;
        reply.destroy();
      }),
      { quiet_ms: 30 },
    );
    const response = await gateway.fetch(...asArray());
    let stream = "";
    for await (const piece of response.body!) {
      stream += Buffer.from(piece as Uint8Array).toString();
      if (/\n\n+$/.test(stream)) go.resolve();
    }
    expect((JSON.parse(stream) as Json[]).length).toBeGreaterThan(2);
  });

  test("of an error before it begins is an error", async () => {
    const { gateway } = await gatewayOf("gemini", (_, reply) =>
      reply.json(429, { error: { code: 429, message: "No quota", status: "RESOURCE_EXHAUSTED" } }),
    );
    const response = await gateway.fetch(...asArray());
    expect(response.status).toBe(429);
    expect(await response.json()).toMatchObject({ error: { status: "RESOURCE_EXHAUSTED" } });
  });
});

test("what Responses says again of its request and its texts is not counted as answer", async () => {
  const { gateway } = await gatewayOf(
    "responses",
    begins(textAnswer(words(400)), 0.99, (reply) => reply.destroy()),
  );
  const tools = [{ type: "function", name: "f", description: words(3_000), parameters: { type: "object" } }];
  await (await gateway.fetch(...requestOf("responses", true, "Hello", { tools }))).text();
  await gateway.idle();
  const [row] = gateway.kept.rows();
  expect(row!.usage.output_tokens).toBeGreaterThan(400);
  expect(row!.usage.output_tokens).toBeLessThan(1_600);
});

test("what a failed response used is in the ledger", async () => {
  const failed = {
    ...{ type: "response.failed", sequence_number: 2 },
    response: {
      ...{ id: "resp_1", object: "response", status: "failed", output: [] },
      error: { code: "server_error", message: "Broken" },
      usage: { input_tokens: 7, output_tokens: 5, total_tokens: 12 },
    },
  };
  const { gateway } = await gatewayOf("responses", async (_, reply) => {
    await beginStream(reply);
    const [head] = streamOf("responses", textAnswer("half"))
      .toString()
      .split("event: response.output_text.done");
    await reply.chunk(`${head}event: response.failed\ndata: ${JSON.stringify(failed)}\n\n`);
  });
  const stream = await (await gateway.fetch(...requestOf("responses", true))).text();
  expect(stream).toContain('"message":"Broken"');
  await gateway.idle();
  expect(gateway.kept.rows()[0]!.usage).toMatchObject(usageOf({ input_tokens: 7, output_tokens: 5 }));
});
