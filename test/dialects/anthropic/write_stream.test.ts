// Streams that other formats tell, in this format's grammar.

import { expect, test } from "vitest";
import { MESSAGES } from "../../../src/dialects/anthropic/format.ts";
import type { StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { EMPTY_REQUEST } from "../../../src/dialects/neutral/request.ts";
import { NO_USAGE } from "../../../src/dialects/usage.ts";
import { randomIntegers } from "../../memory/random.ts";
import { checkMessagesAnswer, checkMessagesStream } from "../grammar/messages.ts";

type Json = Record<string, unknown>;

const CONTEXT = {
  ...{ call_id: "call1", model: "asked", now_s: 1_790_000_000 },
  request: { ...EMPTY_REQUEST, model: "asked" },
};
const START: StreamEvent = { kind: "start", id: "", model: "", created_s: null };
const END: StreamEvent = { kind: "end" };
const TEXT = { kind: "text" } as const;
const CALL = { kind: "tool_call", id: "a", name: "f" } as const;

type Start = Extract<StreamEvent, { kind: "part_start" }>["start"];

function start(part: number, of: Start, choice = 0): StreamEvent {
  return { kind: "part_start", choice, part, start: of };
}

function delta(part: number, text: string, choice = 0): StreamEvent {
  return { kind: "delta", choice, part, text };
}

function stop(part: number): StreamEvent {
  return { kind: "part_stop", choice: 0, part };
}

/** The values of the events that are written. */
function written(...events: readonly StreamEvent[]): Json[] {
  const writer = MESSAGES.writeStream(CONTEXT);
  const stream = events.map((event) => writer.write(event)).join("");
  expect(checkMessagesStream(stream)).toEqual([]);
  return stream
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => JSON.parse(line.slice(6)) as Json);
}

function blocksOf(events: readonly Json[]): unknown[] {
  return events.flatMap((event) => event["content_block"] ?? []);
}

test("a stream of nothing is a message of nothing", () => {
  const events = written(END);
  expect(events.map(({ type }) => type)).toEqual(["message_start", "message_delta", "message_stop"]);
  expect(events[0]).toMatchObject({ message: { id: "msg_call1", model: "asked", content: [] } });
  expect(events[1]).toMatchObject({ delta: { stop_reason: "end_turn" }, usage: { output_tokens: 0 } });
});

test("empty parts have no block, and what comes behind the end is nothing", () => {
  const events = written(
    ...[START, start(0, TEXT), delta(0, ""), stop(0), start(1, { kind: "thinking" }), stop(1)],
    ...[start(2, TEXT), delta(2, "a"), delta(7, "of no part"), END, start(3, TEXT), delta(3, "late"), END],
  );
  expect(blocksOf(events)).toEqual([{ type: "text", text: "" }]);
  expect(JSON.stringify(events)).not.toContain("late");
});

test("of several answers the first is told", () => {
  const events = written(
    ...[START, start(0, TEXT, 1), delta(0, "second", 1), start(0, TEXT), delta(0, "first"), stop(0)],
    { kind: "finish", choice: 1, finish: { reason: "length" } },
    { kind: "finish", choice: 0, finish: { reason: "stop" } },
    END,
  );
  expect(JSON.stringify(events)).not.toContain("second");
  expect(events.at(-2)).toMatchObject({ delta: { stop_reason: "end_turn" } });
});

test("usage that is known from the first stands in the start, and all of it in the end", () => {
  const first = { ...NO_USAGE, input_tokens: 20, cached_input_tokens: 5, cache_write_1h_tokens: 4 };
  const last = { ...NO_USAGE, output_tokens: 9, reasoning_tokens: 3, searches: 1 };
  const events = written(
    START,
    { kind: "usage", usage: first },
    start(0, TEXT),
    { kind: "usage", usage: last },
    END,
  );
  const input = { input_tokens: 11, cache_creation_input_tokens: 4, cache_read_input_tokens: 5 };
  const cache_creation = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 4 };
  expect(events[0]).toMatchObject({ message: { usage: { ...input, cache_creation, output_tokens: 0 } } });
  expect(events.at(-2)).toMatchObject({
    usage: {
      ...{ ...input, cache_creation, output_tokens: 9, output_tokens_details: { thinking_tokens: 3 } },
      server_tool_use: { web_search_requests: 1 },
    },
  });
});

test("a refusal is told beside its reason", () => {
  const events = written(
    ...[START, start(0, { kind: "refusal" }), delta(0, "I can"), delta(0, "not."), stop(0)],
    { kind: "finish", choice: 0, finish: { reason: "stop" } },
    END,
  );
  expect(blocksOf(events)).toEqual([]);
  expect(events.at(-2)).toMatchObject({
    delta: { stop_reason: "refusal", stop_details: { type: "refusal", explanation: "I cannot." } },
  });
  const parts = [{ kind: "refusal", text: "I cannot." }] as const;
  const choices = [{ index: 0, parts, finish: { reason: "stop" } }] as const;
  const whole = MESSAGES.writeAnswer({ id: "", model: "", created_s: null, choices, usage: null }, CONTEXT);
  expect(checkMessagesAnswer(whole)).toEqual([]);
  expect(whole).toMatchObject({
    content: [],
    stop_reason: "refusal",
    stop_details: { explanation: "I cannot." },
  });
});

test("what this format has no block for is left out", () => {
  const image = { kind: "image", source: { kind: "url", url: "https://a.example" } } as const;
  const own = { kind: "own", format: "responses", value: { type: "web_search_call" } } as const;
  const events = written(
    ...[
      START,
      start(0, { kind: "whole", whole: image }),
      stop(0),
      start(1, { kind: "whole", whole: own }),
      stop(1),
    ],
    END,
  );
  expect(blocksOf(events)).toEqual([]);
});

test("parts side by side wait for each other, up to a bound", () => {
  const writer = MESSAGES.writeStream(CONTEXT);
  let stream = "";
  for (const event of [START, start(0, CALL), start(1, { ...CALL, id: "b" })]) stream += writer.write(event);
  const piece = "x".repeat(1 << 20);
  for (let count = 0; count < 4; count++) stream += writer.write(delta(1, piece));
  expect(stream).not.toContain("error");
  stream += writer.write(delta(1, "x"));
  expect(stream).toContain("event: error");
  expect(writer.write(END)).toBe("");
  expect(checkMessagesStream(stream)).toEqual([]);
});

test("a broken stream has no end of its own", () => {
  const writer = MESSAGES.writeStream(CONTEXT);
  const stream = [START, start(0, TEXT), delta(0, "Hal")].map((event) => writer.write(event)).join("");
  expect(checkMessagesStream(stream)).toEqual(["the stream has no end"]);
});

test("whatever order events come in, the grammar holds", () => {
  const random = randomIntegers(41);
  const starts: readonly Start[] = [
    ...([TEXT, CALL, { ...CALL, id: "" }, { kind: "thinking" }, { kind: "refusal" }] as const),
    { kind: "thinking", encrypted: { format: "responses", value: "x" } },
    { ...CALL, signature: { format: "gemini", value: "y" } },
  ];
  for (let turn = 0; turn < 1000; turn++) {
    const events: StreamEvent[] = random(9) === 0 ? [] : [START];
    for (let left = random(30); left > 0; left--) {
      const part = random(5);
      const kinds: StreamEvent[] = [
        start(part, starts[random(starts.length)]!),
        delta(part, ["", "a", '{"b":1}'][random(3)]!),
        stop(part),
        { kind: "citation", choice: 0, part, citation: random(2) === 0 ? {} : { url: "https://a" } },
        { kind: "signature", choice: 0, part, signature: { format: "messages", value: "z" } },
        { kind: "usage", usage: { ...NO_USAGE, output_tokens: random(9) } },
        { kind: "logprobs", choice: 0, tokens: [] },
        START,
      ];
      events.push(kinds[random(kinds.length)]!);
      if (random(30) === 0) events.push({ kind: "finish", choice: 0, finish: { reason: "malformed_call" } });
    }
    written(...events, END);
  }
});
