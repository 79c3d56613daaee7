// What the inference process is told of a configuration; nothing where no model asks for what it does.

import { compilePlan } from "../../config/compile.ts";
import { NAME_ENTITIES } from "../../config/entities.ts";
import type { Plan } from "../../config/plan.ts";
import type { ResolvedConfig } from "../../config/schema.ts";
import type { EmbedderSource, InferenceConfig } from "../../inference/config.ts";
import { requestPath } from "../../upstream/addressing.ts";

/** How long a provider may take to embed, in milliseconds; what waits for it has given up long before. */
const EMBED_MAX_MS = 30_000;
/** Texts in one request to a provider. */
const EMBED_BATCH_MAX = 64;

/** What the inference process has to do; null for nothing. */
export function inferenceConfigOf(config: ResolvedConfig): InferenceConfig | null {
  const names = new Set<string>();
  for (const { cache } of Object.values(config.models)) {
    if (cache !== "off" && cache.semantic !== undefined) names.add(cache.semantic.embedder);
  }
  for (const { guards } of [...Object.values(config.models), ...config.keys]) {
    for (const guard of guards?.input ?? [])
      if (typeof guard !== "string" && guard.guard === "denied_topics") names.add(guard.embedder);
  }
  if (config.telemetry.quality.similarity) names.add("builtin");
  const has_names = Object.values(config.models).some(({ privacy }) =>
    privacy?.entities?.some((entity) => NAME_ENTITIES.includes(entity)),
  );
  if (names.size === 0 && !has_names) return null;
  const plan = compilePlan(config);
  const { max_entries, threads } = config.cache.semantic;
  const embedders = [...names].flatMap((name) => sourceOf(name, plan) ?? []);
  return {
    data: config.data,
    embedders,
    names: has_names ? [config.privacy.names] : [],
    max_entries,
    threads,
    ...(config.vectors === undefined ? {} : { vectors: config.vectors }),
  };
}

/** Where an embedder comes from, by its name; null where its provider is not there. */
function sourceOf(name: string, plan: Plan): EmbedderSource | null {
  const [kind, rest = ""] = splitOnce(name, ":");
  if (kind === "builtin") return { kind };
  if (kind === "transformers") return { kind, model: rest };
  const [provider_name, model = ""] = splitOnce(rest, "/");
  const provider = plan.providers.get(provider_name);
  if (provider === undefined) return null;
  const { tls, host, port } = provider.origin;
  const address = `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return {
    kind: "provider",
    provider: provider_name,
    model,
    url: address + requestPath(provider, model, "/embeddings", true),
    headers: Object.fromEntries(provider.keys[0]!.headers),
    timeout_ms: EMBED_MAX_MS,
    batch_max: EMBED_BATCH_MAX,
  };
}

function splitOnce(text: string, mark: string): [before: string, behind?: string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + mark.length)];
}
