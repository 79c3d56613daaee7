// In what compatible servers differ from OpenAI's chat completions: data. Each entry names the page that says so; what no page says is
// taken to be as most servers have it.

type Fields = Readonly<Record<string, unknown>>;

/** What a server takes, and how. */
export interface Quirks {
  /** Fields (by OpenAI's names) that it refuses, or takes without doing anything. */
  readonly refuses: ReadonlySet<string>;
  /** Its own names for fields. */
  readonly names: Readonly<Record<string, string>>;
  /** Whether it knows the role `developer`. */
  readonly developer: boolean;
  /**
   * How the thoughts of earlier turns go back: as a text in this field, as OpenRouter's details beside `reasoning`, as parts of the content
   * (Mistral), or not at all.
   */
  readonly thoughts: "reasoning_content" | "reasoning" | "details" | "parts" | null;
  /** Whether it refuses messages with fields that it does not know. */
  readonly is_strict: boolean;
  /** Whether a message with calls must tell thoughts, if only that there were none. */
  readonly thoughts_with_calls: boolean;
  /**
   * How it is told how much to think: `reasoning_effort`, to those models alone that reason, or to all; OpenRouter's object; a switch in
   * `thinking.type`, perhaps with Anthropic's `budget_tokens` or with `reasoning_effort`; Alibaba's `enable_thinking` and
   * `thinking_budget`; or not at all.
   */
  readonly reasoning:
    | "effort"
    | "effort_by_model"
    | "object"
    | "switch"
    | "switch_and_budget"
    | "switch_and_effort"
    | "enable_thinking"
    | null;
  /** Whether a model that has to call a tool must not think. */
  readonly forced_excludes_thinking: boolean;
  /** Whether Google's signatures go back in `extra_content`. */
  readonly google_signatures: boolean;
  /** Whether parts and tools may have `cache_control`. */
  readonly cache_marks: boolean;
  /** Its word for having to call some tool; null: it has none. */
  readonly must_call: "required" | "any" | null;
  /** Whether `tool_choice` can name a tool, and name several (`allowed_tools`). */
  readonly can_name_tool: boolean;
  readonly can_allow_tools: boolean;
  /** Whether there are tools of type `custom`, which take any text. */
  readonly custom_tools: boolean;
  /** Whether ids of calls must be nine letters and digits. */
  readonly short_call_ids: boolean;
  /** Whether results of tools may hold images. */
  readonly result_images: boolean;
  /** Whether `response_format` takes a schema. */
  readonly schemas: boolean;
  /** Whether messages may have `refusal`. */
  readonly refusals: boolean;
  /** How a file is given: by OpenAI's part (with its bytes alone, or a URL as well), Mistral's, Perplexity's, or not at all. */
  readonly files: "file" | "file_or_url" | "document_url" | "file_url" | null;
  /** Which URLs of sounds and films it fetches. */
  readonly media_urls: ReadonlySet<"audio" | "video">;
  /** The fields that make it search the web; null: it cannot. */
  readonly web_search: Fields | null;
  /** The service tiers it knows. */
  readonly service_tiers: ReadonlySet<string>;
}

/** Fields that OpenAI alone has, or few others. */
const OPENAI_ONLY = ["metadata", "verbosity", "prompt_cache_key", "service_tier"];
/** Fields that OpenAI does not have. */
const NOT_OPENAI = ["top_k", "min_p"];
const NONE: ReadonlySet<never> = new Set();

/** A server of which nothing else is known. */
const COMPATIBLE: Quirks = {
  refuses: new Set([...OPENAI_ONLY, ...NOT_OPENAI]),
  names: {},
  developer: false,
  thoughts: "reasoning_content",
  is_strict: false,
  thoughts_with_calls: false,
  reasoning: "effort",
  forced_excludes_thinking: false,
  google_signatures: false,
  cache_marks: false,
  must_call: "required",
  can_name_tool: true,
  can_allow_tools: false,
  custom_tools: false,
  short_call_ids: false,
  result_images: false,
  schemas: true,
  refusals: false,
  files: null,
  media_urls: NONE,
  web_search: null,
  service_tiers: NONE,
};

/** https://platform.openai.com/docs/api-reference/chat/create */
const OPENAI: Quirks = {
  ...COMPATIBLE,
  refuses: new Set(NOT_OPENAI),
  // `max_tokens` is deprecated, and reasoning models refuse it.
  names: { max_tokens: "max_completion_tokens" },
  developer: true,
  thoughts: null,
  is_strict: true,
  reasoning: "effort_by_model",
  can_allow_tools: true,
  custom_tools: true,
  refusals: true,
  files: "file",
  service_tiers: new Set(["auto", "default", "flex", "scale", "priority"]),
};

/** Servers that run open models and take their samplers' options: vLLM, llama.cpp, LM Studio and others. */
const OPEN_MODELS: Quirks = { ...COMPATIBLE, refuses: new Set(OPENAI_ONLY) };

const BY_KIND: Readonly<Record<string, Quirks>> = {
  openai: OPENAI,
  // https://learn.microsoft.com/azure/ai-foundry/openai/reference; what a deployment's name stands for nobody can tell.
  azure: { ...OPENAI, reasoning: "effort" },
  sim: { ...COMPATIBLE, refuses: NONE },
  // https://platform.claude.com/docs/en/api/openai-sdk
  anthropic: {
    ...COMPATIBLE,
    refuses: new Set([
      ...[...OPENAI_ONLY, ...NOT_OPENAI, "n", "seed", "logprobs", "logit_bias", "modalities"],
      ...["presence_penalty", "frequency_penalty"],
    ]),
    thoughts: null,
    reasoning: "switch_and_budget",
    forced_excludes_thinking: true,
    schemas: false,
  },
  // https://ai.google.dev/gemini-api/docs/openai
  gemini: { ...COMPATIBLE, thoughts: null, google_signatures: true },
  // https://docs.cohere.com/docs/compatibility-api
  cohere: {
    ...COMPATIBLE,
    refuses: new Set([
      ...[...OPENAI_ONLY, ...NOT_OPENAI, "stream_options", "n", "logit_bias", "user"],
      ...["parallel_tool_calls", "modalities"],
    ]),
    thoughts: null,
    can_name_tool: false,
  },
  // https://docs.mistral.ai/api/#tag/chat: fields that it does not know are refused.
  mistral: {
    ...COMPATIBLE,
    refuses: new Set([
      ...["verbosity", "prompt_cache_key", "service_tier", ...NOT_OPENAI, "stream_options", "user"],
      ...["logprobs", "logit_bias", "modalities", "messages.name"],
    ]),
    names: { seed: "random_seed" },
    thoughts: "parts",
    is_strict: true,
    must_call: "any",
    short_call_ids: true,
    result_images: true,
    files: "document_url",
  },
  // https://console.groq.com/docs/openai, https://console.groq.com/docs/reasoning
  groq: {
    ...COMPATIBLE,
    refuses: new Set([
      ...["metadata", "verbosity", "prompt_cache_key", ...NOT_OPENAI],
      ...["logprobs", "logit_bias", "n", "messages.name"],
    ]),
    names: { max_tokens: "max_completion_tokens" },
    thoughts: "reasoning",
    is_strict: true,
    service_tiers: new Set(["auto", "on_demand", "flex", "performance"]),
  },
  // https://api-docs.deepseek.com/api/create-chat-completion, https://api-docs.deepseek.com/guides/thinking_mode
  deepseek: {
    ...COMPATIBLE,
    refuses: new Set([
      ...[...OPENAI_ONLY, ...NOT_OPENAI, "n", "seed", "logit_bias", "user", "parallel_tool_calls"],
      ...["modalities"],
    ]),
    thoughts_with_calls: true,
    reasoning: "switch_and_effort",
    // Its own error: "Thinking mode does not support this tool_choice".
    forced_excludes_thinking: true,
    schemas: false,
  },
  // https://docs.x.ai/docs/api-reference#chat-completions
  xai: {
    ...COMPATIBLE,
    refuses: new Set([...OPENAI_ONLY, ...NOT_OPENAI, "logit_bias", "modalities"]),
    names: { max_tokens: "max_completion_tokens" },
    thoughts: null,
  },
  // https://openrouter.ai/docs/api-reference/overview, .../use-cases/reasoning-tokens, .../features/multimodal, .../features/web-search
  openrouter: {
    ...COMPATIBLE,
    refuses: new Set(["prompt_cache_key"]),
    developer: true,
    thoughts: "details",
    reasoning: "object",
    cache_marks: true,
    result_images: true,
    files: "file_or_url",
    media_urls: new Set(["video"]),
    web_search: { plugins: [{ id: "web" }] },
    service_tiers: OPENAI.service_tiers,
  },
  // https://docs.together.ai/reference/chat-completions-1
  together: { ...OPEN_MODELS, thoughts: "reasoning", media_urls: new Set(["video", "audio"]) },
  // https://docs.fireworks.ai/api-reference/post-chatcompletions
  fireworks: OPEN_MODELS,
  // https://inference-docs.cerebras.ai/resources/openai
  cerebras: {
    ...COMPATIBLE,
    refuses: new Set([
      ...["metadata", "verbosity", "prompt_cache_key", "service_tier", ...NOT_OPENAI],
      ...["frequency_penalty", "presence_penalty", "logit_bias", "modalities"],
    ]),
    names: { max_tokens: "max_completion_tokens" },
    thoughts: "reasoning",
    is_strict: true,
  },
  // https://docs.perplexity.ai/docs/sonar/openai-compatibility; it always searches.
  perplexity: {
    ...COMPATIBLE,
    refuses: new Set([
      ...[...OPENAI_ONLY, "min_p", "stream_options", "tools", "n", "stop", "seed", "logprobs"],
      ...["logit_bias", "parallel_tool_calls", "user", "modalities"],
    ]),
    thoughts: null,
    files: "file_url",
    web_search: {},
  },
  // https://platform.moonshot.ai/docs/api/chat
  moonshot: {
    ...COMPATIBLE,
    refuses: new Set([...OPENAI_ONLY, ...NOT_OPENAI, "logprobs", "logit_bias", "seed", "modalities"]),
    thoughts_with_calls: true,
    reasoning: "switch",
    must_call: null,
    media_urls: new Set(["video"]),
  },
  // https://docs.z.ai/api-reference/llm/chat-completion
  zhipu: {
    ...COMPATIBLE,
    refuses: new Set([
      ...[...OPENAI_ONLY, ...NOT_OPENAI, "stream_options", "n", "seed", "logprobs", "logit_bias"],
      ...["presence_penalty", "frequency_penalty", "parallel_tool_calls", "modalities"],
    ]),
    names: { user: "user_id" },
    reasoning: "switch",
    must_call: null,
    can_name_tool: false,
    schemas: false,
    files: "file_url",
    media_urls: new Set(["video"]),
  },
  // https://www.alibabacloud.com/help/en/model-studio/qwen-api-reference
  dashscope: {
    ...COMPATIBLE,
    refuses: new Set([...OPENAI_ONLY, "min_p", "logit_bias", "frequency_penalty", "user"]),
    reasoning: "enable_thinking",
    must_call: null,
    media_urls: new Set(["video"]),
    web_search: { enable_search: true },
  },
  // https://docs.ollama.com/api/openai-compatibility
  ollama: {
    ...COMPATIBLE,
    refuses: new Set([
      ...[...OPENAI_ONLY, ...NOT_OPENAI, "n", "logit_bias", "user", "parallel_tool_calls", "modalities"],
    ]),
    thoughts: "reasoning",
    result_images: true,
  },
  // https://docs.vllm.ai/en/latest/serving/openai_compatible_server, .../features/multimodal_inputs
  vllm: { ...OPEN_MODELS, media_urls: new Set(["audio", "video"]) },
  lmstudio: OPEN_MODELS,
  "llama.cpp": OPEN_MODELS,
  deepinfra: OPEN_MODELS,
  novita: OPEN_MODELS,
  hyperbolic: OPEN_MODELS,
  sambanova: OPEN_MODELS,
  nvidia: OPEN_MODELS,
};

/** Beginnings of the names of OpenAI's models: what else answers as kind `openai` is a compatible server at an address of its own. */
const OPENAI_MODELS = ["gpt-", "chatgpt-", "o1", "o3", "o4", "codex-", "ft:", "davinci-", "babbage-"];

/**
 * The quirks of a server.
 * @param provider_kind the name by which the table of providers knows it (`mistral`, `groq`, …); any other is a compatible server
 * @param model as the provider calls it
 */
export function quirksOf(provider_kind: string, model: string): Quirks {
  const known = Object.hasOwn(BY_KIND, provider_kind) ? BY_KIND[provider_kind]! : COMPATIBLE;
  if (provider_kind !== "openai") return known;
  if (!OPENAI_MODELS.some((name) => model.startsWith(name)) || model.startsWith("gpt-oss")) return COMPATIBLE;
  return model.includes("-search") ? { ...OPENAI, web_search: { web_search_options: {} } } : OPENAI;
}

/** Beginnings of the names of models that reason, and refuse to be told how much (https://docs.x.ai/docs/guides/reasoning). */
const WILFUL = ["grok-4-", "grok-code"];

/** Whether a model can be told how much to think. */
export function takesEffort(model: string): boolean {
  return model !== "grok-4" && !WILFUL.some((beginning) => model.startsWith(beginning));
}

/** Beginnings of the names of OpenAI's models that reason, and their word for not doing so; null: they always do. */
const REASONERS: readonly (readonly [beginning: string, off: string | null])[] = [
  ["gpt-5.", "none"],
  ["gpt-5", "minimal"],
  ["o1", null],
  ["o3", null],
  ["o4", null],
];

/** The word for not reasoning of an OpenAI model; undefined for one that does not reason at all. */
export function offEffort(model: string): string | null | undefined {
  return REASONERS.find(([beginning]) => model.startsWith(beginning))?.[1];
}
