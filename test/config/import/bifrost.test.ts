// Bifrost's configurations: providers keep their names, keys with settings of their own are found by their models.

import { expect, test } from "vitest";
import { fateOf, importOf } from "./importing.ts";

const importJson = (config: object) => importOf("bifrost", config, "config.json");

test("keys that differ in their values alone are used in turn, whatever they weigh", () => {
  const made = importJson({
    providers: {
      openai: {
        keys: [
          { value: "env.KEY_A", weight: 0.7, models: ["*"] },
          { value: { env_var: "KEY_B" }, weight: 0.3, models: ["*"] },
        ],
        network_config: {
          ...{ default_request_timeout_in_seconds: 30, max_retries: 4, retry_backoff_initial: 250 },
          ...{ base_url: "https://llm.example.com", extra_headers: { "X-A": "b" } },
        },
      },
    },
  });
  expect(made.config.providers["openai"]).toMatchObject({
    ...{ base_url: "https://llm.example.com/v1", api_keys: ["value-of-KEY_A", "value-of-KEY_B"] },
    ...{ headers: { "x-a": "b" }, timeouts: { first_byte_ms: 30_000 } },
  });
  expect(made.config.models["openai/*"]).toMatchObject({ retries: { attempts: 4, backoff_ms: 250 } });
  expect(fateOf(made, "changed")).toHaveLength(1);
});

test("deployments and regions of keys lead to providers of their own under the same names", () => {
  const { config } = importJson({
    providers: {
      azure: {
        keys: [
          {
            value: "env.AZ1",
            azure_key_config: { endpoint: "https://a.openai.azure.com/", deployments: { "gpt-4o": "my-4o" } },
            weight: 2,
          },
          {
            value: "env.AZ2",
            azure_key_config: { endpoint: "https://b.openai.azure.com", deployments: { "gpt-4o": "gpt-4o" } },
          },
        ],
      },
      bedrock: {
        keys: [
          {
            bedrock_key_config: { access_key: "env.ID", secret_key: "env.SECRET", region: "us-east-1" },
            models: ["nova"],
          },
          {
            bedrock_key_config: { access_key: "env.ID", secret_key: "env.SECRET", region: "eu-west-1" },
            models: ["claude"],
          },
        ],
      },
    },
  });
  expect(config.models["azure/gpt-4o"]).toMatchObject({
    strategy: "weighted",
    targets: [
      { provider: "azure", model: "my-4o", weight: 2 },
      { provider: "azure-2", model: "gpt-4o", weight: 1 },
    ],
  });
  expect(config.models["bedrock/claude"]!.targets).toMatchObject([{ provider: "bedrock-2" }]);
  expect(config.providers["bedrock-2"]!.aws!.region).toBe("eu-west-1");
});

test("virtual keys, customers and teams with their budgets and rates", () => {
  const made = importJson({
    providers: { openai: { keys: [{ value: "env.K" }] } },
    governance: {
      budgets: [
        { id: "b1", max_limit: 100, reset_duration: "1M" },
        { id: "b2", max_limit: 10, reset_duration: "1w" },
      ],
      rate_limits: [
        {
          id: "r1",
          request_max_limit: 60,
          request_reset_duration: "1m",
          token_max_limit: 1000,
          token_reset_duration: "1h",
        },
      ],
      customers: [{ id: "c1", name: "acme", budget_id: "b1" }],
      teams: [{ id: "t1", name: "shop", customer_id: "c1", rate_limit_id: "r1", budget_id: "b2" }],
      virtual_keys: [
        {
          id: "v1",
          name: "checkout",
          value: "env.CHECKOUT",
          team_id: "t1",
          rate_limit_id: "r1",
          provider_configs: [{ provider: "openai", allowed_models: ["gpt-4o"] }],
        },
        { id: "v2", name: "off", value: "x", is_active: false },
        {
          id: "v3",
          name: "nothing",
          value: "y",
          provider_configs: [{ provider: "openai", allowed_models: [] }],
        },
      ],
    },
  });
  expect(made.config).toMatchObject({
    tenants: { acme: { limits: { usd_per_month: 100 } } },
    teams: { "acme/shop": { limits: { rpm: 60, tokens_per_hour: 1000 } } },
    keys: [
      {
        ...{ name: "checkout", key: "value-of-CHECKOUT", tenant: "acme", team: "shop" },
        ...{ models: ["openai/gpt-4o"], limits: { rpm: 60 } },
      },
    ],
  });
  expect(made.config.keys).toHaveLength(1);
  expect(fateOf(made, "left out")).toHaveLength(3);
});

test("the semantic cache, OpenTelemetry, and what the client settings mean", () => {
  const made = importJson({
    client: {
      allowed_origins: ["https://app.example.com"],
      max_request_body_size_mb: 10,
      log_retention_days: 30,
      compat: { should_drop_params: true },
    },
    providers: { openai: { keys: [{ value: "env.K" }] }, elevenlabs: { keys: [] } },
    plugins: [
      {
        name: "semantic_cache",
        enabled: true,
        config: { provider: "openai", embedding_model: "e", ttl: "5m", threshold: 0.85, dimension: 1536 },
      },
      {
        name: "otel",
        enabled: true,
        config: {
          profiles: [
            { collector_url: "http://127.0.0.1:4318/v1/traces", protocol: "http", service_name: "s" },
          ],
        },
      },
      { name: "maxim", enabled: true },
    ],
  });
  expect(made.config).toMatchObject({
    listen: { cors: { origins: ["https://app.example.com"] }, max_body_bytes: 10_485_760 },
    ledger: { retention_days: 30 },
    telemetry: { otlp: { endpoint: "http://127.0.0.1:4318", service_name: "s" } },
  });
  expect(made.config.models["openai/*"]).toMatchObject({
    on_unsupported: "drop",
    cache: {
      exact: { ttl_s: 300 },
      semantic: { threshold: 0.85, ttl_s: 300, embedder: "provider:openai/e" },
    },
  });
  expect(fateOf(made, "left out").map((note) => note.split(" ")[3])).toEqual([
    "providers.elevenlabs:",
    "plugins.2:",
  ]);
});

test("a client key that is bound to some keys of a provider reaches no others", () => {
  const key = (id: string, region: string) => ({
    ...{
      id,
      bedrock_key_config: { access_key: "env.ID", secret_key: "env.SECRET", region },
      models: ["claude"],
    },
  });
  const made = importJson({
    providers: { bedrock: { keys: [key("us", "us-east-1"), key("eu", "eu-west-1")] } },
    governance: {
      virtual_keys: [
        {
          name: "any",
          value: "k1",
          provider_configs: [{ provider: "bedrock", allowed_models: ["*"], key_ids: ["*"] }],
        },
        {
          name: "europe",
          value: "k2",
          provider_configs: [{ provider: "bedrock", allowed_models: ["*"], key_ids: ["eu"] }],
        },
        {
          name: "lost",
          value: "k3",
          provider_configs: [{ provider: "bedrock", allowed_models: ["*"], key_ids: ["gone"] }],
        },
      ],
    },
  });
  expect(made.config.keys).toMatchObject([
    { name: "any", models: ["bedrock/*"] },
    { name: "europe", models: ["bedrock-2/*"] },
  ]);
  expect(made.config.routes).toMatchObject([
    { when: { key: "europe", model: "bedrock/claude" }, use: "bedrock-2/claude" },
  ]);
  expect(made.config.keys).toHaveLength(2);
});

test("an empty list allows nothing, but before version 2 of the format", () => {
  const config = { providers: { openai: { keys: [{ value: "env.K", models: [] }] } } };
  const of = (version?: number) => importJson({ ...config, ...(version === undefined ? {} : { version }) });
  expect(Object.keys(of().config.providers)).toEqual([]);
  expect(fateOf(of(), "left out")).toHaveLength(2);
  expect(of(1).config.providers["openai"]!.api_keys).toEqual(["value-of-K"]);
});
