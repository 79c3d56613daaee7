// Which reader an answer takes, told by its shape; and what must not be read as usage, because another call was billed for it.

import { describe, expect, test } from "vitest";
import { NO_USAGE } from "../../src/dialects/usage.ts";
import { usageOfBody } from "../../src/dialects/usage_of.ts";

describe("the usage in any answer", () => {
  const seven_three = { ...NO_USAGE, input_tokens: 7, output_tokens: 3 };
  const answers: readonly (readonly [string, string, unknown])[] = [
    ["OpenAI's chat", "openai", { usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } }],
    [
      "OpenAI's responses",
      "openai",
      { object: "response", usage: { input_tokens: 7, output_tokens: 3, total_tokens: 10 } },
    ],
    [
      "a stream of responses",
      "openai",
      { type: "response.completed", response: { usage: { input_tokens: 7, output_tokens: 3 } } },
    ],
    ["Anthropic's message", "anthropic", { type: "message", usage: { input_tokens: 7, output_tokens: 3 } }],
    [
      "a message of an unknown server's",
      "openai",
      {
        type: "message",
        usage: {
          input_tokens: 2,
          cache_read_input_tokens: 0,
          cache_creation_input_tokens: 0,
          output_tokens: 3,
        },
      },
    ],
    [
      "Anthropic's chat",
      "anthropic",
      { usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } },
    ],
    [
      "Gemini's answer",
      "gemini",
      { candidates: [], usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3 } },
    ],
    [
      "Gemini's list of chunks",
      "gemini",
      [
        { usageMetadata: { promptTokenCount: 7 } },
        { usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3 } },
      ],
    ],
    [
      "Bedrock's answer",
      "bedrock",
      { output: {}, usage: { inputTokens: 7, outputTokens: 3, totalTokens: 10 } },
    ],
    [
      "Cohere's chat",
      "cohere",
      { usage: { billed_units: { input_tokens: 7, output_tokens: 3 }, tokens: {} } },
    ],
    [
      "a stream of Cohere's",
      "cohere",
      { type: "message-end", delta: { usage: { billed_units: { input_tokens: 7, output_tokens: 3 } } } },
    ],
    ["Ollama's answer", "ollama", { done: true, prompt_eval_count: 7, eval_count: 3 }],
    ["Titan's answer", "bedrock", { inputTextTokenCount: 7, results: [{ tokenCount: 3 }] }],
    ["a stream of Nova's", "bedrock", { metadata: { usage: { inputTokens: 7, outputTokens: 3 } } }],
    [
      "the end of any stream of Bedrock's",
      "bedrock",
      { "amazon-bedrock-invocationMetrics": { inputTokenCount: 7, outputTokenCount: 3 } },
    ],
  ];

  test.each(answers)("%s", (name, kind, body) => {
    const input_tokens = name === "a message of an unknown server's" ? 2 : 7;
    expect(usageOfBody(kind, body)).toEqual({ ...seven_three, input_tokens });
  });

  test("Anthropic's first event of a stream holds the message", () => {
    const body = {
      type: "message_start",
      message: { type: "message", usage: { input_tokens: 2, cache_read_input_tokens: 5, output_tokens: 3 } },
    };
    expect(usageOfBody("anthropic", body)).toEqual({ ...seven_three, cached_input_tokens: 5 });
  });

  test("Anthropic's last event of a stream tells the answer", () => {
    expect(usageOfBody("openai", { type: "message_delta", usage: { output_tokens: 3 } })?.output_tokens).toBe(
      3,
    );
  });

  test("embeddings are a list, and an answer of their own", () => {
    const body = {
      object: "list",
      data: [{ object: "embedding", embedding: [0.1] }],
      usage: { prompt_tokens: 7, total_tokens: 7 },
    };
    expect(usageOfBody("openai", body)).toEqual({ ...NO_USAGE, input_tokens: 7 });
  });

  test("Cohere's embeddings and reranks tell it in their meta", () => {
    expect(
      usageOfBody("cohere", { embeddings: {}, meta: { billed_units: { input_tokens: 7 } } })?.input_tokens,
    ).toBe(7);
    expect(
      usageOfBody("cohere", { results: [], meta: { billed_units: { search_units: 2 } } })?.searches,
    ).toBe(2);
  });
});

describe("no usage", () => {
  const bodies: readonly (readonly [string, unknown])[] = [
    ["nothing", null],
    ["a text", "usage"],
    ["an object without", { id: "x", usage: null }],
    [
      "a batch, which is asked for again and again",
      { object: "batch", usage: { input_tokens: 36, output_tokens: 224, total_tokens: 260 } },
    ],
    [
      "a list of stored responses",
      { object: "list", data: [{ object: "response" }], usage: { prompt_tokens: 3 } },
    ],
    ["a count of tokens", { input_tokens: 14 }],
    ["Gemini's count of tokens", { totalTokens: 10, promptTokensDetails: [] }],
    ["Gemini's cached content", { name: "cachedContents/1", usageMetadata: { totalTokenCount: 9602 } }],
  ];
  test.each(bodies)("%s", (_, body) => {
    for (const kind of ["openai", "anthropic", "gemini"]) expect(usageOfBody(kind, body)).toBeNull();
  });
});
