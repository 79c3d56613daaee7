// A whole answer as a stream: assembled again it is the answer, and OpenAI's own client reads it as such.

import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assembleAnswer } from "../../../src/dialects/openai/assemble.ts";
import { streamAnswer } from "../../../src/dialects/openai/unfold.ts";
import { OPENAPI_MISSING, validateChunk } from "../../conformance/openapi.ts";
import { RECORDINGS_MISSING } from "../../gateway/recordings.ts";
import { randomIntegers } from "../../memory/random.ts";
import { randomAnswer } from "./random_answer.ts";
import { recordedAnswers } from "./recorded_answers.ts";

type Json = Record<string, unknown>;

const recorded = recordedAnswers();

function bytes(answer: unknown): Buffer {
  return Buffer.from(JSON.stringify(answer));
}

function parse(body: Uint8Array | null): Json {
  if (body === null) throw new Error("there is nothing");
  return JSON.parse(Buffer.from(body).toString()) as Json;
}

function chunksOf(stream: Uint8Array | null): Json[] {
  const events = Buffer.from(stream!).toString().split("\n\n");
  expect(events.splice(-2)).toEqual(["data: [DONE]", ""]);
  return events.map((event) => {
    expect(event.startsWith("data: {")).toBe(true);
    expect(event).not.toContain("\n");
    return JSON.parse(event.slice(6)) as Json;
  });
}

/** An answer as it is after both ways: what is null by the format is told, what a stream has no place for is not. */
function canonical(answer: Json): Json {
  const choices = (answer["choices"] as Json[]).map((choice) => {
    const { delta: _, ...others } = choice;
    const message = choice["message"] as Json | undefined;
    if (message === undefined) return { logprobs: null, ...others };
    const whole: Json = { content: null, refusal: null, ...message };
    const calls = whole["tool_calls"];
    if (Array.isArray(calls)) whole["tool_calls"] = calls.map(({ index: __, ...call }: Json) => call);
    return { logprobs: null, ...others, message: whole };
  });
  return { ...answer, choices };
}

describe("a plain answer", () => {
  test.skipIf(RECORDINGS_MISSING !== null)("that was recorded is the same after both ways", () => {
    expect(recorded.length).toBeGreaterThan(250);
    for (const { name, body } of recorded) {
      const again = parse(assembleAnswer(streamAnswer(body, { include_usage: true })!));
      expect(again, name).toEqual(canonical(parse(body)));
    }
  });

  test("of any make is the same after both ways", () => {
    const random = randomIntegers(3);
    for (let turn = 0; turn < 600; turn++) {
      const answer = randomAnswer(random);
      const stream = streamAnswer(bytes(answer), { include_usage: true })!;
      const choices = (answer["choices"] as Json[]).length;
      expect(parse(assembleAnswer(stream, choices))).toEqual(canonical(parse(bytes(answer))));
    }
  });

  test.skipIf(OPENAPI_MISSING !== null)("is streamed in chunks as OpenAI describes them", () => {
    const random = randomIntegers(4);
    // These are not of OpenAI: content in parts, custom tools in streams, the fields that random answers have of their own.
    const is_theirs = /\/delta\/content |tool_calls|system_fingerprint|function_call/;
    for (let turn = 0; turn < 200; turn++) {
      const answer = randomAnswer(random);
      const path = answer["object"] === "chat.completion" ? "/v1/chat/completions" : "/v1/completions";
      for (const chunk of chunksOf(streamAnswer(bytes(answer), { include_usage: random(2) === 0 }))) {
        const problems = validateChunk(path, chunk).filter((problem) => !is_theirs.test(problem));
        expect(problems, JSON.stringify(chunk)).toEqual([]);
      }
    }
  });

  const answer = {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 5,
    model: "m",
    citations: ["a"],
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: "The quick brown fox jumps",
          refusal: null,
          reasoning: "Foxes.",
          tool_calls: [{ id: "t", type: "function", function: { name: "f", arguments: '{"a":"b"}' } }],
        },
        logprobs: null,
        finish_reason: "tool_calls",
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  };

  test("begins with the role; reasoning, text, calls, end and usage follow", () => {
    const chunks = chunksOf(streamAnswer(bytes(answer), { include_usage: true }));
    const said = chunks.map(({ choices }) => (choices as Json[])[0]);
    expect(said.slice(0, -1).map((choice) => choice!["delta"])).toEqual([
      { role: "assistant", content: "", refusal: null },
      { reasoning: "Foxes." },
      { content: "The quick brown" },
      { content: " fox jumps" },
      { tool_calls: [{ index: 0, id: "t", type: "function", function: { name: "f", arguments: "" } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"a":"b"}' } }] },
      {},
    ]);
    expect(said.map((choice) => choice?.["finish_reason"])).toEqual([
      ...Array.from({ length: 6 }, () => null),
      "tool_calls",
      undefined,
    ]);
    const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 5, model: "m" };
    for (const chunk of chunks) expect(chunk).toMatchObject(head);
    expect(chunks.map(({ citations }) => citations)).toEqual([
      ["a"],
      ...Array.from({ length: 7 }, () => undefined),
    ]);
    expect(chunks.at(-1)).toEqual({ ...head, choices: [], usage: answer.usage });
    for (const chunk of chunks.slice(0, -1)) expect(chunk["usage"]).toBe(null);
  });

  test("tells no usage to a client that did not ask, nor where there is none", () => {
    const { usage: _, ...without } = answer;
    for (const stream of [
      streamAnswer(bytes(answer), { include_usage: false }),
      streamAnswer(bytes(without), { include_usage: true }),
    ]) {
      const chunks = chunksOf(stream);
      expect(chunks).toHaveLength(7);
      for (const chunk of chunks) expect(chunk).not.toHaveProperty("usage");
    }
  });

  test("has the logprobs of each token beside its text", () => {
    const tokens = ["Foo", " bar", "!"].map((token) => ({
      token,
      logprob: -1,
      bytes: null,
      top_logprobs: [],
    }));
    const message = { role: "assistant", content: "Foo bar!", refusal: null };
    const logprobs = { content: tokens, refusal: null };
    const said = { ...answer, choices: [{ index: 0, message, logprobs, finish_reason: "stop" }] };
    const chunks = chunksOf(streamAnswer(bytes(said), { include_usage: false }));
    expect(chunks.map(({ choices }) => (choices as Json[])[0]!)).toMatchObject([
      { delta: { role: "assistant", content: "" }, logprobs: { content: [], refusal: null } },
      ...tokens.map((token) => ({
        delta: { content: token.token },
        logprobs: { content: [token], refusal: null },
      })),
      { delta: {}, logprobs: null },
    ]);
  });

  test("of 8 MiB has about 2,000 chunks, in linear time", () => {
    const content = "word ".repeat((8 * 1024 * 1024) / 5);
    const [choice] = answer.choices;
    const large = { ...answer, choices: [{ ...choice, message: { ...choice!.message, content } }] };
    const started_ms = performance.now();
    const stream = streamAnswer(bytes(large), { include_usage: true })!;
    expect(performance.now() - started_ms).toBeLessThan(3_000);
    expect(chunksOf(stream).length).toBeLessThan(2_010);
    expect(parse(assembleAnswer(stream))).toEqual(canonical(large));
  });

  test("keeps the digits of numbers, and members of any name", () => {
    const body =
      '{"n":9007199254740993,"choices":[{"index":0,"message":{"content":"x","__proto__":{"x":-0}},"finish_reason":"stop"}]}';
    const stream = Buffer.from(streamAnswer(Buffer.from(body), { include_usage: true })!).toString();
    expect(stream).toContain('"n":9007199254740993');
    expect(stream).toContain('"__proto__":{"x":');
  });
});

const choice = { index: 0, message: { role: "assistant", content: "x" }, finish_reason: "stop" };

test.each([
  ["nothing", ""],
  ["garbage", "\u0000{"],
  ["a list", "[]"],
  ["an error", JSON.stringify({ error: { message: "no" }, choices: [choice] })],
  ["an error in a choice", JSON.stringify({ choices: [{ ...choice, error: { message: "cut" } }] })],
  ["a choice of no index", JSON.stringify({ choices: [{ ...choice, index: "first" }] })],
  ["an answer without choices", JSON.stringify({ choices: [] })],
  ["an answer cut short", JSON.stringify({ choices: [choice] }).slice(0, -1)],
  ["a choice that did not finish", JSON.stringify({ choices: [choice, { ...choice, finish_reason: null }] })],
  [
    "choices of both kinds",
    JSON.stringify({ choices: [choice, { index: 1, text: "x", finish_reason: "stop" }] }),
  ],
  ["embeddings", JSON.stringify({ object: "list", data: [{ object: "embedding", embedding: [0.5] }] })],
  ["Anthropic's format", JSON.stringify({ type: "message", content: [{ type: "text", text: "x" }] })],
  [
    "a value too deep",
    JSON.stringify({ choices: [choice] }).replace('"x"', "[".repeat(2e5) + "]".repeat(2e5)),
  ],
])("%s has no stream", (_, body) => {
  expect(streamAnswer(Buffer.from(body), { include_usage: true })).toBe(null);
});

test("an answer that is garbled has a stream or none, and nothing throws", () => {
  const random = randomIntegers(6);
  const literals = ["null", "0", '""', "[]", "{}", "true", '"x"', "[null]"];
  for (let turn = 0; turn < 600; turn++) {
    const text = JSON.stringify(randomAnswer(random));
    // Values are exchanged, so that it mostly stays JSON.
    const values = [...text.matchAll(/(?<=:)("[^"\\]*"|\d+|null|\[\]|true|false)(?=[,}])/g)];
    const { index, 0: value } = values[random(values.length)]!;
    const garbled =
      text.slice(0, index) + literals[random(literals.length)] + text.slice(index + value.length);
    const stream = streamAnswer(Buffer.from(garbled), { include_usage: random(2) === 0 });
    if (stream !== null) expect(() => assembleAnswer(stream)).not.toThrow();
    const cut = Buffer.from(text).subarray(0, random(text.length));
    expect(streamAnswer(cut, { include_usage: true })).toBe(null);
  }
});

describe("OpenAI's client", () => {
  let server: ReturnType<typeof Bun.serve>;
  let client: OpenAI;
  let stream: Uint8Array = new Uint8Array();

  beforeAll(() => {
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response(stream, { headers: { "content-type": "text/event-stream" } }),
    });
    client = new OpenAI({ apiKey: "none", baseURL: `http://127.0.0.1:${server.port}/v1`, maxRetries: 0 });
  });

  afterAll(() => server.stop(true));

  async function final(answer: Buffer): Promise<Json> {
    stream = streamAnswer(answer, { include_usage: true })!;
    const helper = client.chat.completions.stream({ model: "m", messages: [] });
    return JSON.parse(JSON.stringify(await helper.finalChatCompletion())) as Json;
  }

  /**
   * What the client's helper makes of an answer: of texts that are not OpenAI's it keeps the last piece, and what is empty is
   * none to it.
   */
  function readable(answer: Json): Json {
    const { system_fingerprint, ...whole } = canonical(answer);
    const choices = (whole["choices"] as Json[]).map((choice) => {
      const { reasoning: _, reasoning_content: __, parsed: ___, ...message } = choice["message"] as Json;
      const { content, refusal, tool_calls, ...others } = message;
      const calls = (tool_calls ?? []) as Json[];
      for (const call of calls) delete (call["function"] as Json)["parsed_arguments"];
      const texts = { content: content || null, refusal: refusal || null };
      return { ...choice, message: { ...others, ...texts, ...(calls.length > 0 && { tool_calls: calls }) } };
    });
    return { ...whole, ...(system_fingerprint ? { system_fingerprint } : {}), choices };
  }

  /** Whether the helper can read it: no content in parts, no custom tools, and beside a call of old it drops all else. */
  function isReadable(answer: Json): boolean {
    if (answer["object"] !== "chat.completion") return false;
    return (answer["choices"] as { message: Json }[]).every(
      ({ message }) =>
        !Array.isArray(message["content"]) &&
        !("function_call" in message) &&
        !JSON.stringify(message).includes('"custom"'),
    );
  }

  test.skipIf(RECORDINGS_MISSING !== null)("reads the stream of every recorded answer", async () => {
    const answers = recorded.map(({ name, body }) => ({ name, body, answer: parse(body) }));
    const read = answers.filter(({ answer }) => isReadable(answer));
    expect(read.length).toBeGreaterThan(250);
    for (const { name, body, answer } of read) {
      expect(readable(await final(body)), name).toEqual(readable(answer));
    }
  });

  test("reads the stream of an answer of any make", async () => {
    const random = randomIntegers(8);
    const answers = Array.from({ length: 150 }, () => parse(bytes(randomAnswer(random)))).filter(isReadable);
    expect(answers.length).toBeGreaterThan(50);
    for (const answer of answers) expect(readable(await final(bytes(answer)))).toEqual(readable(answer));
  });

  test("reads a function call of old", async () => {
    const function_call = { name: "f", arguments: '{"a":1}' };
    const message = { role: "assistant", content: null, refusal: null, function_call };
    const choice = { index: 0, message, logprobs: null, finish_reason: "function_call" };
    const answer = { id: "c", object: "chat.completion", created: 5, model: "m", choices: [choice] };
    expect(readable(await final(bytes(answer)))).toEqual(answer);
  });

  test("reads the stream of a legacy completion", async () => {
    const text = "It is 42, and nothing else than that.";
    const answer = {
      id: "c",
      object: "text_completion",
      choices: [{ index: 0, text, finish_reason: "stop" }],
    };
    stream = streamAnswer(bytes(answer), { include_usage: true })!;
    let read = "";
    for await (const chunk of await client.completions.create({ model: "m", prompt: "?", stream: true })) {
      read += chunk.choices[0]!.text;
    }
    expect(read).toBe(text);
  });
});
