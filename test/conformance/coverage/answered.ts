// What providers answer, thing by thing: one answer of each format that says all that the format has words for.

import type { ChatAnswer } from "../../../src/dialects/neutral/answer.ts";
import type { Part } from "../../../src/dialects/neutral/parts.ts";
import { EMPTY_REQUEST } from "../../../src/dialects/neutral/request.ts";
import { NO_USAGE, type Usage, usageOf } from "../../../src/dialects/usage.ts";
import type { Json, Searched } from "./asked.ts";

/** What a model thought is signed with. */
export const SIGNATURE = "c2lnbmF0dXJl";

/** What the writers of these answers know of the call: nothing of it changes. */
export const CONTEXT = {
  ...{ call_id: "call1", model: "asked", now_s: 1_700_000_000 },
  request: { ...EMPTY_REQUEST, model: "asked", asks_usage: true, logprobs: { top: 1 } },
};

/** One thing that can be answered. */
export interface Answered {
  readonly name: string;
  /** What an answer says of it: nothing is null, or an empty list. */
  said(answer: ChatAnswer): unknown;
}

function partsOf({ choices }: ChatAnswer): readonly Part[] {
  return choices[0]?.parts ?? [];
}

/** Kinds of usage that are more than the two sums. */
function kindsOf(usage: Usage | null): readonly (readonly [kind: string, count: number])[] {
  const kinds = Object.keys(NO_USAGE) as (keyof Usage)[];
  return kinds.flatMap((kind) =>
    usage !== null && usage[kind] > 0 && kind !== "input_tokens" && kind !== "output_tokens"
      ? [[kind, usage[kind]] as const]
      : [],
  );
}

/** Everything that models may answer of the kinds that formats differ in. */
export const ANSWERED: readonly Answered[] = [
  {
    name: "text",
    said: (answer) =>
      partsOf(answer)
        .flatMap((part) => (part.kind === "text" ? [part.text] : []))
        .join("") || null,
  },
  {
    name: "thoughts",
    said: (answer) =>
      partsOf(answer).flatMap((part) => (part.kind === "thinking" && part.text !== "" ? [part.text] : [])),
  },
  {
    name: "calls at once",
    said: (answer) =>
      partsOf(answer).flatMap((part) =>
        part.kind === "tool_call" ? [[part.name, JSON.parse(part.arguments) as unknown]] : [],
      ),
  },
  {
    name: "citations",
    said: (answer) =>
      partsOf(answer).flatMap((part) =>
        part.kind === "text"
          ? (part.citations ?? []).map(({ url, title, cited_text }) => [url, title, cited_text])
          : [],
      ),
  },
  {
    name: "log probabilities",
    said: ({ choices }) => choices[0]?.logprobs?.map(({ token, logprob }) => [token, logprob]) ?? null,
  },
  { name: "why it ended", said: ({ choices }) => choices[0]?.finish?.reason ?? null },
  {
    name: "sums of usage",
    said: ({ usage }) => (usage === null ? null : [usage.input_tokens, usage.output_tokens]),
  },
  { name: "kinds of usage", said: ({ usage }) => kindsOf(usage) },
  { name: "service tier", said: ({ service_tier }) => service_tier ?? null },
];

/** All that a neutral answer can say of the above, signed as a format signs. */
export function wholeAnswer(format: "chat" | "responses" | "messages" | "gemini"): ChatAnswer {
  return {
    ...{ id: "answer1", model: "served", created_s: 1_700_000_000, service_tier: "priority" },
    choices: [
      {
        index: 0,
        parts: [
          { kind: "thinking", text: "Two cities.", signature: { format, value: SIGNATURE } },
          {
            ...{ kind: "text", text: "I look." },
            citations: [{ url: "https://cats.example/", title: "Cats", start: 0, end: 7 }],
          },
          { kind: "tool_call", id: "call_a", name: "weather", arguments: '{"city":"Köln"}' },
          { kind: "tool_call", id: "call_b", name: "weather", arguments: '{"city":"東京"}' },
        ],
        finish: { reason: "tool_calls", raw: "tool_calls" },
        logprobs: [
          { token: "I", logprob: -0.5, top: [] },
          { token: " look.", logprob: -0.25, top: [] },
        ],
      },
    ],
    usage: usageOf({
      ...{ input_tokens: 120, cached_input_tokens: 20, cache_write_5m_tokens: 10, cache_write_1h_tokens: 5 },
      ...{ input_audio_tokens: 7, input_image_tokens: 6, output_tokens: 90, reasoning_tokens: 30 },
    }),
  };
}

const CITY = { city: "Köln" };
const CITY_2 = { city: "東京" };

/** The same in the words of formats that no client speaks. */
export const OTHERS: Readonly<Record<Searched, Json>> = {
  bedrock: {
    output: {
      message: {
        role: "assistant",
        content: [
          {
            reasoningContent: { reasoningText: { text: "Two cities.", signature: SIGNATURE } },
          },
          {
            citationsContent: {
              content: [{ text: "I look." }],
              citations: [
                {
                  title: "Cats",
                  sourceContent: [{ text: "Cats look." }],
                  location: { web: { url: "https://cats.example/", domain: "cats.example" } },
                },
              ],
            },
          },
          { toolUse: { toolUseId: "call_a", name: "weather", input: CITY } },
          { toolUse: { toolUseId: "call_b", name: "weather", input: CITY_2 } },
        ],
      },
    },
    stopReason: "tool_use",
    usage: {
      ...{ inputTokens: 85, outputTokens: 90, totalTokens: 210 },
      ...{ cacheReadInputTokens: 20, cacheWriteInputTokens: 15 },
      cacheDetails: [
        { ttl: "5m", inputTokens: 10 },
        { ttl: "1h", inputTokens: 5 },
      ],
    },
    serviceTier: { type: "priority" },
  },
  cohere: {
    id: "answer1",
    finish_reason: "TOOL_CALL",
    message: {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "Two cities." },
        { type: "text", text: "I look." },
      ],
      citations: [
        {
          ...{ start: 0, end: 6, text: "I look", content_index: 1, type: "TEXT_CONTENT" },
          sources: [
            {
              type: "document",
              id: "doc:0",
              document: { url: "https://cats.example/", title: "Cats", text: "Cats look." },
            },
          ],
        },
      ],
      tool_calls: [
        {
          id: "call_a",
          type: "function",
          function: { name: "weather", arguments: JSON.stringify(CITY) },
        },
        {
          id: "call_b",
          type: "function",
          function: { name: "weather", arguments: JSON.stringify(CITY_2) },
        },
      ],
    },
    logprobs: [{ text: "I look.", token_ids: [1, 2], logprobs: [-0.5, -0.25] }],
    usage: {
      billed_units: { input_tokens: 120, output_tokens: 90 },
      tokens: { input_tokens: 120, output_tokens: 90, reasoning_tokens: 30 },
      cached_tokens: 20,
    },
  },
  ollama: {
    ...{ model: "served", created_at: "2026-01-01T00:00:00Z", done: true, done_reason: "stop" },
    message: {
      ...{ role: "assistant", thinking: "Two cities.", content: "I look." },
      tool_calls: [
        { function: { name: "weather", arguments: CITY } },
        { function: { name: "weather", arguments: CITY_2 } },
      ],
    },
    logprobs: [
      { token: "I", logprob: -0.5 },
      { token: " look.", logprob: -0.25 },
    ],
    ...{ prompt_eval_count: 120, eval_count: 90 },
  },
};
