// What is written, given to OpenAI's own SDK: its stream accumulator throws where an event does not fit those before it.

import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { tellAnswer } from "../../../src/dialects/neutral/collect.ts";
import { RESPONSES } from "../../../src/dialects/responses/format.ts";
import { usageOf } from "../../../src/dialects/usage.ts";
import { checkResponsesStream } from "../grammar/responses.ts";
import { contextOf } from "./context.ts";

let body = "";
let type = "text/event-stream";
let server: ReturnType<typeof Bun.serve>;
let client: OpenAI;

beforeAll(() => {
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(body, { headers: { "content-type": type } }),
  });
  client = new OpenAI({ apiKey: "k", baseURL: `http://127.0.0.1:${server.port}/v1`, maxRetries: 0 });
});

afterAll(() => server.stop(true));

const ASKED = { model: "m", input: "Where is it warm?" };

const ANSWER: ChatAnswer = {
  id: "chatcmpl-1",
  model: "some-model",
  created_s: 1_700_000_000,
  usage: usageOf({ input_tokens: 20, cached_input_tokens: 4, output_tokens: 30, reasoning_tokens: 9 }),
  choices: [
    {
      index: 0,
      finish: { reason: "tool_calls" },
      logprobs: [
        { token: "In ", logprob: -0.5, top: [{ token: "At", logprob: -2 }] },
        { token: "Rome.", logprob: -0.25, top: [] },
      ],
      parts: [
        { kind: "thinking", text: "Hmm, \ud83d warm…", signature: { format: "messages", value: "c2ln" } },
        { kind: "thinking", text: "", encrypted: { format: "messages", value: "cmVk" } },
        {
          kind: "text",
          text: "In Rome.",
          citations: [{ url: "https://r.example", title: "Rome", start: 3, end: 7 }],
        },
        { kind: "refusal", text: "No more." },
        {
          kind: "own",
          format: "responses",
          value: {
            id: "ws_1",
            type: "web_search_call",
            status: "completed",
            action: { type: "search", query: "warm" },
          },
        },
        {
          kind: "tool_call",
          id: "call_a",
          name: "weather",
          arguments: '{"city":"Rome"}',
          signature: { format: "gemini", value: "Zw==" },
        },
        { kind: "tool_call", id: "call_a", name: "weather", arguments: "" },
        { kind: "tool_call", id: "", name: "shell", arguments: "ls -l", is_custom: true },
        { kind: "image", source: { kind: "base64", media_type: "image/png", data: "aW1n" } },
      ],
    },
  ],
};

function eventsOf(answer: ChatAnswer): StreamEvent[] {
  const events: StreamEvent[] = [];
  tellAnswer(answer, (event) => events.push(event));
  return events;
}

function streamOf(events: readonly StreamEvent[]): string {
  const writer = RESPONSES.writeStream(contextOf(ASKED));
  const text = events.map((event) => writer.write(event)).join("");
  expect(checkResponsesStream(Buffer.from(text))).toEqual([]);
  return text;
}

describe("OpenAI's SDK", () => {
  test("reads a whole answer", async () => {
    type = "application/json";
    body = JSON.stringify(RESPONSES.writeAnswer(ANSWER, contextOf(ASKED)));
    const response = await client.responses.create(ASKED);
    expect(response.output_text).toBe("In Rome.");
    expect(response.output.map((item) => item.type)).toEqual([
      ...[
        "reasoning",
        "reasoning",
        "message",
        "web_search_call",
        "reasoning",
        "function_call",
        "function_call",
      ],
      ...["custom_tool_call", "image_generation_call"],
    ]);
    expect(response.usage?.output_tokens_details.reasoning_tokens).toBe(9);
  });

  test("gathers a stream into the same answer", async () => {
    const whole = RESPONSES.writeAnswer(ANSWER, contextOf(ASKED));
    type = "text/event-stream";
    body = streamOf(eventsOf(ANSWER));
    const response = await client.responses.stream(ASKED).finalResponse();
    const { output_text, output, ...rest } = response;
    expect(output_text).toBe("In Rome.");
    // The parser of the SDK adds what it parsed.
    const plain = JSON.parse(JSON.stringify(output)) as Record<string, unknown>[];
    for (const item of plain) {
      delete item["parsed_arguments"];
      if (Array.isArray(item["content"])) for (const part of item["content"]) delete part.parsed;
    }
    expect(plain).toEqual(whole["output"]);
    expect({ ...rest, output: [], output_parsed: undefined }).toEqual({ ...whole, output: [] });
  });

  test("accumulates parts that come side by side", async () => {
    const start = (part: number, name: string): StreamEvent => ({
      ...{ kind: "part_start", choice: 0, part },
      start: name === "" ? { kind: "text" } : { kind: "tool_call", id: `id_${name}`, name },
    });
    const delta = (part: number, text: string): StreamEvent => ({ kind: "delta", choice: 0, part, text });
    const stop = (part: number): StreamEvent => ({ kind: "part_stop", choice: 0, part });
    body = streamOf([
      { kind: "start", id: "", model: "", created_s: null },
      ...[start(0, ""), delta(0, "One"), start(1, "a"), start(2, "b"), delta(1, "{"), delta(0, " two")],
      ...[delta(2, "{}"), stop(1), start(3, ""), delta(3, "three"), stop(0), stop(2), stop(3)],
      { kind: "finish", choice: 0, finish: { reason: "tool_calls" } },
      { kind: "end" },
    ]);
    const seen: string[] = [];
    const stream = client.responses.stream(ASKED);
    stream.on("response.output_text.delta", ({ snapshot }) => seen.push(snapshot));
    const { output } = await stream.finalResponse();
    expect(seen).toEqual(["One", "One two", "three"]);
    expect(output.map((item) => (item.type === "function_call" ? item.arguments : item.type))).toEqual([
      "message",
      "{",
      "{}",
      "message",
    ]);
  });

  test("sees how an answer ended", async () => {
    const cut: ChatAnswer = {
      ...ANSWER,
      choices: [{ index: 0, parts: [{ kind: "text", text: "In R" }], finish: { reason: "length" } }],
    };
    body = streamOf(eventsOf(cut));
    const response = await client.responses.stream(ASKED).finalResponse();
    expect([response.status, response.incomplete_details?.reason]).toEqual([
      "incomplete",
      "max_output_tokens",
    ]);
    expect(response.output[0]).toMatchObject({ type: "message", status: "incomplete" });
  });

  test("sees an error, and does not take the stream for whole", async () => {
    const [start, part, delta] = eventsOf(ANSWER);
    body = streamOf([
      ...[start!, part!, delta!],
      { kind: "error", error: { message: "overloaded", type: "rate_limit_error", param: null, code: null } },
    ]);
    await expect(client.responses.stream(ASKED).finalResponse()).rejects.toThrow();
    const seen: unknown[] = [];
    for await (const event of await client.responses.create({ ...ASKED, stream: true })) seen.push(event);
    expect(seen.slice(-2)).toMatchObject([
      { type: "error", code: "rate_limit_error", message: "overloaded", param: null },
      { type: "response.failed", response: { status: "failed", error: { code: "rate_limit_exceeded" } } },
    ]);
  });
});
