// Everything recorded of the Responses API, read and written again: nothing that it says is lost, however the bytes are cut.

import { describe, expect, test } from "vitest";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { AnswerCollector, tellAnswer } from "../../../src/dialects/neutral/collect.ts";
import { Losses } from "../../../src/dialects/neutral/losses.ts";
import { readResponsesError } from "../../../src/dialects/responses/error.ts";
import { RESPONSES } from "../../../src/dialects/responses/format.ts";
import { parseExact } from "../../../src/wire/exact_json.ts";
import { checkResponsesAnswer, checkResponsesStream } from "../grammar/responses.ts";
import { contextOf, requestOf } from "./context.ts";
import { has_recordings, recordedCalls } from "./recorded.ts";

type Fields = Record<string, unknown>;

const calls = recordedCalls();
const good = calls.filter(({ status }) => status === 200);
const streams = good.filter(({ kind }) => kind === "sse");
const answers = good.filter(({ kind }) => kind === "json");

function read(bytes: Uint8Array): Fields {
  return parseExact(bytes) as Fields;
}

function eventsOf(chunks: readonly Uint8Array[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const reader = RESPONSES.readStream((event) => events.push(event));
  for (const chunk of chunks) reader.feed(chunk);
  reader.close();
  return events;
}

function collected(events: readonly StreamEvent[]): ChatAnswer {
  const collector = new AnswerCollector();
  for (const event of events) collector.take(event);
  return collector.answer();
}

function written(events: readonly StreamEvent[], context: ReturnType<typeof contextOf>): Uint8Array {
  const writer = RESPONSES.writeStream(context);
  return Buffer.from(events.map((event) => writer.write(event)).join(""));
}

/** The last response that a stream tells, read by nothing but lines. */
function lastResponse(body: Uint8Array): Fields {
  const lines = new TextDecoder().decode(body).split("\n");
  const data = lines.findLast((line) => line.startsWith("data: {") && line.includes('"response.completed"'));
  return (JSON.parse(data!.slice(6)) as { response: Fields }).response;
}

/** What a response says, by a reading as simple as can be. */
function saidIn(response: Fields) {
  const output = response["output"] as Fields[];
  const texts = output
    .filter(({ type }) => type === "message")
    .flatMap(({ content }) => (content as Fields[]).map(({ text }) => text));
  const called = output
    .filter(({ type }) => type === "function_call")
    .map(({ call_id, name, arguments: args }) => [call_id, name, args]);
  const thoughts = output
    .filter(({ type }) => type === "reasoning")
    .flatMap(({ summary, content }) => [...((content as Fields[]) ?? []), ...(summary as Fields[])])
    .map(({ text }) => text);
  const { input_tokens, output_tokens } = response["usage"] as Fields;
  return { texts, called, thoughts, used: [input_tokens, output_tokens], id: response["id"] };
}

function saidBy(answer: ChatAnswer): ReturnType<typeof saidIn> {
  const parts = answer.choices[0]!.parts;
  return {
    texts: parts.filter((part) => part.kind === "text").map(({ text }) => text),
    called: parts
      .filter((part) => part.kind === "tool_call")
      .map(({ id, name, arguments: args }) => [id, name, args]),
    thoughts: parts.flatMap((part) => (part.kind === "thinking" && part.text !== "" ? [part.text] : [])),
    used: [answer.usage?.input_tokens, answer.usage?.output_tokens],
    id: answer.id,
  };
}

/** A request's body, with what means the same written the same. */
function plain(body: Fields): Fields {
  const { stream, input, ...rest } = body;
  const items = typeof input === "string" ? [{ role: "user", content: input }] : (input as Fields[]);
  const told = items.map((item) => {
    const { type, content, status, ...others } = item;
    const parts = (typeof content === "string" ? [{ type: "text", text: content }] : content) as
      | Fields[]
      | undefined;
    if (type !== undefined && type !== "message") {
      // What a reasoning or a call is sent back with has always come to its end; an empty list says nothing.
      const { status: _, content: __, ...sent } = item;
      return (content as [] | undefined)?.length
        ? { ...sent, content }
        : type === "web_search_call"
          ? item
          : sent;
    }
    const kinds = parts?.map((part) => ({
      annotations: [],
      ...part,
      logprobs: [],
      type: `${part["type"]}`.replace(/^(in|out)put_/, ""),
    }));
    return { status, ...others, content: kinds };
  });
  return { ...rest, input: told, stream: stream === true };
}

/** An answer without what has more than one way to say nothing. */
function plainAnswer(response: Fields): Fields {
  const output = (response["output"] as Fields[]).map((item) => {
    // Bedrock's calls have an id of another name, and fields of an event.
    const { status, content, item_id, output_index: _, ...others } = item;
    const rest = item_id === undefined ? others : { ...others, id: item_id };
    if (item["type"] === "reasoning") return { ...rest, content: content ?? [] };
    return item["type"] === "message"
      ? { ...rest, status, content: (content as Fields[]).map((part) => ({ logprobs: [], ...part })) }
      : { ...rest, status };
  });
  return { ...response, output };
}

/** Without the ids of reasonings: xAI gives two of one answer the same, and each has one of its own here. */
function withoutDoubles(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replace(/"id":"rs_[^"]*"/g, '"id":"rs"'));
}

describe.skipIf(!has_recordings)("what was recorded (needs ../shared/fixtures)", () => {
  test("there is something", () => {
    expect([calls.length, streams.length, answers.length]).toEqual([174, 26, 144]);
  });

  test.each(calls.filter(({ request }) => request !== null).map((call) => [call.case, call] as const))(
    "the request %s is written as it was read",
    (_, { request }) => {
      const losses = new Losses("error", "p/m");
      const target = { model: request!["model"] as string, provider_kind: "openai" };
      const again = RESPONSES.writeRequest(requestOf(request!), target, losses);
      expect(losses.error).toBe(null);
      expect(plain(JSON.parse(JSON.stringify(again)) as Fields)).toEqual(plain(request!));
    },
  );

  test.each(answers.map((call) => [call.case, call] as const))(
    "the answer %s is read, written, read again",
    (_, call) => {
      const body = JSON.parse(new TextDecoder().decode(call.body)) as Fields;
      const answer = RESPONSES.readAnswer(read(call.body))!;
      expect(saidBy(answer)).toEqual(saidIn(body));
      expect(answer.choices[0]!.finish!.reason).toBe(saidIn(body).called.length > 0 ? "tool_calls" : "stop");
      expect(readResponsesError(body, 200)).toBe(null);
      const context = contextOf(call.request);
      const again = JSON.parse(JSON.stringify(RESPONSES.writeAnswer(answer, context))) as Fields;
      expect(checkResponsesAnswer(again)).toEqual([]);
      expect(withoutDoubles(RESPONSES.readAnswer(again)!.choices)).toEqual(withoutDoubles(answer.choices));
      expect(withoutDoubles(plainAnswer(again))).toMatchObject({
        ...(withoutDoubles(plainAnswer(body)) as Fields),
        usage: {},
      });
      const events: StreamEvent[] = [];
      tellAnswer(answer, (event) => events.push(event));
      const stream = written(events, context);
      expect(checkResponsesStream(stream)).toEqual([]);
      expect(withoutDoubles(collected(eventsOf([stream])).choices)).toEqual(withoutDoubles(answer.choices));
    },
  );

  test.each(streams.map((call) => [call.case, call] as const))(
    "the stream %s is read, written, read again",
    (_, call) => {
      const events = eventsOf([call.body]);
      expect(events.at(-1)).toEqual({ kind: "end" });
      const answer = collected(events);
      const response = lastResponse(call.body);
      expect(saidBy(answer)).toEqual(saidIn(response));
      // It is encrypted anew each time that it is told.
      const without = (choices: unknown) =>
        JSON.parse(JSON.stringify(choices).replace(/"value":"[^"]*"/g, '"value":""'));
      expect(without(answer.choices)).toEqual(without(RESPONSES.readAnswer(response)!.choices));
      const stream = written(events, contextOf(call.request));
      expect(checkResponsesStream(stream)).toEqual([]);
      // What a provider says that a call costs is for the gateway; the client is told its own price.
      const told = (all: readonly StreamEvent[]) =>
        all
          .filter(({ kind }) => kind !== "start")
          .map((event) => (event.kind === "usage" ? { ...event.usage, told_nano_usd: 0 } : event));
      expect(told(eventsOf([stream]))).toEqual(told(events));
    },
  );

  test("a stream says the same wherever it is cut in two, and byte by byte", () => {
    for (const { case: name, body } of streams) {
      const whole = JSON.stringify(eventsOf([body]));
      // Every place of a short stream, and some hundreds of a long one.
      const step = Math.max(1, Math.floor(body.length / 300));
      for (let at = 1; at < body.length; at += step) {
        const halves = eventsOf([body.subarray(0, at), body.subarray(at)]);
        if (JSON.stringify(halves) !== whole)
          expect(halves, `${name} cut at ${at}`).toEqual(eventsOf([body]));
      }
      const bytes = Array.from(body, (_, at) => body.subarray(at, at + 1));
      expect(JSON.stringify(eventsOf(bytes)) === whole, name).toBe(true);
    }
  });

  test("a stream that ends too early has no end", () => {
    for (const { case: name, body } of streams) {
      const last = new TextDecoder("latin1").decode(body).lastIndexOf("data: {");
      for (let at = 0; at < last; at += Math.max(1, Math.floor(last / 50))) {
        const kinds = eventsOf([body.subarray(0, at)]).map(({ kind }) => kind);
        expect(kinds.includes("end") || kinds.includes("finish"), `${name} cut at ${at}`).toBe(false);
      }
    }
  });

  test("errors keep their words", () => {
    const errors = calls
      .filter(({ status }) => status >= 400)
      .map(({ body, status }) => readResponsesError(read(body), status));
    expect(errors.map((error) => [error?.type, error?.code, error?.param])).toEqual([
      ["invalid_request_error", "invalid_api_key", null],
      ["invalid_request_error", "context_length_exceeded", "input"],
      ["invalid_request_error", "invalid_api_key", null],
      ["invalid_request_error", "invalid-argument", null],
    ]);
  });
});
