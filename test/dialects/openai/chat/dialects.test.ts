// What compatible servers say otherwise than OpenAI, and what is broken in what they say: answers and streams, by hand.

import { describe, expect, test } from "vitest";
import type { AnswerChoice, StreamEvent } from "../../../../src/dialects/neutral/answer.ts";
import type { Part } from "../../../../src/dialects/neutral/parts.ts";
import { CHAT } from "../../../../src/dialects/openai/chat/format.ts";
import { randomIntegers } from "../../../memory/random.ts";
import { checkChatStream } from "../../grammar/chat.ts";
import { answerOfEvents, checkEvents, contextOf, eventsOfStream, streamOf } from "./events.ts";

type Fields = Record<string, unknown>;

/** The parts of a whole answer with this message. */
function partsOf(message: Fields, others: Fields = {}): readonly Part[] {
  return choiceOf(message, others).parts;
}

function choiceOf(message: Fields, others: Fields = {}, choice: Fields = {}): AnswerChoice {
  const answer = CHAT.readAnswer({
    id: "c",
    choices: [{ index: 0, message, finish_reason: "stop", ...choice }],
    ...others,
  });
  return answer!.choices[0]!;
}

function eventLines(...chunks: readonly unknown[]): string {
  return chunks
    .map((chunk) => `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`)
    .join("");
}

function chunk(delta: Fields, finish_reason: string | null = null, index = 0): Fields {
  return { id: "c", created: 5, model: "m", choices: [{ index, delta, finish_reason }] };
}

/** What a stream of these deltas says; it ends well unless told otherwise. */
function said(...deltas: readonly Fields[]): {
  events: StreamEvent[];
  parts: readonly Part[];
  choice: AnswerChoice;
} {
  const events = eventsOfStream(
    CHAT,
    eventLines(...deltas.map((delta) => chunk(delta)), chunk({}, "stop"), "[DONE]"),
  );
  expect(checkEvents(events)).toEqual([]);
  const stream = streamOf(CHAT, events, contextOf({ stream: true }));
  expect(checkChatStream(stream)).toEqual([]);
  const choice = answerOfEvents(events).choices[0]!;
  expect(answerOfEvents(eventsOfStream(CHAT, stream)).choices[0]!.parts).toEqual(choice.parts);
  return { events, parts: choice.parts, choice };
}

describe("thoughts", () => {
  test("are read from every field that servers put them in", () => {
    for (const message of [
      { reasoning_content: "hm" },
      { reasoning: "hm" },
      {
        content: [
          { type: "thinking", thinking: [{ type: "text", text: "hm" }] },
          { type: "text", text: "yes" },
        ],
      },
    ])
      expect(partsOf({ content: "yes", ...message })).toEqual([
        { kind: "thinking", text: "hm" },
        { kind: "text", text: "yes" },
      ]);
  });

  test("that are signed keep whose signature it is", () => {
    const details = [
      { type: "reasoning.text", text: "hm", signature: "s1", format: "anthropic-claude-v1", index: 0 },
      { type: "reasoning.encrypted", data: "e1", format: "anthropic-claude-v1", index: 1 },
      { type: "reasoning.summary", summary: "so", id: "rs_1", format: "openai-responses-v1", index: 2 },
      { type: "reasoning.encrypted", data: "e2", id: "rs_1", format: "openai-responses-v1", index: 3 },
      { type: "reasoning.text", text: "?", signature: "s2", format: "new-v9", index: 4 },
      { type: "reasoning.of_the_future", index: 5 },
    ];
    expect(partsOf({ content: null, reasoning: "hm", reasoning_details: details })).toEqual([
      { kind: "thinking", text: "hm", signature: { format: "messages", value: "s1" } },
      { kind: "thinking", text: "", encrypted: { format: "messages", value: "e1" } },
      { kind: "thinking", text: "so", id: "rs_1", encrypted: { format: "responses", value: "e2" } },
      { kind: "thinking", text: "?", signature: { format: "chat", value: "new-v9:s2" } },
    ]);
  });

  test("of Gemini through OpenRouter sign the call", () => {
    const tool_calls = [{ id: "t1", type: "function", function: { name: "f", arguments: "{}" } }];
    const reasoning_details = [
      { type: "reasoning.encrypted", data: "g", id: "t1", format: "google-gemini-v1", index: 0 },
    ];
    const call = {
      kind: "tool_call",
      id: "t1",
      name: "f",
      arguments: "{}",
      signature: { format: "gemini", value: "g" },
    };
    expect(partsOf({ content: null, tool_calls, reasoning_details })).toEqual([call]);
    expect(said({ tool_calls: [{ index: 0, ...tool_calls[0] }] }, { reasoning_details }).parts).toEqual([
      call,
    ]);
  });

  test("and Google's own signatures are read from calls and texts, and come back", () => {
    const extra_content = { google: { thought_signature: "g" } };
    const { parts } = said(
      { content: "a", extra_content },
      { tool_calls: [{ index: 0, id: "t", function: { name: "f", arguments: "{}" }, extra_content }] },
    );
    expect(parts).toEqual([
      { kind: "text", text: "a", signature: { format: "gemini", value: "g" } },
      { kind: "tool_call", id: "t", name: "f", arguments: "{}", signature: { format: "gemini", value: "g" } },
    ]);
  });

  test("in a stream are told once, though OpenRouter says them twice", () => {
    const piece = (text: string): Fields => ({
      reasoning: text,
      reasoning_details: [{ type: "reasoning.text", text, format: "anthropic-claude-v1", index: 0 }],
    });
    const signed = {
      reasoning_details: [
        { type: "reasoning.text", signature: "s", format: "anthropic-claude-v1", index: 0 },
      ],
    };
    expect(said(piece("a"), piece("b"), signed, { content: "c" }).parts).toEqual([
      { kind: "thinking", text: "ab", signature: { format: "messages", value: "s" } },
      { kind: "text", text: "c" },
    ]);
  });

  test("of Mistral go on over several chunks, into the text", () => {
    const thinking = (text: string): Fields => ({
      content: [{ type: "thinking", thinking: [{ type: "text", text }] }],
    });
    expect(
      said(thinking("a"), thinking("b"), { content: [{ type: "text", text: "c" }] }, { content: "d" }).parts,
    ).toEqual([
      { kind: "thinking", text: "ab" },
      { kind: "text", text: "cd" },
    ]);
  });

  test("that a client sends back are signed as they were", () => {
    const thoughts: Part[] = [
      { kind: "thinking", text: "hm", signature: { format: "messages", value: "s" } },
      { kind: "thinking", text: "", encrypted: { format: "messages", value: "e" } },
    ];
    const answer = {
      id: "c",
      model: "m",
      created_s: 1,
      usage: null,
      choices: [{ index: 0, parts: thoughts, finish: null }],
    };
    const { message } = (CHAT.writeAnswer(answer, contextOf())["choices"] as { message: Fields }[])[0]!;
    expect(message["reasoning_content"]).toBe("hm");
    const request = CHAT.readRequest({ model: "m", messages: [message] }, { model: null, stream: false });
    expect(request).toMatchObject({ messages: [{ role: "assistant", parts: thoughts }] });
  });

  test("of LiteLLM's kind are read", () => {
    const thinking_blocks = [
      { type: "thinking", thinking: "hm", signature: "s" },
      { type: "redacted_thinking", data: "e" },
    ];
    expect(partsOf({ content: "a", reasoning_content: "hm", thinking_blocks })).toEqual([
      { kind: "thinking", text: "hm", signature: { format: "messages", value: "s" } },
      { kind: "thinking", text: "", encrypted: { format: "messages", value: "e" } },
      { kind: "text", text: "a" },
    ]);
  });
});

describe("calls", () => {
  const call = (
    index: number | undefined,
    id: string | undefined,
    name: string | undefined,
    args: unknown,
  ): Fields => ({
    tool_calls: [{ index, id, type: "function", function: { name, arguments: args } }],
  });
  const calls = (parts: readonly Part[]): unknown[] =>
    parts.flatMap((part) => (part.kind === "tool_call" ? [[part.name, part.arguments]] : []));

  test("without an id get one each", () => {
    for (const parts of [
      said(call(0, undefined, "f", "{}"), call(1, "", "g", "{}")).parts,
      partsOf({
        content: null,
        tool_calls: [
          { function: { name: "f", arguments: "{}" } },
          { id: null, function: { name: "g", arguments: "{}" } },
        ],
      }),
    ]) {
      expect(calls(parts)).toEqual([
        ["f", "{}"],
        ["g", "{}"],
      ]);
      const ids = parts.map((part) => (part.kind === "tool_call" ? part.id : ""));
      expect(new Set(ids).size).toBe(2);
      for (const id of ids) expect(id).toMatch(/^call_[0-9a-f]{32}$/);
    }
  });

  test("with one id for two are told apart", () => {
    const { parts } = said(call(0, "a", "f", "{}"), call(1, "a", "g", "{}"));
    expect(calls(parts)).toEqual([
      ["f", "{}"],
      ["g", "{}"],
    ]);
    expect(new Set(parts.map((part) => (part.kind === "tool_call" ? part.id : ""))).size).toBe(2);
  });

  test("that all have index 0, or none, are told apart by their ids", () => {
    expect(calls(said(call(0, "a", "f", "{}"), call(0, "b", "g", "{}")).parts)).toEqual([
      ["f", "{}"],
      ["g", "{}"],
    ]);
    expect(
      calls(
        said(
          call(undefined, "a", "f", "{"),
          call(undefined, undefined, undefined, "}"),
          call(undefined, "b", "g", ""),
        ).parts,
      ),
    ).toEqual([
      ["f", "{}"],
      ["g", ""],
    ]);
  });

  test("grow side by side", () => {
    const { parts } = said(
      call(0, "a", "f", ""),
      call(1, "b", "g", ""),
      call(0, undefined, undefined, "1"),
      call(1, undefined, undefined, "2"),
      call(0, undefined, undefined, "3"),
    );
    expect(calls(parts)).toEqual([
      ["f", "13"],
      ["g", "2"],
    ]);
  });

  test("may say their name late, or in every piece, or never", () => {
    expect(calls(said(call(0, "a", undefined, "{"), call(0, undefined, "f", "}")).parts)).toEqual([
      ["f", "{}"],
    ]);
    expect(calls(said(call(0, "a", "f", "{"), call(0, "a", "f", "}")).parts)).toEqual([["f", "{}"]]);
    expect(calls(said(call(0, "a", undefined, "{}")).parts)).toEqual([["", "{}"]]);
  });

  test("may give their arguments as an object, or null", () => {
    expect(calls(said(call(0, "a", "f", { b: 1 })).parts)).toEqual([["f", '{"b":1}']]);
    expect(
      calls(partsOf({ content: null, tool_calls: [{ id: "a", function: { name: "f", arguments: null } }] })),
    ).toEqual([["f", ""]]);
  });

  test("of the tool that stands for a schema are the answer itself", () => {
    const answer = { id: "a", type: "function", function: { name: "answer_as_json", arguments: '{"b":1}' } };
    const whole = choiceOf({ content: "Here:", tool_calls: [answer] }, {}, { finish_reason: "tool_calls" });
    expect(whole).toMatchObject({ parts: [{ kind: "text", text: '{"b":1}' }], finish: { reason: "stop" } });
    const { parts, choice } = said(
      call(0, "a", "answer_as_json", '{"b"'),
      call(0, undefined, undefined, ":1}"),
    );
    expect(parts).toEqual([{ kind: "text", text: '{"b":1}' }]);
    expect(choice.finish).toEqual({ reason: "stop", raw: "stop" });
  });

  test("end an answer as calls, whatever reason it gives", () => {
    expect(said(call(0, "a", "f", "{}")).choice.finish).toEqual({ reason: "tool_calls", raw: "stop" });
  });

  test("of the old kind are calls, and old clients get them so", () => {
    const legacy = { function_call: { name: "f", arguments: "" } };
    const stream = eventLines(
      chunk(legacy),
      chunk({ function_call: { arguments: "{}" } }),
      chunk({}, "function_call"),
      "[DONE]",
    );
    const events = eventsOfStream(CHAT, stream);
    expect(calls(answerOfEvents(events).choices[0]!.parts)).toEqual([["f", "{}"]]);
    const asked = CHAT.readRequest(
      { model: "m", messages: [], functions: [{ name: "f", parameters: {} }] },
      { model: null, stream: true },
    );
    if ("code" in asked) throw new Error(asked.message);
    const again = streamOf(CHAT, events, contextOf(asked));
    expect(checkChatStream(again)).toEqual([]);
    expect(again).toContain('"function_call":{"name":"f","arguments":""}');
    expect(again).toContain('"finish_reason":"function_call"');
    const whole = CHAT.writeAnswer(answerOfEvents(events), contextOf(asked))["choices"] as Fields[];
    expect(whole[0]).toMatchObject({
      message: { function_call: { name: "f", arguments: "{}" } },
      finish_reason: "function_call",
    });
  });

  test("that are an empty list, or null, are none", () => {
    for (const tool_calls of [[], null]) {
      expect(partsOf({ content: "a", tool_calls })).toEqual([{ kind: "text", text: "a" }]);
      expect(said({ content: "a", tool_calls }).parts).toEqual([{ kind: "text", text: "a" }]);
    }
  });
});

describe("citations", () => {
  test("of Perplexity are those of the text", () => {
    const search_results = [{ title: "A", url: "https://a.example", date: "2026-01-01" }];
    const citations = ["https://a.example"];
    const cited = { kind: "text", text: "a[1]", citations: [{ url: "https://a.example", title: "A" }] };
    expect(partsOf({ content: "a[1]" }, { search_results, citations })).toEqual([cited]);
    expect(partsOf({ content: "a[1]" }, { citations })).toEqual([
      { ...cited, citations: [{ url: "https://a.example" }] },
    ]);
    const stream = eventLines(
      { ...chunk({ content: "a" }), search_results },
      { ...chunk({ content: "[1]" }, "stop"), search_results },
    );
    expect(answerOfEvents(eventsOfStream(CHAT, stream)).choices[0]!.parts).toEqual([cited]);
  });

  test("keep their places, behind the texts before them", () => {
    const part: Part = {
      kind: "text",
      text: "bc",
      citations: [{ url: "https://a.example", start: 0, end: 2 }],
    };
    const answer = {
      id: "c",
      model: "m",
      created_s: 1,
      usage: null,
      choices: [{ index: 0, parts: [{ kind: "text", text: "a" } as const, part], finish: null }],
    };
    const [choice] = CHAT.writeAnswer(answer, contextOf())["choices"] as { message: Fields }[];
    expect(choice!.message["annotations"]).toEqual([
      {
        type: "url_citation",
        url_citation: { url: "https://a.example", title: "", start_index: 1, end_index: 3 },
      },
    ]);
  });
});

describe("media", () => {
  test("that a model made are parts", () => {
    const images = [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }];
    const image = { kind: "image", source: { kind: "base64", media_type: "image/png", data: "AAAA" } };
    expect(partsOf({ content: "a", images })).toEqual([{ kind: "text", text: "a" }, image]);
    expect(said({ content: "a" }, { images }).parts).toEqual([{ kind: "text", text: "a" }, image]);
  });

  test("a sound comes whole, however many pieces it has", () => {
    const { parts } = said(
      { audio: { id: "x", transcript: "He" } },
      { audio: { data: "AAA=" } },
      { audio: { data: "AAA=", transcript: "y" } },
      { audio: { expires_at: 5 } },
    );
    expect(parts).toEqual([
      {
        kind: "audio",
        source: { kind: "base64", media_type: "audio/wav", data: Buffer.alloc(4).toString("base64") },
        own: { format: "chat", fields: { id: "x", transcript: "Hey", expires_at: 5 } },
      },
    ]);
  });
});

describe("finish reasons", () => {
  test.each([
    ["stop", {}, "stop"],
    ["stop", { stop_reason: "END" }, "stop_sequence"],
    ["stop", { matched_stop: "END" }, "stop_sequence"],
    ["stop", { stop_reason: 128_009 }, "stop"],
    ["model_length", {}, "context_length"],
    ["insufficient_system_resource", {}, "error"],
    ["sensitive", {}, "content_filter"],
    ["of_the_future", {}, "other"],
    ["toString", {}, "other"],
  ])("%s %j is %s", (raw, others, reason) => {
    expect(choiceOf({ content: "a" }, {}, { finish_reason: raw, ...others }).finish).toMatchObject({
      reason,
      raw,
    });
  });

  test("a refusal stops at OpenAI, and is a filter's elsewhere", () => {
    expect(choiceOf({ content: null, refusal: "no" }).finish).toEqual({ reason: "refusal", raw: "stop" });
    const answer = {
      id: "c",
      model: "m",
      created_s: 1,
      usage: null,
      choices: [{ index: 0, parts: [], finish: { reason: "refusal" } as const }],
    };
    expect(CHAT.writeAnswer(answer, contextOf())["choices"]).toMatchObject([
      { finish_reason: "content_filter" },
    ]);
  });
});

describe("streams", () => {
  test("end without [DONE] where every choice has finished", () => {
    const events = eventsOfStream(CHAT, eventLines(chunk({ content: "a" }), chunk({}, "stop")));
    expect(events.at(-1)).toEqual({ kind: "end" });
  });

  test("end where the last event has no blank line behind it", () => {
    const events = eventsOfStream(
      CHAT,
      `${eventLines(chunk({ content: "a" }))}data: ${JSON.stringify(chunk({}, "stop"))}`,
    );
    expect(events.at(-1)).toEqual({ kind: "end" });
    expect(checkEvents(events)).toEqual([]);
  });

  test("that were cut have no end, and a choice that never finished keeps its stream from a good one", () => {
    for (const stream of [
      "",
      eventLines(chunk({ content: "a" })),
      eventLines(chunk({ content: "a" }, "stop", 0), chunk({ content: "b" }, null, 1)),
      'data: {"choices":[{"del',
    ])
      expect(eventsOfStream(CHAT, stream).map(({ kind }) => kind)).not.toContain("end");
  });

  test("end with an error that came as one, and nothing follows", () => {
    for (const error of [
      'event: error\ndata: {"error":{"message":"overloaded","code":529}}\n\n',
      'data: {"error":{"message":"overloaded","code":529}}\n\n',
      'data: {"choices":[{"index":0,"delta":{},"error":{"message":"overloaded","code":529}}]}\n\n',
      'event: error\ndata: {"message":"overloaded","code":529}\n\n',
    ]) {
      const events = eventsOfStream(
        CHAT,
        `${eventLines(chunk({ content: "a" }))}${error}${eventLines(chunk({ content: "b" }), "[DONE]")}`,
      );
      expect(events.at(-1)).toMatchObject({ kind: "error", error: { message: "overloaded", code: "529" } });
      const stream = streamOf(CHAT, events, contextOf());
      expect(checkChatStream(stream)).toEqual([]);
      expect(stream.endsWith("\n\n") && stream.includes("event: error\n")).toBe(true);
    }
  });

  test("with an event that is no JSON, or too long, end with an error", () => {
    const events = eventsOfStream(
      CHAT,
      `${eventLines(chunk({ content: "a" }))}data: {oops\n\ndata: [DONE]\n\n`,
    );
    expect(events.at(-1)).toMatchObject({ kind: "error", error: { type: "upstream_error" } });
    const long = eventsOfStream(CHAT, `data: {"a":"${"x".repeat(4 * 1024 * 1024)}"}\n\n`);
    expect(long.at(-1)).toMatchObject({ kind: "error" });
  });

  test("ignore what they do not know", () => {
    const odd = [
      ": comment\n\n",
      "event: ping\ndata: {}\n\n",
      "data: 1\n\n",
      "data: []\n\n",
      "data: null\n\n",
      'data: {"choices":null}\n\n',
      'data: {"choices":[null,{"index":-1,"delta":{"content":"x"}},{"index":1e9,"delta":{"content":"x"}},{"index":"0"}]}\n\n',
    ];
    const events = eventsOfStream(
      CHAT,
      `${odd.join("")}${eventLines(chunk({ content: "a", of_the_future: [1] }))}${odd.join("")}${eventLines(chunk({}, "stop"), "[DONE]")}`,
    );
    expect(checkEvents(events)).toEqual([]);
    expect(answerOfEvents(events).choices).toMatchObject([
      { index: 0, parts: [{ kind: "text", text: "a" }] },
    ]);
  });

  test("open with Azure's word about the prompt", () => {
    const opening = { id: "", created: 0, model: "", choices: [], prompt_filter_results: [] };
    const events = eventsOfStream(
      CHAT,
      eventLines(
        opening,
        chunk({ role: "assistant", content: "" }),
        chunk({ content: "a" }, "stop"),
        "[DONE]",
      ),
    );
    expect(events[0]).toMatchObject({ kind: "start", id: "c", model: "m" });
  });

  test("of one message instead of deltas are read", () => {
    const events = eventsOfStream(
      CHAT,
      eventLines({
        id: "c",
        choices: [{ index: 0, message: { role: "assistant", content: "a" }, finish_reason: "stop" }],
      }),
    );
    expect(answerOfEvents(events).choices[0]!.parts).toEqual([{ kind: "text", text: "a" }]);
  });

  test("tell nothing behind a choice's end", () => {
    const events = eventsOfStream(
      CHAT,
      eventLines(chunk({ content: "a" }, "stop"), chunk({ content: "b" }, "stop"), "[DONE]"),
    );
    expect(checkEvents(events)).toEqual([]);
    expect(answerOfEvents(events).choices[0]!.parts).toEqual([{ kind: "text", text: "a" }]);
  });

  test("carry lone surrogates and characters cut in two", () => {
    expect(said({ content: "\ud83d" }, { content: "\ude00" }, { content: "\ud800" }).parts).toEqual([
      { kind: "text", text: "😀\ud800" },
    ]);
  });

  test("of rubbish never throw, nor tell parts that are not open", () => {
    const random = randomIntegers(1);
    const good = eventLines(
      chunk({ role: "assistant", content: "größe" }),
      chunk({ reasoning: "a", reasoning_details: [{ type: "reasoning.text", text: "a", index: 0 }] }),
      chunk({ tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: "{}" } }] }),
      chunk({}, "stop"),
      "[DONE]",
    );
    const values = ["null", "1", '"x"', "[]", "{}", "[{}]", '{"index":0}', "true", "-1", "1e999"];
    for (let run = 0; run < 3000; run++) {
      let text = good;
      for (let changes = random(4); changes >= 0; changes--) {
        const at = random(text.length);
        if (random(2) === 0)
          text = `${text.slice(0, at)}${String.fromCharCode(random(128))}${text.slice(at + random(3))}`;
        else {
          // A value in the place of another.
          const colon = text.indexOf(":", at) + 1;
          const end = text.slice(colon).search(/[,}\]]/) + colon;
          text = `${text.slice(0, colon)}${values[random(values.length)]}${text.slice(Math.max(end, colon))}`;
        }
      }
      const events = eventsOfStream(CHAT, text, [random(text.length)]);
      const is_over = events.at(-1)?.kind === "end";
      const wrong = checkEvents(events);
      expect(is_over ? wrong : wrong.filter((what) => !what.includes("open at")), text).toEqual([]);
      if (is_over)
        expect(checkChatStream(streamOf(CHAT, events, contextOf({ stream: true }))), text).toEqual([]);
    }
  });
});

describe("whole answers", () => {
  test("of rubbish never throw", () => {
    const random = randomIntegers(2);
    const values = [
      null,
      1,
      "x",
      [],
      {},
      [{}],
      [null],
      true,
      -1,
      { type: "text" },
      [{ type: "reasoning.text" }],
    ];
    const names = [
      "content",
      "tool_calls",
      "reasoning_details",
      "annotations",
      "images",
      "audio",
      "refusal",
      "function_call",
      "extra_content",
      "thinking_blocks",
      "reasoning",
    ];
    for (let run = 0; run < 3000; run++) {
      const message = Object.fromEntries(names.map((name) => [name, values[random(values.length)]]));
      const answer = CHAT.readAnswer({
        id: values[random(values.length)],
        created: values[random(values.length)],
        usage: values[random(values.length)],
        choices: [
          {
            message,
            logprobs: values[random(values.length)],
            finish_reason: values[random(values.length)],
            index: values[random(values.length)],
          },
        ],
      });
      expect(answer).not.toBeNull();
      CHAT.writeAnswer(answer!, contextOf());
    }
  });

  test("that are none are told so", () => {
    for (const value of [
      {},
      { choices: null },
      { choices: [null] },
      { choices: [{ text: "a" }] },
      { error: {} },
    ])
      expect(CHAT.readAnswer(value)).toBeNull();
  });

  test("without id, model or time get the call's", () => {
    const written = CHAT.writeAnswer(
      CHAT.readAnswer({ choices: [{ message: { content: "a" }, finish_reason: "stop" }] })!,
      contextOf(),
    );
    expect(written).toMatchObject({
      id: "chatcmpl-0123456789abcdef",
      model: "asked-model",
      created: 1_800_000_000,
    });
  });
});
