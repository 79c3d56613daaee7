// Values put back into streams of Responses, Messages and Gemini, cut anywhere: what a client reads is the answer with its values, and
// the stream is one of its format.

import { describe, expect, test } from "vitest";
import type { ChatAnswer } from "../../src/dialects/neutral/answer.ts";
import type { AnswerTexts } from "../../src/privacy/answer_texts.ts";
import { Mapping } from "../../src/privacy/mapping.ts";
import { PLACES } from "../../src/privacy/places/places.ts";
import { restoreAnswer } from "../../src/privacy/restore_answer.ts";
import { StreamRestorer } from "../../src/privacy/restore_stream.ts";
import { SseFramer } from "../../src/wire/sse.ts";
import {
  answerOf,
  CHECKS,
  NEW_FORMATS,
  type NewFormat,
  readBack,
  readStream,
  streamOf,
  wholeOf,
} from "../gateway/format_calls.ts";

const EMAIL = "ada@example.org";
const ODD = 'Sean "Doc"\\\n\u0001é😀';

const mapping = new Mapping();
mapping.placeholderOf("EMAIL", EMAIL);
mapping.placeholderOf("PERSON", ODD);

const PLACE = { messages: "/messages", responses: "/responses", gemini: "/generateContent" } as const;

/** An answer with a placeholder in each of its texts, and two in its call, one where an identity might stand. */
function answerWith(email: string, odd: string, format: NewFormat): ChatAnswer {
  return answerOf([
    { kind: "thinking", text: `I ask ${email}, or`, signature: { format, value: "c2lnbmF0dXJl" } },
    { kind: "text", text: `Dear ${odd} – Grüße 😀, ${email}` },
    {
      ...{ kind: "tool_call", id: "call_1", name: "send" },
      arguments: JSON.stringify({ id: email, name: odd, deep: [{ type: email, count: 12 }] }),
    },
  ]);
}

/** What a client gets of a stream. */
function restored(name: NewFormat, stream: Buffer, texts: Mapping | AnswerTexts = mapping): Buffer {
  const restorer = new StreamRestorer(texts, PLACES[PLACE[name]].stream);
  const parts: Uint8Array[] = [];
  const framer = new SseFramer(1 << 20, {
    onEvent: (event) => {
      const { before, raw } = restorer.restore(event);
      parts.push(before, raw);
    },
  });
  framer.feed(stream);
  expect(framer.end()).toBeNull();
  expect(restorer.end().length).toBe(0);
  return Buffer.concat(parts);
}

/** Texts and calls of an answer, and what is signed. */
function gist({ choices }: ChatAnswer): unknown {
  return choices.map(({ parts }) =>
    parts.map((part) => {
      if (part.kind === "tool_call") return [part.name, JSON.parse(part.arguments)];
      return part.kind === "text" || part.kind === "thinking"
        ? [part.kind, part.text, part.signature?.value]
        : part.kind;
    }),
  );
}

/** A text in two pieces; in one where there is nothing to cut. */
function halves(text: string, at: number): string[] {
  return at > 0 && at < text.length ? [text.slice(0, at), text.slice(at)] : [text];
}

describe.each(NEW_FORMATS)("a stream of %s", (name) => {
  const plain = answerWith("[EMAIL_1]", "[PERSON_1]", name);
  const expected = gist(
    readStream(
      name,
      streamOf(name, answerWith(EMAIL, ODD, name), (text) => [text]),
    ),
  );
  const check = (stream: Buffer) => {
    expect(CHECKS[name](stream)).toEqual([]);
    expect(gist(readStream(name, stream))).toEqual(expected);
  };

  test("that is cut anywhere, is restored", () => {
    for (let at = 0; at < 90; at++)
      check(
        restored(
          name,
          streamOf(name, plain, (text) => halves(text, at)),
        ),
      );
  });

  test("that comes in single characters is restored", () =>
    check(
      restored(
        name,
        streamOf(name, plain, (text) => text.match(/./gsu) ?? []),
      ),
    ));

  test("of a model that shouts, spaces and escapes is restored", () => {
    for (const [email, odd] of [
      ["[ email 1 ]", "【PERSON_1】"],
      ["\\[EMAIL\\_1\\]", "[person-1]"],
      ["**[EMAIL_1]**", "[Person_1]"],
    ] as const) {
      const said = answerWith(email, odd, name);
      const of = gist(
        readStream(
          name,
          streamOf(name, answerWith(email.startsWith("**") ? `**${EMAIL}**` : EMAIL, ODD, name), (text) => [
            text,
          ]),
        ),
      );
      for (const size of [1, 2, 3, 5]) {
        const stream = restored(
          name,
          streamOf(name, said, (text) => text.match(new RegExp(`.{1,${size}}`, "gsu")) ?? []),
        );
        expect(CHECKS[name](stream)).toEqual([]);
        expect(gist(readStream(name, stream))).toEqual(of);
      }
    }
  });

  test("whose texts end in what may become a placeholder says so before it goes on", () => {
    for (const rest of ["[", "[EMAIL", "[EMAIL_", "EMAIL_1", "\\["]) {
      const texts = (text: string): ChatAnswer => ({
        ...plain,
        choices: [
          {
            ...{ index: 0, finish: { reason: "stop", raw: "stop" } },
            parts: [
              { kind: "thinking", text, signature: { format: name, value: "c2ln" } },
              { kind: "text", text },
            ],
          },
        ],
      });
      const is_bare = rest === "EMAIL_1";
      const stream = restored(
        name,
        streamOf(name, texts(`see ${rest}`), (text) => halves(text, 5)),
      );
      expect(CHECKS[name](stream)).toEqual([]);
      const said = texts(`see ${is_bare ? EMAIL : rest}`);
      expect(gist(readStream(name, stream))).toEqual(
        gist(
          readStream(
            name,
            streamOf(name, said, (text) => [text]),
          ),
        ),
      );
    }
  });

  test("without a placeholder goes by as the very bytes that came", () => {
    const stream = streamOf(name, answerWith("nobody", "no [one]", name), (text) => text.split(/(?<= )/));
    expect(restored(name, stream).equals(stream)).toBe(true);
  });

  test("has texts that are the same whole", () => {
    const given = restoreAnswer(wholeOf(name, plain), mapping, PLACES[PLACE[name]].answer);
    const answer = readBack(name, false, given);
    expect(gist(answer)).toEqual(expected);
  });
});

test("numbers in what a tool is called with keep their digits", () => {
  const call = `{"type":"tool_use","id":"t","name":"n","input":{"id":12345678901234567890,"to":"[EMAIL_1]"}}`;
  const body = Buffer.from(`{"content":[${call}]}`);
  const given = Buffer.from(restoreAnswer(body, mapping, PLACES["/messages"].answer)).toString();
  expect(given).toBe(body.toString().replace("[EMAIL_1]", EMAIL));
  const chunk = `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"n","args":{"id":12345678901234567890,"name":"[EMAIL_1]"}}}]}}]}`;
  const stream = restored("gemini", Buffer.from(`data: ${chunk}\r\n\r\n`)).toString();
  expect(stream).toBe(`data: ${chunk.replace("[EMAIL_1]", EMAIL)}\r\n\r\n`);
});

test("a server that says only of its answer that it ends, gets its held texts out before that", () => {
  const event = (data: Record<string, unknown>) =>
    `event: ${String(data["type"])}\ndata: ${JSON.stringify(data)}\n\n`;
  const stream = Buffer.from(
    event({ type: "response.output_text.delta", output_index: 0, content_index: 0, delta: "to [EMAIL" }) +
      event({ type: "response.completed", sequence_number: 7, response: { output: [] } }),
  );
  const given = restored("responses", stream).toString();
  expect(given.indexOf('"delta":"[EMAIL"')).toBeGreaterThan(0);
  expect(given.indexOf('"delta":"[EMAIL"')).toBeLessThan(given.indexOf("event: response.completed"));
  const messages = Buffer.from(
    event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "to [EMAIL" } }) +
      event({ type: "message_delta", delta: { stop_reason: "end_turn" } }),
  );
  const told = restored("messages", messages).toString();
  expect(told.indexOf('"text":"[EMAIL"')).toBeLessThan(told.indexOf("event: message_delta"));
});

test.each(NEW_FORMATS)("a flood of what may become a placeholder is read in linear time: %s", (name) => {
  const text = "[EMAIL_ \\[".repeat(20_000);
  const said = (size: number): ChatAnswer => ({
    ...answerWith("", "", name),
    choices: [
      {
        ...{ index: 0, finish: { reason: "stop", raw: "stop" } },
        parts: [{ kind: "text", text: text.slice(0, size) }],
      },
    ],
  });
  const timeOf = (size: number) => {
    const stream = streamOf(name, said(size), (one) => one.match(/.{1,7}/gs) ?? []);
    const start = performance.now();
    restored(name, stream);
    return performance.now() - start;
  };
  timeOf(20_000);
  expect(timeOf(160_000)).toBeLessThan(40 * Math.max(timeOf(20_000), 5));
});
