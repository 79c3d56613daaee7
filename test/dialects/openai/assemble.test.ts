// A whole answer out of a stream: every recorded one against a reduction of this file's own, cut anywhere, garbled.

import { describe, expect, test } from "vitest";
import { assembleAnswer } from "../../../src/dialects/openai/assemble.ts";
import { OPENAPI_MISSING, validateAnswer } from "../../conformance/openapi.ts";
import { cuts, RECORDINGS_MISSING, type Recording, recordings } from "../../gateway/recordings.ts";
import { randomIntegers } from "../../memory/random.ts";

interface Message {
  role?: string;
  content?: unknown;
  refusal?: string | null;
  reasoning?: string | null;
  reasoning_content?: string | null;
  tool_calls?: Call[] | null;
  [name: string]: unknown;
}
interface Call {
  index?: number;
  id?: string;
  function?: { name?: string; arguments?: string | null };
}
interface Choice {
  index: number;
  delta?: Message;
  message?: Message;
  text?: string;
  finish_reason: string | null;
  logprobs?: unknown;
  [name: string]: unknown;
}
interface Body {
  choices: Choice[];
  usage?: unknown;
  [name: string]: unknown;
}

function parse(bytes: Uint8Array | null): Body {
  if (bytes === null) throw new Error("no answer was assembled");
  return JSON.parse(Buffer.from(bytes).toString()) as Body;
}

function assembled(events: string | Uint8Array, choices?: number): Body | null {
  const answer = assembleAnswer(typeof events === "string" ? Buffer.from(events) : events, choices);
  return answer === null ? null : parse(answer);
}

function eventsOf(chunks: readonly object[]): string {
  return [...chunks.map((chunk) => JSON.stringify(chunk)), "[DONE]"]
    .map((data) => `data: ${data}\n\n`)
    .join("");
}

/** A stream of chunks with these deltas of one choice, ended by `finish_reason`. */
function deltas(...said: readonly object[]): string {
  const ended = [
    ...said.map((delta) => ({ delta, finish_reason: null })),
    { delta: {}, finish_reason: "stop" },
  ];
  return eventsOf(
    ended.map((choice) => ({ id: "c", created: 5, model: "m", choices: [{ index: 0, ...choice }] })),
  );
}

function message(...said: readonly object[]): Message | undefined {
  return assembled(deltas(...said))?.choices[0]?.message;
}

function chunksOf(recording: Recording): Body[] {
  return recording.events
    .map(({ data }) => data)
    .filter((data) => data !== null && data !== "[DONE]")
    .map((data) => JSON.parse(Buffer.from(data!, "latin1").toString()) as Body);
}

/** All text in a content, in parts or not. */
function allText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part: { text?: string; thinking?: unknown }) => part.text ?? allText(part.thinking))
    .join("");
}

/** Offset at which the last of the choices has finished, without the blank line behind it; null if one never does. */
function finishedAt(recording: Recording): number | null {
  const open = new Set<number>();
  let finished_at: number | null = null;
  for (const [position, { data, raw }] of recording.events.entries()) {
    if (data === null || data === "[DONE]") continue;
    for (const { index, finish_reason } of (JSON.parse(Buffer.from(data, "latin1").toString()) as Body)
      .choices) {
      if (finish_reason) open.delete(index);
      else if (finished_at === null) open.add(index);
    }
    if (finished_at === null && open.size === 0 && position > 0 && raw.includes("finish_reason")) {
      finished_at = recording.boundaries[position]! - /[\r\n]*$/.exec(raw)![0].length;
    }
  }
  return finished_at;
}

const recorded = recordings().map((recording) => ({ ...recording, finished_at: finishedAt(recording) }));
const finished = recorded.filter(({ finished_at }) => finished_at !== null);

describe.skipIf(RECORDINGS_MISSING !== null)("a recorded stream", () => {
  test("whose choice never finishes is no answer; nearly all do", () => {
    const unfinished = recorded.filter(({ finished_at }) => finished_at === null);
    for (const { body } of unfinished) expect(assembleAnswer(body)).toBe(null);
    expect(unfinished.length).toBe(2);
    expect(finished.length).toBeGreaterThan(70);
  });

  test.each(finished.map((recording) => [recording.name, recording] as const))("%s", (_, recording) => {
    const chunks = chunksOf(recording);
    const all = chunks.flatMap(({ choices }) => choices);
    const answer = parse(assembleAnswer(recording.body));
    expect(answer["object"]).toBe("chat.completion");
    expect(answer["id"]).toBe(chunks.at(-1)!["id"]);
    expect(answer["model"]).toBe(chunks.at(-1)!["model"]);
    expect(answer.usage).toEqual(chunks.findLast(({ usage }) => usage)?.usage);
    expect(answer.choices.map(({ index }) => index)).toEqual(
      [...new Set(all.map(({ index }) => index))].sort(),
    );
    for (const { index, finish_reason, message: whole } of answer.choices) {
      const said = all.filter((choice) => choice.index === index);
      expect(finish_reason).toBe(said.findLast((choice) => choice.finish_reason)!.finish_reason);
      expectMessage(
        whole!,
        said.map(({ delta }) => delta ?? {}),
      );
    }
  });

  function expectMessage(whole: Message, said: readonly Message[]): void {
    expect(whole.role).toBe("assistant");
    expect(allText(whole.content)).toBe(said.map(({ content }) => allText(content)).join(""));
    for (const name of ["refusal", "reasoning", "reasoning_content"] as const) {
      expect(whole[name] ?? "").toBe(said.map((delta) => delta[name] ?? "").join(""));
    }
    const calls = said.flatMap(({ tool_calls }) => tool_calls ?? []);
    const indexes = [...new Set(calls.map(({ index }) => index))];
    expect(whole.tool_calls?.length ?? 0).toBe(indexes.length);
    for (const [position, index] of indexes.entries()) {
      const pieces = calls.filter((call) => call.index === index);
      const call = whole.tool_calls![position]!;
      expect(call.id).toBe(pieces.find(({ id }) => id)!.id);
      expect(call.function!.name).toBe(pieces.find((piece) => piece.function?.name)!.function!.name);
      expect(call.function!.arguments).toBe(pieces.map((piece) => piece.function?.arguments ?? "").join(""));
    }
  }

  test.skipIf(OPENAPI_MISSING !== null)("is an answer as OpenAI describes it", () => {
    const problems = finished.flatMap(({ name, body }) =>
      validateAnswer("POST", "/v1/chat/completions", 200, parse(assembleAnswer(body))).map(
        (it) => `${name}: ${it}`,
      ),
    );
    // Theirs in either form: Mistral's content in parts, Azure's fingerprint of null.
    const is_theirs = /mistral.*\/message\/content |system_fingerprint must be string/;
    expect(problems.filter((problem) => !is_theirs.test(problem))).toEqual([]);
  });

  test("that is cut anywhere is complete only if its choices finished", () => {
    for (const recording of finished) {
      const messages = parse(assembleAnswer(recording.body)).choices.map(({ message: whole }) => whole);
      for (const cut of cuts(recording, 1_000, 40)) {
        const answer = assembled(recording.body.subarray(0, cut));
        if (cut < recording.finished_at!) expect(answer, `${recording.name} cut at ${cut}`).toBe(null);
        else expect(answer!.choices.map(({ message: whole }) => whole)).toEqual(messages);
      }
    }
  });

  test("that is garbled gives an answer or none, and never throws", () => {
    const random = randomIntegers(5);
    for (const { body } of recorded) {
      for (let turn = 0; turn < 10; turn++) {
        const bytes = Buffer.from(body.subarray(0, 20_000));
        for (let change = 0; change <= random(4); change++) {
          const at = random(bytes.length);
          if (random(2) === 0) bytes[at] = random(256);
          else bytes.copyWithin(at, random(bytes.length), random(bytes.length));
        }
        const answer = assembleAnswer(bytes);
        if (answer !== null) expect(Array.isArray(parse(answer).choices)).toBe(true);
      }
    }
  });
});

describe("a stream", () => {
  test("of several choices, which come interleaved, is in the order of their indexes", () => {
    const said = [
      { index: 1, delta: { role: "assistant", content: "b" }, finish_reason: null },
      { index: 0, delta: { role: "assistant", content: "a" }, finish_reason: null },
      { index: 1, delta: { content: "B" }, finish_reason: "stop" },
      { index: 0, delta: { content: "A" }, finish_reason: "length" },
    ];
    const events = eventsOf(said.map((choice) => ({ choices: [choice] })));
    const { choices } = assembled(events)!;
    expect(choices.map(({ message: it }) => it!.content)).toEqual(["aA", "bB"]);
    expect(choices.map(({ finish_reason }) => finish_reason)).toEqual(["length", "stop"]);
    expect(assembled(events, 3)).toBe(null);
    expect(assembled(eventsOf(said.slice(0, 3).map((choice) => ({ choices: [choice] }))))).toBe(null);
  });

  test("of parallel calls, which come interleaved, has each whole", () => {
    const call = (index: number, id: string) => ({
      index,
      id,
      type: "function",
      function: { name: id, arguments: "" },
    });
    const piece = (index: number, text: string) => ({
      tool_calls: [{ index, function: { arguments: text } }],
    });
    const said = message(
      { role: "assistant", content: null, tool_calls: [call(1, "b"), call(0, "a")] },
      ...[piece(0, '{"x"'), piece(1, '{"y"'), piece(1, ":2}"), piece(0, ":1}")],
    );
    expect(said).toEqual({
      role: "assistant",
      content: null,
      refusal: null,
      tool_calls: [
        { id: "a", type: "function", function: { name: "a", arguments: '{"x":1}' } },
        { id: "b", type: "function", function: { name: "b", arguments: '{"y":2}' } },
      ],
    });
  });

  test("whose calls have no index begins a new one with each id", () => {
    const said = message(
      { tool_calls: [{ id: "a", function: { name: "f", arguments: "{" } }] },
      {
        tool_calls: [{ function: { arguments: "}" } }, { id: "b", function: { name: "g", arguments: null } }],
      },
    );
    expect(said!.tool_calls).toEqual([
      { id: "a", function: { name: "f", arguments: "{}" } },
      { id: "b", function: { name: "g", arguments: "" } },
    ]);
  });

  test("of a function call of old, and of a custom tool", () => {
    const said = message(
      {
        function_call: { name: "f", arguments: "" },
        tool_calls: [{ index: 0, custom: { name: "sh", input: "l" } }],
      },
      { function_call: { arguments: "{}" }, tool_calls: [{ index: 0, custom: { input: "s" } }] },
    );
    expect(said!["function_call"]).toEqual({ name: "f", arguments: "{}" });
    expect(said!.tool_calls).toEqual([{ custom: { name: "sh", input: "ls" } }]);
  });

  test("with a content in parts has each part once", () => {
    const thinking = (text: string) => [{ type: "thinking", thinking: [{ type: "text", text }] }];
    const said = message(
      { content: "" },
      { content: thinking("a ") },
      { content: thinking("b") },
      { content: "c " },
      {
        content: "d",
      },
    );
    expect(said!.content).toEqual([...thinking("a b"), { type: "text", text: "c d" }]);
  });

  test("with details of reasoning joins those of one index", () => {
    const detail = (text: string, index: number, more = {}) => ({
      type: "reasoning.text",
      text,
      index,
      ...more,
    });
    const said = message(
      { reasoning_details: [detail("a", 0)] },
      { reasoning_details: [detail("b", 0)] },
      { reasoning_details: [{ type: "reasoning.text", index: 0, signature: "s" }] },
      { reasoning_details: [detail("c", 1)] },
      { reasoning_details: [{ type: "reasoning.encrypted", data: "x" }] },
      { reasoning_details: [{ type: "reasoning.encrypted", data: "y" }] },
    );
    expect(said!["reasoning_details"]).toEqual([
      detail("ab", 0, { signature: "s" }),
      detail("c", 1),
      { type: "reasoning.encrypted", data: "x" },
      { type: "reasoning.encrypted", data: "y" },
    ]);
  });

  test("with sound has one base64 text", () => {
    const first = Buffer.from("first piece").toString("base64");
    const second = Buffer.from("second").toString("base64");
    const said = message(
      { audio: { id: "a", data: first, transcript: "Hel" } },
      { audio: { data: second, transcript: "lo", expires_at: 9 } },
    );
    expect(said!["audio"]).toEqual({
      ...{ id: "a", transcript: "Hello", expires_at: 9 },
      data: Buffer.from("first piecesecond").toString("base64"),
    });
  });

  test("with logprobs has those of all tokens", () => {
    const choices = [
      {
        delta: { role: "assistant", content: "" },
        logprobs: { content: [], refusal: null },
        finish_reason: null,
      },
      {
        delta: { content: "a" },
        logprobs: { content: [{ token: "a" }], refusal: null },
        finish_reason: null,
      },
      {
        delta: { content: "b" },
        logprobs: { content: [{ token: "b" }], refusal: null },
        finish_reason: null,
      },
      { delta: {}, logprobs: null, finish_reason: "stop" },
    ];
    const answer = assembled(eventsOf(choices.map((choice) => ({ choices: [{ index: 0, ...choice }] }))));
    expect(answer!.choices[0]!.logprobs).toEqual({
      content: [{ token: "a" }, { token: "b" }],
      refusal: null,
    });
  });

  test("of legacy completions", () => {
    const chunk = { id: "cmpl-1", object: "text_completion", created: 3, model: "m" };
    const logprobs = (token: string) => ({ tokens: [token], token_logprobs: [-1], text_offset: [0] });
    const answer = assembled(
      eventsOf([
        { ...chunk, choices: [{ index: 0, text: "Hel", logprobs: logprobs("Hel"), finish_reason: null }] },
        { ...chunk, choices: [{ index: 0, text: "lo", logprobs: logprobs("lo"), finish_reason: "stop" }] },
        { ...chunk, choices: [], usage: { prompt_tokens: 1 } },
      ]),
    );
    expect(answer).toEqual({
      ...chunk,
      choices: [
        {
          index: 0,
          text: "Hello",
          logprobs: { tokens: ["Hel", "lo"], token_logprobs: [-1, -1], text_offset: [0, 0] },
          finish_reason: "stop",
        },
      ],
      usage: { prompt_tokens: 1 },
    });
  });

  test("keeps what a filter's empty chunk does not say", () => {
    const answer = assembled(
      eventsOf([
        {
          id: "",
          created: 0,
          model: "",
          object: "",
          choices: [],
          prompt_filter_results: [{ prompt_index: 0 }],
        },
        {
          id: "c",
          created: 7,
          model: "m",
          choices: [{ index: 0, delta: { content: "x" }, finish_reason: "stop" }],
        },
        {
          id: "",
          created: 0,
          model: "",
          choices: [{ index: 0, content_filter_offsets: { end: 3 }, finish_reason: null }],
        },
      ]),
    );
    expect(answer).toMatchObject({
      id: "c",
      created: 7,
      model: "m",
      prompt_filter_results: [{ prompt_index: 0 }],
    });
    expect(answer!.choices[0]).toMatchObject({ finish_reason: "stop", content_filter_offsets: { end: 3 } });
  });

  test("keeps the digits of numbers, halves of surrogate pairs, and members of any name", () => {
    const events =
      'data: {"n":9007199254740993,"tiny":1e-400,"id":"12345678901234567890","choices":' +
      '[{"index":0,"delta":{"content":"a\\ud83d","__proto__":{"x":1}},"finish_reason":null}]}\n\n' +
      'data: {"choices":[{"index":0,"delta":{"content":"\\ude00","refusal":"\\udfff"},"finish_reason":"stop"}]}\n\n';
    const answer = Buffer.from(assembleAnswer(Buffer.from(events))!).toString();
    expect(answer).toContain('"n":9007199254740993,"tiny":1e-400');
    expect(answer).toContain('"content":"a😀"');
    expect(answer).toContain('"refusal":"\\udfff"');
    expect(answer).toContain('"__proto__":{"x":1}');
  });

  const said = { choices: [{ index: 0, delta: { content: "x" }, finish_reason: "stop" }] };
  test.each([
    ["nothing", ""],
    ["garbage", "\u0000\u0001: data"],
    ["no event stream", JSON.stringify(said)],
    ["an error in a chunk", eventsOf([said, { error: { message: "overloaded" }, choices: [] }])],
    ["an error in a choice", eventsOf([{ choices: [{ ...said.choices[0], error: { message: "cut" } }] }])],
    [
      "an event named error",
      `${eventsOf([said]).replace("data: [DONE]\n\n", "")}event: error\ndata: {"choices":[]}\n\n`,
    ],
    ["data that are no JSON", `data: {"choices\n\n${eventsOf([said])}`],
    ["Anthropic's format", 'event: message_start\ndata: {"type":"message_start","message":{"id":"m"}}\n\n'],
    [
      "the format of responses",
      'event: response.created\ndata: {"type":"response.created","response":{}}\n\n',
    ],
    ["chunks of both kinds", eventsOf([said, { choices: [{ index: 0, text: "x", finish_reason: "stop" }] }])],
    [
      "a message and no delta",
      eventsOf([{ choices: [{ index: 0, message: { content: "x" }, finish_reason: "stop" }] }]),
    ],
    ["no choice", eventsOf([{ choices: [], usage: { prompt_tokens: 1 } }])],
    ["a choice of no index", eventsOf([{ choices: [{ ...said.choices[0], index: -1 }] }])],
    [
      "a choice that did not finish",
      eventsOf([{ choices: [{ index: 0, delta: { content: "x" }, finish_reason: null }] }]),
    ],
    [
      "a value too deep",
      `data: {"choices":[],"x":${"[".repeat(2e5)}${"]".repeat(2e5)}}\n\n${eventsOf([said])}`,
    ],
  ])("of %s gives no answer", (_, events) => {
    expect(assembleAnswer(Buffer.from(events))).toBe(null);
  });

  test("of 8 MiB is assembled in linear time", () => {
    const text = "word ".repeat(8);
    const chunk = `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })}\n\n`;
    const count = Math.floor((8 * 1024 * 1024) / chunk.length);
    const started_ms = performance.now();
    const answer = assembled(chunk.repeat(count) + deltas());
    expect(answer!.choices[0]!.message!.content).toHaveLength(count * text.length);
    expect(performance.now() - started_ms).toBeLessThan(5_000);
  });
});
