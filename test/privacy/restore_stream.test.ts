// Values put back into streams of chunks, cut anywhere, as they were recorded and as models may write them.

import { describe, expect, test } from "vitest";
import { assembleAnswer } from "../../src/dialects/openai/assemble.ts";
import { Mapping } from "../../src/privacy/mapping.ts";
import { restoreAnswer } from "../../src/privacy/restore_answer.ts";
import { restoreEvents, StreamRestorer } from "../../src/privacy/restore_stream.ts";
import { OPENAPI_MISSING, validateChunk } from "../conformance/openapi.ts";
import { recordedAnswers } from "../dialects/openai/recorded_answers.ts";
import { RECORDINGS_MISSING, recordings } from "../gateway/recordings.ts";
import { randomIntegers } from "../memory/random.ts";
import { inCharacters, plant, planted } from "./planted.ts";

type Json = Record<string, unknown>;

const EMAIL = "ada@example.org";
const ODD = 'Sean "Doc"\\\n\u0001é😀';

const mapping = new Mapping();
mapping.placeholderOf("EMAIL", EMAIL);
mapping.placeholderOf("PERSON", ODD);

function parse(body: Uint8Array): Json {
  return JSON.parse(Buffer.from(body).toString()) as Json;
}

function event(chunk: unknown): string {
  return `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`;
}

function chunk(delta: unknown, finish_reason: string | null = null, index = 0): Json {
  return {
    id: "c1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index, delta, finish_reason }],
  };
}

/** What a client gets, event by event. */
function restoredEvents(events: readonly string[], values = mapping): string[] {
  const restorer = new StreamRestorer(values);
  const given = events.map((raw) => {
    const data = raw.startsWith("data: ") ? Buffer.from(raw.slice(6, -2)) : null;
    const { before, raw: given } = restorer.restore({ raw: Buffer.from(raw), data });
    return Buffer.concat([before, given]).toString();
  });
  return [...given, Buffer.from(restorer.end()).toString()];
}

/** Each delta that a client gets, with the finish reason of its choice. */
function deltas(events: readonly string[]): [unknown, unknown][] {
  return events
    .join("")
    .split("\n\n")
    .filter((block) => block.startsWith("data: {"))
    .flatMap((block) => (parse(Buffer.from(block.slice(6)))["choices"] ?? []) as Json[])
    .map(({ delta, finish_reason }) => [delta, finish_reason]);
}

describe("an event", () => {
  const whole = [
    event(chunk({ role: "assistant", content: "" })),
    event(chunk({ content: "Hello" })),
    ": ping\n\n",
  ];

  test("goes by as the very bytes that came where it holds no placeholder", () => {
    const restorer = new StreamRestorer(mapping);
    for (const text of [...whole, event(chunk({}, "stop")), event("[DONE]")]) {
      const raw = Buffer.from(text);
      const data = text.startsWith("data: ") ? raw.subarray(6, -2) : null;
      const given = restorer.restore({ raw, data });
      expect([given.raw, given.data]).toEqual([raw, data]);
      expect([given.raw === raw, given.data === data, given.before.length]).toEqual([true, true, 0]);
    }
    expect(restorer.end().length).toBe(0);
  });

  test("keeps all but the text that changes", () => {
    const raw =
      'id: 7\ndata: {"id":"c1","n":12345678901234567890, "choices":[{"delta":{"content":"to [EMAIL_1]"},"index":0}]}\n\n';
    const restorer = new StreamRestorer(mapping);
    const given = restorer.restore({ raw: Buffer.from(raw), data: Buffer.from(raw.slice(12, -2)) });
    expect(Buffer.from(given.raw).toString()).toBe(raw.replace("[EMAIL_1]", EMAIL));
    expect(Buffer.from(given.data!).toString()).toBe(raw.replace("[EMAIL_1]", EMAIL).slice(12, -2));
  });

  test("has each text in its own place, in whatever order they stand", () => {
    const raw = event(
      '{"choices":[{"delta":{"content":"a [EMAIL_1]","7":"b [EMAIL_1]"},"text":"c [EMAIL_1]","index":0}]}',
    );
    expect(restoredEvents([raw])[0]).toBe(raw.replaceAll("[EMAIL_1]", EMAIL));
  });

  test("whose data came in several lines is written in one", () => {
    const restorer = new StreamRestorer(mapping);
    const raw = Buffer.from('data: {"choices":[{"index":0,\ndata: "delta":{"content":"[EMAIL_1]"}}]}\n\n');
    const data = Buffer.from('{"choices":[{"index":0,\n"delta":{"content":"[EMAIL_1]"}}]}');
    expect(deltas([Buffer.from(restorer.restore({ raw, data }).raw).toString()])).toEqual([
      [{ content: EMAIL }, undefined],
    ]);
  });

  test.each([
    "{",
    "[1]",
    "null",
    '{"choices":7}',
    '{"choices":[7,null,{}]}',
    '{"error":{"message":"[EMAIL_1]"}}',
    "\ufeff{}",
  ])("that is no chunk goes by: %s", (data) => {
    expect(restoredEvents([event(data)])).toEqual([event(data), ""]);
  });
});

describe("what is held back", () => {
  test("goes out with the chunk that decides it", () => {
    const given = restoredEvents([
      event(chunk({ content: "to [EM" })),
      event(chunk({ content: "AIL_1] and" })),
    ]);
    expect(deltas(given)).toEqual([
      [{ content: "to " }, null],
      [{ content: `${EMAIL} and` }, null],
    ]);
  });

  test("goes out before the chunk that finishes its choice", () => {
    const given = restoredEvents([
      event(chunk({ content: "to [EMAIL_1" })),
      event(chunk({}, "length")),
      event("[DONE]"),
    ]);
    expect(deltas(given)).toEqual([
      [{ content: "to " }, null],
      [{ content: `[${EMAIL}` }, null],
      [{}, "length"],
    ]);
    expect(
      given[1]!.startsWith('data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m",'),
    ).toBe(true);
    expect(given[2]).toBe(event("[DONE]"));
  });

  test("goes out within the chunk that finishes its choice, where that has text", () => {
    const given = restoredEvents([
      event(chunk({ content: "to [EMA" })),
      event(chunk({ content: "IL_1] [" }, "stop")),
    ]);
    expect(deltas(given)).toEqual([
      [{ content: "to " }, null],
      [{ content: `${EMAIL} [` }, "stop"],
    ]);
  });

  test.each([["[DONE]"], ['{"error":{"message":"overloaded"}}']])("goes out before %s", (last) => {
    const given = restoredEvents([event(chunk({ content: "[EMAIL" })), event(last)]);
    expect(deltas(given).slice(0, 2)).toEqual([
      [{ content: "" }, null],
      [{ content: "[EMAIL" }, null],
    ]);
    expect(given[1]!.endsWith(event(last))).toBe(true);
  });

  test("goes out at the end of a stream that has none", () => {
    expect(deltas(restoredEvents([event(chunk({ content: "[EMAIL" }))]))[1]).toEqual([
      { content: "[EMAIL" },
      null,
    ]);
  });

  test("goes out before another text of its choice goes on", () => {
    const given = restoredEvents([
      event(chunk({ reasoning_content: "so [" })),
      event(chunk({ content: "Dear [PERSON" })),
      event(
        chunk({ tool_calls: [{ index: 0, id: "t", function: { name: "mail", arguments: '{"to":"[EMA' } }] }),
      ),
      event(
        chunk({
          tool_calls: [{ index: 1, id: "u", function: { name: "mail", arguments: '{"to":"EMAIL_1"}' } }],
        }),
      ),
      event(chunk({}, "tool_calls")),
    ]);
    expect(deltas(given)).toEqual([
      [{ reasoning_content: "so " }, null],
      [{ reasoning_content: "[" }, null],
      [{ content: "Dear " }, null],
      [{ content: "[PERSON" }, null],
      [{ tool_calls: [{ index: 0, id: "t", function: { name: "mail", arguments: '{"to":"' } }] }, null],
      [{ tool_calls: [{ index: 0, function: { arguments: "[EMA" } }] }, null],
      [
        { tool_calls: [{ index: 1, id: "u", function: { name: "mail", arguments: `{"to":"${EMAIL}"}` } }] },
        null,
      ],
      [{}, "tool_calls"],
    ]);
  });

  test("goes on beside another text that grows with it", () => {
    const details = (text: string) => [{ type: "reasoning.text", index: 0, text }];
    const given = restoredEvents([
      event(chunk({ reasoning: "so [", reasoning_details: details("so [") })),
      event(chunk({ reasoning: "EMAIL_1] [", reasoning_details: details("EMAIL_1] [") })),
      event(chunk({ content: "Hello" })),
    ]);
    expect(deltas(given)).toEqual([
      [{ reasoning: "so ", reasoning_details: details("so ") }, null],
      [{ reasoning: `${EMAIL} `, reasoning_details: details(`${EMAIL} `) }, null],
      [{ reasoning: "[" }, null],
      [{ reasoning_details: [{ index: 0, text: "[" }] }, null],
      [{ content: "Hello" }, null],
    ]);
  });

  test("is that of each choice, and of legacy completions", () => {
    const legacy = (text: string, index: number, finish_reason: string | null = null) =>
      event({ id: "l", object: "text_completion", choices: [{ text, index, finish_reason }] });
    const given = restoredEvents([
      legacy("a [EMAIL", 0),
      legacy("b [PERS", 1),
      legacy("_1]", 0),
      legacy("", 1, "stop"),
      legacy("", 0, "stop"),
    ]);
    const texts = given
      .join("")
      .split("\n\n")
      .filter((block) => block !== "")
      .flatMap((block) => parse(Buffer.from(block.slice(6)))["choices"] as Json[])
      .map(({ index, text, finish_reason }) => [index, text, finish_reason]);
    expect(texts).toEqual([
      [0, "a ", null],
      [1, "b ", null],
      [0, EMAIL, null],
      [1, "[PERS", null],
      [1, "", "stop"],
      [0, "", "stop"],
    ]);
  });

  test.skipIf(OPENAPI_MISSING !== null)("goes out in chunks as OpenAI describes them", () => {
    const said = [
      chunk({ content: "[EMAIL" }),
      chunk({
        tool_calls: [
          { index: 0, id: "t", type: "function", function: { name: "f", arguments: '{"a":"[EM' } },
        ],
      }),
      chunk({ refusal: "[PERSON" }),
    ];
    const given = [
      ...said.flatMap((one) => restoredEvents([event(one)])),
      ...restoredEvents([event("[DONE]")]),
    ];
    const chunks = given
      .filter((text) => text.startsWith("data: {"))
      .map((text) => parse(Buffer.from(text.slice(6))));
    expect(chunks.length).toBe(6);
    for (const one of chunks)
      expect(validateChunk("/v1/chat/completions", one), JSON.stringify(one)).toEqual([]);
    const legacy = { id: "l", object: "text_completion", created: 1, model: "m" };
    const choice = { text: "[EMAIL", index: 0, logprobs: null, finish_reason: null };
    const [, held] = restoredEvents([event({ ...legacy, choices: [choice] })]);
    expect(parse(Buffer.from(held!.slice(6)))).toEqual({ ...legacy, choices: [choice] });
  });

  test("is nothing of what comes whole: annotations, and a message beside the delta", () => {
    const annotations = (title: string) => ({
      annotations: [{ type: "url_citation", url_citation: { title } }],
    });
    const both = (said: string, whole: string) => {
      const [choice] = chunk({ content: said })["choices"] as Json[];
      return { ...chunk({}), choices: [{ ...choice, message: { role: "assistant", content: whole } }] };
    };
    const given = restoredEvents([
      event(chunk(annotations("of [EMAIL_1] ["))),
      event(both("to [EMAIL", "to [EMAIL")),
      event(both("_1]", "to [EMAIL_1]")),
    ]);
    expect(deltas(given)).toEqual([
      [annotations(`of ${EMAIL} [`), null],
      [{ content: "to " }, null],
      [{ content: EMAIL }, null],
    ]);
    expect(given[2]).toContain(`"message":{"role":"assistant","content":"to ${EMAIL}"}`);
  });

  test("is that of contents in parts", () => {
    const parts = (text: string) => event(chunk({ content: [{ type: "text", text }] }));
    const given = restoredEvents([parts("to [EMA"), parts("IL_1] ["), event(chunk({}, "stop"))]);
    expect(deltas(given)).toEqual([
      [{ content: [{ type: "text", text: "to " }] }, null],
      [{ content: [{ type: "text", text: `${EMAIL} ` }] }, null],
      [{ content: [{ type: "text", text: "[" }] }, null],
      [{}, "stop"],
    ]);
  });
});

describe("arguments of a tool call", () => {
  test("stay JSON, wherever a placeholder is cut", () => {
    const text = '{"to":"[PERSON_1]","list":["\\u005bEMAIL_1\\u005d","\\\\[person\\\\_1\\\\]"]}';
    for (let cut = 0; cut <= text.length; cut++) {
      for (const other of [cut, Math.min(cut + 1, text.length), text.length]) {
        const pieces = [text.slice(0, cut), text.slice(cut, other), text.slice(other)];
        const events = pieces.map((piece) =>
          event(chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] })),
        );
        const given = restoredEvents([...events, event(chunk({}, "tool_calls"))]);
        const whole = deltas(given)
          .map(
            ([delta]) =>
              (delta as { tool_calls?: [{ function: { arguments: string } }] }).tool_calls?.[0].function
                .arguments,
          )
          .join("");
        expect(JSON.parse(whole)).toEqual({ to: ODD, list: [EMAIL, ODD] });
      }
    }
  });
});

const streams = recordings();

describe.skipIf(RECORDINGS_MISSING !== null)("recorded streams", () => {
  test("hold what they held where the model writes no placeholder", () => {
    expect(streams.length).toBeGreaterThan(50);
    for (const { name, body } of streams) {
      expect(restoreEvents(body, new Mapping()), name).toBe(body);
      const whole = assembleAnswer(body);
      if (whole === null) continue;
      expect(parse(assembleAnswer(restoreEvents(body, mapping))!), name).toEqual(parse(whole));
    }
  });

  const spellings: [string, readonly string[], string][] = [
    ["as it got them", ["[EMAIL_1]"], "[EMAIL_1]"],
    ["in lower case and with spaces", ["[email 1]", "[ Email_1 ]", "［EMAIL－1］"], ""],
    ["for Markdown", ["**[EMAIL\\\\_1]**", "`[EMAIL_1]`"], ""],
    ["without brackets", ["EMAIL_1"], ""],
  ];

  test.each(spellings)(
    "are restored where the model writes placeholders %s, cut anywhere",
    (_, placeholders) => {
      const random = randomIntegers(81);
      let count = 0;
      for (const { name, body } of streams) {
        // The backslash of Markdown is one in JSON that stands in arguments, and two in plain text: those stay as they are.
        for (let turn = 0; turn < 3; turn++) {
          const sent = planted(body, (text) => plant(text, placeholders), random);
          const whole = sent === null ? null : assembleAnswer(sent);
          if (sent === null || whole === null) continue;
          count++;
          const given = parse(assembleAnswer(restoreEvents(sent, mapping))!);
          expect(given, name).toEqual(parse(restoreAnswer(whole, mapping)));
        }
      }
      expect(count).toBeGreaterThan(100);
    },
  );

  test("hold the values, and no placeholder", () => {
    const random = randomIntegers(82);
    let values = 0;
    for (const { name, body } of streams) {
      const sent = planted(body, (text) => plant(text, ["[EMAIL_1]"]), random);
      const whole = sent === null ? null : assembleAnswer(sent);
      if (sent === null || whole === null) continue;
      const given = JSON.stringify(parse(assembleAnswer(restoreEvents(sent, mapping))!));
      const expected = JSON.stringify(parse(whole));
      expect(given, name).toBe(expected.replaceAll("[EMAIL_1]", EMAIL));
      values += expected.split("[EMAIL_1]").length - 1;
    }
    expect(values).toBeGreaterThan(1000);
  });

  test("are restored where each character comes alone", () => {
    const random = randomIntegers(84);
    let count = 0;
    for (const { name, body } of streams) {
      const sent = planted(body, (text) => plant(text, ["[EMAIL_1]", "EMAIL_1", "[ email 1 ]"]), random);
      if (sent === null || sent.length > 30_000) continue;
      const apart = inCharacters(sent);
      const whole = assembleAnswer(apart);
      if (whole === null) continue;
      count++;
      expect(parse(assembleAnswer(restoreEvents(apart, mapping))!), name).toEqual(
        parse(restoreAnswer(whole, mapping)),
      );
    }
    expect(count).toBeGreaterThan(20);
  });

  test("never say anything of a choice behind its end", () => {
    const random = randomIntegers(83);
    for (const { name, body } of streams) {
      const sent = planted(body, (text) => `${plant(text, ["[EMAIL_1]"])}[EMAIL_`, random);
      if (sent === null) continue;
      const ended = new Set<unknown>();
      for (const block of Buffer.from(restoreEvents(sent, mapping))
        .toString()
        .split(/\r?\n\r?\n/)) {
        if (!block.startsWith("data: {")) continue;
        for (const choice of (parse(Buffer.from(block.slice(6)))["choices"] ?? []) as Json[]) {
          const { content } = (choice["delta"] ?? {}) as Json;
          if (typeof content === "string" && content !== "")
            expect(ended.has(choice["index"]), name).toBe(false);
          if (choice["finish_reason"]) ended.add(choice["index"]);
        }
      }
    }
  });
});

describe("a plain answer", () => {
  test("is the very bytes that came where it holds no placeholder", () => {
    const answers = recordedAnswers();
    for (const { name, body } of answers) expect(restoreAnswer(body, mapping), name).toBe(body);
    for (const text of ["", "{", "[]", "null", '{"choices":{}}', '{"error":{"message":"[EMAIL_1]"}}']) {
      const body = Buffer.from(text);
      expect(restoreAnswer(body, mapping)).toBe(body);
    }
  });

  test("has its values in every text", () => {
    const message = (email: string, person: string) => ({
      role: "assistant",
      content: `Dear ${person}`,
      refusal: email,
      reasoning_content: email,
      reasoning_details: [{ type: "reasoning.text", text: email, signature: "[EMAIL_1]" }],
      annotations: [{ type: "url_citation", url_citation: { title: email, url: `https://a.b/${email}` } }],
      audio: { id: "[EMAIL_1]", data: "[EMAIL_1]", transcript: email },
      tool_calls: [
        {
          id: "[EMAIL_1]",
          type: "function",
          function: { name: "EMAIL_1", arguments: JSON.stringify({ a: [person] }) },
        },
        { id: "t", type: "custom", custom: { name: "n", input: `mail ${person}` } },
      ],
    });
    const answer = (email: string, person: string) => ({
      id: "EMAIL_1",
      model: "EMAIL_1",
      choices: [
        { index: 0, message: message(email, person), finish_reason: "stop" },
        { index: 1, text: email },
      ],
    });
    const body = Buffer.from(JSON.stringify(answer("[EMAIL_1]", "[PERSON_1]")));
    expect(parse(restoreAnswer(body, mapping))).toEqual(answer(EMAIL, ODD));
  });

  test("keeps numbers that no double holds", () => {
    const body = Buffer.from('{"n":12345678901234567890, "choices":[{"message":{"content":"[EMAIL_1]"}}]}');
    const given = Buffer.from(restoreAnswer(body, mapping)).toString();
    expect(given).toBe(`{"n":12345678901234567890, "choices":[{"message":{"content":"${EMAIL}"}}]}`);
  });
});
