// What every other provider was recorded to answer, as a client of Responses gets it.

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { MESSAGES } from "../../../src/dialects/anthropic/format.ts";
import { GEMINI } from "../../../src/dialects/gemini/format.ts";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { AnswerCollector } from "../../../src/dialects/neutral/collect.ts";
import type { AnswerFormat } from "../../../src/dialects/neutral/format.ts";
import { CHAT } from "../../../src/dialects/openai/chat/format.ts";
import { RESPONSES } from "../../../src/dialects/responses/format.ts";
import { parseExact } from "../../../src/wire/exact_json.ts";
import { checkResponsesAnswer, checkResponsesStream } from "../grammar/responses.ts";
import { contextOf, requestOf } from "./context.ts";

const root = resolve(import.meta.dirname, "../../../../shared/fixtures");
const is_there = existsSync(`${root}/index.jsonl`);

const FORMATS: Readonly<Record<string, AnswerFormat>> = {
  "chat.completions": CHAT,
  messages: MESSAGES,
  generateContent: GEMINI,
  streamGenerateContent: GEMINI,
};

interface Entry {
  readonly case: string;
  readonly op: string;
  readonly status: number;
  readonly kind: string;
}

function entries(kind: string): [string, Entry][] {
  if (!is_there) return [];
  return readFileSync(`${root}/index.jsonl`, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Entry)
    .filter((entry) => entry.status === 200 && entry.kind === kind && FORMATS[entry.op] !== undefined)
    .map((entry) => [entry.case, entry]);
}

function bodyOf(entry: Entry): Uint8Array {
  return readFileSync(`${root}/${entry.case}/response.body`);
}

/** What an answer says that every format has. */
function gist(answer: ChatAnswer) {
  const parts = answer.choices[0]?.parts ?? [];
  const called = parts.filter((part) => part.kind === "tool_call");
  return {
    text: parts.map((part) => (part.kind === "text" ? part.text : "")).join(""),
    thought: parts.map((part) => (part.kind === "thinking" ? part.text : "")).join(""),
    called: called.map((part) => [part.name, part.arguments]),
    input: answer.usage?.input_tokens,
    output: answer.usage?.output_tokens,
  };
}

/** Signatures in the order that they come in; one that no part is left for counts too. */
function signaturesIn(answer: ChatAnswer): string[] {
  return (answer.choices[0]?.parts ?? []).flatMap((part) => {
    if (part.kind !== "thinking" && part.kind !== "text" && part.kind !== "tool_call") return [];
    const encrypted = part.kind === "thinking" ? part.encrypted : undefined;
    const signed = encrypted ?? part.signature;
    return signed === undefined ? [] : [`${part.kind} ${signed.format} ${signed.value}`];
  });
}

/** The turn as the next request has it, that repeats it. */
function sentBack(written: Readonly<Record<string, unknown>>): ChatAnswer {
  const request = requestOf({ model: "m", input: written["output"] });
  const parts = request.messages.flatMap((message) => message.parts);
  return { id: "", model: "", created_s: null, usage: null, choices: [{ index: 0, parts, finish: null }] };
}

describe.skipIf(!is_there)("recorded answers of other formats (needs ../shared/fixtures)", () => {
  // Gemini without `alt=sse` streams a list.
  const whole = entries("json").filter(([, { op }]) => op !== "streamGenerateContent");

  test.each(whole)("%s", (_, entry) => {
    const answer = FORMATS[entry.op]!.readAnswer(parseExact(bodyOf(entry)) as Record<string, unknown>);
    if (answer === null) return expect(entry.case).toBe("vertex/firebase_unary-failure-invalid-response.0");
    const written = JSON.parse(JSON.stringify(RESPONSES.writeAnswer(answer, contextOf(null))));
    expect(checkResponsesAnswer(written)).toEqual([]);
    expect(gist(RESPONSES.readAnswer(written)!)).toEqual(gist(answer));
    expect(signaturesIn(sentBack(written))).toEqual(signaturesIn(answer));
  });

  test.each(entries("sse"))("the stream %s", (_, entry) => {
    const events: StreamEvent[] = [];
    const reader = FORMATS[entry.op]!.readStream((event) => events.push(event));
    reader.feed(bodyOf(entry));
    reader.close();
    const writer = RESPONSES.writeStream(contextOf(null));
    const stream = Buffer.from(events.map((event) => writer.write(event)).join(""));
    if (!["end", "error"].includes(events.at(-1)!.kind)) return;
    expect(checkResponsesStream(stream)).toEqual([]);
    const [told, read] = [new AnswerCollector(), new AnswerCollector()];
    for (const event of events) told.take(event);
    const again = RESPONSES.readStream((event) => read.take(event));
    again.feed(stream);
    again.close();
    if (events.at(-1)!.kind === "error") return;
    expect(gist(read.answer())).toEqual(gist(told.answer()));
    const text = stream.toString();
    const last = JSON.parse(text.slice(text.lastIndexOf("\ndata: ") + 7)) as {
      response: Record<string, unknown>;
    };
    expect(signaturesIn(sentBack(last.response))).toEqual(signaturesIn(told.answer()));
  });
});
