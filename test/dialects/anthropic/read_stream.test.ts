// Streams that are not as they should be, and events that no recording has.

import { expect, test } from "vitest";
import { MESSAGES } from "../../../src/dialects/anthropic/format.ts";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { AnswerCollector } from "../../../src/dialects/neutral/collect.ts";
import { EMPTY_REQUEST } from "../../../src/dialects/neutral/request.ts";
import { randomIntegers } from "../../memory/random.ts";
import { checkMessagesStream } from "../grammar/messages.ts";

type Json = Record<string, unknown>;

const START: Json = {
  type: "message_start",
  message: { id: "msg_1", model: "claude", content: [], usage: { input_tokens: 9, output_tokens: 1 } },
};
const END: readonly Json[] = [
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } },
  { type: "message_stop" },
];

function bytesOf(...events: readonly Json[]): Buffer {
  return Buffer.from(
    events.map((event) => `event: ${event["type"]}\ndata: ${JSON.stringify(event)}\n\n`).join(""),
  );
}

function eventsOf(bytes: Uint8Array): StreamEvent[] {
  const events: StreamEvent[] = [];
  const reader = MESSAGES.readStream((event) => events.push(event));
  reader.feed(bytes);
  reader.close();
  return events;
}

function answerOf(...events: readonly Json[]): ChatAnswer {
  const collector = new AnswerCollector();
  for (const event of eventsOf(bytesOf(...events))) collector.take(event);
  return collector.answer();
}

function block(index: number, content_block: Json, ...deltas: readonly Json[]): Json[] {
  return [
    { type: "content_block_start", index, content_block },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}

function partsOf(...blocks: readonly Json[]) {
  return answerOf(START, ...blocks, ...END).choices[0]!.parts;
}

const text = (said: string): Json => ({ type: "text_delta", text: said });
const json = (partial_json: string): Json => ({ type: "input_json_delta", partial_json });
const TEXT: Json = { type: "text", text: "" };
const CALL: Json = { type: "tool_use", id: "toolu_1", name: "f", input: {} };

test("a second start adds its usage and nothing else", () => {
  const second = { type: "message_start", message: { id: "msg_2", usage: { input_tokens: 12 } } };
  const events = eventsOf(bytesOf(START, second, ...block(0, TEXT, text("a")), ...END));
  expect(events.filter(({ kind }) => kind === "start")).toEqual([
    { kind: "start", id: "msg_1", model: "claude", created_s: null },
  ]);
  const collector = new AnswerCollector();
  for (const event of events) collector.take(event);
  expect(collector.answer().usage).toMatchObject({ input_tokens: 12, output_tokens: 5 });
});

test("pings and events of tomorrow say nothing, even without a start", () => {
  const strange = [{ type: "ping" }, { type: "of_tomorrow", deep: [1] }, { type: "system.message" }];
  expect(partsOf(...strange, ...block(0, TEXT, text("a"), { type: "new_delta", x: 1 }))).toEqual([
    { kind: "text", text: "a" },
  ]);
  const { id, choices } = answerOf(...block(0, TEXT, text("a")), ...END);
  expect({ id, parts: choices[0]!.parts }).toEqual({ id: "", parts: [{ kind: "text", text: "a" }] });
});

test("an error ends the stream, whatever comes behind it", () => {
  const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
  const events = eventsOf(bytesOf(START, ...block(0, TEXT, text("a")), error, ...END));
  expect(events.at(-1)).toEqual({
    kind: "error",
    error: { type: "overloaded_error", message: "Overloaded", param: null, code: null },
  });
  const bare = eventsOf(Buffer.from('data: {"error":{"message":"Bad","code":"x"}}\n\n'));
  expect(bare.at(-1)).toMatchObject({ kind: "error", error: { message: "Bad", code: "x" } });
});

test("deltas make the block that they belong to, where there is none or another", () => {
  const stray = { type: "content_block_delta", index: 0, delta: text("hi") };
  expect(partsOf(stray)).toEqual([{ kind: "text", text: "hi" }]);
  const thought = { type: "thinking_delta", thinking: "hm" };
  const mixed = block(0, TEXT, text("a"), thought, text("b"));
  expect(partsOf(...mixed)).toEqual([
    { kind: "text", text: "a" },
    { kind: "thinking", text: "hm" },
    { kind: "text", text: "b" },
  ]);
  expect(partsOf({ type: "content_block_delta", index: 3, delta: json("{}") })).toEqual([]);
  expect(partsOf(...block(0, CALL, { type: "signature_delta", signature: "x" }, json('{"a":1}')))).toEqual([
    { kind: "tool_call", id: "toolu_1", name: "f", arguments: '{"a":1}' },
  ]);
});

test("a call's input may be whole at the start, broken, empty, or too exact for a double", () => {
  const given = (value: Json, ...deltas: readonly Json[]) =>
    partsOf(...block(0, value, ...deltas)).map((part) => part.kind === "tool_call" && part.arguments);
  expect(given({ ...CALL, input: { a: 1 } })).toEqual(['{"a":1}']);
  expect(given({ ...CALL, input: { a: 1 } }, json(""), json('{"b":2}'))).toEqual(['{"b":2}']);
  expect(given(CALL, json(""))).toEqual(["{}"]);
  expect(given(CALL, json('{"a": '))).toEqual(['{"a": ']);
  expect(given(CALL, json('{"s":"\\ud83d"}'))).toEqual(['{"s":"\\ud83d"}']);
  const exact =
    '{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{"n":12345678901234567890}}}';
  const bytes = Buffer.concat([bytesOf(START), Buffer.from(`data: ${exact}\n\n`), bytesOf(...END)]);
  expect(eventsOf(bytes)).toContainEqual({
    ...{ kind: "delta", choice: 0, part: 0, text: '{"n":12345678901234567890}' },
  });
});

test("what only this format knows is told whole, as it grew", () => {
  const search = { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: {} };
  const tomorrow = { type: "of_tomorrow", words: "a" };
  const parts = partsOf(
    ...block(0, search, json('{"query":'), json('"x","n":12345678901234567890}')),
    ...block(1, tomorrow, { type: "x_delta", words: "b", more: 1 }, { type: "y", citation: { z: 1 } }),
    ...block(2, { type: "compaction", content: null }, { type: "compaction_delta", content: "in short" }),
  );
  expect(JSON.stringify(parts)).toContain('"input":{"query":"x","n":12345678901234567890}');
  expect(parts.slice(1)).toEqual([
    {
      ...{ kind: "own", format: "messages" },
      value: { type: "of_tomorrow", words: "ab", more: 1, citations: [{ z: 1 }] },
    },
    { kind: "own", format: "messages", value: { type: "compaction", content: "in short" } },
  ]);
});

test("blocks that overlap or are not stopped are parts of their own", () => {
  const parts = partsOf(
    { type: "content_block_start", index: 0, content_block: CALL },
    { type: "content_block_start", index: 1, content_block: { ...CALL, id: "toolu_2" } },
    { type: "content_block_delta", index: 1, delta: json("[1]") },
    { type: "content_block_delta", index: 0, delta: json("{}") },
    { type: "content_block_start", index: 1, content_block: TEXT },
    { type: "content_block_delta", index: 1, delta: text("x") },
  );
  expect(parts).toEqual([
    { kind: "tool_call", id: "toolu_1", name: "f", arguments: "{}" },
    { kind: "tool_call", id: "toolu_2", name: "f", arguments: "[1]" },
    { kind: "text", text: "x" },
  ]);
});

test("the answer that was asked for as a tool's call is a text", () => {
  const call = { type: "tool_use", id: "toolu_1", name: "answer_as_json", input: {} };
  const ended = { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 5 } };
  const events = [START, ...block(0, call, json('{"a"'), json(":1}")), ended, { type: "message_stop" }];
  expect(answerOf(...events).choices).toEqual([
    { index: 0, parts: [{ kind: "text", text: '{"a":1}' }], finish: { reason: "stop", raw: "tool_use" } },
  ]);
  const whole = MESSAGES.readAnswer({ content: [{ ...call, input: { a: 1 } }], stop_reason: "tool_use" });
  expect(whole!.choices).toEqual(answerOf(...events).choices);
});

test.each([
  ["end_turn", "stop"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "context_length"],
  ["stop_sequence", "stop_sequence"],
  ["tool_use", "tool_calls"],
  ["pause_turn", "pause"],
  ["refusal", "refusal"],
  ["of_tomorrow", "other"],
])("%s is %s", (stop_reason, reason) => {
  const stop_sequence = stop_reason === "stop_sequence" ? "END" : null;
  const delta = { stop_reason, stop_sequence };
  const { finish } = answerOf(START, { type: "message_delta", delta }, { type: "message_stop" }).choices[0]!;
  expect(finish).toEqual({ reason, raw: stop_reason, ...(stop_sequence === null ? {} : { stop_sequence }) });
});

test("a refusal is told in the provider's words", () => {
  const stop_details = { type: "refusal", category: "bio", explanation: "It may harm." };
  const refused = { type: "message_delta", delta: { stop_reason: "refusal", stop_details } };
  const { parts, finish } = answerOf(START, refused, { type: "message_stop" }).choices[0]!;
  expect(parts).toEqual([{ kind: "refusal", text: "It may harm." }]);
  expect(finish!.reason).toBe("refusal");
});

test("a message that stops without a reason has one all the same", () => {
  const { choices } = answerOf(START, ...block(0, CALL), { type: "message_stop" });
  expect(choices[0]!.finish!.reason).toBe("tool_calls");
});

test("an event, or a block that has to be whole, of more than 4 MiB is an error", () => {
  const long = "x".repeat(3 << 20);
  const search = { type: "server_tool_use", id: "s", name: "web_search", input: {} };
  const grown = eventsOf(bytesOf(START, ...block(0, search, json(long), json(long)), ...END));
  expect(grown.at(-1)).toMatchObject({ kind: "error", error: { code: "event_too_long" } });
  expect(grown.filter(({ kind }) => kind === "part_start")).toEqual([]);
  const one = eventsOf(bytesOf(START, ...block(0, TEXT, text(long + long)), ...END));
  expect(one.at(-1)).toMatchObject({ kind: "error", error: { code: "event_too_long" } });
});

test("whatever bytes come, nothing throws, and what is written of it is a stream", () => {
  const random = randomIntegers(31);
  const good = bytesOf(
    START,
    ...block(
      0,
      { type: "thinking", thinking: "", signature: "" },
      { type: "thinking_delta", thinking: "hm" },
    ),
    ...block(1, TEXT, text("größer 👩‍👩‍👧‍👦"), { type: "citations_delta", citation: { url: "https://a" } }),
    ...block(2, CALL, json('{"a":'), json("1}")),
    ...END,
  );
  for (let turn = 0; turn < 2000; turn++) {
    const bytes = Buffer.from(good);
    for (let hits = random(6); hits >= 0; hits--) bytes[random(bytes.length)] = random(256);
    const start = random(4) === 0 ? random(bytes.length) : 0;
    const events = eventsOf(bytes.subarray(start, bytes.length - random(3)));
    const writer = MESSAGES.writeStream({
      ...{ call_id: "c", model: "m", now_s: 0 },
      request: { ...EMPTY_REQUEST, model: "m" },
    });
    const stream = events.map((event) => writer.write(event)).join("");
    const is_over = events.some(({ kind }) => kind === "end" || kind === "error");
    if (is_over) expect(checkMessagesStream(stream)).toEqual([]);
    else expect(stream).not.toContain("message_stop");
  }
  for (let turn = 0; turn < 200; turn++) {
    const noise = Buffer.from(Array.from({ length: random(300) }, () => random(256)));
    expect(() => eventsOf(noise)).not.toThrow();
  }
});

test.each([
  {},
  { content: null },
  { content: "text" },
  { content: [null, 3, "x", {}, { type: 7 }, { type: "text" }, { type: "tool_use", input: [] }], usage: 4 },
  { content: [], stop_reason: 4, id: null, model: 3, stop_details: [] },
  { type: "error", error: { type: "api_error", message: "x" } },
])("an answer %j is read or is none", (value) => {
  const answer = MESSAGES.readAnswer(value);
  if (answer === null) expect(Array.isArray(value.content)).toBe(false);
  else expect(answer.choices).toHaveLength(1);
});
