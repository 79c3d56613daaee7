// Requests and answers that look random and are the same in every run, with all that chat completions can say, said in the way in which
// the codec itself says it: so that reading and writing give the same again.

import type {
  AnswerChoice,
  ChatAnswer,
  Finish,
  TokenLogprob,
} from "../../../../src/dialects/neutral/answer.ts";
import type { Citation, Part, Signature } from "../../../../src/dialects/neutral/parts.ts";
import { usageOf } from "../../../../src/dialects/usage.ts";
import { randomText } from "../random_answer.ts";

type Random = (limit: number) => number;
type Json = Record<string, unknown>;

function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[random(values.length)]!;
}

function maybe(random: Random, fields: () => Json): Json {
  return random(3) === 0 ? fields() : {};
}

function many<T>(random: Random, limit: number, one: (index: number) => T): T[] {
  return Array.from({ length: random(limit + 1) }, (_, index) => one(index));
}

/** Some text, never empty. */
function text(random: Random): string {
  return randomText(random) || "x";
}

const PNG = "data:image/png;base64,iVBORw0KGgo=";

function content(random: Random, marks: boolean): unknown {
  if (random(2) === 0) return text(random);
  const parts = many(random, 4, (): Json => {
    const part = oneOf<() => Json>(random, [
      () => ({ type: "text", text: text(random) }),
      () => ({
        type: "image_url",
        image_url: {
          url: oneOf(random, [PNG, "https://a.example/b.png"]),
          ...maybe(random, () => ({ detail: "low" })),
        },
      }),
      () => ({
        type: "input_audio",
        input_audio: { data: "UklGRg==", format: oneOf(random, ["wav", "mp3"]) },
      }),
      () => ({
        type: "file",
        file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0=" },
      }),
      () => ({ type: "file", file: { file_id: "file-1" } }),
      () => ({ type: "of_its_own", deep: [1, { er: null }] }),
    ])();
    const is_known = part["type"] !== "of_its_own";
    return marks && is_known && random(4) === 0
      ? { ...part, cache_control: { type: "ephemeral", ...maybe(random, () => ({ ttl: "1h" })) } }
      : part;
  });
  const [only] = parts;
  if (only === undefined) return "";
  const is_text = parts.length === 1 && only["type"] === "text" && only["cache_control"] === undefined;
  return is_text ? only["text"] : parts;
}

function call(random: Random, index: number, custom: boolean): Json {
  const id = `call_${index}_${random(1e9)}`;
  if (custom && random(5) === 0)
    return { id, type: "custom", custom: { name: "shell", input: randomText(random) } };
  const given = oneOf(random, ["{}", '{"a": 1}', "broken {", JSON.stringify({ q: randomText(random) })]);
  return { id, type: "function", function: { name: `tool_${random(3)}`, arguments: given } };
}

function turn(random: Random, openrouter: boolean): Json[] {
  const calls = random(2) === 0 ? [] : many(random, 3, (index) => call(random, index, !openrouter));
  const said = random(3) === 0 && calls.length > 0 ? null : text(random);
  const thought = openrouter && random(2) === 0 ? details(random) : null;
  const refusal =
    !openrouter && calls.length === 0 && random(5) === 0 ? { content: null, refusal: text(random) } : {};
  return [
    { role: "user", content: content(random, openrouter), ...maybe(random, () => ({ name: "ann" })) },
    {
      ...{ role: "assistant", content: said },
      ...(thought === null ? {} : { reasoning_details: thought }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
      ...refusal,
      ...maybe(random, () => ({ prefix: true })),
    },
    ...calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: text(random) })),
  ];
}

function details(random: Random): Json[] {
  return many(random, 2, (index): Json => {
    const format = oneOf(random, ["anthropic-claude-v1", "xai-responses-v1", "google-gemini-v1"]);
    if (random(3) === 0) return { type: "reasoning.encrypted", data: `secret${index}`, format, index };
    return { type: "reasoning.text", text: text(random), signature: "c2ln", format, index };
  })
    .concat([{ type: "reasoning.text", text: text(random), signature: "bGFzdA==", index: 9 }])
    .map((detail, index) => ({ ...detail, index }));
}

const SCHEMA = {
  type: "object",
  properties: { a: { type: "string" } },
  required: ["a"],
  additionalProperties: false,
};

function tools(random: Random, openrouter: boolean): Json {
  const defined = many(random, 3, (index): Json => {
    if (!openrouter && random(4) === 0)
      return {
        type: "custom",
        custom: {
          name: `custom_${index}`,
          ...maybe(random, () => ({
            format: { type: "grammar", grammar: { syntax: "lark", definition: "a" } },
          })),
        },
      };
    return {
      type: "function",
      function: {
        name: `tool_${index}`,
        ...maybe(random, () => ({ description: text(random) })),
        ...maybe(random, () => ({ parameters: SCHEMA })),
        ...maybe(random, () => ({ strict: random(2) === 0 })),
      },
      ...(openrouter ? maybe(random, () => ({ cache_control: { type: "ephemeral" } })) : {}),
    };
  });
  if (defined.length === 0) return {};
  const named = defined[0]!;
  const type = named["type"] as string;
  const { name } = named[type] as Json;
  const choices: unknown[] = ["auto", "none", "required", { type, [type]: { name } }];
  if (!openrouter)
    choices.push({
      type: "allowed_tools",
      allowed_tools: { mode: "required", tools: [{ type, [type]: { name } }] },
    });
  return {
    tools: defined,
    ...maybe(random, () => ({ tool_choice: oneOf(random, choices) })),
    ...maybe(random, () => ({ parallel_tool_calls: random(2) === 0 })),
  };
}

/** A request, for OpenAI itself or for OpenRouter. */
export function randomRequest(random: Random, kind: "openai" | "openrouter"): Json {
  const openrouter = kind === "openrouter";
  const reasoning = openrouter
    ? oneOf<Json>(random, [
        {},
        { reasoning: { effort: "high" } },
        { reasoning: { max_tokens: 2000, exclude: true } },
        { reasoning: { enabled: false } },
      ])
    : oneOf<Json>(random, [
        {},
        { reasoning_effort: "high" },
        { reasoning_effort: "none" },
        { verbosity: "low" },
      ]);
  const system = { role: oneOf(random, ["system", "developer"]), content: text(random) };
  return {
    model: openrouter ? "anthropic/claude-haiku-4.5" : "gpt-5.1",
    messages: [
      ...(random(2) === 0 ? [system] : []),
      ...many(random, 3, () => turn(random, openrouter)).flat(),
      { role: "user", content: content(random, openrouter) },
    ],
    ...maybe(random, () => ({
      stream: true,
      ...maybe(random, () => ({ stream_options: { include_usage: true } })),
    })),
    ...tools(random, openrouter),
    ...maybe(random, () => ({
      response_format: oneOf(random, [
        { type: "text" },
        { type: "json_object" },
        { type: "json_schema", json_schema: { name: "out", schema: SCHEMA, strict: true } },
        { type: "grammar", grammar: "x" },
      ]),
    })),
    ...maybe(random, () => ({ [openrouter ? "max_tokens" : "max_completion_tokens"]: 1 + random(9999) })),
    ...maybe(random, () => ({ temperature: random(20) / 10 })),
    ...maybe(random, () => ({ top_p: random(10) / 10 })),
    ...maybe(random, () => ({ frequency_penalty: 0.5, presence_penalty: -0.5 })),
    ...maybe(random, () => ({ logit_bias: { "50256": -100 } })),
    ...maybe(random, () => ({ seed: random(1e9) })),
    ...maybe(random, () => ({ stop: oneOf<unknown>(random, ["END", ["a", "b"]]) })),
    ...maybe(random, () => ({ n: 2 + random(3) })),
    ...maybe(random, () => ({ logprobs: true, ...maybe(random, () => ({ top_logprobs: 3 })) })),
    ...maybe(random, () => ({ user: "u1" })),
    ...maybe(random, () => ({ safety_identifier: "s1" })),
    ...maybe(random, () => ({ metadata: { a: "b" }, store: true })),
    ...maybe(random, () => ({ service_tier: "flex" })),
    ...(openrouter
      ? maybe(random, () => ({ top_k: 40, min_p: 0.1, provider: { order: ["a"] } }))
      : maybe(random, () => ({ prompt_cache_key: "k", web_search_options: { search_context_size: "low" } }))),
    ...maybe(random, () => ({ modalities: ["text", "audio"], audio: { voice: "alloy", format: "mp3" } })),
    ...maybe(random, () => ({ prediction: { type: "content", content: "x" } })),
    ...reasoning,
  };
}

const FORMATS = ["messages", "responses", "gemini", "bedrock"] as const;

function signature(random: Random): Signature {
  if (random(5) === 0) return { format: "chat", value: "xai-responses-v1:c2ln" };
  return { format: oneOf(random, FORMATS), value: `c2ln${random(1e6)}` };
}

function thought(random: Random, index: number): Part {
  switch (random(5)) {
    case 0:
      return { kind: "thinking", text: "", encrypted: signature(random) };
    case 1:
      return { kind: "thinking", text: text(random), encrypted: signature(random), id: `rs_${index}` };
    case 2:
      return { kind: "thinking", text: "", encrypted: signature(random), id: `rs_${index}` };
    case 3:
      return { kind: "thinking", text: randomText(random), signature: signature(random) };
    default:
      return { kind: "thinking", text: text(random) };
  }
}

function citation(random: Random): Citation {
  return {
    url: `https://a.example/${random(9)}`,
    ...(random(2) === 0 ? { title: "A" } : {}),
    ...(random(3) === 0 ? { cited_text: "so" } : {}),
    ...(random(2) === 0 ? { start: 0, end: 1 + random(9) } : {}),
  };
}

function choice(random: Random, index: number): AnswerChoice {
  const calls =
    random(2) === 0
      ? []
      : many(random, 3, (at): Part => {
          const is_custom = random(5) === 0;
          return {
            ...{
              kind: "tool_call",
              id: `call_${at}_${random(1e9)}`,
              name: `tool_${at}`,
              arguments: randomText(random),
            },
            ...(is_custom ? { is_custom } : {}),
            ...(random(4) === 0 ? { signature: signature(random) } : {}),
          };
        });
  const refused = calls.length === 0 && random(6) === 0;
  const parts: Part[] = [
    ...(random(2) === 0 ? [] : many(random, 3, (at) => thought(random, at))),
    ...(random(4) === 0 && !refused
      ? []
      : [
          {
            ...{ kind: "text", text: text(random) },
            ...(random(4) === 0 ? { citations: [citation(random), citation(random)] } : {}),
            ...(random(5) === 0 ? { signature: { format: "gemini", value: "Z2Vt" } } : {}),
          } as Part,
        ]),
    ...(refused ? [{ kind: "refusal", text: text(random) } as const] : []),
    ...(random(6) === 0
      ? [
          {
            kind: "image",
            source: { kind: "base64", media_type: "image/png", data: "iVBORw0KGgo=" },
          } as const,
        ]
      : []),
    ...calls,
  ];
  return {
    index,
    parts,
    finish: finish(random, refused, calls.length > 0),
    ...(random(4) === 0 ? { logprobs: tokens(random) } : {}),
  };
}

function finish(random: Random, refused: boolean, calls: boolean): Finish {
  if (refused) return { reason: "refusal", raw: "stop" };
  if (calls) return { reason: "tool_calls", raw: "tool_calls" };
  return oneOf<Finish>(random, [
    { reason: "stop", raw: "stop" },
    { reason: "stop_sequence", stop_sequence: "END", raw: "stop" },
    { reason: "length", raw: "length" },
    { reason: "content_filter", raw: "content_filter" },
    { reason: "error", raw: "error" },
  ]);
}

function tokens(random: Random): TokenLogprob[] {
  return many(random, 3, () => ({
    ...{ token: text(random), logprob: -random(1000) / 7 },
    ...(random(2) === 0 ? { bytes: [1, 2, 255] } : {}),
    top: random(2) === 0 ? [] : [{ token: "x", logprob: -1.5 }],
  })).concat([{ token: "a", logprob: -1, top: [] }]);
}

/** An answer. */
export function randomAnswerOf(random: Random): ChatAnswer {
  return {
    id: `chatcmpl-${random(1e9)}`,
    model: oneOf(random, ["gpt-5-nano", "mistral/größte"]),
    created_s: 1_787_150_112,
    choices: Array.from({ length: 1 + random(3) }, (_, index) => choice(random, index)),
    usage: random(4) === 0 ? null : usage(random),
    ...(random(3) === 0 ? { service_tier: "default" } : {}),
    ...(random(3) === 0
      ? { own: { format: "chat", fields: { system_fingerprint: "fp_1", provider: "X" } } }
      : {}),
  };
}

function usage(random: Random): ChatAnswer["usage"] {
  return usageOf({
    ...{ input_tokens: 1000 + random(1000), output_tokens: 500 + random(500) },
    ...{
      cached_input_tokens: random(300),
      cache_write_5m_tokens: random(300),
      input_audio_tokens: random(100),
    },
    ...{ reasoning_tokens: random(100), output_audio_tokens: random(100), output_image_tokens: random(100) },
    ...{ searches: random(3), input_audio_ms: random(2) * 1500, told_nano_usd: random(2) * 1_234_000 },
  });
}
