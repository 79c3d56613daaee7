// The providers that the gateway knows by name: data, no code.
// An entry is what a user would otherwise have to look up: the address, the key's variable, and what is refused there.

/** How a provider wants its key. */
export type AuthStyle = "bearer" | "none" | { readonly header: string };

/** What a provider can be asked for, by the format of the request: formats of chats, and what is no chat. */
export type ApiName =
  | "chat"
  | "completions"
  | "responses"
  | "messages"
  | "gemini"
  | "bedrock"
  | "cohere"
  | "ollama"
  | "embeddings"
  | "cohere_embed"
  | "moderations"
  | "rerank"
  | "cohere_rerank"
  | "voyage_rerank";

/** A known provider. */
export interface ProviderEntry {
  /** What `ProviderPlan.kind` becomes: `openai` for every compatible server. */
  readonly kind:
    | "openai"
    | "azure"
    | "anthropic"
    | "gemini"
    | "bedrock"
    | "vertex"
    | "cohere"
    | "ollama"
    | "sim";
  /** Where its OpenAI-compatible endpoints begin; null where every account has an address of its own. */
  readonly base_url: string | null;
  /** What it speaks; calls of chats in other formats are translated into the first. */
  readonly speaks: readonly ApiName[];
  /** What lies between its base path and the endpoints of OpenAI's format, where it has others of its own; empty mostly. */
  readonly compatible_path: string;
  /** What it speaks where the configured base URL is that of the endpoints of OpenAI's format; else it is asked in its own. */
  readonly speaks_compatibly?: readonly ApiName[];
  /** What the paths of its own endpoints begin with, which a configured base URL may end with. */
  readonly own_path?: string;
  /** Added to a configured base URL that ends before it (`/v1` to `https://api.anthropic.com`); empty for nothing. */
  readonly path_tail: string;
  /** Environment variable of its key; null where no key is needed. */
  readonly key_variable: string | null;
  readonly auth: AuthStyle;
  /** Authorization of requests passed through untranslated, where that differs. */
  readonly pass_auth: AuthStyle;
  /** Whether it understands `stream_options.include_usage`. Where not, it either tells usage unasked or not at all. */
  readonly stream_usage: boolean;
  /** Beginnings of the names of models whose prompts are cached up to where `cache_control` says so in a part of a message. */
  readonly cache_breakpoints?: readonly string[];
}

/** OpenAI's own. */
const OPENAI: readonly ApiName[] = ["chat", "completions", "embeddings", "moderations"];
/** What servers of OpenAI's format mostly have; the last is Cohere's and Jina's, which many of them took over. */
const COMPATIBLE: readonly ApiName[] = [...OPENAI, "rerank"];

const compatible = (
  base_url: string,
  key_variable: string | null,
  differences: Partial<ProviderEntry> = {},
): ProviderEntry => ({
  kind: "openai",
  base_url,
  speaks: COMPATIBLE,
  compatible_path: "",
  path_tail: "",
  key_variable,
  auth: key_variable === null ? "none" : "bearer",
  pass_auth: key_variable === null ? "none" : "bearer",
  stream_usage: true,
  ...differences,
});

/** Azure's last dated version that is generally available; what follows it has no date (`/openai/v1`). */
export const AZURE_API_VERSION = "2024-10-21";
/** Environment variable of an Azure resource's address. */
export const AZURE_ENDPOINT_VARIABLE = "AZURE_OPENAI_ENDPOINT";

/** Every known provider by the name that `kind` (or a provider's own name) gives. */
export const PROVIDERS: Readonly<Record<string, ProviderEntry>> = {
  // https://platform.openai.com/docs/api-reference
  openai: compatible("https://api.openai.com/v1", "OPENAI_API_KEY", { speaks: [...OPENAI, "responses"] }),
  // https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
  azure: {
    kind: "azure",
    base_url: null,
    speaks: [...OPENAI, "responses"],
    compatible_path: "",
    path_tail: "/openai",
    key_variable: "AZURE_OPENAI_API_KEY",
    auth: { header: "api-key" },
    pass_auth: { header: "api-key" },
    stream_usage: true,
  },
  // https://platform.claude.com/docs/en/api/messages
  anthropic: compatible("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", {
    kind: "anthropic",
    speaks: ["messages"],
    path_tail: "/v1",
    auth: { header: "x-api-key" },
    pass_auth: { header: "x-api-key" },
  }),
  // https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/openai
  gemini: compatible("https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY", {
    kind: "gemini",
    speaks: ["gemini", "embeddings"],
    compatible_path: "/openai",
    path_tail: "/v1beta",
    auth: { header: "x-goog-api-key" },
    pass_auth: { header: "x-goog-api-key" },
  }),
  // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html; its keys are signatures mostly.
  bedrock: {
    kind: "bedrock",
    base_url: null,
    speaks: ["bedrock", "messages", "embeddings"],
    compatible_path: "",
    path_tail: "",
    key_variable: "AWS_BEARER_TOKEN_BEDROCK",
    auth: "bearer",
    pass_auth: "bearer",
    stream_usage: true,
  },
  // https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest; tokens of an account in place of keys mostly. Models of other makers than
  // Google and Anthropic: https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/use-partner-models, "chat completions".
  vertex: {
    kind: "vertex",
    base_url: null,
    speaks: ["gemini", "messages", "chat", "embeddings"],
    compatible_path: "/endpoints/openapi",
    path_tail: "/v1",
    key_variable: null,
    auth: { header: "x-goog-api-key" },
    pass_auth: { header: "x-goog-api-key" },
    stream_usage: true,
  },
  // https://docs.cohere.com/reference/about; its compatible endpoints (https://docs.cohere.com/docs/compatibility-api) refuse stream_options and
  // tell usage unasked.
  cohere: compatible("https://api.cohere.com", "COHERE_API_KEY", {
    kind: "cohere",
    speaks: ["cohere", "cohere_embed", "cohere_rerank"],
    compatible_path: "/compatibility/v1",
    speaks_compatibly: ["chat", "embeddings"],
    own_path: "/v2",
    stream_usage: false,
  }),
  // https://docs.mistral.ai/api; refuses fields that it does not know, tells usage unasked.
  mistral: compatible("https://api.mistral.ai/v1", "MISTRAL_API_KEY", { stream_usage: false }),
  // https://console.groq.com/docs/openai
  groq: compatible("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
  // https://api-docs.deepseek.com
  deepseek: compatible("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
  // https://docs.x.ai/docs/api-reference
  xai: compatible("https://api.x.ai/v1", "XAI_API_KEY"),
  // https://openrouter.ai/docs/api-reference/overview, https://openrouter.ai/docs/features/prompt-caching
  openrouter: compatible("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", {
    cache_breakpoints: ["anthropic/"],
  }),
  // https://docs.together.ai/docs/openai-api-compatibility
  together: compatible("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
  // https://docs.fireworks.ai/tools-sdks/openai-compatibility
  fireworks: compatible("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
  // https://inference-docs.cerebras.ai/resources/openai
  cerebras: compatible("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
  // https://docs.perplexity.ai/docs/sonar/openai-compatibility; has no /v1, tells usage unasked in every chunk.
  perplexity: compatible("https://api.perplexity.ai", "PERPLEXITY_API_KEY", { stream_usage: false }),
  // https://docs.api.nvidia.com/nim/reference
  nvidia: compatible("https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
  // https://docs.sambanova.ai/docs/en/features/openai-compatibility
  sambanova: compatible("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
  // https://deepinfra.com/docs/openai_api
  deepinfra: compatible("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
  // https://docs.hyperbolic.xyz
  hyperbolic: compatible("https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY"),
  // https://novita.ai/docs/guides/llm-api
  novita: compatible("https://api.novita.ai/openai/v1", "NOVITA_API_KEY"),
  // https://platform.moonshot.ai/docs; accounts of mainland China use api.moonshot.cn.
  moonshot: compatible("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
  // https://docs.z.ai, https://open.bigmodel.cn; does not know stream_options, tells usage unasked.
  zhipu: compatible("https://open.bigmodel.cn/api/paas/v4", "ZHIPUAI_API_KEY", { stream_usage: false }),
  // https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope; mainland: dashscope.aliyuncs.com.
  dashscope: compatible("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
  // https://docs.ollama.com/api, https://docs.ollama.com/api/openai-compatibility
  ollama: compatible("http://127.0.0.1:11434", null, {
    kind: "ollama",
    speaks: ["ollama", "completions", "embeddings"],
    compatible_path: "/v1",
    speaks_compatibly: OPENAI,
    own_path: "/api",
  }),
  // https://api.jina.ai/redoc, https://jina.ai/reranker, https://jina.ai/embeddings
  jina: compatible("https://api.jina.ai/v1", "JINA_API_KEY", { speaks: ["rerank", "embeddings"] }),
  // https://docs.voyageai.com/reference/reranker-api, https://docs.voyageai.com/reference/embeddings-api
  voyage: compatible("https://api.voyageai.com/v1", "VOYAGE_API_KEY", {
    speaks: ["voyage_rerank", "embeddings"],
  }),
  // https://docs.vllm.ai/en/latest/serving/openai_compatible_server
  vllm: compatible("http://127.0.0.1:8000/v1", null),
  // https://lmstudio.ai/docs/developer/openai-compat
  lmstudio: compatible("http://127.0.0.1:1234/v1", null),
  // https://github.com/ggml-org/llama.cpp/tree/master/tools/server
  "llama.cpp": compatible("http://127.0.0.1:8080/v1", null),
  // The gateway's own simulator: nothing is connected to.
  sim: {
    kind: "sim",
    base_url: "http://sim/v1",
    speaks: OPENAI,
    compatible_path: "",
    path_tail: "",
    key_variable: null,
    auth: "none",
    pass_auth: "none",
    stream_usage: true,
  },
};

/** The models of the simulator. */
export const SIM_MODELS: readonly string[] = [
  "echo",
  "lorem",
  "tool",
  "slow",
  "error-429",
  "error-500",
  "hang",
  "cut",
];

/**
 * The name of the known provider that a configured one builds on. A provider of kind openai without an address takes it from
 * its own name where that is known (`groq: { kind: openai }`), else it is OpenAI itself.
 */
export function knownProvider(name: string, kind: string, base_url: string | undefined): string {
  const known = Object.hasOwn(PROVIDERS, kind) ? kind : "openai";
  if (kind !== "openai" || base_url !== undefined || name === "sim") return known;
  return Object.hasOwn(PROVIDERS, name) ? name : known;
}

/** The entry that a configured provider builds on; see `knownProvider`. */
export function providerEntry(name: string, kind: string, base_url: string | undefined): ProviderEntry {
  return PROVIDERS[knownProvider(name, kind, base_url)]!;
}
