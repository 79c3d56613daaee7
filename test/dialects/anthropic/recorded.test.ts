// Recorded traffic, read and written again.

import { expect, test } from "vitest";
import { claudeOf } from "../../../src/dialects/anthropic/claude.ts";
import { MESSAGES } from "../../../src/dialects/anthropic/format.ts";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { AnswerCollector, tellAnswer } from "../../../src/dialects/neutral/collect.ts";
import { Losses } from "../../../src/dialects/neutral/losses.ts";
import { type ChatRequest, EMPTY_REQUEST } from "../../../src/dialects/neutral/request.ts";
import { GatewayError } from "../../../src/errors.ts";
import { parseExact } from "../../../src/wire/exact_json.ts";
import { checkMessagesAnswer, checkMessagesStream } from "../grammar/messages.ts";
import { plainRequest } from "./plain.ts";
import { recordedCalls } from "./recorded.ts";

type Fields = Record<string, unknown>;

const CALLS = recordedCalls();
const ANSWERS = CALLS.filter(
  ({ op, kind, status }) => op === "messages" && kind === "json" && status === 200,
);
const STREAMS = CALLS.filter(({ kind }) => kind === "sse");
const REQUESTS = CALLS.filter(({ op, request }) => op === "messages" && request !== null);
const CONTEXT = {
  call_id: "call1",
  model: "claude",
  now_s: 1_790_000_000,
  request: { ...EMPTY_REQUEST, model: "claude" },
};

/** The events of a stream that comes in the given pieces. */
function eventsOf(...chunks: Uint8Array[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const reader = MESSAGES.readStream((event) => events.push(event));
  for (const chunk of chunks) reader.feed(chunk);
  reader.close();
  return events;
}

function collected(events: readonly StreamEvent[]): ChatAnswer {
  const collector = new AnswerCollector();
  for (const event of events) collector.take(event);
  return collector.answer();
}

function written(events: readonly StreamEvent[]): string {
  const writer = MESSAGES.writeStream(CONTEXT);
  return events.map((event) => writer.write(event)).join("");
}

/** What a stream says, read as simply as can be. */
function simplyRead(body: Buffer): { texts: string; inputs: unknown[]; stop_reason: unknown; usage: Fields } {
  let texts = "";
  let usage: Fields = {};
  let stop_reason: unknown = null;
  const inputs: string[] = [];
  for (const line of body.toString().split("\n")) {
    if (!line.startsWith("data: ")) continue;
    const event = JSON.parse(line.slice(6)) as Fields & { delta?: Fields; message?: Fields; usage?: Fields };
    const { delta, message } = event;
    if (message !== undefined) usage = { ...usage, ...(message["usage"] as Fields) };
    if (event.usage !== undefined) usage = { ...usage, ...event.usage };
    if (delta?.["stop_reason"] !== undefined) stop_reason = delta["stop_reason"];
    if (delta?.["type"] === "text_delta") texts += String(delta["text"]);
    const block = event["content_block"] as Fields | undefined;
    if (block?.["type"] === "tool_use") inputs.push("");
    else if (block !== undefined) inputs.push("-");
    if (delta?.["type"] === "input_json_delta") inputs[inputs.length - 1] += String(delta["partial_json"]);
  }
  const calls = inputs.filter((input) => !input.startsWith("-"));
  return { texts, inputs: calls.map((input) => JSON.parse(input || "{}") as unknown), stop_reason, usage };
}

test.skipIf(CALLS.length === 0)("there are recordings of every kind", () => {
  expect(ANSWERS.length).toBeGreaterThan(60);
  expect(STREAMS.length).toBeGreaterThan(35);
  expect(REQUESTS.length).toBeGreaterThan(100);
});

test.each(ANSWERS)("the answer of $name is read and written as it was", ({ body }) => {
  const value = parseExact(body) as Fields;
  const answer = MESSAGES.readAnswer(value)!;
  const again = MESSAGES.writeAnswer(answer, CONTEXT);
  expect(checkMessagesAnswer(again)).toEqual([]);
  const { usage, ...rest } = JSON.parse(JSON.stringify(again)) as Fields & { usage: Fields };
  const { usage: told, ...said } = JSON.parse(JSON.stringify(value)) as Fields & { usage: Fields };
  expect(withoutNulls(rest)).toEqual(withoutNulls(said));
  for (const kind of ["input_tokens", "output_tokens", "cache_read_input_tokens"] as const)
    if (told["iterations"] === undefined) expect(usage[kind]).toBe(told[kind]);
  expect(MESSAGES.readAnswer(again)).toEqual(answer);
  // Told as a stream, it says the same.
  const events: StreamEvent[] = [];
  tellAnswer(answer, (event) => events.push(event));
  const stream = written(events);
  expect(checkMessagesStream(stream)).toEqual([]);
  const { own: _, ...without_own } = answer;
  expect(collected(eventsOf(Buffer.from(stream)))).toEqual(withoutEmpty(without_own));
});

test.each(STREAMS)("the stream of $name is read wherever it is cut, and written again", ({ body }) => {
  const whole = eventsOf(body);
  expect(whole.at(-1)).toEqual({ kind: "end" });
  const answer = collected(whole);
  const simply = simplyRead(body);
  const { parts, finish } = answer.choices[0]!;
  expect(parts.map((part) => (part.kind === "text" ? part.text : "")).join("")).toBe(simply.texts);
  const calls = parts.flatMap((part) => (part.kind === "tool_call" ? [JSON.parse(part.arguments)] : []));
  expect(calls).toEqual(simply.inputs);
  expect(finish!.raw).toBe(simply.stop_reason);
  const { usage } = simply;
  expect(answer.usage!.output_tokens).toBe(usage["output_tokens"]);
  expect(answer.usage!.input_tokens).toBe(
    Number(usage["input_tokens"]) +
      Number(usage["cache_read_input_tokens"]) +
      Number(usage["cache_creation_input_tokens"]),
  );
  const stream = written(whole);
  expect(checkMessagesStream(stream)).toEqual([]);
  expect(collected(eventsOf(Buffer.from(stream)))).toEqual(withoutEmpty(answer));
  const bytes = Array.from({ length: body.length }, (_, at) => body.subarray(at, at + 1));
  expect(eventsOf(...bytes)).toEqual(whole);
  const expected = JSON.stringify(whole);
  for (let cut = 0; cut < body.length; cut += body.length > 8000 ? 97 : 1) {
    const events = eventsOf(body.subarray(0, cut), body.subarray(cut));
    if (JSON.stringify(events) !== expected) expect(events).toEqual(whole);
  }
});

test.each(STREAMS.slice(0, 5))("the stream of $name, broken off, has no good end", ({ body }) => {
  for (let cut = 0; cut < body.length - 40; cut += 31) {
    const events = eventsOf(body.subarray(0, cut));
    expect(events.some(({ kind }) => kind === "end" || kind === "error")).toBe(false);
  }
});

test.each(REQUESTS)("the request of $name is read and written as it was", ({ request }) => {
  const read = MESSAGES.readRequest(request!, { model: null, stream: false }) as ChatRequest;
  expect(read).not.toBeInstanceOf(GatewayError);
  const losses = new Losses("error", "test");
  const again = MESSAGES.writeRequest(read, { model: read.model, provider_kind: "anthropic" }, losses);
  expect(losses.error).toBe(null);
  expect(plainRequest(again)).toEqual(plainRequest(request!));
  expect(claudeOf(read.model).is_known).toBe(true);
});

/** What says nothing: a null is a field left out. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutNulls(inner)]));
}

/** A stream has no empty texts. */
function withoutEmpty(answer: ChatAnswer): ChatAnswer {
  const choices = answer.choices.map((choice) => ({
    ...choice,
    parts: choice.parts.filter((part) => part.kind !== "text" || part.text !== ""),
  }));
  return { ...answer, choices };
}
