import { expect, test } from "vitest";
import { COHERE } from "../../../src/dialects/cohere/format.ts";
import type { StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { seededRandom } from "../../wire/json.cases.ts";
import { checkEvents, collect } from "../gemini/context.ts";

type Json = Readonly<Record<string, unknown>>;

const bytesOf = (events: readonly Json[]) =>
  Buffer.from(events.map((event) => `event: ${event["type"]}\ndata: ${JSON.stringify(event)}\n\n`).join(""));

function read(events: readonly Json[]): StreamEvent[] {
  const found: StreamEvent[] = [];
  const reader = COHERE.readStream((event) => found.push(event));
  reader.feed(bytesOf(events));
  reader.close();
  expect(checkEvents(found)).toEqual([]);
  return found;
}

const start = { id: "a1", type: "message-start", delta: { message: { role: "assistant" } } };
const content = (index: number, said: Json) => ({
  ...{ type: "content-delta", index, delta: { message: { content: said } } },
});
const call = (type: string, index: number, tool_calls: Json) => ({
  type,
  index,
  delta: { message: { tool_calls } },
});
const end = (delta: Json) => ({ type: "message-end", delta });

test("calls side by side, ids that are missing or given twice, arguments that only come with the start", () => {
  const events = read([
    start,
    call("tool-call-start", 0, { id: "x", function: { name: "f", arguments: "" } }),
    call("tool-call-start", 1, { id: "x", function: { name: "g", arguments: '{"b":2}' } }),
    call("tool-call-delta", 0, { function: { arguments: '{"a"' } }),
    call("tool-call-delta", 0, { function: { arguments: ":1}" } }),
    call("tool-call-start", 2, { function: { name: "h" } }),
    { type: "tool-call-end", index: 1 },
    end({ finish_reason: "TOOL_CALL" }),
  ]);
  const { parts, finish } = collect(events).choices[0]!;
  expect(parts).toMatchObject([
    { kind: "tool_call", id: "x", name: "f", arguments: '{"a":1}' },
    { name: "g", arguments: '{"b":2}' },
    { name: "h", arguments: "" },
  ]);
  expect(new Set(parts.map((part) => part.kind === "tool_call" && part.id)).size).toBe(3);
  expect(finish).toEqual({ reason: "tool_calls", raw: "TOOL_CALL" });
});

test("citations told behind the end of their text; places in characters are places in UTF-16", () => {
  const citation = (more: Json) => ({
    ...{ type: "citation-start", index: 0 },
    delta: { message: { citations: { sources: [{ type: "document", id: "doc:0" }], ...more } } },
  });
  const events = read([
    start,
    content(0, { text: "😀 red ruby" }),
    { type: "content-end", index: 0 },
    citation({ start: 2, end: 5, text: "red", type: "TEXT_CONTENT", content_index: 0 }),
    citation({ start: 0, end: 3, text: "who", type: "PLAN" }),
    citation({ start: 70, end: 73, text: "not there" }),
    end({ finish_reason: "COMPLETE" }),
  ]);
  expect(collect(events).choices[0]!.parts).toEqual([
    {
      kind: "text",
      text: "😀 red ruby",
      citations: [{ title: "doc:0", start: 3, end: 6 }, { title: "doc:0" }],
    },
  ]);
});

test("how streams end", () => {
  const last = (delta: Json) => read([start, content(0, { text: "a" }), end(delta)]);
  const reasonOf = (raw: string) => collect(last({ finish_reason: raw })).choices[0]!.finish!.reason;
  expect(["COMPLETE", "MAX_TOKENS", "STOP_SEQUENCE", "ERROR", "TIMEOUT", "NEW"].map(reasonOf)).toEqual([
    ...["stop", "length", "stop_sequence", "error", "error", "other"],
  ]);
  expect(last({ finish_reason: "ERROR", error: "out of luck" }).at(-1)).toMatchObject({
    kind: "error",
    error: { message: "out of luck" },
  });
  expect(read([start, content(0, { text: "a" })]).some(({ kind }) => kind === "end")).toBe(false);
  expect(read([start, { message: "too many tokens", error_type: "TOO_MANY_TOKENS" }]).at(-1)).toMatchObject({
    kind: "error",
    error: { code: "TOO_MANY_TOKENS" },
  });
});

test("an event that is too long is an error", () => {
  const found: StreamEvent[] = [];
  const reader = COHERE.readStream((event) => found.push(event));
  const piece = Buffer.from("x".repeat(1 << 20));
  reader.feed(Buffer.from("data: "));
  for (let count = 0; count < 5; count++) reader.feed(piece);
  expect(found).toMatchObject([{ kind: "error" }]);
});

test("whatever comes, the events keep to their grammar", () => {
  const random = seededRandom(11);
  const below = (limit: number) => Math.floor(random() * limit);
  const one = <T>(values: readonly T[]): T => values[below(values.length)]!;
  const odd: readonly unknown[] = [undefined, null, 0, 1, 2, "", "x", [], {}];
  const types = [
    ...[
      "content-start",
      "content-delta",
      "content-end",
      "tool-plan-delta",
      "tool-call-start",
      "tool-call-delta",
    ],
    ...["tool-call-end", "citation-start", "citation-end", "message-start", "debug"],
  ];
  for (let round = 0; round < 3000; round++) {
    const events = Array.from({ length: below(9) }, () => ({
      ...{ type: one(types), index: one(odd), id: one(odd), logprobs: one(odd) },
      delta: {
        message: one<unknown>([
          { content: { text: one(odd), thinking: one(odd) } },
          { tool_plan: one(odd) },
          { tool_calls: { id: one(odd), function: { name: one(odd), arguments: one(odd) } } },
          {
            citations: { start: one(odd), end: one(odd), text: one(odd), sources: one<unknown>([odd, [{}]]) },
          },
          one(odd),
        ]),
      },
    }));
    const found: StreamEvent[] = [];
    const reader = COHERE.readStream((event) => found.push(event));
    const body = bytesOf([...events, end({ finish_reason: one(["COMPLETE", "TOOL_CALL"]) })]);
    for (let count = below(2); count > 0; count--) body[below(body.length)] = below(256);
    reader.feed(body);
    reader.close();
    expect(checkEvents(found)).toEqual([]);
    for (const { delta } of events) COHERE.readAnswer(delta as Json);
  }
});
