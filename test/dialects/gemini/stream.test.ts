import { describe, expect, test } from "vitest";
import { GEMINI } from "../../../src/dialects/gemini/format.ts";
import type { StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { NO_USAGE } from "../../../src/dialects/usage.ts";
import { seededRandom } from "../../wire/json.cases.ts";
import { checkGeminiStream } from "../grammar/gemini.ts";
import { CONTEXT, checkEvents, collect, readStream, writeStream } from "./context.ts";

type Json = Readonly<Record<string, unknown>>;

function chunk(parts: readonly Json[], more: Json = {}, top: Json = {}): Json {
  return { candidates: [{ content: { role: "model", parts }, index: 0, ...more }], responseId: "r1", ...top };
}

function sse(...chunks: readonly unknown[]): Buffer {
  return Buffer.from(chunks.map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`).join(""));
}

function read(...chunks: readonly unknown[]): StreamEvent[] {
  const events = readStream([sse(...chunks)]);
  expect(checkEvents(events)).toEqual([]);
  return events;
}

function kinds(events: readonly StreamEvent[]): string[] {
  return events.map(({ kind }) => kind);
}

describe("reading a stream", () => {
  test("pieces of texts and thoughts are deltas of one part; a signature closes it to later ones", () => {
    const events = read(
      chunk([{ text: "hm ", thought: true }]),
      chunk([{ text: "well", thought: true }, { text: "A" }]),
      chunk([{ text: "" }, { text: "b" }]),
      chunk([{ text: "", thoughtSignature: "c2ln" }]),
      chunk([{ text: "c" }], { finishReason: "STOP" }),
    );
    expect(collect(events).choices[0]).toEqual({
      index: 0,
      parts: [
        { kind: "thinking", text: "hm well" },
        { kind: "text", text: "Ab", signature: { format: "gemini", value: "c2ln" } },
        { kind: "text", text: "c" },
      ],
      finish: { reason: "stop", raw: "STOP" },
    });
  });

  test("calls without ids get ones that differ, and a stop behind them is for them", () => {
    const { choices } = collect(
      read(
        chunk([
          { functionCall: { name: "f", args: { n: 1 } }, thoughtSignature: "c2ln" },
          { functionCall: { name: "f" } },
        ]),
        chunk([{ functionCall: { name: "f", id: "theirs" } }, { functionCall: {} }], {
          finishReason: "STOP",
        }),
      ),
    );
    expect(choices[0]!.parts).toEqual([
      {
        ...{ kind: "tool_call", id: "gcall_0_r1", name: "f", arguments: '{"n":1}' },
        signature: { format: "gemini", value: "c2ln" },
      },
      { kind: "tool_call", id: "gcall_1_r1", name: "f", arguments: "{}" },
      { kind: "tool_call", id: "theirs", name: "f", arguments: "{}" },
    ]);
    expect(choices[0]!.finish).toEqual({ reason: "tool_calls", raw: "STOP" });
  });

  test("arguments keep their digits", () => {
    const text =
      '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"n":12345678901234567890}}}]},"finishReason":"STOP"}]}';
    const { choices } = collect(readStream([Buffer.from(`data: ${text}\n\n`)]));
    expect(choices[0]!.parts[0]).toMatchObject({ arguments: '{"n":12345678901234567890}' });
  });

  test("a finish in every chunk counts once, at the end; usage is the last that was told", () => {
    const usage = (total: number) => ({
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: total },
    });
    const events = read(
      chunk([{ text: "a" }], { finishReason: "STOP" }, usage(1)),
      chunk([{ text: "b" }], { finishReason: "MAX_TOKENS" }, usage(2)),
      { usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 3 } },
    );
    expect(kinds(events)).toEqual([
      "start",
      "part_start",
      "delta",
      "delta",
      "part_stop",
      "finish",
      "usage",
      "end",
    ]);
    expect(collect(events).choices[0]!.finish).toEqual({ reason: "length", raw: "MAX_TOKENS" });
    expect(events.at(-2)).toMatchObject({ usage: { output_tokens: 3 } });
  });

  test("every candidate has to finish", () => {
    const two = (finishes: readonly (string | undefined)[]) => ({
      candidates: finishes.map((finishReason, index) => ({
        content: { parts: [{ text: "x" }] },
        finishReason,
        index,
      })),
    });
    expect(kinds(read(two(["STOP", undefined]))).includes("end")).toBe(false);
    expect(kinds(read(two(["STOP", "STOP"]))).at(-1)).toBe("end");
  });

  test("a refused prompt is a finish of its own", () => {
    const events = read({
      promptFeedback: { blockReason: "PROHIBITED_CONTENT", blockReasonMessage: "no" },
      usageMetadata: { promptTokenCount: 4 },
    });
    expect(collect(events)).toMatchObject({
      choices: [
        {
          parts: [{ kind: "refusal", text: "no" }],
          finish: { reason: "content_filter", raw: "PROHIBITED_CONTENT" },
        },
      ],
      usage: { input_tokens: 4 },
    });
    expect(events.at(-1)?.kind).toBe("end");
  });

  test("errors end it, in whatever form they come, with what was used till then", () => {
    const error = { error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } };
    const told = { message: "The model is overloaded.", type: "UNAVAILABLE", param: null, code: "503" };
    const first = chunk([{ text: "a" }], {}, { usageMetadata: { promptTokenCount: 2 } });
    const text = JSON.stringify(error, null, 2);
    for (const bytes of [
      sse(first, error, chunk([{ text: "late" }])),
      sse(first, [error]),
      Buffer.concat([sse(first), Buffer.from(text)]),
      Buffer.concat([sse(first), Buffer.from(`${text}\n\n`)]),
      Buffer.from(`[${JSON.stringify(first)},\r\n${text}]`),
    ]) {
      const events = readStream([bytes]);
      expect(events.slice(-2)).toMatchObject([
        { kind: "usage", usage: { input_tokens: 2 } },
        { kind: "error", error: told },
      ]);
    }
    for (const bytes of [Buffer.from(text), Buffer.from(`[${text}]`), sse(error)])
      expect(readStream([bytes])).toEqual([{ kind: "error", error: told }]);
  });

  test("what is no chunk is an error; what says nothing is nothing", () => {
    expect(readStream([Buffer.from("data: {oops\n\n")])).toMatchObject([
      { kind: "error", error: { type: "upstream_error" } },
    ]);
    expect(readStream([Buffer.from("[{}{}]")]).at(-1)).toMatchObject({ kind: "error" });
    expect(readStream([Buffer.from("data: 5\n\n")])).toMatchObject([{ kind: "error" }]);
    expect(readStream([])).toEqual([]);
    expect(readStream([Buffer.from("\r\n: hello\n\nevent: x\n\ndata:\n\n")])).toEqual([]);
    expect(
      kinds(
        read(
          {},
          { candidates: [] },
          { candidates: [5] },
          { candidates: [{ content: { parts: [5, {}, null] } }] },
        ),
      ),
    ).toEqual(["start"]);
  });

  test("a last event without its blank line counts if it is whole, and is a cut if it is not", () => {
    const bytes = sse(chunk([{ text: "a" }]), chunk([{ text: "b" }], { finishReason: "STOP" }));
    expect(kinds(readStream([bytes.subarray(0, -4)])).at(-1)).toBe("end");
    expect(kinds(readStream([bytes.subarray(0, -9)]))).toEqual(["start", "part_start", "delta"]);
  });

  test("an array without its last bracket was cut, and one that is empty says nothing", () => {
    const text = JSON.stringify([chunk([{ text: "a" }], { finishReason: "STOP" })]);
    expect(kinds(readStream([Buffer.from(text)])).at(-1)).toBe("end");
    expect(kinds(readStream([Buffer.from(text.slice(0, -1))]))).not.toContain("end");
    expect(readStream([Buffer.from("[]")])).toEqual([]);
  });

  test("a byte order mark and blank lines before it hide neither form", () => {
    const whole = chunk([{ text: "a" }], { finishReason: "STOP" });
    for (const body of [sse(whole), Buffer.from(JSON.stringify([whole]))]) {
      const bytes = Buffer.concat([Buffer.from("\ufeff\r\n"), body]);
      for (let at = 0; at < 8; at++)
        expect(kinds(readStream([bytes.subarray(0, at), bytes.subarray(at)])).at(-1)).toBe("end");
    }
  });

  test("logprobs, images and code of the provider come as they are told", () => {
    const events = read(
      chunk([{ executableCode: { code: "1" } }, { inlineData: { mimeType: "image/png", data: "aa" } }], {
        logprobsResult: {
          chosenCandidates: [{ token: "a", logProbability: -0.5 }, { token: "b" }],
          topCandidates: [{ candidates: [{ token: "c", logProbability: -1 }] }],
        },
        finishReason: "STOP",
      }),
    );
    const { parts, logprobs } = collect(events).choices[0]!;
    expect(parts).toEqual([
      { kind: "own", format: "gemini", value: { executableCode: { code: "1" } } },
      { kind: "image", source: { kind: "base64", media_type: "image/png", data: "aa" } },
    ]);
    expect(logprobs).toEqual([
      { token: "a", logprob: -0.5, top: [{ token: "c", logprob: -1 }] },
      { token: "b", logprob: 0, top: [] },
    ]);
  });

  test("random bytes and random changes never throw, and how they are cut changes nothing", () => {
    const random = seededRandom(3);
    const seeds = [
      sse(
        chunk([{ text: "hé😀" }]),
        chunk([{ functionCall: { name: "f", args: {} } }], { finishReason: "STOP" }),
      ),
      Buffer.from(JSON.stringify([chunk([{ text: "a" }]), { error: { code: 5 } }])),
    ];
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.from(seeds[round % 2]!);
      for (let change = 0; change < 3; change++)
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      const whole = readStream([bytes]);
      expect(checkEvents(whole)).toEqual([]);
      const at = Math.floor(random() * bytes.length);
      expect(readStream([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    }
  });
});

describe("writing a stream", () => {
  const START: StreamEvent = { kind: "start", id: "i", model: "m", created_s: null };
  const part = { choice: 0, part: 0 };
  const END: StreamEvent[] = [{ kind: "finish", choice: 0, finish: { reason: "stop" } }, { kind: "end" }];

  test("each piece is an event at once; a call goes when it is whole; the end tells how it ended", () => {
    const writer = GEMINI.writeStream(CONTEXT);
    const write = (event: StreamEvent) => writer.write(event);
    expect(write(START)).toBe("");
    expect(write({ kind: "part_start", ...part, start: { kind: "text" } })).toBe("");
    expect(write({ kind: "delta", ...part, text: 'a"' })).toBe(
      'data: {"candidates":[{"content":{"parts":[{"text":"a\\""}],"role":"model"},"index":0}],"modelVersion":"m","responseId":"i"}\r\n\r\n',
    );
    expect(write({ kind: "part_stop", ...part })).toBe("");
    const called = { choice: 0, part: 1 };
    expect(write({ kind: "part_start", ...called, start: { kind: "tool_call", id: "c", name: "f" } })).toBe(
      "",
    );
    expect(
      write({ kind: "delta", ...called, text: '{"a"' }) + write({ kind: "delta", ...called, text: ":1}" }),
    ).toBe("");
    expect(write({ kind: "part_stop", ...called })).toContain(
      '{"functionCall":{"id":"c","name":"f","args":{"a":1}}}',
    );
    const end = [
      ...END.slice(0, 1),
      { kind: "usage", usage: { ...NO_USAGE, input_tokens: 3 } } as const,
      ...END.slice(1),
    ];
    const last = end.map(write).join("");
    expect(last).toContain('"finishReason":"STOP"');
    expect(last).toContain('"promptTokenCount":3');
    expect(write({ kind: "delta", ...part, text: "late" })).toBe("");
  });

  test("a stream that is cut has no finish, and as an array no end", () => {
    const cut: StreamEvent[] = [
      START,
      { kind: "part_start", ...part, start: { kind: "text" } },
      { kind: "delta", ...part, text: "a" },
    ];
    expect(checkGeminiStream(writeStream(cut))).toEqual(["candidate 0 does not end"]);
    expect(checkGeminiStream(writeStream(cut, "array"))).toContain("what is no JSON");
  });

  test("an error is the last that is written, in either form, with a status of Google's", () => {
    const error: StreamEvent = {
      kind: "error",
      error: { message: "slow down", type: "rate_limit_error", param: null, code: "429" },
    };
    for (const framing of ["sse", "array"] as const) {
      for (const before of [[], [START]]) {
        const bytes = writeStream([...before, error, ...END], framing);
        expect(checkGeminiStream(bytes)).toEqual([]);
        expect(readStream([bytes])).toMatchObject([
          { kind: "error", error: { type: "RESOURCE_EXHAUSTED", code: "429" } },
        ]);
      }
    }
  });

  test("a stream of no choices is one empty answer", () => {
    for (const framing of ["sse", "array"] as const)
      expect(checkGeminiStream(writeStream([START, { kind: "end" }], framing))).toEqual([]);
  });

  test("arguments that never end are an error, not memory", () => {
    const writer = GEMINI.writeStream(CONTEXT);
    writer.write({ kind: "part_start", ...part, start: { kind: "tool_call", id: "c", name: "f" } });
    const piece = "x".repeat(1024 * 1024);
    let written = "";
    let pieces = 0;
    for (; written === "" && pieces < 20; pieces++)
      written = writer.write({ kind: "delta", ...part, text: piece });
    expect(pieces).toBe(9);
    expect(written).toContain('"error"');
    expect(END.map((event) => writer.write(event)).join("")).toBe("");
  });

  test("half of a pair at a piece's end is made whole by the reader", () => {
    const halves = ["\ud83d", "\ude00"].map((text): StreamEvent => ({ kind: "delta", ...part, text }));
    const bytes = writeStream([
      START,
      { kind: "part_start", ...part, start: { kind: "text" } },
      ...halves,
      { kind: "part_stop", ...part },
      ...END,
    ]);
    expect(collect(readStream([bytes])).choices[0]!.parts).toEqual([{ kind: "text", text: "😀" }]);
  });
});
