// LiteLLM's cache: Redis, a disk or memory become the gateway's own, in its data folder.
// https://docs.litellm.ai/docs/proxy/caching

import type { Draft, ModelInput } from "../draft.ts";
import type { Source } from "../source.ts";
import type { FindModel } from "./fallbacks.ts";

type Cache = Exclude<NonNullable<ModelInput["cache"]>, "off">;

/** Gives every model a cache where the source has one. */
export function readCache(settings: Source, draft: Draft, find: FindModel): void {
  const on = settings.at("cache");
  const params = settings.at("cache_params");
  if (on.flag() !== true) {
    params.left("the cache is not switched on (litellm_settings.cache)");
    return;
  }
  const mode = params.at("mode");
  if (mode.text() === "default_off") {
    mode.left(
      "answers are kept for all calls of a model or for none; give models a cache where it is wanted",
    );
    return;
  }
  const type = params.at("type");
  const name = type.text() ?? "local";
  const ttl = params.at("ttl");
  const seconds = ttl.number();
  const ttl_s = seconds === null ? {} : { ttl_s: Math.min(31_622_400, Math.max(1, Math.round(seconds))) };
  const is_semantic = name.endsWith("semantic");
  const cache: Cache = is_semantic
    ? { semantic: { ...semantic(params, draft, find), ...ttl_s } }
    : { exact: ttl_s };
  for (const model of Object.values(draft.config.models)) model.cache = structuredClone(cache);
  on.carried(is_semantic ? "a semantic cache of every model" : "a cache of every model");
  if (name !== "local") type.changed(`${name} becomes the gateway's own cache, in its data folder`);
  ttl.carried("ttl_s");
  const calls = params.at("supported_call_types");
  if (calls.is_there) calls.changed("whatever a model answers that can be kept is kept");
  params.leave(
    ["host", "port", "password", "url", "redis_startup_nodes", "service_name", "sentinel_nodes", "namespace"],
    "no server is needed on one host; several share kept answers by state (docs/configuration.md#state)",
  );
  params.rest();
}

function semantic(params: Source, draft: Draft, find: FindModel): NonNullable<Cache["semantic"]> {
  const threshold = params.at("similarity_threshold").number();
  const model = params.first(
    "redis_semantic_cache_embedding_model",
    "qdrant_semantic_cache_embedding_model",
    "valkey_semantic_cache_embedding_model",
  );
  const embedder = embedderOf(model.text(), draft, find);
  if (embedder === null) model.changed("the built-in embedder measures similarity");
  else model.carried(embedder);
  return {
    ...(threshold === null ? {} : { threshold: Math.min(1, Math.max(0, threshold)) }),
    ...(embedder === null ? {} : { embedder }),
  };
}

function embedderOf(name: string | null, { config }: Draft, find: FindModel): string | null {
  const own = name === null ? null : find(name);
  const target = own === null ? undefined : config.models[own]?.targets[0];
  if (target === undefined || typeof target === "string" || target.model.includes("*")) return null;
  const kind = config.providers[target.provider]?.kind;
  return kind === "vertex" || kind === "bedrock" ? null : `provider:${target.provider}/${target.model}`;
}
