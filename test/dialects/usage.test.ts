// What providers say that a call used, by each format's own rule; numbers as they were recorded, sums worked out by hand.

import { describe, expect, test } from "vitest";
import { readAnthropicUsage } from "../../src/dialects/anthropic/usage.ts";
import { readBedrockUsage } from "../../src/dialects/bedrock/usage.ts";
import { readCohereUsage } from "../../src/dialects/cohere/usage.ts";
import { readGeminiUsage } from "../../src/dialects/gemini/usage.ts";
import { readOllamaUsage } from "../../src/dialects/ollama/usage.ts";
import { readUsage } from "../../src/dialects/openai/usage.ts";
import { readResponsesUsage } from "../../src/dialects/responses/usage.ts";
import { laterUsage, NO_USAGE, type Usage, usageOf } from "../../src/dialects/usage.ts";

const used = (kinds: Partial<Usage>): Usage => ({ ...NO_USAGE, ...kinds });

describe("OpenAI's chat format", () => {
  test("cached tokens are of the prompt's, reasoning tokens of the answer's", () => {
    const usage = readUsage({
      ...{ prompt_tokens: 1100, completion_tokens: 500, total_tokens: 1600 },
      prompt_tokens_details: { cached_tokens: 1024, audio_tokens: 37 },
      completion_tokens_details: { reasoning_tokens: 320, audio_tokens: 20 },
    });
    expect(usage).toEqual(
      used({
        ...{ input_tokens: 1100, cached_input_tokens: 1024, input_audio_tokens: 37 },
        ...{ output_tokens: 500, reasoning_tokens: 320, output_audio_tokens: 20 },
      }),
    );
  });

  test("what is no usage gives none", () => {
    for (const value of [null, undefined, 7, "1", {}, { tokens: 3 }, { prompt_tokens: "3" }]) {
      expect(readUsage(value)).toBeNull();
    }
    expect(readUsage({ input_tokens: 3, output_tokens: 4, total_tokens: 7 })).toBeNull();
  });

  test("embeddings and reranks have a prompt alone", () => {
    expect(readUsage({ prompt_tokens: 8, total_tokens: 8 })).toEqual(used({ input_tokens: 8 }));
    expect(readUsage({ total_tokens: 17, cost: 3.4e-7 })).toEqual(
      used({ input_tokens: 17, told_nano_usd: 340 }),
    );
  });

  test("DeepSeek counts its cache hits beside the details", () => {
    const usage = readUsage({
      ...{ prompt_tokens: 496, completion_tokens: 31, total_tokens: 527 },
      ...{ prompt_cache_hit_tokens: 384, prompt_cache_miss_tokens: 112 },
    });
    expect(usage).toEqual(used({ input_tokens: 496, cached_input_tokens: 384, output_tokens: 31 }));
  });

  test("Mistral's prompt leaves audio out: the total says so", () => {
    const usage = readUsage({
      ...{ prompt_audio_seconds: 3, prompt_tokens: 9, total_tokens: 632, completion_tokens: 248 },
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 375 },
    });
    expect(usage).toEqual(
      used({ input_tokens: 384, input_audio_tokens: 375, output_tokens: 248, input_audio_ms: 3_000 }),
    );
  });

  test("OpenAI's prompt includes audio: the total says that too", () => {
    const usage = readUsage({
      ...{ prompt_tokens: 53, completion_tokens: 123, total_tokens: 176 },
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 37, text_tokens: 16 },
    });
    expect(usage).toEqual(used({ input_tokens: 53, input_audio_tokens: 37, output_tokens: 123 }));
  });

  test("xAI's answer leaves reasoning out, and it tells what it bills in ticks", () => {
    const usage = readUsage({
      ...{ prompt_tokens: 204, completion_tokens: 2, total_tokens: 268, cost_in_usd_ticks: 2_244_800 },
      prompt_tokens_details: { cached_tokens: 128 },
      completion_tokens_details: { reasoning_tokens: 62 },
    });
    expect(usage).toEqual(
      used({
        ...{ input_tokens: 204, cached_input_tokens: 128, output_tokens: 64, reasoning_tokens: 62 },
        told_nano_usd: 224_480,
      }),
    );
  });

  test("Gemini's thoughts are in the total alone", () => {
    const usage = readUsage({ prompt_tokens: 12, completion_tokens: 9, total_tokens: 500 });
    expect(usage).toEqual(used({ input_tokens: 12, output_tokens: 488, reasoning_tokens: 479 }));
  });

  test("a kind is never more than its total: Azure's Grok tells 161 cached tokens of a prompt of 10", () => {
    const usage = readUsage({
      ...{ prompt_tokens: 10, completion_tokens: 213, total_tokens: 223, cost_in_usd_ticks: 0 },
      prompt_tokens_details: { cached_tokens: 161 },
    });
    expect(usage).toEqual(used({ input_tokens: 10, cached_input_tokens: 10, output_tokens: 213 }));
  });

  test("OpenRouter tells cache writes, images, searches and its bill; with the caller's own key, the provider's bill too", () => {
    const counts = {
      ...{
        prompt_tokens: 1125,
        completion_tokens: 1120,
        total_tokens: 2245,
        cost: 0.03388125,
        is_byok: false,
      },
      prompt_tokens_details: { cached_tokens: 100, cache_write_tokens: 25 },
      completion_tokens_details: { image_tokens: 1120 },
      server_tool_use_details: { web_search_requests: 3 },
    };
    const usage = used({
      ...{ input_tokens: 1125, cached_input_tokens: 100, cache_write_5m_tokens: 25 },
      ...{ output_tokens: 1120, output_image_tokens: 1120, searches: 3, told_nano_usd: 33_881_250 },
    });
    expect(readUsage(counts)).toEqual(usage);
    const own = { ...counts, is_byok: true, cost: 0.001, cost_details: { upstream_inference_cost: 0.02 } };
    expect(readUsage(own)).toEqual({ ...usage, told_nano_usd: 21_000_000 });
  });

  test("Perplexity tells its bill, and of deep research what it read and thought", () => {
    const usage = readUsage({
      ...{ prompt_tokens: 33, completion_tokens: 7163, total_tokens: 7196 },
      ...{ citation_tokens: 20016, reasoning_tokens: 73995, num_search_queries: 18 },
      cost: { input_tokens_cost: 0, output_tokens_cost: 0.05, total_cost: 0.40935 },
    });
    expect(usage).toEqual(
      used({
        ...{ input_tokens: 20049, output_tokens: 81158, reasoning_tokens: 73995, searches: 18 },
        told_nano_usd: 409_350_000,
      }),
    );
  });

  test("counts that are none are zero", () => {
    const usage = readUsage({ prompt_tokens: 5, completion_tokens: -3, total_tokens: Number.NaN });
    expect(usage).toEqual(used({ input_tokens: 5 }));
  });
});

describe("Responses, transcriptions, images", () => {
  test("cached, written and reasoning tokens are of their totals", () => {
    const usage = readResponsesUsage({
      ...{ input_tokens: 1586, output_tokens: 393, total_tokens: 1979 },
      input_tokens_details: { cache_write_tokens: 20, cached_tokens: 1536 },
      output_tokens_details: { reasoning_tokens: 320 },
    });
    expect(usage).toEqual(
      used({
        ...{ input_tokens: 1586, cached_input_tokens: 1536, cache_write_5m_tokens: 20 },
        ...{ output_tokens: 393, reasoning_tokens: 320 },
      }),
    );
  });

  test("a transcription is told in tokens or in seconds", () => {
    const tokens = { type: "tokens", total_tokens: 181, input_tokens: 37, output_tokens: 144 };
    const details = { input_token_details: { text_tokens: 0, audio_tokens: 37 } };
    expect(readResponsesUsage({ ...tokens, ...details })).toEqual(
      used({ input_tokens: 37, input_audio_tokens: 37, output_tokens: 144 }),
    );
    expect(readResponsesUsage({ type: "duration", seconds: 4 })).toEqual(used({ input_audio_ms: 4_000 }));
  });

  test("a web search is counted, a page that was opened is not", () => {
    const output = [
      { type: "web_search_call", action: { type: "search" } },
      { type: "web_search_call", action: { type: "open_page" } },
      { type: "web_search_call" },
      { type: "message" },
    ];
    expect(readResponsesUsage({ input_tokens: 1, output_tokens: 1 }, output)?.searches).toBe(2);
  });

  test("xAI counts its searches itself", () => {
    const usage = {
      ...{ input_tokens: 5913, output_tokens: 364, cost_in_usd_ticks: 161_508_500 },
      server_side_tool_usage_details: { web_search_calls: 2, x_search_calls: 1 },
    };
    expect(readResponsesUsage(usage, [{ type: "web_search_call" }])).toMatchObject({
      ...{ searches: 3, told_nano_usd: 16_150_850 },
    });
  });
});

describe("Anthropic's Messages", () => {
  test("the prompt is what was read, written and neither", () => {
    const usage = readAnthropicUsage({
      ...{ input_tokens: 10, cache_creation_input_tokens: 7351, cache_read_input_tokens: 200 },
      cache_creation: { ephemeral_5m_input_tokens: 5351, ephemeral_1h_input_tokens: 2000 },
      ...{ output_tokens: 638, output_tokens_details: { thinking_tokens: 353 } },
      server_tool_use: { web_search_requests: 1, web_fetch_requests: 4 },
    });
    expect(usage).toEqual(
      used({
        ...{ input_tokens: 7561, cached_input_tokens: 200 },
        ...{ cache_write_5m_tokens: 5351, cache_write_1h_tokens: 2000 },
        ...{ output_tokens: 638, reasoning_tokens: 353, searches: 1 },
      }),
    );
  });

  test("what is written stays for five minutes where nothing else is said", () => {
    const usage = readAnthropicUsage({ input_tokens: 1, cache_creation_input_tokens: 9, output_tokens: 0 });
    expect(usage).toEqual(used({ input_tokens: 10, cache_write_5m_tokens: 9 }));
  });

  test("what compacting a conversation took is billed beside the message", () => {
    const message = { type: "message", input_tokens: 162, output_tokens: 11 };
    const compaction = { type: "compaction", input_tokens: 99195, output_tokens: 81 };
    const usage = readAnthropicUsage({
      input_tokens: 162,
      output_tokens: 11,
      iterations: [compaction, message],
    });
    expect(usage).toEqual(used({ input_tokens: 99357, output_tokens: 92 }));
  });

  test("a stream's two reports are put together", () => {
    const start = readAnthropicUsage({ input_tokens: 80, cache_read_input_tokens: 20, output_tokens: 1 });
    const end = readAnthropicUsage({ output_tokens: 638 });
    expect(laterUsage(laterUsage(null, start), end)).toEqual(
      used({ input_tokens: 100, cached_input_tokens: 20, output_tokens: 638 }),
    );
  });
});

describe("Gemini's", () => {
  test("thoughts and tools' prompts are counted beside the rest", () => {
    const usage = readGeminiUsage({
      ...{ promptTokenCount: 118, candidatesTokenCount: 312, totalTokenCount: 2437 },
      ...{ toolUsePromptTokenCount: 1961, thoughtsTokenCount: 46 },
    });
    expect(usage).toEqual(used({ input_tokens: 2079, output_tokens: 358, reasoning_tokens: 46 }));
    expect(usage!.input_tokens + usage!.output_tokens).toBe(2437);
  });

  test("modalities are told apart, in the cache too", () => {
    const usage = readGeminiUsage({
      ...{ promptTokenCount: 4119, candidatesTokenCount: 111, cachedContentTokenCount: 1000 },
      promptTokensDetails: [
        { modality: "TEXT", tokenCount: 3433 },
        { modality: "IMAGE", tokenCount: 200 },
        { modality: "DOCUMENT", tokenCount: 58 },
        { modality: "AUDIO", tokenCount: 428 },
      ],
      cacheTokensDetails: [{ modality: "AUDIO", tokenCount: 100 }],
      candidatesTokensDetails: [{ modality: "AUDIO", tokenCount: 111 }],
    });
    expect(usage).toEqual(
      used({
        ...{ input_tokens: 4119, cached_input_tokens: 1000, input_audio_tokens: 428 },
        ...{ cached_input_audio_tokens: 100, input_image_tokens: 258 },
        ...{ output_tokens: 111, output_audio_tokens: 111 },
      }),
    );
  });

  test("the searches that an answer was grounded on are counted", () => {
    const candidates = [{ groundingMetadata: { webSearchQueries: ["a", "b"] } }, {}];
    expect(readGeminiUsage({ promptTokenCount: 1 }, candidates)?.searches).toBe(2);
  });

  test("a cached content's total and a chunk's traffic are no usage", () => {
    expect(readGeminiUsage({ totalTokenCount: 9602 })).toBeNull();
    expect(readGeminiUsage({ trafficType: "ON_DEMAND" })).toBeNull();
  });
});

describe("Cohere's, Bedrock's, Ollama's", () => {
  test("Cohere bills without its own words, which are the first to be cached", () => {
    const usage = readCohereUsage({
      billed_units: { input_tokens: 181, output_tokens: 34 },
      tokens: { input_tokens: 1698, output_tokens: 66 },
      cached_tokens: 1616,
    });
    expect(usage).toEqual(used({ input_tokens: 181, cached_input_tokens: 99, output_tokens: 34 }));
  });

  test("Cohere's images are of a chat's input and beside an embedding's", () => {
    const chat = readCohereUsage({
      billed_units: { input_tokens: 267, output_tokens: 52 },
      tokens: { input_tokens: 34, output_tokens: 56, reasoning_tokens: 4, image_tokens: 259 },
      cached_tokens: 0,
    });
    expect(chat).toEqual(
      used({ input_tokens: 267, input_image_tokens: 259, output_tokens: 52, reasoning_tokens: 4 }),
    );
    const embedding = readCohereUsage({ billed_units: { input_tokens: 7, image_tokens: 90 } });
    expect(embedding).toEqual(used({ input_tokens: 97, input_image_tokens: 90 }));
  });

  test("Cohere's reranks are searches", () => {
    expect(readCohereUsage({ billed_units: { search_units: 1 } })).toEqual(used({ searches: 1 }));
  });

  test("Bedrock's prompt is what was read, written and neither", () => {
    const usage = readBedrockUsage({
      ...{ inputTokens: 10, outputTokens: 4, totalTokens: 7365 },
      ...{ cacheReadInputTokens: 1000, cacheWriteInputTokens: 6351, cacheWriteInputTokenCount: 6351 },
      cacheDetails: [
        { inputTokens: 351, ttl: "1h" },
        { inputTokens: 6000, ttl: "5m" },
      ],
    });
    expect(usage).toEqual(
      used({
        ...{ input_tokens: 7361, cached_input_tokens: 1000, output_tokens: 4 },
        ...{ cache_write_5m_tokens: 6000, cache_write_1h_tokens: 351 },
      }),
    );
  });

  test("Ollama counts at the top of the answer", () => {
    expect(readOllamaUsage({ done: true, prompt_eval_count: 26, eval_count: 298 })).toEqual(
      used({ input_tokens: 26, output_tokens: 298 }),
    );
    expect(readOllamaUsage({ done: false })).toBeNull();
  });
});

test("kinds never add up to more than their totals", () => {
  const usage = usageOf({
    ...{ input_tokens: 10, cached_input_tokens: 8, cache_write_5m_tokens: 8, cache_write_1h_tokens: 8 },
    ...{ input_audio_tokens: 20, cached_input_audio_tokens: 20, input_image_tokens: 20 },
    ...{ output_tokens: 5, reasoning_tokens: 4, output_audio_tokens: 4, output_image_tokens: 4 },
  });
  expect(usage).toEqual(
    used({
      ...{ input_tokens: 10, cached_input_tokens: 8, cache_write_5m_tokens: 2, cache_write_1h_tokens: 0 },
      ...{ input_audio_tokens: 10, cached_input_audio_tokens: 8, input_image_tokens: 0 },
      ...{ output_tokens: 5, reasoning_tokens: 4, output_audio_tokens: 1, output_image_tokens: 0 },
    }),
  );
});
