// Custom tools at providers that know functions only.

import { expect, test } from "vitest";
import { MESSAGES } from "../../../src/dialects/anthropic/format.ts";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { AnswerCollector, tellAnswer } from "../../../src/dialects/neutral/collect.ts";
import {
  customCallsTo,
  functionOfCustom,
  withCustomCalls,
} from "../../../src/dialects/neutral/custom_tools.ts";
import type { Part } from "../../../src/dialects/neutral/parts.ts";
import { type ChatRequest, EMPTY_REQUEST } from "../../../src/dialects/neutral/request.ts";

import { RESPONSES } from "../../../src/dialects/responses/format.ts";
import { StreamTranslation, translateAnswer } from "../../../src/dialects/translate.ts";

const REQUEST: ChatRequest = {
  ...EMPTY_REQUEST,
  model: "m",
  tools: [
    { kind: "custom", name: "sh", description: "Runs it." },
    { kind: "function", name: "f" },
  ],
};

function answerOf(...parts: Part[]): ChatAnswer {
  const choices = [{ index: 0, parts, finish: { reason: "tool_calls" } }] as const;
  return { id: "a", model: "m", created_s: null, choices, usage: null };
}

function call(name: string, given: string, more: object = {}): Part {
  return { kind: "tool_call", id: name, name, arguments: given, ...more } as Part;
}

const GIVEN = answerOf(
  { kind: "text", text: "So:" },
  call("sh", '{"input":"ls \\"a\\"\\n"}'),
  call("f", '{"input":"x"}'),
  call("sh", "not json"),
  call("sh", '{"command":"ls"}'),
  call("sh", '{"input":"told as it is"}', { is_custom: true }),
);
const MEANT = answerOf(
  { kind: "text", text: "So:" },
  call("sh", 'ls "a"\n', { is_custom: true }),
  call("f", '{"input":"x"}'),
  call("sh", "not json", { is_custom: true }),
  call("sh", '{"command":"ls"}', { is_custom: true }),
  call("sh", '{"input":"told as it is"}', { is_custom: true }),
);

test("a custom tool is a function of one text", () => {
  const [tool] = REQUEST.tools;
  expect(functionOfCustom(tool as never)).toMatchObject({
    ...{ kind: "function", name: "sh", description: "Runs it." },
    parameters: { required: ["input"], additionalProperties: false },
  });
});

test("its calls are a custom tool's again", () => {
  expect(withCustomCalls(GIVEN, REQUEST)).toEqual(MEANT);
  expect(withCustomCalls(GIVEN, { ...REQUEST, tools: [] })).toBe(GIVEN);
});

test("so are they in streams, however their text is cut and mixed", () => {
  const events: StreamEvent[] = [];
  tellAnswer(GIVEN, (event) => {
    if (event.kind !== "delta") events.push(event);
    else for (const text of event.text) events.push({ ...event, text });
  });
  // As chat's streams have it: no call stops before the end.
  const late = [
    ...events.filter(({ kind }) => kind !== "part_stop" && kind !== "finish" && kind !== "end"),
    ...events.filter(({ kind }) => kind === "finish" || kind === "end"),
  ];
  for (const told of [events, late]) {
    const collector = new AnswerCollector();
    const sink = customCallsTo(REQUEST, (event) => collector.take(event));
    for (const event of told) sink(event);
    expect(collector.answer()).toEqual(MEANT);
  }
  const sink = () => {};
  expect(customCallsTo({ ...REQUEST, tools: [] }, sink)).toBe(sink);
});

test("a call that is too long to be kept is given on as it comes", () => {
  const pieces: string[] = [];
  const sink = customCallsTo(REQUEST, (event) => {
    if (event.kind === "delta") pieces.push(event.text);
  });
  sink({ kind: "part_start", choice: 0, part: 0, start: { kind: "tool_call", id: "a", name: "sh" } });
  const piece = "x".repeat(1 << 20);
  for (let count = 0; count < 6; count++) sink({ kind: "delta", choice: 0, part: 0, text: piece });
  expect(pieces.map(({ length }) => length)).toEqual([5 << 20, 1 << 20]);
});

test("a client of Responses gets its custom tool's calls from a provider that knows functions only", () => {
  const tools = [{ type: "custom", name: "apply_patch" }];
  const asked = { model: "m", input: "hi", tools };
  const request = RESPONSES.readRequest(asked, { model: null, stream: true }) as ChatRequest;
  const context = { call_id: "c", model: "m", now_s: 1, request };
  const block = { type: "tool_use", id: "toolu_1", name: "apply_patch", input: { input: "*** Begin" } };
  const message = { id: "msg_1", model: "m", content: [block], stop_reason: "tool_use" };
  const whole = translateAnswer(Buffer.from(JSON.stringify(message)), MESSAGES, RESPONSES, context)!;
  const called = { type: "custom_tool_call", call_id: "toolu_1", name: "apply_patch", input: "*** Begin" };
  expect(JSON.parse(Buffer.from(whole.body).toString())).toMatchObject({ output: [called] });
  const events = [
    { type: "message_start", message: { id: "msg_1", model: "m" } },
    { type: "content_block_start", index: 0, content_block: { ...block, input: {} } },
    ...['{"input": "*** ', 'Begin"}'].map((partial_json) => ({
      ...{ type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json } },
    })),
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "tool_use" } },
    { type: "message_stop" },
  ];
  const stream = new StreamTranslation(MESSAGES, RESPONSES, context);
  const bytes = Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""));
  const collector = new AnswerCollector();
  const reader = RESPONSES.readStream((event) => collector.take(event));
  reader.feed(stream.feed(bytes));
  reader.feed(stream.close());
  reader.close();
  const [part] = collector.answer().choices[0]!.parts;
  expect(part).toMatchObject({
    kind: "tool_call",
    name: "apply_patch",
    arguments: "*** Begin",
    is_custom: true,
  });
});
