// Bifrost's plugins: the semantic cache and OpenTelemetry have an equal; governance and telemetry are always there.
// https://docs.getbifrost.ai/deployment-guides/config-json/plugins

import type { Draft, ModelInput } from "../draft.ts";
import { secondsOf } from "../periods.ts";
import type { Source } from "../source.ts";
import { starredModels } from "./bifrost.ts";
import { textOf } from "./provider.ts";

/** Reads the plugins of a source, and the cache that stands beside them in newer ones. */
export function readPlugins(top: Source, draft: Draft): void {
  for (const plugin of top.at("plugins").items()) {
    const name = plugin.at("name").text() ?? "";
    const config = plugin.at("config");
    if (plugin.at("enabled").flag() === false) plugin.left(`${name} is switched off`);
    else if (name === "semantic_cache" || name === "semanticcache") cache(plugin, config, draft);
    else if (name === "otel") telemetry(plugin, config, draft);
    else if (name === "telemetry" || name === "prometheus")
      plugin.carried("GET /metrics tells what there is");
    else if (name === "governance") plugin.carried("keys, budgets and limits always hold");
    else if (name === "logging") plugin.carried("calls are in the ledger");
    else plugin.left(`${name} has no equal here`);
  }
  const local = top.at("local_cache");
  if (local.is_there) cache(local, local, draft);
}

function cache(plugin: Source, config: Source, draft: Draft): void {
  const ttl = config.at("ttl");
  // A number of Bifrost's is in seconds; a text has a unit.
  const seconds = ttl.number() ?? secondsOf(ttl.text() ?? "");
  const ttl_s = seconds === null || seconds < 1 ? {} : { ttl_s: Math.min(31_622_400, Math.round(seconds)) };
  const threshold = config.at("threshold").number();
  const provider = config.at("provider").text();
  const model = config.at("embedding_model").text();
  const kind = provider === null ? undefined : draft.config.providers[provider]?.kind;
  const has_embedder = model !== null && kind !== undefined && kind !== "vertex" && kind !== "bedrock";
  // With one dimension there is nothing to compare: only what is the same is found.
  const is_exact = config.at("dimension").number() === 1;
  const kept: Exclude<NonNullable<ModelInput["cache"]>, "off"> = {
    exact: ttl_s,
    ...(is_exact
      ? {}
      : {
          semantic: {
            ...(threshold === null ? {} : { threshold: Math.min(1, Math.max(0, threshold)) }),
            ...ttl_s,
            ...(has_embedder ? { embedder: `provider:${provider}/${model}` } : {}),
          },
        }),
  };
  starredModels(draft);
  for (const one of Object.values(draft.config.models)) one.cache = structuredClone(kept);
  plugin.changed(
    "answers are kept for all calls, in the data folder; Bifrost keeps those with a cache key alone",
  );
  config.leave(
    [
      "keys",
      "conversation_history_threshold",
      "exclude_system_prompt",
      "cache_by_model",
      "cache_by_provider",
    ],
    "see docs/caching.md for what makes two requests the same",
  );
}

function telemetry(plugin: Source, config: Source, draft: Draft): void {
  const profile =
    config
      .at("profiles")
      .items()
      .find((one) => one.at("enabled").flag() !== false) ?? config;
  const url = textOf(profile.at("collector_url"));
  if (url === null || profile.at("protocol").text() === "grpc") {
    plugin.left("OTLP is spoken over HTTP alone; give the collector's address as telemetry.otlp.endpoint");
    return;
  }
  const headers = profile
    .at("headers")
    .entries()
    .flatMap(([name, value]) => {
      const text = textOf(value);
      return text === null ? [] : [[name.toLowerCase(), text] as const];
    });
  const service_name = profile.at("service_name").text();
  draft.config.telemetry = {
    otlp: {
      endpoint: url.replace(/\/v1\/traces\/?$/, ""),
      ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers) }),
      ...(service_name === null ? {} : { service_name }),
    },
  };
  plugin.carried("telemetry.otlp");
}
