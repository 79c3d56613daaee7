// The providers that LiteLLM knows by the beginning of a model's name, as they are known here.
// Variables and addresses are LiteLLM's own (litellm/litellm_core_utils/get_llm_provider_logic.py, docs.litellm.ai/docs/providers).

/** A provider of LiteLLM's. */
export interface LitellmProvider {
  /** `kind` of a provider here. */
  readonly kind: string;
  /** Variable of its key where the configuration has none; null where none is needed. */
  readonly key: string | null;
  /** Its address where it is none that `kind` knows. */
  readonly base_url?: string;
  /** Variable of its address, which has no other. */
  readonly base_variable?: string;
  /** What becomes another by the import, in words. */
  readonly caveat?: string;
}

const server = (base_variable: string, key: string | null = null): LitellmProvider => ({
  ...{ kind: "openai", key, base_variable },
});
const hosted = (base_url: string, key: string): LitellmProvider => ({ kind: "openai", key, base_url });

const LITELLM_PROVIDERS: Readonly<Record<string, LitellmProvider>> = {
  openai: { kind: "openai", key: "OPENAI_API_KEY" },
  "text-completion-openai": { kind: "openai", key: "OPENAI_API_KEY" },
  azure: { kind: "azure", key: "AZURE_API_KEY", base_variable: "AZURE_API_BASE" },
  azure_text: { kind: "azure", key: "AZURE_API_KEY", base_variable: "AZURE_API_BASE" },
  azure_ai: {
    ...{ kind: "azure", key: "AZURE_AI_API_KEY", base_variable: "AZURE_AI_API_BASE" },
    caveat: "is asked at /openai/v1 of its resource, which serves all models of Azure AI Foundry",
  },
  anthropic: { kind: "anthropic", key: "ANTHROPIC_API_KEY" },
  anthropic_text: { kind: "anthropic", key: "ANTHROPIC_API_KEY" },
  gemini: { kind: "gemini", key: "GEMINI_API_KEY" },
  vertex_ai: { kind: "vertex", key: null },
  vertex_ai_beta: { kind: "vertex", key: null },
  bedrock: { kind: "bedrock", key: null },
  bedrock_converse: { kind: "bedrock", key: null },
  cohere: { kind: "cohere", key: "COHERE_API_KEY" },
  cohere_chat: { kind: "cohere", key: "COHERE_API_KEY" },
  mistral: { kind: "mistral", key: "MISTRAL_API_KEY" },
  codestral: hosted("https://codestral.mistral.ai/v1", "CODESTRAL_API_KEY"),
  groq: { kind: "groq", key: "GROQ_API_KEY" },
  deepseek: { kind: "deepseek", key: "DEEPSEEK_API_KEY" },
  xai: { kind: "xai", key: "XAI_API_KEY" },
  openrouter: { kind: "openrouter", key: "OPENROUTER_API_KEY" },
  together_ai: { kind: "together", key: "TOGETHERAI_API_KEY" },
  fireworks_ai: { kind: "fireworks", key: "FIREWORKS_AI_API_KEY" },
  cerebras: { kind: "cerebras", key: "CEREBRAS_API_KEY" },
  perplexity: { kind: "perplexity", key: "PERPLEXITYAI_API_KEY" },
  nvidia_nim: { kind: "nvidia", key: "NVIDIA_NIM_API_KEY" },
  sambanova: { kind: "sambanova", key: "SAMBANOVA_API_KEY" },
  deepinfra: { kind: "deepinfra", key: "DEEPINFRA_API_KEY" },
  hyperbolic: { kind: "hyperbolic", key: "HYPERBOLIC_API_KEY" },
  novita: { kind: "novita", key: "NOVITA_API_KEY" },
  moonshot: { kind: "moonshot", key: "MOONSHOT_API_KEY" },
  zai: hosted("https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
  dashscope: { kind: "dashscope", key: "DASHSCOPE_API_KEY" },
  jina_ai: { kind: "jina", key: "JINA_AI_API_KEY" },
  voyage: { kind: "voyage", key: "VOYAGE_API_KEY" },
  ollama: { kind: "ollama", key: null },
  ollama_chat: { kind: "ollama", key: null },
  vllm: { kind: "vllm", key: null },
  hosted_vllm: server("HOSTED_VLLM_API_BASE"),
  lm_studio: { kind: "lmstudio", key: null },
  llamafile: { kind: "llama.cpp", key: null },
  custom_openai: server("OPENAI_LIKE_API_BASE"),
  openai_like: server("OPENAI_LIKE_API_BASE"),
  litellm_proxy: server("LITELLM_PROXY_API_BASE", "LITELLM_PROXY_API_KEY"),
  xinference: server("XINFERENCE_API_BASE"),
  infinity: server("INFINITY_API_BASE"),
  databricks: server("DATABRICKS_API_BASE", "DATABRICKS_API_KEY"),
  github: hosted("https://models.inference.ai.azure.com", "GITHUB_API_KEY"),
  nebius: hosted("https://api.studio.nebius.ai/v1", "NEBIUS_API_KEY"),
  ai21: hosted("https://api.ai21.com/studio/v1", "AI21_API_KEY"),
  ai21_chat: hosted("https://api.ai21.com/studio/v1", "AI21_API_KEY"),
  meta_llama: hosted("https://api.llama.com/compat/v1", "LLAMA_API_KEY"),
  volcengine: hosted("https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY"),
  friendliai: hosted("https://api.friendli.ai/serverless/v1", "FRIENDLI_TOKEN"),
  baseten: hosted("https://inference.baseten.co/v1", "BASETEN_API_KEY"),
  wandb: hosted("https://api.inference.wandb.ai/v1", "WANDB_API_KEY"),
};

/** The provider of a model's prefix; null where it is none. */
export function litellmProvider(prefix: string): LitellmProvider | null {
  return Object.hasOwn(LITELLM_PROVIDERS, prefix) ? LITELLM_PROVIDERS[prefix]! : null;
}

/** Whose models LiteLLM takes names without a prefix for. */
const BARE: readonly (readonly [begins: RegExp, provider: string])[] = [
  [/^(gpt-|o\d|chatgpt-|text-embedding-|dall-e|whisper|tts-|davinci|babbage|ft:|omni-|codex)/, "openai"],
  [/^claude/, "anthropic"],
  [/^(gemini|text-?embedding-gecko|textembedding|(text|chat|code)-bison)/, "vertex_ai"],
  [/^((us|eu|apac|global)\.)?(anthropic|amazon|meta|mistral|cohere|ai21|deepseek)\./, "bedrock"],
  [/^(command|embed-|rerank-)/, "cohere"],
];

/** A model's name apart: the prefix of its provider and its name there; null where LiteLLM itself would not know whose it is. */
export function splitModel(
  model: string,
  given: string | null,
): readonly [prefix: string, name: string] | null {
  const slash = model.indexOf("/");
  const prefix = slash < 0 ? "" : model.slice(0, slash);
  if (given !== null) return [given, prefix === given ? model.slice(slash + 1) : model];
  if (litellmProvider(prefix) !== null) return [prefix, model.slice(slash + 1)];
  const bare = slash < 0 ? BARE.find(([begins]) => begins.test(model)) : undefined;
  if (bare !== undefined) return [bare[1], model];
  return slash > 0 ? [prefix, model.slice(slash + 1)] : null;
}
