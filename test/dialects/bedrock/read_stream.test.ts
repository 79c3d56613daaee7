// Streams that are not as they should be, exceptions, and events that no recording has.

import { expect, test } from "vitest";
import { JSON_TOOL } from "../../../src/dialects/anthropic/json_tool.ts";
import { BEDROCK } from "../../../src/dialects/bedrock/format.ts";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { AnswerCollector } from "../../../src/dialects/neutral/collect.ts";
import { statusOfStreamError } from "../../../src/dialects/openai/error.ts";
import { eventFrame, exceptionFrame, frameOf } from "../../wire/event_frames.ts";

type Json = Record<string, unknown>;

function eventsOf(...frames: readonly Uint8Array[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const reader = BEDROCK.readStream((event) => events.push(event));
  reader.feed(Buffer.concat(frames));
  reader.close();
  return events;
}

function answerOf(...frames: readonly Uint8Array[]): ChatAnswer {
  const collector = new AnswerCollector();
  for (const event of eventsOf(...frames)) collector.take(event);
  return collector.answer();
}

const START = eventFrame("messageStart", { role: "assistant" });
const USAGE = eventFrame("metadata", { usage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 } });
const stop = (stopReason: string) => eventFrame("messageStop", { stopReason });
const delta = (contentBlockIndex: number, said: Json) =>
  eventFrame("contentBlockDelta", { contentBlockIndex, delta: said });
const begun = (contentBlockIndex: number, start: Json) =>
  eventFrame("contentBlockStart", { contentBlockIndex, start });
const ended = (contentBlockIndex: number) => eventFrame("contentBlockStop", { contentBlockIndex });
const partsOf = (...frames: readonly Uint8Array[]) =>
  answerOf(START, ...frames, stop("end_turn"), USAGE).choices[0]!.parts;

test.each([
  ["throttlingException", 429, "rate_limit_error"],
  ["validationException", 400, "invalid_request_error"],
  ["modelStreamErrorException", 502, "server_error"],
  ["serviceUnavailableException", 503, "server_error"],
  ["internalServerException", 500, "server_error"],
  ["modelTimeoutException", 504, "server_error"],
])("%s ends the stream with an error", (name, status, type) => {
  const events = eventsOf(START, delta(0, { text: "a" }), exceptionFrame(name, "so it is"), USAGE);
  const last = events.at(-1)!;
  expect(last).toEqual({
    kind: "error",
    error: {
      message: "so it is",
      type,
      param: null,
      code: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    },
  });
  if (last.kind === "error") expect(statusOfStreamError(last.error)).toBe(status);
});

test("an error without an exception's name is told too", () => {
  const headers = { ":message-type": "error", ":error-code": "InternalError", ":error-message": "no" };
  expect(eventsOf(START, frameOf(headers, Buffer.alloc(0))).at(-1)).toMatchObject({
    kind: "error",
    error: { message: "no", code: "InternalError" },
  });
});

test("a byte that is wrong in mid-stream ends it with an error, and nothing more", () => {
  const broken = Buffer.from(delta(0, { text: "b" }));
  broken[broken.length - 6]! ^= 1;
  const events = eventsOf(START, delta(0, { text: "a" }), broken, stop("end_turn"), USAGE);
  expect(events.at(-1)).toMatchObject({ kind: "error", error: { code: "upstream_stream_interrupted" } });
  expect(events.map(({ kind }) => kind)).not.toContain("end");
});

test("an event that is too long is an error", () => {
  const events = eventsOf(START, delta(0, { text: "a".repeat(5 << 20) }));
  expect(events.at(-1)).toMatchObject({ kind: "error", error: { code: "upstream_stream_interrupted" } });
});

test("thoughts, their signature, and thoughts that are hidden", () => {
  const thought = (reasoningContent: Json) => ({ reasoningContent });
  expect(
    partsOf(
      delta(0, thought({ text: "hm" })),
      delta(0, thought({ text: "m" })),
      delta(0, thought({ signature: "sig" })),
      ended(0),
      delta(1, thought({ redactedContent: "AAEC" })),
      ended(1),
      delta(2, { text: "so" }),
      ended(2),
    ),
  ).toEqual([
    { kind: "thinking", text: "hmm", signature: { format: "messages", value: "sig" } },
    { kind: "thinking", text: "", encrypted: { format: "bedrock", value: "AAEC" } },
    { kind: "text", text: "so" },
  ]);
});

test("a call without arguments has empty ones, and the answer's own tool is a text", () => {
  const use = (name: string) => ({ toolUse: { toolUseId: "t1", name } });
  expect(partsOf(begun(0, use("f")), ended(0))).toEqual([
    { kind: "tool_call", id: "t1", name: "f", arguments: "{}" },
  ]);
  const answer = answerOf(
    START,
    begun(0, use(JSON_TOOL)),
    delta(0, { toolUse: { input: '{"a":' } }),
    delta(0, { toolUse: { input: "1}" } }),
    ended(0),
    stop("tool_use"),
    USAGE,
  );
  expect(answer.choices[0]).toEqual({
    index: 0,
    parts: [{ kind: "text", text: '{"a":1}' }],
    finish: { reason: "stop", raw: "tool_use" },
  });
});

test("what the provider does by itself is told whole", () => {
  expect(
    partsOf(
      begun(0, { toolUse: { toolUseId: "s1", name: "nova_grounding", type: "server_tool_use" } }),
      delta(0, { toolUse: { input: '{"query":"x"}' } }),
      ended(0),
      begun(1, { toolResult: { toolUseId: "s1", type: "nova_grounding_result", status: "success" } }),
      delta(1, { toolResult: [{ text: "hidden" }] }),
      ended(1),
      begun(2, { image: { format: "png" } }),
      delta(2, { image: { source: { bytes: "AAEC" } } }),
      ended(2),
    ),
  ).toEqual([
    {
      kind: "own",
      format: "bedrock",
      value: {
        toolUse: {
          ...{ toolUseId: "s1", name: "nova_grounding", type: "server_tool_use" },
          input: { query: "x" },
        },
      },
    },
    {
      kind: "own",
      format: "bedrock",
      value: {
        toolResult: {
          ...{ toolUseId: "s1", type: "nova_grounding_result", status: "success" },
          content: [{ text: "hidden" }],
        },
      },
    },
    { kind: "image", source: { kind: "base64", media_type: "image/png", data: "AAEC" } },
  ]);
});

test("usage may be missing behind the stop; without a stop there is no end", () => {
  const kinds = (...frames: readonly Uint8Array[]) => eventsOf(...frames).map(({ kind }) => kind);
  expect(kinds(START, delta(0, { text: "a" }), stop("end_turn")).at(-1)).toBe("end");
  expect(kinds(START, delta(0, { text: "a" }), USAGE)).not.toContain("end");
  expect(kinds(START, delta(0, { text: "a" }))).toEqual(["start", "part_start", "delta"]);
});

test("events that are new, broken or out of order harm nothing", () => {
  const parts = partsOf(
    eventFrame("somethingNew", { a: 1 }),
    START,
    ended(7),
    delta(0, { somethingNew: {} }),
    delta(0, { toolUse: { input: "x" } }),
    frameOf({ ":event-type": "contentBlockDelta", ":message-type": "event" }, Buffer.from("{no json")),
    delta(0, { text: "a" }),
    delta(0, { text: "" }),
  );
  expect(parts).toEqual([{ kind: "text", text: "a" }]);
});

test.each([
  ["end_turn", "stop"],
  ["stop_sequence", "stop_sequence"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "context_length"],
  ["tool_use", "tool_calls"],
  ["guardrail_intervened", "content_filter"],
  ["content_filtered", "content_filter"],
  ["malformed_tool_use", "malformed_call"],
  ["something_new", "other"],
])("%s is %s", (raw, reason) => {
  expect(answerOf(START, delta(0, { text: "a" }), stop(raw)).choices[0]!.finish).toEqual({ reason, raw });
});
