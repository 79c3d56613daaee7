import { expect, test } from "vitest";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { OLLAMA } from "../../../src/dialects/ollama/format.ts";
import { seededRandom } from "../../wire/json.cases.ts";
import { checkEvents, collect } from "../gemini/context.ts";

type Json = Readonly<Record<string, unknown>>;

function readStream(chunks: readonly Uint8Array[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const reader = OLLAMA.readStream((event) => events.push(event));
  for (const chunk of chunks) reader.feed(chunk);
  reader.close();
  return events;
}

const bytesOf = (lines: readonly Json[]) =>
  Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));

const head = { model: "qwen3", created_at: "2025-10-26T17:15:24.097767Z" };
const piece = (message: Json, more: Json = {}): Json => ({
  ...head,
  ...{ message: { role: "assistant", content: "", ...message }, done: false },
  ...more,
});
const last = (more: Json = {}): Json => ({
  ...head,
  message: { role: "assistant", content: "" },
  ...{ done: true, done_reason: "stop", total_duration: 5, prompt_eval_count: 11, eval_count: 7, ...more },
});

/** As https://docs.ollama.com/capabilities/tool-calling and /thinking show them. */
const STREAM: readonly Json[] = [
  piece({ thinking: "Let me" }),
  piece({ thinking: " see 😀" }),
  piece(
    { content: "It" },
    { logprobs: [{ token: "It", logprob: -0.5, bytes: [73, 116], top_logprobs: [] }] },
  ),
  piece({ content: " is" }),
  piece({ tool_calls: [{ function: { name: "weather", arguments: { city: "Köln", days: 2 } } }] }),
  piece({ tool_calls: [{ id: "call_1", function: { name: "time", arguments: {} } }] }),
  last(),
];

function gist({ choices, usage, model, created_s }: ChatAnswer) {
  const { parts, finish, logprobs } = choices[0]!;
  return {
    ...{ model, created_s, finish, logprobs },
    parts: parts.map((part) =>
      part.kind === "tool_call"
        ? [part.name, part.arguments]
        : part.kind === "text" || part.kind === "thinking"
          ? [part.kind, part.text]
          : [part.kind],
    ),
    tokens: [usage?.input_tokens, usage?.output_tokens],
  };
}

const SAID = {
  ...{ model: "qwen3", created_s: Date.UTC(2025, 9, 26, 17, 15, 24) / 1000 },
  finish: { reason: "tool_calls", raw: "stop" },
  logprobs: [{ token: "It", logprob: -0.5, bytes: [73, 116], top: [] }],
  parts: [
    ["thinking", "Let me see 😀"],
    ["text", "It is"],
    ["weather", '{"city":"Köln","days":2}'],
    ["time", "{}"],
  ],
  tokens: [11, 7],
};

test("a stream, cut at every position", () => {
  const body = bytesOf(STREAM);
  const check = (chunks: readonly Uint8Array[]) => {
    const events = readStream(chunks);
    expect(checkEvents(events)).toEqual([]);
    expect(events.at(-1)).toEqual({ kind: "end" });
    expect(gist(collect(events))).toEqual(SAID);
  };
  check(Array.from(body, (byte) => Uint8Array.of(byte)));
  for (let at = 0; at <= body.length; at++) check([body.subarray(0, at), body.subarray(at)]);
});

test("calls have ids of their own: the server's where it gives one", () => {
  const ids = collect(readStream([bytesOf(STREAM)])).choices[0]!.parts.flatMap((part) =>
    part.kind === "tool_call" ? [part.id] : [],
  );
  expect(ids).toEqual([expect.stringMatching(/^call_[0-9a-f]{32}$/), "call_1"]);
  const twice = piece({
    tool_calls: [1, 2].map(() => ({ id: "same", function: { name: "f", arguments: {} } })),
  });
  const events = readStream([bytesOf([twice, last()])]);
  const given = events.flatMap((event) =>
    event.kind === "part_start" && event.start.kind === "tool_call" ? [event.start.id] : [],
  );
  expect(given[0]).toBe("same");
  expect(given[1]).not.toBe("same");
});

test("a whole answer says the same as its stream", () => {
  const message = {
    ...{ role: "assistant", thinking: "Let me see 😀", content: "It is" },
    tool_calls: [
      { function: { name: "weather", arguments: { city: "Köln", days: 2 } } },
      { id: "call_1", function: { name: "time", arguments: {} } },
    ],
  };
  const logprobs = [{ token: "It", logprob: -0.5, bytes: [73, 116], top_logprobs: [] }];
  expect(gist(OLLAMA.readAnswer({ ...last(), message, logprobs })!)).toEqual(SAID);
});

test("what ends an answer", () => {
  const finishOf = (more: Json) =>
    collect(readStream([bytesOf([piece({ content: "a" }), last(more)])])).choices[0]!.finish;
  expect(finishOf({})).toEqual({ reason: "stop", raw: "stop" });
  expect(finishOf({ done_reason: "length" })).toEqual({ reason: "length", raw: "length" });
  expect(finishOf({ done_reason: undefined })).toEqual({ reason: "stop", raw: "stop" });
  expect(finishOf({ done_reason: "something new" })).toEqual({ reason: "other", raw: "something new" });
  expect(OLLAMA.readAnswer({ ...piece({ content: "a" }) })!.choices[0]!.finish).toBeNull();
  expect(OLLAMA.readAnswer({ error: "no" })).toBeNull();
});

test("an error in the middle of a stream, and a stream that is cut", () => {
  const failed = readStream([bytesOf([piece({ content: "a" }), { error: "the runner stopped" }, last()])]);
  expect(failed.at(-1)).toEqual({
    kind: "error",
    error: { message: "the runner stopped", type: "server_error", param: null, code: null },
  });
  expect(checkEvents(failed)).toEqual([]);
  const body = bytesOf(STREAM);
  for (let at = 0; at < body.length - 2; at++)
    expect(readStream([body.subarray(0, at)]).some(({ kind }) => kind === "end")).toBe(false);
});

test("an image that a model made", () => {
  const { parts } = collect(readStream([bytesOf([piece({ images: ["/9j/4AAQ"] }), last()])])).choices[0]!;
  expect(parts).toEqual([
    { kind: "image", source: { kind: "base64", media_type: "image/jpeg", data: "/9j/4AAQ" } },
  ]);
});

test("whatever comes, the events keep to their grammar", () => {
  const random = seededRandom(7);
  const below = (limit: number) => Math.floor(random() * limit);
  const odd: readonly unknown[] = [
    null,
    3,
    "",
    "x",
    [],
    {},
    [null],
    [{}],
    [{ function: 3 }],
    [{ function: { name: "f" } }],
  ];
  for (let round = 0; round < 3000; round++) {
    const lines = Array.from({ length: below(6) }, () => {
      const line: Record<string, unknown> = { ...piece({}) };
      const message = line["message"] as Record<string, unknown>;
      for (const name of ["content", "thinking", "tool_calls", "images"])
        if (random() < 0.4) message[name] = odd[below(odd.length)];
      for (const name of ["message", "logprobs", "done", "model", "created_at", "done_reason"])
        if (random() < 0.1) line[name] = odd[below(odd.length)];
      return line;
    });
    const body = bytesOf([...lines, last()]);
    for (let count = below(3); count > 0; count--) body[below(body.length)] = below(256);
    expect(checkEvents(readStream([body]))).toEqual([]);
    for (const line of lines) OLLAMA.readAnswer(line);
  }
});
