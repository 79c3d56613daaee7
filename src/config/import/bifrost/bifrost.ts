// Bifrost's `config.json` as one of this gateway. Clients of both ask for `provider/model`, so that providers keep their names, and a
// provider whose keys differ in more than their values becomes several behind names with a star.
// https://docs.getbifrost.ai/deployment-guides/config-json; transports/config.schema.json of maximhq/bifrost.

import { Draft, type TargetInput } from "../draft.ts";
import type { Source } from "../source.ts";
import { readGovernance } from "./governance.ts";
import { readPlugins } from "./plugins.ts";
import { type Became, readProvider } from "./provider.ts";

/** Reads all of a source. */
export function importBifrost(top: Source): Draft {
  const draft = new Draft();
  const empty_is_all = top.at("version").number() === 1;
  const became = new Map<string, Became>();
  for (const [name, source] of top.at("providers").entries()) {
    const one = readProvider(name, source, draft, empty_is_all);
    if (one !== null) became.set(name, one);
  }
  readClient(top.at("client"), draft);
  readGovernance(top.at("governance"), draft, became, empty_is_all);
  readPlugins(top, draft);
  top.at("$schema");
  top.leave(
    [
      "config_store",
      "logs_store",
      "vector_store",
      "framework",
      "encryption_key",

      "source_of_truth",
    ],
    "not needed: the data folder holds what the gateway keeps",
  );
  top.leave(["mcp", "websocket", "server", "cluster_config", "guardrails_config"], "has no equal here");
  top.rest();
  return draft;
}

/** Gives every provider a model of all its names, for settings that only models have. */
export function starredModels(draft: Draft): void {
  for (const name of Object.keys(draft.config.providers)) {
    const starred = `${name}/*`;
    if (Object.hasOwn(draft.config.models, starred)) continue;
    const target: TargetInput = { provider: name, model: "*" };
    draft.config.models[starred] = { targets: [target] };
  }
}

function readClient(client: Source, draft: Draft): void {
  const { config } = draft;
  const origins = client.at("allowed_origins");
  const named = origins.items().flatMap((one) => {
    const origin = one.text()?.replace(/\/+$/, "") ?? "";
    if (origin === "*" || (URL.canParse(origin) && new URL(origin).origin === origin)) return [origin];
    one.left("is no origin");
    return [];
  });
  if (named.length > 0) {
    config.listen = { ...config.listen, cors: { origins: named } };
    origins.carried("listen.cors.origins");
  }
  const size = client.at("max_request_body_size_mb").number();
  if (size !== null && size > 0) {
    config.listen = {
      ...config.listen,
      max_body_bytes: Math.min(4_294_967_296, Math.round(size * 1_048_576)),
    };
    client.at("max_request_body_size_mb").carried("listen.max_body_bytes");
  }
  const days = client.at("log_retention_days").number();
  if (days !== null && days >= 1) {
    config.ledger = { retention_days: Math.round(days) };
    client.at("log_retention_days").carried("ledger.retention_days");
  }
  const compat = client.at("compat");
  if (compat.at("should_drop_params").flag() === true) {
    starredModels(draft);
    for (const model of Object.values(config.models)) model.on_unsupported = "drop";
    compat.at("should_drop_params").carried("on_unsupported: drop");
  }
  compat.rest("formats are translated wherever they must be");
  client.leave(
    ["enforce_auth_on_inference", "enforce_governance_header", "enforce_scim_auth"],
    "a key is asked for as soon as there is one",
  );
  client.leave(["initial_pool_size", "drop_excess_requests", "disable_db_pings_in_health"], "not needed");
  client.leave(
    ["enable_logging", "disable_content_logging", "logging_headers"],
    "calls are in the ledger, without their texts",
  );
  client.leave(["allow_direct_keys"], "clients' own keys of providers are never sent on");
  client.rest();
}
