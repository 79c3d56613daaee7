// Answers as response objects, whole and streamed: how they end, what is repeated of the request, and what has no ids.

import { describe, expect, test } from "vitest";
import type { ChatAnswer, Finish, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { tellAnswer } from "../../../src/dialects/neutral/collect.ts";
import type { Part } from "../../../src/dialects/neutral/parts.ts";
import { RESPONSES } from "../../../src/dialects/responses/format.ts";
import { usageOf } from "../../../src/dialects/usage.ts";
import { checkResponsesAnswer, checkResponsesStream } from "../grammar/responses.ts";
import { contextOf } from "./context.ts";

type Fields = Record<string, unknown>;

function answerOf(parts: readonly Part[], finish: Finish | null, more: Partial<ChatAnswer> = {}): ChatAnswer {
  const choices = [{ index: 0, parts, finish }];
  return { id: "x", model: "m-1", created_s: 1_700_000_000, usage: null, choices, ...more };
}

function written(answer: ChatAnswer, asked: Fields | null = null): Fields {
  const response = JSON.parse(JSON.stringify(RESPONSES.writeAnswer(answer, contextOf(asked)))) as Fields;
  expect(checkResponsesAnswer(response)).toEqual([]);
  return response;
}

/** The last response of the stream that an answer is told in. */
function streamed(answer: ChatAnswer, asked: Fields | null = null): Fields {
  const writer = RESPONSES.writeStream(contextOf(asked));
  let text = "";
  tellAnswer(answer, (event) => {
    text += writer.write(event);
  });
  expect(checkResponsesStream(Buffer.from(text))).toEqual([]);
  return JSON.parse(text.slice(text.lastIndexOf("\ndata: ") + 7)).response;
}

const TEXT: Part = { kind: "text", text: "Yes." };
const REFUSAL: Part = { kind: "refusal", text: "No." };

describe("an answer", () => {
  test.each<[Finish["reason"], Part, string, string | null]>([
    ["stop", TEXT, "completed", null],
    ["stop_sequence", TEXT, "completed", null],
    ["tool_calls", TEXT, "completed", null],
    ["other", TEXT, "completed", null],
    ["length", TEXT, "incomplete", "max_output_tokens"],
    ["context_length", TEXT, "incomplete", "max_output_tokens"],
    ["pause", TEXT, "incomplete", "max_output_tokens"],
    ["content_filter", TEXT, "incomplete", "content_filter"],
    ["refusal", TEXT, "incomplete", "content_filter"],
    ["refusal", REFUSAL, "completed", null],
    ["malformed_call", TEXT, "failed", null],
    ["error", TEXT, "failed", null],
  ])("that ended by %s (%j) is %s", (reason, part, status, why) => {
    const answer = answerOf([part], { reason });
    for (const response of [written(answer), streamed(answer)]) {
      expect([
        response["status"],
        (response["incomplete_details"] as Fields | null)?.["reason"] ?? null,
      ]).toEqual([...[status, why]]);
      expect(response["error"] === null).toBe(status !== "failed");
    }
  });

  test.each<[Fields, Finish["reason"] | null]>([
    [{ status: "completed" }, "stop"],
    [{ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }, "length"],
    [{ status: "incomplete", incomplete_details: { reason: "content_filter" } }, "content_filter"],
    [{ status: "incomplete", incomplete_details: { reason: "tired" } }, "length"],
    [{ status: "incomplete" }, "length"],
    [{ status: "failed", error: { code: "server_error", message: "x" } }, "error"],
    [{ status: "cancelled" }, "error"],
    [{ status: "in_progress" }, null],
    [{}, "stop"],
  ])("that says %j is read", (fields, reason) => {
    const answer = RESPONSES.readAnswer({ object: "response", output: [], ...fields })!;
    expect(answer.choices[0]!.finish?.reason ?? null).toBe(reason);
  });

  test("that broke off has failed", () => {
    expect(written(answerOf([TEXT], null))).toMatchObject({
      status: "failed",
      error: { code: "server_error" },
    });
    expect(streamed(answerOf([TEXT], null))["status"]).toBe("failed");
  });

  test("without anything is an empty output", () => {
    const nothing = answerOf([], { reason: "stop" }, { choices: [] });
    expect(written(nothing)["output"]).toEqual([]);
    expect(written(answerOf([], { reason: "stop" }))["output"]).toEqual([]);
    expect(streamed(answerOf([], { reason: "stop" }))["output"]).toEqual([]);
  });

  test("is none of this format where nothing says so", () => {
    for (const value of [{}, { object: "chat.completion", choices: [] }, { output: "x" }, { error: {} }])
      expect(RESPONSES.readAnswer(value)).toBe(null);
  });

  test("has ids where its provider gives none, of this format's kind", () => {
    const parts: Part[] = [
      { kind: "thinking", text: "Hm." },
      TEXT,
      { kind: "tool_call", id: "", name: "f", arguments: "" },
      { kind: "tool_call", id: "a", name: "f", arguments: "" },
      { kind: "tool_call", id: "a", name: "f", arguments: "" },
    ];
    const response = written(answerOf(parts, { reason: "tool_calls" }, { id: "chatcmpl-1" }));
    expect(response["id"]).toBe("resp_c1");
    const output = response["output"] as Fields[];
    expect(output.map(({ id }) => `${id}`.split("_")[0])).toEqual(["rs", "msg", "fc", "fc", "fc"]);
    const call_ids = output.slice(2).map(({ call_id }) => call_id);
    expect([new Set(call_ids).size, call_ids[1]]).toEqual([3, "a"]);
    expect(streamed(answerOf(parts, { reason: "tool_calls" }))["output"]).toEqual(output);
  });

  test("repeats what was asked", () => {
    const asked = {
      ...{
        model: "m",
        input: "x",
        instructions: "Be kind.",
        temperature: 0.5,
        top_p: 0.9,
        max_output_tokens: 50,
      },
      ...{ parallel_tool_calls: false, metadata: { a: "b" }, store: false, truncation: "auto", user: "u" },
      ...{ previous_response_id: "resp_0", max_tool_calls: 2, safety_identifier: "s", prompt_cache_key: "k" },
      reasoning: { effort: "low" },
      text: { format: { type: "json_schema", name: "n", schema: {}, strict: true } },
      tools: [
        { type: "function", name: "f", parameters: {} },
        { type: "mcp", server_label: "s" },
      ],
      tool_choice: { type: "mcp", server_label: "s" },
      top_logprobs: 2,
    };
    const { input: _, model: __, ...repeated } = asked;
    const expected = {
      ...repeated,
      reasoning: { effort: "low", summary: null },
      text: { format: { ...asked.text.format, description: null }, verbosity: "medium" },
      tools: [{ ...asked.tools[0], strict: true, description: null }, asked.tools[1]],
    };
    const answer = answerOf([TEXT], { reason: "stop" });
    expect(written(answer, asked)).toMatchObject(expected);
    expect(streamed(answer, asked)).toMatchObject(expected);
  });

  test("tells what was used, each kind within its total", () => {
    const used = {
      ...{ input_tokens: 100, cached_input_tokens: 40, cache_write_5m_tokens: 5, cache_write_1h_tokens: 6 },
      ...{ output_tokens: 30, reasoning_tokens: 9, input_audio_tokens: 7 },
    };
    const { usage } = written(answerOf([TEXT], { reason: "stop" }, { usage: usageOf(used) }));
    expect(usage).toEqual({
      input_tokens: 100,
      input_tokens_details: { cached_tokens: 40, cache_write_tokens: 11, audio_tokens: 7 },
      output_tokens: 30,
      output_tokens_details: { reasoning_tokens: 9 },
      total_tokens: 130,
    });
  });

  test("in several choices is the first of them", () => {
    const choices = [TEXT, REFUSAL].map((part, index) => ({
      index,
      parts: [part],
      finish: { reason: "stop" as const },
    }));
    const answer = answerOf([], null, { choices });
    expect(written(answer)["output"]).toMatchObject([{ content: [{ text: "Yes." }] }]);
    expect(streamed(answer)["output"]).toMatchObject([{ content: [{ text: "Yes." }] }]);
  });
});

describe("a stream", () => {
  const start: StreamEvent = { kind: "start", id: "", model: "", created_s: null };
  const text = (part: number): StreamEvent => ({
    kind: "part_start",
    choice: 0,
    part,
    start: { kind: "text" },
  });
  const delta = (part: number, said: string): StreamEvent => ({ kind: "delta", choice: 0, part, text: said });
  const finish: StreamEvent = { kind: "finish", choice: 0, finish: { reason: "stop" } };

  function streamOf(events: readonly StreamEvent[]): string {
    const writer = RESPONSES.writeStream(contextOf(null));
    const said = events.map((event) => writer.write(event)).join("");
    expect(checkResponsesStream(Buffer.from(said))).toEqual([]);
    return said;
  }

  test("closes what its provider left open", () => {
    streamOf([start, text(0), delta(0, "Hi"), text(1), delta(1, "there"), finish, { kind: "end" }]);
  });

  test("starts by itself, and says nothing after its end", () => {
    const writer = RESPONSES.writeStream(contextOf(null));
    expect(writer.write(text(0))).toContain('"response.created"');
    writer.write(finish);
    expect(writer.write({ kind: "end" })).toContain('"response.completed"');
    for (const event of [delta(0, "x"), { kind: "end" } as const, start])
      expect(writer.write(event)).toBe("");
  });

  test("that breaks off before it began has a start, the error, and a failure", () => {
    const error = { message: "down", type: "upstream_error", param: null, code: null };
    const said = streamOf([{ kind: "error", error }]);
    expect(said.match(/^event: .*$/gm)).toEqual([
      ...["event: response.created", "event: response.in_progress", "event: error", "event: response.failed"],
    ]);
  });

  test("tells log probabilities whether they come before their text or behind it", () => {
    const tokens: StreamEvent = {
      kind: "logprobs",
      choice: 0,
      tokens: [{ token: "Hi", logprob: -1, top: [] }],
    };
    const ends: StreamEvent[] = [{ kind: "part_stop", choice: 0, part: 0 }, finish, { kind: "end" }];
    const logprob = '"logprobs":[{"token":"Hi","bytes":[72,105],"logprob":-1,"top_logprobs":[]}]';
    for (const events of [
      [tokens, delta(0, "Hi")],
      [delta(0, "Hi"), tokens],
    ]) {
      const said = streamOf([start, text(0), ...events, ...ends]);
      // In a delta, at the text's end, at the part's, at the item's, and in the response.
      expect(said.split(logprob).length - 1).toBe(5);
    }
  });

  test("that does not end is ended", () => {
    const writer = RESPONSES.writeStream(contextOf(null));
    const mebi = "x".repeat(1 << 20);
    writer.write(text(0));
    for (let index = 0; index < 16; index++)
      expect(writer.write(delta(0, mebi))).toContain("output_text.delta");
    expect(writer.write(delta(0, "x"))).toContain('"response.failed"');
    expect(writer.write(delta(0, mebi))).toBe("");
  });

  test("of a long text costs as much per piece as of a short one", () => {
    const events: StreamEvent[] = [start, text(0)];
    for (let index = 0; index < 100_000; index++) events.push(delta(0, "word "));
    const writer = RESPONSES.writeStream(contextOf(null));
    const longest = events.reduce((most, event) => Math.max(most, writer.write(event).length), 0);
    // The pieces do not grow with what came before them; only the start repeats the request.
    expect(longest).toBeLessThan(4_000);
  });
});
