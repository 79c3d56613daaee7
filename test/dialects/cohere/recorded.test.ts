import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readCohereError } from "../../../src/dialects/cohere/error.ts";
import { COHERE } from "../../../src/dialects/cohere/format.ts";
import { readCohereUsage } from "../../../src/dialects/cohere/usage.ts";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { Losses } from "../../../src/dialects/neutral/losses.ts";
import { CHAT } from "../../../src/dialects/openai/chat/format.ts";
import { GatewayError } from "../../../src/errors.ts";
import { checkEvents, collect } from "../gemini/context.ts";

const FOLDER = join(import.meta.dirname, "../../../../shared/fixtures");
const there = existsSync(join(FOLDER, "index.jsonl"));
if (!there) console.warn("skipped: the recorded traffic (../shared/fixtures) is not here");

type Json = Readonly<Record<string, unknown>>;

interface RecordedCall {
  readonly name: string;
  readonly status: number;
  readonly kind: string;
  readonly request: Json;
  readonly body: Buffer;
}

function recordedCalls(): RecordedCall[] {
  if (!there) return [];
  return readFileSync(join(FOLDER, "index.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, string>)
    .filter(({ op, provider }) => op === "chat" && provider === "cohere")
    .map(({ case: name, status, kind }) => {
      const { body } = JSON.parse(readFileSync(join(FOLDER, name!, "request.json"), "utf8")) as {
        body: string;
      };
      return {
        ...{ name: name!, status: Number(status), kind: kind! },
        request: JSON.parse(body) as Json,
        body: readFileSync(join(FOLDER, name!, "response.body")),
      };
    });
}

function readStream(chunks: readonly Uint8Array[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const reader = COHERE.readStream((event) => events.push(event));
  for (const chunk of chunks) reader.feed(chunk);
  reader.close();
  return events;
}

/** What an answer says, for comparison with what a simple reader finds. */
function gist({ id, choices, usage }: ChatAnswer) {
  const { parts, finish } = choices[0]!;
  const said = (kind: "text" | "thinking") =>
    parts.map((part) => (part.kind === kind ? part.text : "")).join("");
  return {
    ...{ id, text: said("text"), thoughts: said("thinking"), finish: finish?.raw, usage },
    calls: parts.flatMap((part) =>
      part.kind === "tool_call" ? [{ id: part.id, name: part.name, arguments: part.arguments }] : [],
    ),
    cited: parts.flatMap((part) =>
      part.kind === "text" ? (part.citations ?? []).map(({ start, end }) => part.text.slice(start, end)) : [],
    ),
  };
}

/** The same, read as simply as can be. */
function plainAnswer(body: Buffer) {
  const answer = JSON.parse(body.toString()) as Json;
  const {
    content = [],
    tool_plan = "",
    tool_calls = [],
    citations = [],
  } = answer["message"] as Record<string, Json[]>;
  return {
    id: answer["id"],
    text: content.map(({ text = "" }) => text).join(""),
    thoughts: `${tool_plan}${content.map(({ thinking = "" }) => thinking).join("")}`,
    finish: answer["finish_reason"],
    usage: readCohereUsage(answer["usage"]),
    calls: tool_calls.map((call) => ({ id: call["id"], ...(call["function"] as Json) })),
    cited: citations.flatMap(({ text, sources }) => (sources as unknown[]).map(() => text)),
  };
}

function plainStream(body: Buffer) {
  const events = body
    .toString()
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice("data: ".length)) as Json);
  // biome-ignore lint/suspicious/noExplicitAny: a test's own look into JSON that it knows
  const deltas = events.map((event) => ((event as any).delta?.message ?? {}) as Record<string, any>);
  const started = deltas.filter(({ tool_calls }) => tool_calls?.id !== undefined);
  const last = events.find(({ type }) => type === "message-end")!["delta"] as Json;
  return {
    id: events[0]!["id"],
    text: deltas.map(({ content }) => content?.text ?? "").join(""),
    thoughts: deltas.map(({ content, tool_plan }) => `${tool_plan ?? ""}${content?.thinking ?? ""}`).join(""),
    finish: last["finish_reason"],
    usage: readCohereUsage(last["usage"]),
    calls: started.map(({ tool_calls: { id, function: called } }, index) => ({
      ...{ id, name: called.name },
      arguments: events
        .filter(({ type, index: of }) => String(type).startsWith("tool-call") && of === index)
        // biome-ignore lint/suspicious/noExplicitAny: as above
        .map((event) => (event as any).delta?.message.tool_calls.function.arguments ?? "")
        .join(""),
    })),
    cited: deltas.flatMap(({ citations }) =>
      citations?.text === undefined ? [] : citations.sources.map(() => citations.text),
    ),
  };
}

describe.skipIf(!there)("recorded calls of Cohere's chat (../shared/fixtures)", () => {
  const calls = recordedCalls();
  const streams = calls.filter(({ kind }) => kind === "sse");
  const wholes = calls.filter(({ kind, status }) => kind === "json" && status === 200);

  test("there are some", () => {
    expect(streams.length).toBeGreaterThan(10);
    expect(wholes.length).toBeGreaterThan(40);
  });

  test.each(wholes.map((call) => [call.name, call] as const))("%s", (_, { body }) => {
    const answer = COHERE.readAnswer(JSON.parse(body.toString()) as Json)!;
    expect(gist(answer)).toEqual(plainAnswer(body));
  });

  test.each(streams.map((call) => [call.name, call] as const))("%s", (_, { body }) => {
    const events = readStream([body]);
    expect(checkEvents(events)).toEqual([]);
    expect(events.at(-1)).toEqual({ kind: "end" });
    expect(gist(collect(events))).toEqual(plainStream(body));
  });

  test.each(streams.map((call) => [call.name, call] as const))("%s, cut at every position", (_, { body }) => {
    const whole = JSON.stringify(readStream([body]));
    expect(JSON.stringify(readStream(Array.from(body, (byte) => Uint8Array.of(byte))))).toBe(whole);
    const step = Math.max(1, Math.floor(body.length / 300));
    for (let at = 1; at < body.length; at += step)
      expect(JSON.stringify(readStream([body.subarray(0, at), body.subarray(at)]))).toBe(whole);
  });

  test("a stream whose end is missing does not end well", () => {
    for (const { body } of streams) {
      const events = readStream([body.subarray(0, body.indexOf('"finish_reason"'))]);
      expect(events.some(({ kind }) => kind === "end")).toBe(false);
    }
  });

  test("errors", () => {
    const errors = calls.filter(({ status }) => status >= 400);
    expect(errors.map(({ body, status }) => readCohereError(JSON.parse(body.toString()), status))).toEqual([
      expect.objectContaining({ type: "authentication_error", code: null }),
      expect.objectContaining({ type: "invalid_request_error", code: "TOO_MANY_TOKENS" }),
    ]);
  });

  test("what was asked, as a client of chat completions asks it, is written as it was recorded", () => {
    let compared = 0;
    for (const { request, name } of calls) {
      // Documents that a tool found are no one else's.
      if (JSON.stringify(request).includes('"document')) continue;
      const read = CHAT.readRequest(asChat(request), { model: null, stream: false });
      if (read instanceof GatewayError) throw new Error(`${name}: ${read.message}`);
      const losses = new Losses("error", "cohere/model");
      const target = { model: String(request["model"]), provider_kind: "cohere" };
      expect({ name, ...plain(COHERE.writeRequest(read, target, losses)) }).toEqual({
        name,
        ...plain(request),
      });
      expect(losses.error).toBeNull();
      compared += 1;
    }
    expect(compared).toBeGreaterThan(50);
  });
});

/** A request of Cohere's, as a client of chat completions would make it. */
function asChat({ tool_choice, response_format, thinking, ...others }: Json): Json {
  const schema = (response_format as Json | undefined)?.["json_schema"];
  return {
    ...others,
    ...(tool_choice === undefined ? {} : { tool_choice: String(tool_choice).toLowerCase() }),
    ...(schema === undefined
      ? {}
      : { response_format: { type: "json_schema", json_schema: { name: "answer", schema } } }),
    ...(thinking === undefined ? {} : { thinking }),
  };
}

/** A request without what is the same said otherwise: texts as lists of one, empty texts beside calls, several texts of a tool. */
function plain(request: Json): Json {
  const messages = (request["messages"] as Json[]).map(({ content, ...message }) => {
    const parts = Array.isArray(content) ? (content as Json[]) : [{ type: "text", text: content ?? "" }];
    const is_text = parts.every(({ type }) => type === "text");
    return { ...message, content: is_text ? parts.map(({ text }) => text).join("\n") : parts };
  });
  return { ...request, messages };
}
