// Streams as servers send them that are not OpenAI: with events left out, repeated, in another order, or unknown.

import { describe, expect, test } from "vitest";
import type { StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { AnswerCollector } from "../../../src/dialects/neutral/collect.ts";
import { RESPONSES } from "../../../src/dialects/responses/format.ts";
import { randomIntegers } from "../../memory/random.ts";
import { checkResponsesStream } from "../grammar/responses.ts";
import { contextOf } from "./context.ts";

type Fields = Record<string, unknown>;

const CREATED = {
  type: "response.created",
  response: { id: "resp_1", object: "response", model: "m", created_at: 5 },
};

function sse(events: readonly Fields[]): Buffer {
  return Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""));
}

function read(...chunks: readonly Uint8Array[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const reader = RESPONSES.readStream((event) => events.push(event));
  for (const chunk of chunks) reader.feed(chunk);
  reader.close();
  return events;
}

function completed(output: readonly Fields[], more: Fields = {}): Fields {
  return { type: "response.completed", response: { id: "resp_1", status: "completed", output, ...more } };
}

function partsOf(events: readonly StreamEvent[]) {
  const collector = new AnswerCollector();
  for (const event of events) collector.take(event);
  return collector.answer().choices[0]?.parts.map((part) => {
    if (part.kind === "own") return part.value;
    const { own: _, ...rest } = part;
    return rest;
  });
}

const MESSAGE = {
  ...{ id: "msg_1", type: "message", role: "assistant", status: "completed" },
  content: [{ type: "output_text", text: "Hello there", annotations: [] }],
};
const CALL = {
  id: "fc_1",
  type: "function_call",
  call_id: "c1",
  name: "f",
  arguments: '{"a":1}',
  status: "completed",
};
const SAID = { kind: "text", text: "Hello there" };
const CALLED = { kind: "tool_call", id: "c1", name: "f", arguments: '{"a":1}' };

const delta = (text: string, more: Fields = {}) => ({
  ...{ type: "response.output_text.delta", output_index: 0, content_index: 0, item_id: "msg_1", delta: text },
  ...more,
});
const args = (text: string) => ({
  ...{ type: "response.function_call_arguments.delta", output_index: 0, item_id: "fc_1", delta: text },
});

describe("a stream of a server's own kind", () => {
  test.each<[string, readonly Fields[], unknown]>([
    ["has items at its end only", [CREATED, completed([MESSAGE, CALL])], [SAID, CALLED]],
    [
      "has items without parts",
      [CREATED, { type: "response.output_item.done", output_index: 0, item: MESSAGE }, completed([MESSAGE])],
      [SAID],
    ],
    ["has deltas without an item", [CREATED, delta("Hello"), delta(" there"), completed([])], [SAID]],
    [
      "has deltas without a place",
      [CREATED, delta("Hello there", { output_index: undefined, content_index: undefined }), completed([])],
      [SAID],
    ],
    [
      "tells the rest of a text when it is done",
      [
        CREATED,
        delta("Hello"),
        { type: "response.output_text.done", output_index: 0, content_index: 0, text: "Hello there" },
        completed([MESSAGE]),
      ],
      [SAID],
    ],
    ["tells the rest of a text with its item", [CREATED, delta("Hello"), completed([MESSAGE])], [SAID]],
    [
      "numbers parts in its own way",
      [CREATED, delta("Hello there", { content_index: 7 }), completed([MESSAGE])],
      [SAID],
    ],
    ["has empty deltas", [CREATED, delta(""), delta("Hello there"), delta(""), completed([MESSAGE])], [SAID]],
    [
      "pads deltas",
      [CREATED, delta("Hello there", { obfuscation: "x".repeat(20) }), completed([MESSAGE])],
      [SAID],
    ],
    [
      "has the arguments in `done` only",
      [
        CREATED,
        { type: "response.output_item.added", output_index: 0, item: { ...CALL, arguments: "" } },
        {
          type: "response.function_call_arguments.done",
          output_index: 0,
          item_id: "fc_1",
          arguments: '{"a":1}',
        },
        completed([CALL]),
      ],
      [CALLED],
    ],
    [
      "has the arguments at the start and in deltas",
      [
        CREATED,
        { type: "response.output_item.added", output_index: 0, item: CALL },
        args('{"a"'),
        args(":1}"),
        completed([CALL]),
      ],
      [CALLED],
    ],
    [
      "has the arguments at the start only",
      [CREATED, { type: "response.output_item.added", output_index: 0, item: CALL }, completed([])],
      [CALLED],
    ],
    ["names a tool at the end only", [CREATED, args('{"a":1}'), completed([CALL])], [CALLED]],
    [
      "starts an item twice",
      [
        CREATED,
        CREATED,
        { type: "response.output_item.added", output_index: 0, item: { ...MESSAGE, content: [] } },
        { type: "response.output_item.added", output_index: 0, item: { ...MESSAGE, content: [] } },
        delta("Hello there"),
        completed([MESSAGE]),
      ],
      [SAID],
    ],
    [
      "has a call without ids",
      [CREATED, completed([{ type: "function_call", name: "f", arguments: "" }])],
      [{ kind: "tool_call", id: "", name: "f", arguments: "" }],
    ],
    ["does not begin", [delta("Hello there"), completed([MESSAGE])], [SAID]],
    [
      "has deltas without a place, and the item at its end",
      [CREATED, delta("Hello there", { output_index: undefined }), completed([MESSAGE])],
      [SAID],
    ],
    [
      "leaves items out of the whole",
      [
        CREATED,
        { type: "response.output_item.done", output_index: 0, item: { id: "n_1", type: "new_call" } },
        { type: "response.output_item.done", output_index: 1, item: MESSAGE },
        completed([{ id: "n_2", type: "new_call" }, CALL, MESSAGE]),
      ],
      [{ id: "n_1", type: "new_call" }, SAID],
    ],
    [
      "has a content of one text",
      [
        CREATED,
        completed([
          { ...MESSAGE, content: "Hello there" },
          { ...MESSAGE, id: "msg_2", content: [{ type: "text", text: "!" }] },
        ]),
      ],
      [SAID, { kind: "text", text: "!" }],
    ],
    [
      "tells thoughts in several pieces",
      [
        CREATED,
        {
          type: "response.reasoning_summary_text.delta",
          output_index: 0,
          item_id: "rs_1",
          summary_index: 0,
          delta: "One",
        },
        {
          type: "response.reasoning_summary_text.done",
          output_index: 0,
          item_id: "rs_1",
          summary_index: 0,
          text: "One.",
        },
        {
          type: "response.reasoning_summary_text.delta",
          output_index: 0,
          item_id: "rs_1",
          summary_index: 1,
          delta: "Two.",
        },
        completed([
          {
            id: "rs_1",
            type: "reasoning",
            summary: [
              { type: "summary_text", text: "One." },
              { type: "summary_text", text: "Two." },
            ],
            encrypted_content: "gAA",
          },
        ]),
      ],
      [
        {
          kind: "thinking",
          id: "rs_1",
          text: "One.\n\nTwo.",
          signature: { format: "responses", value: "gAA" },
        },
      ],
    ],
    [
      "has items that are new",
      [
        CREATED,
        { type: "response.new_call.thinking_hard", output_index: 0, item_id: "n_1" },
        { type: "response.output_item.done", output_index: 0, item: { id: "n_1", type: "new_call", n: 1 } },
        completed([]),
      ],
      [{ id: "n_1", type: "new_call", n: 1 }],
    ],
    [
      "cites with the item",
      [
        CREATED,
        delta("Hello there"),
        completed([
          {
            ...MESSAGE,
            content: [
              {
                ...MESSAGE.content[0],
                annotations: [
                  {
                    type: "url_citation",
                    url: "https://x.example",
                    title: "X",
                    start_index: 0,
                    end_index: 5,
                  },
                ],
              },
            ],
          },
        ]),
      ],
      [{ ...SAID, citations: [{ url: "https://x.example", title: "X", start: 0, end: 5 }] }],
    ],
  ])("that %s is read", (_, sent, expected) => {
    const events = read(sse(sent));
    expect(events[0]!.kind).toBe("start");
    expect(events.at(-1)).toEqual({ kind: "end" });
    expect(partsOf(events)).toEqual(expected);
    const starts = events.filter((event) => event.kind === "part_start").map(({ part }) => part);
    expect(starts).toEqual(starts.map((_, index) => index));
    const stops = events.filter((event) => event.kind === "part_stop");
    expect(stops.length).toBe(starts.length);
    const writer = RESPONSES.writeStream(contextOf(null));
    const stream = Buffer.from(events.map((event) => writer.write(event)).join(""));
    expect(checkResponsesStream(stream).filter((what) => !what.includes("without an id"))).toEqual([]);
  });

  test("ends by its last event, with [DONE] or without, in CRLF, without a blank line", () => {
    const whole = read(sse([CREATED, completed([MESSAGE])]));
    const text = sse([CREATED, completed([MESSAGE])]).toString();
    for (const sent of [
      `${text}data: [DONE]\n\n`,
      text.replaceAll("\n", "\r\n"),
      text.trimEnd(),
      `: ping\n\n${text}`,
    ])
      expect(read(Buffer.from(sent))).toEqual(whole);
  });

  test("does not end by [DONE] alone, nor by a part of its last event", () => {
    expect(read(sse([CREATED, delta("Hi")]), Buffer.from("data: [DONE]\n\n")).at(-1)!.kind).toBe("delta");
    const cut = sse([CREATED, completed([MESSAGE])]);
    expect(read(cut.subarray(0, -10)).map(({ kind }) => kind)).toEqual(["start"]);
  });

  test.each<[string, Fields, Fields]>([
    [
      "an `error` event",
      { type: "error", code: "rate_limit_exceeded", message: "slow", param: null },
      { type: "rate_limit_error", code: "rate_limit_exceeded", message: "slow" },
    ],
    [
      "an error inside of one",
      {
        type: "error",
        error: {
          type: "invalid_request_error",
          code: "context_length_exceeded",
          message: "long",
          param: "input",
        },
      },
      { type: "invalid_request_error", code: "context_length_exceeded", param: "input" },
    ],
    ["an error without a type", { error: { message: "bad", code: 502 } }, { message: "bad", code: "502" }],
    [
      "a failed response",
      {
        type: "response.failed",
        response: { status: "failed", error: { code: "server_error", message: "oh" } },
      },
      { type: "server_error", code: "server_error", message: "oh" },
    ],
  ])("breaks off by %s, and nothing comes after it", (_, event, error) => {
    const events = read(sse([CREATED, delta("Hi"), event, delta(" there"), completed([MESSAGE])]));
    expect(events.at(-1)).toMatchObject({ kind: "error", error });
    expect(events.some(({ kind }) => kind === "end" || kind === "finish")).toBe(false);
    const writer = RESPONSES.writeStream(contextOf(null));
    const stream = Buffer.from(events.map((one) => writer.write(one)).join(""));
    expect(checkResponsesStream(stream)).toEqual([]);
  });

  test("that failed tells what it used", () => {
    const failed = { status: "failed", error: null, usage: { input_tokens: 7, output_tokens: 2 } };
    const events = read(sse([CREATED, { type: "response.failed", response: failed }]));
    expect(events.slice(1)).toMatchObject([{ kind: "usage", usage: { input_tokens: 7 } }, { kind: "error" }]);
  });

  test("with an event that is too long breaks off", () => {
    const events = read(sse([CREATED]), Buffer.from("data: "), Buffer.alloc(5 << 20, 0x61));
    expect(events.map(({ kind }) => kind)).toEqual(["start", "error"]);
  });

  test("keeps numbers of items that are no doubles", () => {
    const item = '{"id":"n_1","type":"new_call","n":12345678901234567890}';
    const line = (text: string) => Buffer.from(`data: ${text}\n\n`);
    const events = read(
      sse([CREATED]),
      line(`{"type":"response.output_item.done","output_index":0,"item":${item}}`),
      sse([completed([])]),
    );
    const writer = RESPONSES.writeStream(contextOf(null));
    expect(events.map((event) => writer.write(event)).join("")).toContain(`"item":${item}`);
  });

  test("of anything never throws, and never ends", () => {
    const words = [
      "data: ",
      '{"type":"response.',
      "completed",
      "output_text.delta",
      "output_item.added",
      '"',
      ":",
      "{",
      "}",
      "[",
      "\n\n",
      "\n",
      "null",
      "1e999",
      '"output_index":0',
      '"item":',
      '"delta":',
      '"response":',
      ",",
      "\ud83d",
      "event: error\n",
    ];
    for (let seed = 1; seed <= 3_000; seed++) {
      const random = randomIntegers(seed);
      const text = Array.from({ length: random(30) }, () => words[random(words.length)]).join("");
      const events = read(Buffer.from(text));
      if (!text.includes("completed"))
        expect(
          events.some(({ kind }) => kind === "end"),
          text,
        ).toBe(false);
    }
  });

  test("whose fields are of any type never throws", () => {
    const values = [
      null,
      1,
      "x",
      [],
      {},
      true,
      [null],
      [{}],
      { id: 1 },
      { type: "message" },
      { type: "message", content: [{ type: "output_text" }] },
      { type: "function_call" },
      { type: "reasoning", summary: 1 },
    ];
    const types = [
      "created",
      "output_item.added",
      "output_item.done",
      "content_part.added",
      "content_part.done",
      "output_text.delta",
      "output_text.done",
      "output_text.annotation.added",
      "refusal.delta",
      "reasoning_summary_text.delta",
      "reasoning_text.done",
      "function_call_arguments.delta",
      "custom_tool_call_input.done",
      "completed",
      "failed",
      "incomplete",
    ];
    const fields = [
      "item",
      "part",
      "delta",
      "text",
      "output_index",
      "content_index",
      "response",
      "logprobs",
      "annotation",
      "arguments",
      "item_id",
    ];
    for (let seed = 1; seed <= 3_000; seed++) {
      const random = randomIntegers(seed);
      const events = Array.from({ length: 1 + random(8) }, () => ({
        type: `response.${types[random(types.length)]}`,
        ...Object.fromEntries(
          Array.from({ length: random(6) }, () => [
            fields[random(fields.length)],
            values[random(values.length)],
          ]),
        ),
        ...(random(2) === 0 ? { output_index: random(2) } : {}),
      }));
      const told = read(sse(events));
      const writer = RESPONSES.writeStream(contextOf(null));
      const text = told.map((event) => writer.write(event)).join("");
      if (told.at(-1)?.kind !== "end") continue;
      const wrong = checkResponsesStream(Buffer.from(text)).filter(
        (what) => !/id|reasoning|summary|content of type/.test(what),
      );
      expect(wrong, JSON.stringify(events)).toEqual([]);
    }
  });
});
