// The simulator's endpoints beside chat, and what each of them refuses.
// Refusals are a table: what was sent, and which field the error names.

import { describe, expect, test } from "vitest";
import { ask, askRequest, simRequest } from "./sim_ask.ts";

const CHAT = "/v1/chat/completions";
const messages = [{ role: "user", content: "x" }];

interface Embeddings {
  readonly data: readonly { readonly embedding: readonly number[] | string }[];
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number };
}

async function vectors(fields: Record<string, unknown>): Promise<number[][]> {
  const told = await ask("/v1/embeddings", { model: "echo", ...fields });
  expect(told.status).toBe(200);
  return (JSON.parse(told.text) as Embeddings).data.map(({ embedding }) => {
    if (typeof embedding !== "string") return [...embedding];
    const bytes = Buffer.from(embedding, "base64");
    return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
  });
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);

describe("embeddings", () => {
  test("are unit vectors of the dimensions asked for", async () => {
    for (const dimensions of [undefined, 1, 2, 64, 1536, 3072]) {
      const [vector = []] = await vectors({ input: "Grüße aus 東京", dimensions });
      expect(vector.length).toBe(dimensions ?? 64);
      expect(dot(vector, vector)).toBeCloseTo(1, 5);
    }
  });

  test("as base64 are the same numbers", async () => {
    const input = ["one", "two words", "!"];
    expect(await vectors({ input, encoding_format: "base64" })).toEqual(
      await vectors({ input, encoding_format: "float" }),
    );
  });

  test("depend on each text alone", async () => {
    const [one = [], two = [], again = []] = await vectors({ input: ["a", "b", "a"] });
    expect(again).toEqual(one);
    expect(two).not.toEqual(one);
    expect((await vectors({ input: "a" }))[0]).toEqual(one);
  });

  test("of texts that share words lie near each other", async () => {
    const [one = [], near = [], far = []] = await vectors({
      input: ["How do I reset my password?", "how can I reset the password", "Bake the bread for an hour"],
      dimensions: 256,
    });
    expect(dot(one, near)).toBeGreaterThan(0.5);
    expect(dot(one, far)).toBeLessThan(0.3);
  });

  test("take tokens, and count them", async () => {
    expect((await vectors({ input: [1, 2, 3] })).length).toBe(1);
    expect((await vectors({ input: [[1], [2, 3]] })).length).toBe(2);
    const told = await ask("/v1/embeddings", { model: "echo", input: [[1], [2, 3]] });
    expect((JSON.parse(told.text) as Embeddings).usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
  });
});

describe("legacy completions", () => {
  test.each<[unknown, Record<string, unknown>, string[]]>([
    ["a b c", {}, ["a b c"]],
    ["a b c", { max_tokens: 2 }, ["a b"]],
    ["a b c", { max_tokens: 0, echo: true }, ["a b c"]],
    ["a b", { echo: true }, ["a ba b"]],
    ["a b c", { stop: " c" }, ["a b"]],
    [["a", "b"], { n: 2 }, ["a", "a", "b", "b"]],
    [[1, 2], {}, ["1 2"]],
    [[[1, 2], [3]], {}, ["1 2", "3"]],
    ["", {}, [""]],
  ])("of %j with %j", async (prompt, fields, texts) => {
    const told = await ask("/v1/completions", { model: "echo", prompt, ...fields });
    expect(JSON.parse(told.text).choices.map((choice: { text: string }) => choice.text)).toEqual(texts);
  });
});

describe("moderations", () => {
  test.each<[unknown, number, string[]]>([
    ["x", 1, ["text"]],
    [["x", "y"], 2, ["text"]],
    [[{ type: "image_url", image_url: { url: "https://example.com/" } }], 1, ["image"]],
    [
      [
        { type: "text", text: "x" },
        { type: "image_url", image_url: { url: "https://example.com/" } },
      ],
      1,
      ["text", "image"],
    ],
  ])("of %j flag nothing", async (input, count, kinds) => {
    const told = await ask("/v1/moderations", { input });
    const { results } = JSON.parse(told.text);
    expect(results.length).toBe(count);
    expect(results[0].flagged).toBe(false);
    expect(results[0].category_applied_input_types.violence).toEqual(kinds);
  });
});

describe("paths", () => {
  test.each([
    "/chat/completions",
    "/v1/chat/completions?api-version=1",
    "/openai/deployments/echo/chat/completions",
  ])("%s is a chat", async (path) => {
    expect(JSON.parse((await ask(path, { model: "echo", messages })).text).object).toBe("chat.completion");
  });

  test.each<[string, unknown]>([
    ["/v1/responses", { model: "echo", input: "x" }],
    ["/v1/chat/completions", null],
    ["/v1/models", {}],
    ["/v1/chatcompletions", { model: "echo", messages }],
    ["/", null],
  ])("%s with %j is not found", async (path, body) => {
    const told = await ask(path, body);
    expect([told.status, JSON.parse(told.text).error.code]).toEqual([404, "unknown_url"]);
  });
});

describe("refused", () => {
  const say = (fields: Record<string, unknown>): Record<string, unknown> => ({
    model: "echo",
    messages,
    ...fields,
  });
  const of = (message: Record<string, unknown>): Record<string, unknown> => say({ messages: [message] });
  test.each<[string, unknown, string | null]>([
    [CHAT, "not JSON", null],
    [CHAT, "[]", null],
    [CHAT, "null", null],
    [CHAT, "", null],
    [CHAT, {}, "model"],
    [CHAT, { model: 1 }, "model"],
    [CHAT, { model: "echo" }, "messages"],
    [CHAT, say({ messages: [] }), "messages"],
    [CHAT, say({ messages: "x" }), "messages"],
    [CHAT, say({ messages: [null] }), "messages[0]"],
    [CHAT, of({ content: "x" }), "messages[0].role"],
    [CHAT, of({ role: "robot", content: "x" }), "messages[0].role"],
    [CHAT, of({ role: "user" }), "messages[0].content"],
    [CHAT, of({ role: "user", content: null }), "messages[0].content"],
    [CHAT, of({ role: "user", content: 5 }), "messages[0].content"],
    [CHAT, of({ role: "user", content: [{ type: "text" }] }), "messages[0].content[0].text"],
    [CHAT, of({ role: "user", content: [{ type: "smell" }] }), "messages[0].content[0].type"],
    [CHAT, of({ role: "tool", content: "x" }), "messages[0].tool_call_id"],
    [CHAT, say({ max_tokens: 0 }), "max_tokens"],
    [CHAT, say({ max_tokens: -1 }), "max_tokens"],
    [CHAT, say({ max_tokens: 1.5 }), "max_tokens"],
    [CHAT, say({ max_tokens: "5" }), "max_tokens"],
    [CHAT, say({ max_completion_tokens: 0 }), "max_completion_tokens"],
    [CHAT, say({ n: 0 }), "n"],
    [CHAT, say({ n: 129 }), "n"],
    [CHAT, say({ n: 128, messages: [{ role: "user", content: "x".repeat(600_000) }] }), "n"],
    [CHAT, say({ stop: ["1", "2", "3", "4", "5"] }), "stop"],
    [CHAT, say({ stop: 5 }), "stop"],
    [CHAT, say({ stop: [5] }), "stop[0]"],
    [CHAT, say({ stream: "yes" }), "stream"],
    [CHAT, say({ stream_options: { include_usage: 1 } }), "stream_options.include_usage"],
    [CHAT, say({ temperature: 2.1 }), "temperature"],
    [CHAT, say({ top_p: -0.1 }), "top_p"],
    [CHAT, say({ tools: {} }), "tools"],
    [CHAT, say({ tools: [{ type: "function" }] }), "tools[0].function"],
    [CHAT, say({ tools: [{ type: "function", function: {} }] }), "tools[0].function.name"],
    [CHAT, say({ tool_choice: "maybe" }), "tool_choice"],
    [CHAT, say({ response_format: { type: "xml" } }), "response_format.type"],
    [CHAT, say({ response_format: { type: "json_schema" } }), "response_format.json_schema"],
    ["/v1/completions", { model: "echo" }, "prompt"],
    ["/v1/completions", { model: "echo", prompt: [] }, "prompt"],
    ["/v1/completions", { model: "echo", prompt: "x", max_tokens: -1 }, "max_tokens"],
    ["/v1/embeddings", { model: "echo" }, "input"],
    ["/v1/embeddings", { model: "echo", input: "" }, "input"],
    ["/v1/embeddings", { model: "echo", input: [] }, "input"],
    ["/v1/embeddings", { model: "echo", input: ["a", ""] }, "input[1]"],
    ["/v1/embeddings", { model: "echo", input: "a", dimensions: 0 }, "dimensions"],
    ["/v1/embeddings", { model: "echo", input: "a", encoding_format: "hex" }, "encoding_format"],
    ["/v1/embeddings", { model: "echo", input: Array(2048).fill("a"), dimensions: 3072 }, "dimensions"],
    ["/v1/moderations", { model: "echo" }, "input"],
    ["/v1/moderations", { model: "echo", input: [{ type: "text" }] }, "input[0].text"],
  ])("%s %j: the error names %s", async (path, body, param) => {
    const told = await ask(path, body);
    const { error } = JSON.parse(told.text);
    expect([told.status, error.type, error.param]).toEqual([400, "invalid_request_error", param]);
    expect(error.message.length).toBeLessThan(300);
  });

  test("bytes that are not UTF-8 are no JSON", async () => {
    const body = [Buffer.from(`{"model":"echo","messages":[{"role":"user","content":"\xff"}]}`, "latin1")];
    expect((await askRequest({ ...simRequest(CHAT, {}), body })).status).toBe(400);
  });
});
