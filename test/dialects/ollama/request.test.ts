import { expect, test } from "vitest";
import { Losses } from "../../../src/dialects/neutral/losses.ts";
import { OLLAMA } from "../../../src/dialects/ollama/format.ts";
import { CHAT } from "../../../src/dialects/openai/chat/format.ts";
import { GatewayError } from "../../../src/errors.ts";

type Json = Readonly<Record<string, unknown>>;

/** A request of a client of chat completions as Ollama gets it, and what was lost. */
function written(
  body: Json,
  model = "qwen3",
): { request: Json; lost: readonly string[]; refused: string | null } {
  const messages = [{ role: "user", content: "hi" }];
  const read = CHAT.readRequest({ model: "m", messages, ...body }, { model: null, stream: false });
  if (read instanceof GatewayError) throw read;
  const losses = new Losses("default", "ollama/m");
  const request = OLLAMA.writeRequest(read, { model, provider_kind: "ollama" }, losses);
  return { request, lost: losses.dropped, refused: losses.error?.param ?? null };
}

test("a conversation with images, tools and thoughts", () => {
  const { request, lost, refused } = written({
    messages: [
      { role: "developer", content: "be brief" },
      {
        role: "user",
        content: [
          { type: "text", text: "what is it?" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
          { type: "text", text: "tell me" },
        ],
      },
      {
        role: "assistant",
        content: null,
        reasoning_content: "look it up",
        tool_calls: [
          { id: "c1", type: "function", function: { name: "look", arguments: '{"n":12345678901234567890}' } },
        ],
      },
      { role: "tool", tool_call_id: "c1", content: "a cat" },
    ],
    tools: [
      { type: "function", function: { name: "look", description: "looks", parameters: { type: "object" } } },
    ],
    stream: true,
  });
  expect(JSON.parse(JSON.stringify(request))).toEqual({
    model: "qwen3",
    stream: true,
    messages: [
      { role: "system", content: "be brief" },
      { role: "user", content: "what is it?\ntell me", images: ["AAAA"] },
      {
        ...{ role: "assistant", content: "", thinking: "look it up" },
        tool_calls: [
          { id: "c1", function: { name: "look", arguments: { n: Number("12345678901234567890") } } },
        ],
      },
      { role: "tool", content: "a cat", tool_name: "look", tool_call_id: "c1" },
    ],
    tools: [
      { type: "function", function: { name: "look", description: "looks", parameters: { type: "object" } } },
    ],
  });
  // A number that no double holds keeps its digits.
  expect(JSON.stringify(request)).toContain('{"n":12345678901234567890}');
  expect([lost, refused]).toEqual([[], null]);
});

test("options, formats, and what is Ollama's own", () => {
  const { request, refused } = written({
    ...{ max_completion_tokens: 5, temperature: 0.1, top_p: 0.9, seed: 3, stop: "x", presence_penalty: 1 },
    ...{ keep_alive: "10m", options: { num_ctx: 8192, seed: 9 } },
    ...{ logprobs: true, top_logprobs: 2 },
    response_format: { type: "json_schema", json_schema: { name: "a", schema: { type: "object" } } },
  });
  expect(request).toMatchObject({
    options: {
      ...{ num_ctx: 8192, num_predict: 5, temperature: 0.1, top_p: 0.9, seed: 3 },
      ...{ stop: ["x"], presence_penalty: 1 },
    },
    ...{ keep_alive: "10m", format: { type: "object" }, logprobs: true, top_logprobs: 2 },
  });
  expect(refused).toBeNull();
  expect(written({ response_format: { type: "json_object" } }).request["format"]).toBe("json");
});

test("how much to think", () => {
  const think = (body: Json, model?: string) => written(body, model).request["think"];
  expect(think({})).toBeUndefined();
  expect(think({ reasoning_effort: "high" })).toBe(true);
  expect(think({ reasoning_effort: "none" })).toBe(false);
  expect(think({ reasoning_effort: "medium" }, "gpt-oss:20b")).toBe("medium");
  expect(think({ reasoning_effort: "xhigh" }, "gpt-oss:20b")).toBe("high");
  expect(think({ reasoning_effort: "none" }, "gpt-oss:20b")).toBe("low");
});

test("which tools", () => {
  const tools = ["a", "b"].map((name) => ({ type: "function", function: { name } }));
  const names = (choice: unknown) => {
    const { request, refused } = written({ tools, tool_choice: choice });
    const offered = (request["tools"] as { function: { name: string } }[] | undefined) ?? [];
    return [offered.map((tool) => tool.function.name), refused];
  };
  expect(names("auto")).toEqual([["a", "b"], null]);
  expect(names("none")).toEqual([[], null]);
  // Nothing makes it call one.
  expect(names("required")).toEqual([["a", "b"], "tool_choice"]);
  expect(names({ type: "function", function: { name: "b" } })).toEqual([["b"], "tool_choice"]);
});

test("what it has no words for", () => {
  expect(written({ n: 2 }).refused).toBe("n");
  expect(written({ logit_bias: { 1: 2 } }).refused).toBe("logit_bias");
  const url = [
    { role: "user", content: [{ type: "image_url", image_url: { url: "https://h.example/a.png" } }] },
  ];
  expect(written({ messages: url }).refused).toBe("messages[0].content[0]");
  expect(written({ user: "u", verbosity: "low", service_tier: "flex" })).toMatchObject({
    lost: ["verbosity", "user", "service_tier"],
    refused: null,
  });
});
