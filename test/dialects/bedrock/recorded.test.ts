// Recorded answers and streams of Converse, read wherever they are cut, and written for clients of other formats.

import { expect, test } from "vitest";
import { MESSAGES } from "../../../src/dialects/anthropic/format.ts";
import { BEDROCK } from "../../../src/dialects/bedrock/format.ts";
import { unpackedMessages } from "../../../src/dialects/bedrock/messages_stream.ts";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { AnswerCollector } from "../../../src/dialects/neutral/collect.ts";
import { EMPTY_REQUEST } from "../../../src/dialects/neutral/request.ts";
import { CHAT } from "../../../src/dialects/openai/chat/format.ts";
import { parseExact } from "../../../src/wire/exact_json.ts";
import { checkChatStream } from "../grammar/chat.ts";
import { checkMessagesStream } from "../grammar/messages.ts";
import { recordedCalls, simpleFrames } from "./recorded.ts";

type Fields = Record<string, unknown>;

const CALLS = recordedCalls();
const ANSWERS = CALLS.filter(({ op, status }) => op === "converse" && status === 200);
const STREAMS = CALLS.filter(({ op }) => op === "converse-stream");
const PACKED = CALLS.filter(
  ({ op, name }) => op === "invoke-with-response-stream" && name.includes("anthropic"),
);
const CONTEXT = {
  call_id: "call1",
  model: "claude",
  now_s: 1_790_000_000,
  request: { ...EMPTY_REQUEST, model: "claude", stream: true, asks_usage: true },
};

function eventsOf(chunks: readonly Uint8Array[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const reader = BEDROCK.readStream((event) => events.push(event));
  for (const chunk of chunks) reader.feed(chunk);
  reader.close();
  return events;
}

function collected(events: readonly StreamEvent[]): ChatAnswer {
  const collector = new AnswerCollector();
  for (const event of events) collector.take(event);
  return collector.answer();
}

const textsOf = ({ choices }: ChatAnswer) =>
  choices[0]!.parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
const thoughtsOf = ({ choices }: ChatAnswer) =>
  choices[0]!.parts.map((part) => (part.kind === "thinking" ? part.text : "")).join("");
const callsOf = ({ choices }: ChatAnswer) =>
  choices[0]!.parts.flatMap((part) =>
    part.kind === "tool_call" ? [[part.id, part.name, JSON.parse(part.arguments) as unknown]] : [],
  );
const citationsOf = ({ choices }: ChatAnswer) =>
  choices[0]!.parts.flatMap((part) => (part.kind === "text" ? (part.citations ?? []) : []));

test.skipIf(CALLS.length === 0)("there are recordings of every kind", () => {
  expect(ANSWERS.length).toBe(62);
  expect(STREAMS.length).toBe(19);
  expect(PACKED.length).toBe(4);
});

test.each(ANSWERS)("the answer of $name says what it says", ({ body }) => {
  const value = parseExact(body) as Fields;
  const answer = BEDROCK.readAnswer(value)!;
  const blocks = ((value["output"] as Fields)["message"] as Fields)["content"] as Fields[];
  const cited = blocks.flatMap((block) => {
    const { content = [] } = (block["citationsContent"] ?? {}) as { content?: Fields[] };
    return [block["text"] ?? "", ...content.map(({ text }) => text)];
  });
  expect(textsOf(answer)).toBe(cited.join(""));
  const calls = blocks.flatMap(({ toolUse }) => {
    const { toolUseId, name, input, type } = (toolUse ?? { type: "server_tool_use" }) as Fields;
    return type === "server_tool_use" ? [] : [[toolUseId, name, input]];
  });
  expect(callsOf(answer)).toEqual(calls);
  const { inputTokens, outputTokens } = value["usage"] as Record<string, number>;
  expect(answer.usage!.output_tokens).toBe(outputTokens);
  expect(answer.usage!.input_tokens).toBeGreaterThanOrEqual(inputTokens!);
  const citations = blocks.flatMap(({ citationsContent }) =>
    citationsContent === undefined ? [] : ((citationsContent as Fields)["citations"] as unknown[]),
  );
  expect(citationsOf(answer).length).toBe(citations.length);
  expect(answer.choices[0]!.finish!.raw).toBe(value["stopReason"] as string);
  const chat = CHAT.readAnswer(JSON.parse(JSON.stringify(CHAT.writeAnswer(answer, CONTEXT))) as Fields)!;
  expect([textsOf(chat), callsOf(chat)]).toEqual([textsOf(answer), callsOf(answer)]);
});

test.each(STREAMS)("the stream of $name is read wherever it is cut", ({ body }) => {
  const whole = eventsOf([body]);
  expect(whole.at(-1)).toEqual({ kind: "end" });
  const answer = collected(whole);
  const frames = simpleFrames(body);
  const deltas = frames.flatMap(({ event }) => ("delta" in event ? [event["delta"] as Fields] : []));
  expect(textsOf(answer)).toBe(deltas.map(({ text }) => text ?? "").join(""));
  const thoughts = deltas.map(({ reasoningContent }) => ((reasoningContent ?? {}) as Fields)["text"] ?? "");
  expect(thoughtsOf(answer)).toBe(thoughts.join(""));
  const stop = frames.find(({ name }) => name === "messageStop")!;
  expect(answer.choices[0]!.finish!.raw).toBe(stop.event["stopReason"] as string);
  const usage = frames.at(-1)!.event["usage"] as Record<string, number>;
  expect(answer.usage).toMatchObject({
    input_tokens: usage["inputTokens"],
    output_tokens: usage["outputTokens"],
  });
  const starts = frames.filter(({ event }) => {
    const use = ((event["start"] ?? {}) as Fields)["toolUse"] as Fields | undefined;
    return use !== undefined && use["type"] === undefined;
  });
  expect(callsOf(answer).length).toBe(starts.length);
  expect(citationsOf(answer).length).toBe(deltas.filter(({ citation }) => citation !== undefined).length);

  const bytes = Array.from(body, (_, at) => body.subarray(at, at + 1));
  expect(eventsOf(bytes)).toEqual(whole);
  const step = Math.ceil(body.length / 100);
  for (let cut = 1; cut < body.length; cut += step) {
    expect(eventsOf([body.subarray(0, cut), body.subarray(cut)]).length).toBe(whole.length);
    // A stream that is cut does not end well, but for the usage behind its stop.
    const kinds = eventsOf([body.subarray(0, cut)]).map(({ kind }) => kind);
    if (!kinds.includes("finish")) expect(kinds).not.toContain("end");
  }

  for (const [format, check] of [
    [CHAT, checkChatStream],
    [MESSAGES, checkMessagesStream],
  ] as const) {
    const writer = format.writeStream(CONTEXT);
    const stream = whole.map((event) => writer.write(event)).join("");
    expect(check(stream)).toEqual([]);
    const again: StreamEvent[] = [];
    const reader = format.readStream((event) => again.push(event));
    reader.feed(Buffer.from(stream));
    reader.close();
    const read = collected(again);
    expect([textsOf(read), callsOf(read)]).toEqual([textsOf(answer), callsOf(answer)]);
  }
});

test.each(PACKED)("the messages in $name come out as Anthropic sends them", ({ body }) => {
  const { translation } = unpackedMessages();
  const whole = Buffer.from(translation.feed(body)).toString();
  expect(checkMessagesStream(whole)).toEqual([]);
  const sent = simpleFrames(body).map(({ event }) =>
    Buffer.from(String(event["bytes"]), "base64").toString(),
  );
  expect(whole).toBe(
    sent.map((text) => `event: ${String((JSON.parse(text) as Fields)["type"])}\ndata: ${text}\n\n`).join(""),
  );
  for (let cut = 1; cut < body.length; cut++) {
    const { translation: again } = unpackedMessages();
    const pieces = [body.subarray(0, cut), body.subarray(cut)].map((piece) => Buffer.from(again.feed(piece)));
    expect(Buffer.concat(pieces).toString()).toBe(whole);
  }
});
