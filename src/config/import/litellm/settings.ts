// The rest of LiteLLM's `litellm_settings` and `general_settings`: keys, budgets, callbacks, logs.
// https://docs.litellm.ai/docs/proxy/config_settings

import { type Draft, variable } from "../draft.ts";
import { budgetOf, secondsOf } from "../periods.ts";
import type { Source } from "../source.ts";
import type { References } from "./references.ts";

/** Reads `litellm_settings`, but for what the models, the router and the cache have taken of it. */
export function readSettings(settings: Source, draft: Draft): void {
  const { config } = draft;
  const drop = settings.at("drop_params");
  if (drop.flag() === true) {
    for (const model of Object.values(config.models)) model.on_unsupported = "drop";
    drop.carried("on_unsupported: drop");
  }
  const budget = settings.at("max_budget");
  const period = settings.at("budget_duration").text();
  const usd = budget.number();
  const money = usd === null ? null : budgetOf(usd, period);
  if (money === null) budget.left(`there are budgets of a day and a month, not of ${period ?? "no time"}`);
  else {
    config.tenants["default"] = { limits: money };
    budget.carried("a budget of the tenant default, which all these keys belong to");
  }
  const per_user = settings.at("max_end_user_budget");
  const dollars = per_user.number();
  if (dollars !== null && dollars > 0) {
    for (const key of config.keys) key.per_user = { ...key.per_user, usd_per_month: dollars };
    if (config.keys.length > 0) per_user.changed("a budget of a month for each user of each key");
    else per_user.left("there is no client key in this file whose users it could be for; see keys.per_user");
  }
  callbacks(settings, draft);
  if (settings.at("json_logs").flag() === true) {
    config.log = { ...config.log, format: "json" };
    settings.at("json_logs").carried("log.format: json");
  }
  for (const key of ["turn_off_message_logging", "redact_user_api_key_info", "redact_messages_in_exceptions"])
    settings.at(key).carried("texts of requests and keys are in no log anyway");
  settings
    .at("include_cost_in_streaming_usage")
    .carried("streams say usage.cost_usd wherever they say usage");
  settings.at("return_response_headers").carried("x-venturi-* and server-timing are always there");
  settings.leave(["set_verbose", "suppress_debug_info"], "see log in docs/configuration.md");
  settings.leave(
    ["default_team_settings", "default_internal_user_params"],
    "teams and users are not kept in the file; see keys and teams",
  );
  settings.leave(["ssl_verify", "ssl_certificate"], "certificates are always verified; see providers.*.tls");
  settings.at("modify_params").left("requests are not changed so that they fit");
  settings.at("fallbacks");
  settings.rest();
}

/** Callbacks that this gateway does the work of by itself. */
const BUILT_IN: Readonly<Record<string, string>> = {
  prometheus: "GET /metrics tells what there is",
  otel: "telemetry.otlp; its address is OTEL_EXPORTER_OTLP_ENDPOINT's",
  detect_prompt_injection: "the guard prompt_injection",
  hide_secrets: "privacy masks secrets",
};

function callbacks(settings: Source, draft: Draft): void {
  const lists = [
    "callbacks",
    "success_callback",
    "failure_callback",
    "service_callback",
    "audit_log_callbacks",
  ];
  for (const list of lists) {
    for (const item of settings.at(list).items()) {
      const name = item.text() ?? "";
      if (name === "otel") {
        const endpoint = variable("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        draft.config.telemetry = { otlp: { endpoint } };
      }
      if (name === "detect_prompt_injection")
        for (const model of Object.values(draft.config.models))
          model.guards = { input: ["prompt_injection"] };
      if (Object.hasOwn(BUILT_IN, name)) item.carried(BUILT_IN[name]!);
      else if (name.startsWith("langfuse"))
        item.left(
          "Langfuse takes OTLP: give its host with /api/public/otel as telemetry.otlp.endpoint, and its keys as a header",
        );
      else
        item.left(
          `${name} is not told of calls; OTLP collectors (telemetry.otlp), webhooks (ledger.billing) and files (log.calls) are`,
        );
    }
  }
  settings.leave(
    [
      "callback_settings",
      "otel",
      "langfuse_public_key",
      "langfuse_secret",
      "s3_callback_params",
      "gcs_bucket_name",
    ],
    "belongs to a callback",
  );
}

/** Reads `general_settings`. */
export function readGeneral(general: Source, draft: Draft, references: References): void {
  const { config } = draft;
  const master = general.at("master_key");
  const key = references.of(master);
  if (key !== null) {
    config.keys.push({ name: "master", key });
    draft.from(["keys", 0], master.path);
    draft.comment(
      ["keys", 0],
      "LiteLLM's master key. It calls every model; the admin API has a token of its own (admin.token).",
    );
    master.changed(
      "a client key; the admin API is reached by its socket, or with a token of its own (admin.token)",
    );
  }
  const completion = general.at("completion_model");
  const model = completion.text();
  if (model !== null && Object.hasOwn(config.models, model)) {
    config.routes.push({ when: {}, use: model });
    completion.carried("a rule that sends every request to this model");
  } else completion.left("there is no such model in model_list");
  const calls = general.first("global_max_parallel_requests");
  const most = calls.number();
  if (most !== null && most >= 1) {
    config.listen = { ...config.listen, max_calls: Math.floor(most) };
    calls.changed("listen.max_calls, of each gateway process");
  }
  const size = general.at("max_request_size_mb").number();
  if (size !== null && size > 0) {
    config.listen = { ...config.listen, max_body_bytes: Math.max(1024, Math.round(size * 1_048_576)) };
    general.at("max_request_size_mb").carried("listen.max_body_bytes");
  }
  const retention = general.at("maximum_spend_logs_retention_period");
  const seconds = secondsOf(retention.text() ?? "");
  if (seconds !== null) {
    config.ledger = { retention_days: Math.max(1, Math.round(seconds / 86_400)) };
    retention.carried("ledger.retention_days");
  }
  general.leave(
    ["database_url", "database_type", "database_connection_pool_limit", "database_args"],
    "no database is needed; keys and teams that are stored there are not in this file: venturi keys create makes them anew",
  );
  general.leave(["store_model_in_db"], "models are in the file alone");
  general.leave(
    ["custom_auth", "enable_jwt_auth", "litellm_jwtauth", "enable_oauth2_auth", "ui_access_mode"],
    "clients are known by their keys alone",
  );
  general.leave(["pass_through_endpoints"], "/{provider}/v1/… reaches each provider untranslated");
  general.leave(
    ["alerting", "alerting_threshold", "alert_types", "alert_to_webhook_url", "alerting_args"],
    "see alerts.webhook, whose messages are JSON of its own",
  );
  general.leave(["key_management_system", "key_management_settings"], "secrets come from the environment");
  general.leave(
    [
      "coordination_redis",
      "use_redis_transaction_buffer",
      "proxy_batch_write_at",
      "disable_prisma_schema_update",
      "allow_requests_on_db_unavailable",
    ],
    "not needed: there is no database; several hosts share limits and kept answers by state (docs/configuration.md#state)",
  );
  general.at("otel").left("see telemetry.otlp");
  general.rest();
}
