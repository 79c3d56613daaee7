// Every usage that was recorded, read and priced, against a table of prices written down here and sums done from the raw fields
// by each provider's rule; and against the bills that OpenRouter and xAI wrote into their own answers.

import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { laterUsage, type Usage } from "../../src/dialects/usage.ts";
import { usageOfBody } from "../../src/dialects/usage_of.ts";
import { findPrice } from "../../src/ledger/prices/book.ts";
import { chargeOf, costOf } from "../../src/ledger/prices/cost.ts";
import { loadPriceBook } from "../../src/ledger/prices/load.ts";
import { RECORDINGS_MISSING, type RecordedAnswer, recordedAnswers } from "./recorded_usage.ts";

const { book } = await loadPriceBook(join(tmpdir(), "venturi-no-such-folder"));
const answers = recordedAnswers();

/** A Thursday noon at which no hour of DeepSeek's and no announced change makes a difference: 2026-08-20. */
const TIME_MS = Date.parse("2026-08-20T12:00:00Z");

/** How each provider is asked: kind and host. */
const PLACES: Readonly<Record<string, readonly [kind: string, host: string]>> = {
  openai: ["openai", "api.openai.com"],
  azure: ["azure", "acme.openai.azure.com"],
  anthropic: ["anthropic", "api.anthropic.com"],
  gemini: ["gemini", "generativelanguage.googleapis.com"],
  vertex: ["vertex", "us-central1-aiplatform.googleapis.com"],
  mistral: ["openai", "api.mistral.ai"],
  deepseek: ["openai", "api.deepseek.com"],
  xai: ["openai", "api.x.ai"],
  cohere: ["cohere", "api.cohere.com"],
  openrouter: ["openai", "openrouter.ai"],
  perplexity: ["openai", "api.perplexity.ai"],
  bedrock: ["bedrock", "bedrock-runtime.us-east-1.amazonaws.com"],
};

/** Dollars for a million tokens, as the providers' pages had them; `write` is for five minutes. */
interface Row {
  readonly in: number;
  readonly read?: number;
  readonly write?: number;
  readonly out: number;
  readonly audio?: number;
  readonly image?: number;
  /** For a thousand searches. */
  readonly search?: number;
}
const claude = (input: number) => ({
  ...{ in: input, read: input / 10, write: input * 1.25, out: input * 5, search: 10 },
});
const FLASH: Row = { in: 0.3, read: 0.03, out: 2.5, audio: 1 };
const FLASH_3: Row = { in: 0.5, read: 0.05, out: 3, audio: 1 };
const PRO_3: Row = { in: 2, read: 0.2, out: 12 };
const NANO_5: Row = { in: 0.05, read: 0.005, out: 0.4, search: 10 };

const TABLE: Readonly<Record<string, Row>> = {
  "anthropic claude-haiku-4-5-20251001": claude(1),
  "anthropic claude-sonnet-4-5": claude(3),
  "anthropic claude-sonnet-4-6": claude(3),
  "anthropic claude-sonnet-5": claude(2),
  "anthropic claude-opus-4-1-20250805": claude(15),
  "anthropic claude-opus-4-6": claude(5),
  "azure gpt-5-nano": NANO_5,
  "azure gpt-5.6-luna": { in: 0.2, read: 0.02, out: 1.2, search: 10 },
  "azure grok-4-1-fast-non-reasoning": { in: 0.2, read: 0.05, out: 0.5 },
  "azure Cohere-embed-v3-english": { in: 0.1, out: 0 },
  // In the United States alone a tenth is added.
  "bedrock us.amazon.nova-2-lite-v1:0": { in: 0.33, read: 0.0825, out: 2.75 },
  "bedrock us.anthropic.claude-haiku-4-5-20251001-v1:0": { in: 1.1, read: 0.11, write: 1.375, out: 5.5 },
  "bedrock us.anthropic.claude-sonnet-4-5-20250929-v1:0": { in: 3.3, read: 0.33, write: 4.125, out: 16.5 },
  "cohere command-a-03-2025": { in: 2.5, out: 10 },
  "cohere command-a-plus-05-2026": { in: 2.5, out: 10 },
  "cohere command-a-reasoning-08-2025": { in: 2.5, out: 10 },
  "cohere embed-v4.0": { in: 0.12, out: 0 },
  // Standard hours, 00:30 to 16:30 UTC.
  "deepseek deepseek-chat": { in: 0.27, read: 0.07, out: 1.1 },
  "deepseek deepseek-reasoner": { in: 0.55, read: 0.14, out: 2.19 },
  // Off-peak, from 2026-08-17.
  "deepseek deepseek-v4-flash": { in: 0.22, read: 0.007, out: 0.66 },
  "gemini gemini-2.5-flash": FLASH,
  "gemini gemini-2.5-flash-preview-tts": { in: 0.5, out: 10 },
  "gemini gemini-3-flash-preview": FLASH_3,
  "gemini gemini-3.1-pro-preview": PRO_3,
  "gemini gemini-3.5-flash": { in: 1.5, read: 0.15, out: 9 },
  "gemini models/gemini-embedding-2": { in: 0.2, image: 0.45, out: 0 },
  "vertex gemini-2.5-flash": FLASH,
  "vertex gemini-3-flash-preview": FLASH_3,
  "vertex gemini-3.1-pro-preview": PRO_3,
  "mistral mistral-small-latest": { in: 0.1, out: 0.3 },
  "mistral mistral-embed": { in: 0.1, out: 0.1 },
  "mistral pixtral-12b": { in: 0.15, out: 0.15 },
  "mistral voxtral-small-latest": { in: 0.1, read: 0.01, out: 0.4 },
  "openai gpt-4o-mini": { in: 0.15, read: 0.075, out: 0.6 },
  "openai gpt-4o-2024-08-06": { in: 2.5, read: 1.25, out: 10 },
  "openai gpt-audio-mini": { in: 0.6, out: 2.4, audio: 10 },
  "openai gpt-4.1-nano": { in: 0.1, read: 0.025, out: 0.4 },
  "openai gpt-5-nano": NANO_5,
  "openai gpt-5.2": { in: 1.75, read: 0.175, out: 14, search: 10 },
  "openai gpt-5.4": { in: 2.5, read: 0.25, out: 15, search: 10 },
  "openai gpt-5.5": { in: 5, read: 0.5, out: 30, search: 10 },
  "openai text-embedding-3-small": { in: 0.02, out: 0 },
  "openai text-embedding-3-large": { in: 0.13, out: 0 },
};

type Json = Readonly<Record<string, unknown>>;

/** A number at a path of a document; zero where there is none. */
function at(document: unknown, ...path: readonly string[]): number {
  const value = path.reduce<unknown>((inner, key) => (inner as Json | undefined)?.[key], document);
  return typeof value === "number" ? value : 0;
}

/** The last document in which a path leads to a number, or to an object with one of those names. */
const last = (answer: RecordedAnswer, ...path: readonly string[]) =>
  answer.documents.flat().findLast((document) => at(document, ...path) > 0);

/** Counts in the order of a row's rates: plain, read, written, answered, audio, images, searches. */
type Counts = readonly number[];

/** By each provider's own rule, from the raw fields. */
const RULES: Readonly<Record<string, (answer: RecordedAnswer) => Counts>> = {
  anthropic(answer) {
    const message = answer.documents.find((one) => at(one, "message", "usage", "input_tokens") > 0) as Json;
    const start = (message?.["message"] ?? answer.documents[0]) as Json;
    const end = answer.documents.findLast((one) => at(one, "usage", "output_tokens") > 0) as Json;
    // Searches come after a stream has begun, and their results make the prompt longer.
    const prompt = Math.max(at(start, "usage", "input_tokens"), at(end, "usage", "input_tokens"));
    const [pass] = ((end["usage"] as Json)["iterations"] ?? []) as Json[];
    const compacted = pass?.["type"] === "compaction" ? pass : {};
    return [
      prompt + at(compacted, "input_tokens"),
      at(start, "usage", "cache_read_input_tokens"),
      at(start, "usage", "cache_creation_input_tokens"),
      at(end, "usage", "output_tokens") + at(compacted, "output_tokens"),
      ...[0, 0, at(end, "usage", "server_tool_use", "web_search_requests")],
    ];
  },
  openai(answer) {
    const usage = (last(answer, "usage", "prompt_tokens") as Json)["usage"];
    const audio = at(usage, "prompt_tokens_details", "audio_tokens");
    const prompt = at(usage, "prompt_tokens");
    const cached = Math.min(prompt, at(usage, "prompt_tokens_details", "cached_tokens"));
    // Mistral's prompts are told without their audio.
    const is_inside = at(usage, "total_tokens") === prompt + at(usage, "completion_tokens");
    return [prompt - cached - (is_inside ? audio : 0), cached, 0, at(usage, "completion_tokens"), audio];
  },
  responses(answer) {
    const event = answer.documents.findLast(
      (one) => at(one, "response", "usage", "input_tokens") > 0,
    ) as Json;
    const body = (event?.["response"] ?? answer.documents[0]) as Json;
    const cached = at(body, "usage", "input_tokens_details", "cached_tokens");
    const searches = (body["output"] as Json[]).filter(
      ({ type, action }) => type === "web_search_call" && (action as Json)["type"] === "search",
    );
    return [
      ...[at(body, "usage", "input_tokens") - cached, cached, 0, at(body, "usage", "output_tokens")],
      ...[0, 0, searches.length],
    ];
  },
  gemini(answer) {
    const usage = (last(answer, "usageMetadata", "promptTokenCount") as Json)["usageMetadata"] as Json;
    const cached = at(usage, "cachedContentTokenCount");
    const details = (usage["promptTokensDetails"] ?? usage["promptTokenDetails"] ?? []) as Json[];
    const of = (modality: string) =>
      at(
        details.find((one) => one["modality"] === modality),
        "tokenCount",
      );
    const image = answer.model?.includes("embedding") ? of("IMAGE") : 0;
    return [
      at(usage, "promptTokenCount") + at(usage, "toolUsePromptTokenCount") - cached - of("AUDIO") - image,
      ...[cached, 0, at(usage, "candidatesTokenCount") + at(usage, "thoughtsTokenCount"), of("AUDIO"), image],
    ];
  },
  cohere(answer) {
    const events = answer.documents as Json[];
    const body = (events.findLast((one) => at(one, "delta", "usage", "billed_units", "output_tokens") > 0)?.[
      "delta"
    ] ?? events[0]) as Json;
    const billed = ((body["usage"] ?? body["meta"]) as Json)["billed_units"];
    return [at(billed, "input_tokens"), 0, 0, at(billed, "output_tokens")];
  },
  bedrock(answer) {
    const usage = (last(answer, "usage", "inputTokens") as Json)["usage"];
    const { cacheReadInputTokens: read = 0, cacheWriteInputTokens: write = 0 } = usage as Record<
      string,
      number
    >;
    return [at(usage, "inputTokens"), read, write, at(usage, "outputTokens")];
  },
};

function ruleOf({ provider, op }: RecordedAnswer): (answer: RecordedAnswer) => Counts {
  if (op === "responses") return RULES["responses"]!;
  return RULES[provider === "vertex" ? "gemini" : provider] ?? RULES["openai"]!;
}

/** Nano-dollars from millionths of a dollar a million: whole numbers, rounded once, half up. */
function byHand(row: Row, counts: Counts): number {
  const [plain = 0, read = 0, write = 0, out = 0, audio = 0, image = 0, searches = 0] = counts;
  const micro = (dollars: number) => BigInt(Math.round(dollars * 1e6));
  const sum =
    BigInt(plain) * micro(row.in) +
    BigInt(read) * micro(row.read ?? row.in) +
    BigInt(write) * micro(row.write ?? row.in) +
    BigInt(out) * micro(row.out) +
    BigInt(audio) * micro(row.audio ?? row.in) +
    BigInt(image) * micro(row.image ?? row.in) +
    BigInt(searches) * micro(row.search ?? 0) * 1_000n;
  return Number((sum + 500n) / 1_000n);
}

function usageOfAnswer({ provider, documents }: RecordedAnswer): Usage | null {
  const [kind] = PLACES[provider] ?? ["openai"];
  return documents.reduce<Usage | null>((usage, one) => laterUsage(usage, usageOfBody(kind, one)), null);
}

const keyOf = ({ provider, model }: RecordedAnswer) => `${provider} ${decodeURIComponent(model ?? "")}`;

describe.skipIf(RECORDINGS_MISSING !== null)(`the recorded usage ${RECORDINGS_MISSING ?? ""}`, () => {
  const used = answers.flatMap((answer) => {
    const usage = usageOfAnswer(answer);
    return usage === null ? [] : [{ answer, usage }];
  });

  test("of every answer that counts its prompt is read", () => {
    const counting = [
      "messages.count_tokens",
      "countTokens",
      "batches",
      "messages.batches",
      "cachedContents",
    ];
    const unread = answers
      .filter(({ op, documents }) => {
        const counts = /"(?:prompt_tokens|promptTokenCount|input_tokens|inputTokens|inputTextTokenCount)":\d/;
        return !counting.includes(op) && counts.test(JSON.stringify(documents));
      })
      .filter((answer) => usageOfAnswer(answer) === null);
    expect(unread.map(({ name }) => name)).toEqual([]);
    expect(used.length).toBeGreaterThan(900);
  });

  test("costs what it does by hand, to the nano-dollar", () => {
    const seen = new Map<string, number>();
    for (const { answer, usage } of used) {
      const row = TABLE[keyOf(answer)];
      if (row === undefined) continue;
      const price = findPrice(book, ...PLACES[answer.provider]!, decodeURIComponent(answer.model!));
      expect(price, keyOf(answer)).not.toBeNull();
      const by_hand = byHand(row, ruleOf(answer)(answer));
      expect(costOf(price!, usage, TIME_MS), answer.name).toBe(by_hand);
      seen.set(keyOf(answer), (seen.get(keyOf(answer)) ?? 0) + 1);
    }
    expect(Object.keys(TABLE).filter((key) => !seen.has(key))).toEqual([]);
    expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(600);
  });

  test("costs what OpenRouter and xAI billed for it, where nothing was searched", () => {
    const billed = used.filter(
      ({ answer: { provider, model }, usage }) =>
        ["openrouter", "xai"].includes(provider) &&
        usage.told_nano_usd > 0 &&
        usage.searches === 0 &&
        model !== null,
    );
    const differing = billed
      .map(({ answer, usage }) => ({
        answer,
        usage,
        price: findPrice(book, ...PLACES[answer.provider]!, answer.model!),
      }))
      .filter(({ price, usage }) => price !== null && costOf(price, usage, TIME_MS) !== usage.told_nano_usd)
      // Perplexity's model searches for every request, and OpenRouter does not count that.
      .filter(({ answer }) => answer.model !== "perplexity/sonar");
    expect(differing.map(({ answer }) => answer.name)).toEqual([]);
    expect(billed.length).toBeGreaterThan(120);
  });

  test("is charged as billed where a bill came with it", () => {
    for (const { answer, usage } of used.filter((one) => one.usage.told_nano_usd > 0)) {
      const price = findPrice(book, ...(PLACES[answer.provider] ?? ["openai", ""]), answer.model ?? "");
      const charge = chargeOf(price, usage, TIME_MS);
      expect(charge).toEqual({ cost_nano_usd: usage.told_nano_usd, version: "provider" });
    }
  });

  test("of servers of one's own has an unknown cost", () => {
    for (const { answer, usage } of used.filter((one) =>
      ["ollama", "gpustack"].includes(one.answer.provider),
    )) {
      const price = findPrice(book, "openai", "10.0.0.1", answer.model ?? "");
      expect(chargeOf(price, usage, TIME_MS).cost_nano_usd).toBeNull();
    }
  });
});

// A few of them written out, so that the sums above are not the only ones.
describe.skipIf(RECORDINGS_MISSING !== null)("some of it, written out", () => {
  test.each<[string, string, number]>([
    // 10 plain, 7351 written for five minutes, 4 answered: 10×1000 + 7351×1250 + 4×5000
    [
      "anthropic",
      "prompt_cache_round-trip_anthropic_claude-haiku-4-5_writes_then_reads_the_prompt_cache.0",
      9_218_750,
    ],
    // 162 + 99195 of compaction, 11 + 81 answered: 99357×3000 + 92×15000
    ["anthropic", "compacts_a_long_conversation_and_bills_the_summarization_pass.0", 299_451_000],
    // 3682 video + 9 text, 428 audio; 282 + 1093 thoughts: 3691×300 + 428×1000 + 1375×2500
    ["gemini", "video_models_gemini_gemini-2_5-flash_can_understand_local_videos.0", 4_972_800],
    // 163 plain, 384 cached, 69 answered: 163×270 + 384×70 + 69×1100
    ["deepseek", "function_calling_deepseek_deepseek-chat_can_use_parallel_tool_calls.1", 146_790],
    // 9 + 375 of audio, 248 answered: 384×100 + 248×400
    ["mistral", "audio_models_mistral_voxtral-small-latest_can_understand_audio.0", 137_600],
    // 50 plain, 1536 cached, 393 answered: 50×50 + 1536×5 + 393×400
    [
      "openai",
      "function_calling_openai_gpt-5-nano_can_handle_multiple_tool_calls_in_a_single_response.3",
      167_380,
    ],
    // 3128 plain, 155 answered, in the United States: 3128×330 + 155×2750
    [
      "bedrock",
      "video_models_bedrock_amazon_nova-2-lite-v1_0_can_understand_remote_videos_without_extension.1",
      1_458_490,
    ],
    // Three seconds at 0.18 dollars an hour: 3×50000
    [
      "mistral",
      "transcription_basic_functionality_mistral_voxtral-mini-latest_can_transcribe_audio.0",
      150_000,
    ],
  ])("%s: %s", (provider, part, nano_usd) => {
    const answer = answers.find((one) => one.provider === provider && one.name.includes(part))!;
    const model = provider === "mistral" && part.startsWith("tr") ? "voxtral-mini-latest" : answer.model!;
    const price = findPrice(book, ...PLACES[provider]!, model);
    expect(chargeOf(price, usageOfAnswer(answer)!, TIME_MS).cost_nano_usd).toBe(nano_usd);
  });
});
