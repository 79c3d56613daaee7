// Calls and answers in the formats that clients and upstreams speak, for tests that do the same in each.

import { FORMATS } from "../../src/dialects/formats.ts";
import type { ChatAnswer, StreamEvent } from "../../src/dialects/neutral/answer.ts";
import { AnswerCollector, tellAnswer } from "../../src/dialects/neutral/collect.ts";
import type { Part } from "../../src/dialects/neutral/parts.ts";
import { EMPTY_REQUEST } from "../../src/dialects/neutral/request.ts";
import { usageOf } from "../../src/dialects/usage.ts";
import { checkGeminiStream } from "../dialects/grammar/gemini.ts";
import { checkMessagesStream } from "../dialects/grammar/messages.ts";
import { checkResponsesStream } from "../dialects/grammar/responses.ts";
import type { Reply, Script } from "../scripted_upstream.ts";

/** The formats of clients that are not chat completions. */
export const NEW_FORMATS = ["messages", "responses", "gemini"] as const;
export type NewFormat = (typeof NEW_FORMATS)[number];
export type Format = "chat" | NewFormat;

type Json = Record<string, unknown>;

/** What is wrong with a stream, by its format. */
export const CHECKS: Readonly<Record<NewFormat, (stream: Uint8Array) => string[]>> = {
  messages: checkMessagesStream,
  responses: checkResponsesStream,
  gemini: checkGeminiStream,
};

const CONTEXT = {
  ...{ call_id: "call1", model: "asked", now_s: 1_700_000_000 },
  request: { ...EMPTY_REQUEST, model: "asked", asks_usage: true },
};

/** An answer of these parts. */
export function answerOf(parts: readonly Part[]): ChatAnswer {
  const calls = parts.some(({ kind }) => kind === "tool_call");
  return {
    ...{ id: "answer1", model: "served", created_s: 1_700_000_000 },
    choices: [
      {
        ...{ index: 0, parts },
        finish: calls ? { reason: "tool_calls", raw: "tool_calls" } : { reason: "stop", raw: "stop" },
      },
    ],
    usage: usageOf({ input_tokens: 12, output_tokens: 9 }),
  };
}

/** An answer of one text. */
export function textAnswer(text: string): ChatAnswer {
  return answerOf([{ kind: "text", text }]);
}

/** The events of an answer's stream, as the neutral form has them; `cut` says into which pieces a text comes. */
export function eventsOfAnswer(
  answer: ChatAnswer,
  cut: (text: string) => readonly string[] = (text) => [text],
): StreamEvent[] {
  const events: StreamEvent[] = [];
  tellAnswer(answer, (event) => {
    if (event.kind === "delta") for (const text of cut(event.text)) events.push({ ...event, text });
    else events.push(event);
  });
  return events;
}

/** The stream of an answer in a format. */
export function streamOf(
  format: Format,
  answer: ChatAnswer,
  cut?: (text: string) => readonly string[],
): Buffer {
  const writer = FORMATS[format]!.format.writeStream(CONTEXT);
  return Buffer.from(
    eventsOfAnswer(answer, cut)
      .map((event) => writer.write(event))
      .join(""),
  );
}

/** An answer as a whole in a format. */
export function wholeOf(format: Format, answer: ChatAnswer): Buffer {
  return Buffer.from(JSON.stringify(FORMATS[format]!.format.writeAnswer(answer, CONTEXT)));
}

/** What a stream says. */
export function readStream(format: Format, stream: Uint8Array): ChatAnswer {
  const collector = new AnswerCollector();
  const reader = FORMATS[format]!.format.readStream((event) => {
    if (event.kind !== "end" && event.kind !== "error") collector.take(event);
  });
  reader.feed(stream);
  reader.close();
  return collector.answer();
}

/** What an answer says, whole or streamed. */
export function readBack(format: Format, is_stream: boolean, body: Uint8Array): ChatAnswer {
  if (is_stream) return readStream(format, body);
  return FORMATS[format]!.format.readAnswer(JSON.parse(Buffer.from(body).toString()) as Json)!;
}

/** The text of an answer. */
export function textOf({ choices }: ChatAnswer): string {
  return (choices[0]?.parts ?? []).map((part) => (part.kind === "text" ? part.text : "")).join("");
}

/** The data of a stream's events. */
export function dataOf(stream: string): Json[] {
  return stream
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)) as Json);
}

const BODIES: Readonly<Record<Format, (text: string) => Json>> = {
  chat: (content) => ({ messages: [{ role: "user", content }], stream_options: { include_usage: true } }),
  responses: (input) => ({ input }),
  messages: (content) => ({ max_tokens: 100, messages: [{ role: "user", content }] }),
  gemini: (text) => ({ contents: [{ role: "user", parts: [{ text }] }] }),
};

/** A request to a model: the path, and what it is sent with. */
export function requestOf(
  format: Format,
  is_stream: boolean,
  text = "Hello",
  extra: Json = {},
  model = "chat",
): [string, RequestInit & { headers: Record<string, string> }] {
  const { stream_options, ...body } = BODIES[format](text);
  const streamed = { stream: is_stream, ...(is_stream && stream_options ? { stream_options } : {}) };
  const paths: Readonly<Record<Format, string>> = {
    chat: "/v1/chat/completions",
    responses: "/v1/responses",
    messages: "/v1/messages",
    gemini: `/v1beta/models/${model}:${is_stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
  };
  const asked = format === "gemini" ? body : { model, ...body, ...streamed };
  return [
    paths[format],
    {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer key-of-acme" },
      body: JSON.stringify({ ...asked, ...extra }),
    },
  ];
}

/** The providers of a configuration, by the formats that they speak. */
export function providersAt(base_url: string): string {
  return `
providers:
  chat: { kind: openai, base_url: "${base_url}", api_keys: [none] }
  responses: { kind: openai, base_url: "${base_url}", api_keys: [none], responses: true }
  messages: { kind: anthropic, base_url: "${base_url}", api_keys: [none] }
  gemini: { kind: gemini, base_url: "${base_url}", api_keys: [none] }
`;
}

/** The format in which an upstream is asked. */
export function askedIn(path: string): Format {
  if (path.includes("enerateContent")) return "gemini";
  if (path.endsWith("/messages")) return "messages";
  return path.endsWith("/responses") ? "responses" : "chat";
}

/** Whether a stream is asked for. */
export function asksStream(path: string, body: unknown): boolean {
  return path.includes("streamGenerateContent") || (body as { stream?: boolean }).stream === true;
}

/** Begins a stream. */
export async function beginStream(reply: Reply): Promise<void> {
  await reply.head(200, { "content-type": "text/event-stream" });
}

/** Gives an answer in the format in which it is asked. */
export function answers(
  answer: ChatAnswer | ((text: string) => ChatAnswer),
  cut: (text: string) => readonly string[] = (text) => text.match(/.{1,3}/gsu) ?? [],
): Script {
  return async (request, reply) => {
    const format = askedIn(request.path);
    const said = typeof answer === "function" ? answer(request.text()) : answer;
    if (asksStream(request.path, request.json())) {
      await beginStream(reply);
      await reply.chunk(streamOf(format, said, cut));
    } else {
      await reply.head(200, { "content-type": "application/json" });
      await reply.chunk(wholeOf(format, said));
    }
  };
}
