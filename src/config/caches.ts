// What a model keeps of its answers, as the Plan has it.

import type { CachePlan, SemanticPlan } from "./plan.ts";
import type { ModelCacheConfig } from "./schema.ts";

const SECOND_MS = 1_000;

/** Compiles what a model's cache says; null: nothing is kept. */
export function compileCache(config: ModelCacheConfig): CachePlan | null {
  if (config === "off") return null;
  const { exact, semantic } = config;
  if (exact === undefined && semantic === undefined) return null;
  return {
    // A similar request is given what is kept of the very request.
    ttl_ms: (exact?.ttl_s ?? semantic?.ttl_s ?? 0) * SECOND_MS,
    stale_ms: (exact?.stale_s ?? 0) * SECOND_MS,
    scope: exact?.scope ?? semantic?.scope ?? "tenant",
    max_choices: exact?.max_choices ?? 1,
    max_temperature: exact?.max_temperature ?? 2,
    by_user: exact?.by_user ?? false,
    retries_errors: exact?.on_error === "retry",
    semantic: semantic === undefined ? null : compileSemantic(semantic),
  };
}

type SemanticConfig = NonNullable<Exclude<ModelCacheConfig, "off">["semantic"]>;

function compileSemantic(config: SemanticConfig): SemanticPlan {
  const { threshold, max_error, ttl_s, embedder, scope, multi_turn, tools, images } = config;
  const ttl_ms = ttl_s * SECOND_MS;
  return { threshold, max_error: max_error ?? null, ttl_ms, embedder, scope, multi_turn, tools, images };
}
