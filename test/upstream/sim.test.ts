// The simulator answers as its models promise: what is said, where it ends, in which form, and how it fails.
// Every test asks through the exchange interface and reads the bytes that a client would get.

import { afterEach, describe, expect, test, vi } from "vitest";
import { SIM_MODELS } from "../../src/config/providers.ts";
import { createSimClient } from "../../src/upstream/sim/client.ts";
import { countTokens, words } from "../../src/upstream/sim/text.ts";
import {
  ask,
  askChat,
  askRequest,
  askStream,
  type ChunkBody,
  eventData,
  simRequest,
  streamedText,
} from "./sim_ask.ts";

const CHAT = "/v1/chat/completions";
const says = (content: unknown): unknown[] => [{ role: "user", content }];

afterEach(() => {
  vi.useRealTimers();
});

describe("echo", () => {
  test.each<[string, unknown[], string]>([
    ["a string", says("Hello big world"), "Hello big world"],
    [
      "text parts, images left out",
      says([
        { type: "text", text: "a " },
        { type: "image_url", image_url: { url: "x" } },
        { type: "text", text: "b" },
      ]),
      "a b",
    ],
    [
      "the last of several",
      [
        ...says("one"),
        { role: "assistant", content: "two" },
        ...says("three"),
        { role: "assistant", content: "four" },
      ],
      "three",
    ],
    ["nothing where no user spoke", [{ role: "system", content: "x" }], ""],
    ["white space as it is", says("  a\n\n b\t "), "  a\n\n b\t "],
    [
      "text beyond ASCII",
      says('Grüße 👩‍👩‍👧‍👦 日本語 \u0000 "quoted"'),
      'Grüße 👩‍👩‍👧‍👦 日本語 \u0000 "quoted"',
    ],
  ])("answers with %s, plain and streamed", async (_name, messages, text) => {
    const body = await askChat({ model: "echo", messages });
    expect(body.choices.map((choice) => choice.message.content)).toEqual([text]);
    expect(body.choices[0]?.finish_reason).toBe("stop");
    expect(streamedText(await askStream({ model: "echo", messages }))).toBe(text);
  });

  test("gives n choices, each alike", async () => {
    const body = await askChat({ model: "echo", messages: says("a b"), n: 3 });
    expect(body.choices.map((choice) => [choice.index, choice.message.content])).toEqual(
      [0, 1, 2].map((i) => [i, "a b"]),
    );
    expect(body.usage.completion_tokens).toBe(6);
    const chunks = await askStream({ model: "echo", messages: says("a b"), n: 3 });
    for (const index of [0, 1, 2]) expect(streamedText(chunks, index)).toBe("a b");
  });
});

describe("the same request", () => {
  test.each(["echo", "lorem", "tool"])("gives the same bytes of %s, plain and streamed", async (model) => {
    const tools = [
      { type: "function", function: { name: "f", parameters: { properties: { a: {} }, required: ["a"] } } },
    ];
    for (const stream of [false, true]) {
      const body = { model, messages: says("same"), stream, tools };
      const [first, second] = [await ask(CHAT, body), await ask(CHAT, body)];
      expect(second.text).toBe(first.text);
      expect(second.headers).toEqual(first.headers);
    }
  });

  test("says the same in both forms, and another says something else", async () => {
    const plain = await askChat({ model: "lorem", messages: says("x") });
    expect(streamedText(await askStream({ model: "lorem", messages: says("x") }))).toBe(
      plain.choices[0]?.message.content as string,
    );
    const other = await askChat({ model: "lorem", messages: says("y") });
    expect(other.id).not.toBe(plain.id);
    expect(other.choices[0]?.message.content).not.toBe(plain.choices[0]?.message.content);
  });
});

describe("a stream", () => {
  test("is a role, a chunk a word, a finish and the usage", async () => {
    const fields = {
      model: "echo",
      messages: says("Hello big  world\n"),
      stream_options: { include_usage: true },
    };
    const chunks = await askStream(fields);
    const deltas = chunks.map((chunk) => chunk.choices[0]?.delta);
    expect(deltas.map((delta) => delta?.content)).toEqual([
      "",
      "Hello",
      " big",
      "  world\n",
      undefined,
      undefined,
    ]);
    expect(deltas[0]?.role).toBe("assistant");
    expect(chunks.map((chunk) => chunk.choices[0]?.finish_reason)).toEqual([
      null,
      null,
      null,
      null,
      "stop",
      undefined,
    ]);
    expect(chunks.map((chunk) => chunk.usage?.total_tokens ?? chunk.usage)).toEqual([
      null,
      null,
      null,
      null,
      null,
      9,
    ]);
    expect(chunks.at(-1)?.choices).toEqual([]);
  });

  test("has no usage that was not asked for", async () => {
    for (const stream_options of [undefined, null, { include_usage: false }]) {
      const chunks = await askStream({ model: "echo", messages: says("a"), stream_options });
      expect(chunks.length).toBe(3);
      expect(chunks.some((chunk) => "usage" in chunk)).toBe(false);
    }
  });

  test("tells each event by itself", async () => {
    const told = await ask(CHAT, { model: "echo", messages: says("a b c"), stream: true });
    expect(told.headers?.get("content-type")).toContain("text/event-stream");
    for (const piece of told.pieces) expect(Buffer.from(piece).toString()).toMatch(/^data: .*\n\n$/);
  });
});

describe("where a text ends", () => {
  const TEXT = "one two three four";
  test.each<[Record<string, unknown>, string, string]>([
    [{}, TEXT, "stop"],
    [{ max_tokens: null, stop: null }, TEXT, "stop"],
    [{ max_tokens: 1 }, "one", "length"],
    [{ max_tokens: 3 }, "one two three", "length"],
    [{ max_tokens: 4 }, TEXT, "stop"],
    [{ max_tokens: 5 }, TEXT, "stop"],
    [{ max_completion_tokens: 2 }, "one two", "length"],
    [{ max_completion_tokens: 2, max_tokens: 4 }, "one two", "length"],
    [{ stop: "three" }, "one two ", "stop"],
    [{ stop: ["four", "two"] }, "one ", "stop"],
    [{ stop: ["o", "one", "n"] }, "", "stop"],
    [{ stop: ["ne two", "e two"] }, "o", "stop"],
    [{ stop: "one" }, "", "stop"],
    [{ stop: "four" }, "one two three ", "stop"],
    [{ stop: "five" }, TEXT, "stop"],
    [{ stop: "" }, TEXT, "stop"],
    [{ stop: [] }, TEXT, "stop"],
    [{ stop: "three", max_tokens: 3 }, "one two ", "stop"],
    [{ stop: "three", max_tokens: 2 }, "one two", "length"],
    [{ stop: "three four", max_tokens: 3 }, "one two three", "length"],
  ])("%j", async (fields, text, finish_reason) => {
    const body = await askChat({ model: "echo", messages: says(TEXT), ...fields });
    expect(body.choices[0]).toMatchObject({ message: { content: text }, finish_reason });
    expect(body.usage.completion_tokens).toBe(countTokens(text));
    const chunks = await askStream({ model: "echo", messages: says(TEXT), ...fields });
    expect(streamedText(chunks)).toBe(text);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe(finish_reason);
  });

  test("lorem writes as many words as it may, and some sixty by itself", async () => {
    for (const max_tokens of [1, 8, 60, 500]) {
      const body = await askChat({ model: "lorem", messages: says("x"), max_tokens });
      expect(body.usage.completion_tokens).toBe(max_tokens);
      expect(body.choices[0]?.finish_reason).toBe("length");
    }
    const free = await askChat({ model: "lorem", messages: says("x") });
    expect(free.choices[0]?.finish_reason).toBe("stop");
    expect(free.usage.completion_tokens).toBeGreaterThanOrEqual(55);
    expect(free.usage.completion_tokens).toBeLessThan(75);
    const bounded = await askChat({ model: "lorem", messages: says("x"), max_tokens: 1_000_000_000 });
    expect(bounded.choices[0]?.finish_reason).toBe("stop");
    expect(bounded.usage.completion_tokens).toBeLessThan(17_000);
  });
});

describe("words", () => {
  const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
  test.each([
    "",
    " ",
    "a",
    " a b ",
    "a\r\nb\r\n",
    "日本語".repeat(40),
    "👩‍👩‍👧‍👦".repeat(20),
    "🇩🇪🇫🇷".repeat(30),
    "e\u0301".repeat(50),
    `a${"\u0301".repeat(500)}b`,
    "x".repeat(31),
    "x".repeat(32),
    "x".repeat(33),
    " ".repeat(100),
    `${"x".repeat(31)}👋🏽y`,
  ])("of %j make the text again and cut no grapheme", (text) => {
    const found = [...words(text)];
    expect(found.join("")).toBe(text);
    expect(found).not.toContain("");
    const boundaries = new Set([...graphemes.segment(text)].map((segment) => segment.index));
    let at = 0;
    for (const word of found) {
      // One grapheme that is longer than a word is the only thing that is cut, and never within a code point.
      if (!boundaries.has(at)) expect(text).toContain("\u0301".repeat(100));
      expect(word.isWellFormed()).toBe(true);
      expect(word.length).toBeLessThanOrEqual(33);
      at += word.length;
    }
  });

  test("of large texts take linear time", () => {
    for (const unit of ["日", " ", "x", "a ", "👩‍👩‍👧‍👦"]) {
      const text = unit.repeat(Math.floor(1_000_000 / unit.length));
      const started_ms = performance.now();
      expect(countTokens(text)).toBeGreaterThan(1000);
      expect(performance.now() - started_ms).toBeLessThan(3000);
    }
  });
});

describe("models that fail", () => {
  test.each<[string, number, string, string | null]>([
    ["error-429", 429, "rate_limit_exceeded", "1"],
    ["error-500", 500, null as unknown as string, null],
  ])("%s answers %d", async (model, status, code, retry_after) => {
    const told = await ask(CHAT, { model, messages: says("x"), stream: true });
    expect(told.status).toBe(status);
    expect(told.headers?.get("retry-after")).toBe(retry_after);
    expect(JSON.parse(told.text).error.code).toBe(code);
  });

  test("hang answers nothing until a time limit ends it", async () => {
    for (const [limit, failure] of [
      ["first_byte_ms", "first_byte_timeout"],
      ["total_ms", "total_timeout"],
    ] as const) {
      const told = await askRequest(simRequest(CHAT, { model: "hang", messages: says("x") }, { [limit]: 5 }));
      expect([told.status, told.text, told.error?.failure]).toEqual([0, "", failure]);
    }
  });

  test("cut breaks off half of a plain answer", async () => {
    const told = await ask(CHAT, { model: "cut", messages: says("x") });
    expect(told.status).toBe(200);
    expect(told.error?.failure).toBe("closed");
    expect(told.text.length).toBeGreaterThan(0);
    expect(Buffer.byteLength(told.text)).toBe(Number(told.headers?.get("content-length")) >> 1);
  });

  test.each([{}, { max_tokens: 1 }, { n: 2 }])(
    "cut breaks off a stream after some words: %j",
    async (fields) => {
      const told = await ask(CHAT, { model: "cut", messages: says("x"), stream: true, ...fields });
      expect(told.error?.failure).toBe("closed");
      const chunks = eventData(told.text).map((data) => JSON.parse(data) as ChunkBody);
      expect(streamedText(chunks)).toMatch(/^Lorem( ipsum dolor sit amet,)?$/);
      expect(chunks.every((chunk) => chunk.choices[0]?.finish_reason === null)).toBe(true);
    },
  );

  test("cut and slow do so at the other endpoints too", async () => {
    for (const [path, body] of [
      ["/v1/completions", { prompt: "x" }],
      ["/v1/embeddings", { input: "x" }],
      ["/v1/moderations", { input: "x" }],
    ] as const) {
      expect((await ask(path, { model: "cut", ...body })).error?.failure).toBe("closed");
      expect((await ask(path, { model: "slow", max_tokens: 2, ...body })).status).toBe(200);
    }
    const streamed = await ask("/v1/completions", { model: "cut", prompt: "x", stream: true });
    expect([streamed.error?.failure, eventData(streamed.text).length]).toEqual(["closed", 5]);
  });

  test("every model that config knows is one of the simulator's", async () => {
    for (const model of SIM_MODELS) expect((await ask(`/v1/models/${model}`, null)).status).toBe(200);
    expect(JSON.parse((await ask("/v1/models", null)).text).data.length).toBe(SIM_MODELS.length);
  });
});

describe("slow", () => {
  test("streams a word every 50 ms, and answers plain after as long", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const told: number[] = [];
    let now_ms = 0;
    const handler = {
      onHead() {},
      onData: () => void told.push(now_ms),
      onEnd: () => void told.push(-1),
      onError() {},
    };
    const body = { model: "slow", messages: says("x"), max_tokens: 3 };
    createSimClient().exchange(simRequest(CHAT, { ...body, stream: true }), handler);
    for (; now_ms <= 200; now_ms += 10) await vi.advanceTimersByTimeAsync(now_ms === 0 ? 0 : 10);
    expect(told).toEqual([0, 50, 100, 150, 150, 150, -1]);
    told.length = 0;
    now_ms = 0;
    createSimClient().exchange(simRequest(CHAT, body), handler);
    for (; now_ms <= 200; now_ms += 10) await vi.advanceTimersByTimeAsync(now_ms === 0 ? 0 : 10);
    expect(told).toEqual([150, -1]);
  });

  test("never takes more than half a minute", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const done = ask(CHAT, { model: "slow", messages: says("x"), max_tokens: 5000, stream: true });
    await vi.advanceTimersByTimeAsync(30_100);
    expect(eventData((await done).text).at(-1)).toBe("[DONE]");
  });

  test("is ended by a limit on silence", async () => {
    const body = { model: "slow", messages: says("x") };
    const streamed = await askRequest(
      simRequest(CHAT, { ...body, stream: true }, { idle_ms: 5, first_byte_ms: 5 }),
    );
    expect([streamed.status, streamed.error?.failure]).toEqual([200, "idle_timeout"]);
    const plain = await askRequest(simRequest(CHAT, body, { first_byte_ms: 5 }));
    expect([plain.status, plain.error?.failure]).toEqual([0, "first_byte_timeout"]);
  });
});
