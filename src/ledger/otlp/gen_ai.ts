// What OpenTelemetry calls what a call was (semantic conventions for generative AI, gen-ai-spans.md and gen-ai-metrics.md).

import type { LedgerRow } from "../row.ts";

/** `gen_ai.operation.name` by the endpoint; those without a name of the conventions' have their own. */
const OPERATIONS: Readonly<Record<string, string>> = {
  "/chat/completions": "chat",
  "/messages": "chat",
  "/responses": "chat",
  "/completions": "text_completion",
  "/embeddings": "embeddings",
  "/generateContent": "generate_content",
  "/moderations": "moderation",
  "/rerank": "rerank",
};
/** Of calls that were not read, or have no name. */
const OTHER = "request";

/** The operation of a call. */
export function operationOf({ endpoint }: Pick<LedgerRow, "endpoint">): string {
  return endpoint === null ? OTHER : (OPERATIONS[endpoint] ?? (endpoint.slice(1) || OTHER));
}

/** `gen_ai.provider.name` by the kind of a provider. */
const KINDS: Readonly<Record<string, string>> = {
  anthropic: "anthropic",
  azure: "azure.ai.openai",
  bedrock: "aws.bedrock",
  cohere: "cohere",
  gemini: "gcp.gemini",
  vertex: "gcp.vertex_ai",
};
/** By the host of servers that speak OpenAI's format. */
const HOSTS: readonly (readonly [ending: string, name: string])[] = [
  ["api.openai.com", "openai"],
  ["groq.com", "groq"],
  ["mistral.ai", "mistral_ai"],
  ["deepseek.com", "deepseek"],
  ["x.ai", "x_ai"],
  ["perplexity.ai", "perplexity"],
];

/** What is known of a provider by its configuration. */
export interface KnownProvider {
  readonly kind: string;
  /** Null: that of its kind. */
  readonly base_url: string | null;
}

/** What the conventions call a provider; where they do not know it, its name in the configuration. */
export function providerName(name: string, known: KnownProvider | undefined): string {
  if (known === undefined) return name;
  const kind = KINDS[known.kind];
  if (kind !== undefined) return kind;
  if (known.kind !== "openai") return name;
  const host = hostOf(known.base_url);
  if (host === null) return known.base_url === null ? "openai" : name;
  return HOSTS.find(([ending]) => host === ending || host.endsWith(`.${ending}`))?.[1] ?? name;
}

/** `server.address` of a provider; null where it is that of its kind. */
export function hostOf(base_url: string | null): string | null {
  return base_url !== null && URL.canParse(base_url) ? new URL(base_url).hostname : null;
}

/** `error.type` of a call; null for one that was answered. */
export function errorType({ error, status }: Pick<LedgerRow, "error" | "status">): string | null {
  return error ?? (status >= 400 ? String(status) : null);
}
