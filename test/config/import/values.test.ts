// Whatever values a source has, what comes of it is a configuration that is accepted: what cannot be said here is changed or left out.
// biome-ignore-all lint/suspicious/noThenProperty: a key of Portkey's.

import { expect, test } from "vitest";
import { importOf } from "./importing.ts";

const ROUNDS = 120;

/** Choices that are the same in every run. */
function chooser(seed: number) {
  let state = seed;
  const below = (count: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state % count;
  };
  const one = <T>(values: readonly T[]): T => values[below(values.length)]!;
  /** Some of a map's entries, each with one of its values. */
  const some = (pools: Readonly<Record<string, readonly unknown[]>>): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(pools)
        .filter(() => below(3) === 0)
        .map(([key, values]) => [key, one(values)]),
    );
  return { below, one, some };
}

const NUMBERS = [
  0,
  -1,
  1,
  0.5,
  7,
  1e6,
  3e9,
  1e12,
  "20_000",
  "many",
  null,
  true,
  [],
  {},
  "os.environ/N",
  1e-9,
];
const WORDS = [
  "",
  " ",
  "a",
  "a b",
  "ünï",
  "x".repeat(300),
  "a/b",
  "a*b",
  5,
  null,
  true,
  ["a", 1],
  { a: 1 },
  "os.environ/W",
  `\${x}`,
];
const FLAGS = [true, false, "True", "no", null, 1, "maybe"];

test("LiteLLM's", () => {
  const { below, one, some } = chooser(1);
  const models = [
    "openai/gpt-4o",
    "gpt-4o",
    "azure/dep",
    "bedrock/us-east-1/m",
    "vertex_ai/gemini",
    "openai/*",
    "*",
    "groq/",
    "ollama/x",
    "no/such",
  ];
  const names = ["chat", "gpt-4o", "my/*", "*", "a b", "ü", "", "x".repeat(200), "a*b*c", 5, null];
  for (let round = 0; round < ROUNDS; round++) {
    const model_list = Array.from({ length: below(5) }, () => ({
      model_name: one(names),
      litellm_params: {
        ...{ model: one(models), api_key: one(["k", "os.environ/KEY", undefined, 5]) },
        ...(below(3) === 0
          ? { api_base: one(["https://llm.example.com/v1/", "http://127.0.0.1:9", "os.environ/BASE"]) }
          : {}),
        aws_access_key_id: "a",
        aws_secret_access_key: "b",
        vertex_credentials: {
          type: "authorized_user",
          client_id: "a",
          client_secret: "b",
          refresh_token: "c",
        },
        vertex_project: "project-1",
        ...some({
          ...{
            rpm: NUMBERS,
            tpm: NUMBERS,
            weight: NUMBERS,
            order: NUMBERS,
            timeout: NUMBERS,
            stream_timeout: NUMBERS,
          },
          ...{
            max_retries: NUMBERS,
            max_parallel_requests: NUMBERS,
            max_budget: NUMBERS,
            budget_duration: ["1d", "30d", "x", 5],
          },
          ...{
            input_cost_per_token: NUMBERS,
            output_cost_per_token: NUMBERS,
            region_name: WORDS,
            api_version: WORDS,
          },
          ...{
            tags: [["a", "b"], "a", [""], ["x,y", "z=1", "*"], 7],
            organization: WORDS,
            temperature: NUMBERS,
          },
          ...{ extra_headers: [{ "x-a": "b" }, { "bad name": "v", host: "x" }, { "x-b": "a\nb" }, 5] },
        }),
      },
      model_info: some({
        max_input_tokens: NUMBERS,
        supports_vision: FLAGS,
        input_cost_per_token: NUMBERS,
        mode: WORDS,
      }),
    }));
    const source = {
      model_list,
      router_settings: some({
        ...{
          routing_strategy: [...WORDS, "least-busy"],
          num_retries: NUMBERS,
          retry_after: NUMBERS,
          timeout: NUMBERS,
        },
        ...{
          allowed_fails: NUMBERS,
          cooldown_time: NUMBERS,
          disable_cooldowns: FLAGS,
          enable_tag_filtering: FLAGS,
        },
        ...{ model_group_alias: [{ a: "chat", b: { model: "gpt-4o" }, "c d": "chat", e: 5 }, 7, []] },
        ...{
          fallbacks: [[{ chat: ["gpt-4o", "my/x", 5, { model: "chat" }] }], [{ "*": ["chat"] }], "x", [5]],
        },
        provider_budget_config: [
          { openai: { budget_limit: 5, time_period: "1d" }, groq: { budget_limit: -1, time_period: "1d" } },
          5,
        ],
      }),
      litellm_settings: some({
        ...{
          cache: FLAGS,
          drop_params: FLAGS,
          num_retries: NUMBERS,
          request_timeout: NUMBERS,
          stream_timeout: NUMBERS,
        },
        cache_params: [
          { type: "redis", ttl: -1 },
          { type: "redis-semantic", ttl: 1e12, similarity_threshold: 7 },
          5,
          { ttl: "x" },
        ],
        ...{
          max_budget: NUMBERS,
          budget_duration: ["30d", "1d", "x"],
          max_end_user_budget: NUMBERS,
          callbacks: [["otel", 5], "x"],
        },
        ...{
          context_window_fallbacks: [[{ chat: ["gpt-4o"] }]],
          content_policy_fallbacks: [[{ chat: ["gpt-4o"] }]],
        },
        default_fallbacks: [["chat"], "chat", [5]],
      }),
      general_settings: some({
        ...{
          master_key: ["sk-1234", "os.environ/MASTER", 5, "a b", ""],
          completion_model: WORDS,
          max_request_size_mb: NUMBERS,
        },
        ...{
          global_max_parallel_requests: NUMBERS,
          maximum_spend_logs_retention_period: ["30d", "x", 5, "1s"],
        },
        ...{ background_health_checks: FLAGS, health_check_interval: NUMBERS },
      }),
      guardrails: one([
        [],
        5,
        [
          {
            guardrail_name: "a",
            litellm_params: {
              guardrail: "presidio",
              default_on: true,
              pii_entities_config: { EMAIL_ADDRESS: 5 },
            },
          },
        ],
        [
          {
            litellm_params: {
              guardrail: "litellm_content_filter",
              default_on: true,
              mode: 5,
              blocked_words: ["", 5, { keyword: "x" }],
            },
          },
        ],
      ]),
      environment_variables: one([{ N: 5, W: "a}b", BASE: "http://127.0.0.1:9" }, {}, 5]),
    };
    expect(() => importOf("litellm", source), JSON.stringify(source, null, 1)).not.toThrow();
  }
});

test("Portkey's", () => {
  const { below, one, some } = chooser(2);
  const node = (depth: number): Record<string, unknown> => ({
    ...(depth > 0 && below(2) === 0
      ? {
          strategy: one([
            { mode: "fallback" },
            { mode: "loadbalance" },
            { mode: 5 },
            {
              mode: "conditional",
              conditions: [{ query: { "metadata.a": "b" }, then: "a" }, 5],
              default: "a",
            },
            5,
          ]),
          targets: Array.from({ length: below(4) }, () => node(depth - 1)),
        }
      : {
          ...{
            provider: one(["openai", "azure-openai", "@openai-x", "google", "nobody", 5]),
            api_key: one(["k", undefined, 5]),
          },
          resource_name: "res",
          ...(below(2) === 0
            ? {
                override_params: { model: one(["gpt-4o", "@openai-x/gpt-4o", "", 5, "a b"]), temperature: 1 },
              }
            : {}),
        }),
    ...some({
      ...{
        name: WORDS,
        weight: NUMBERS,
        request_timeout: NUMBERS,
        retry: [{ attempts: 500 }, { attempts: -1 }, 5],
      },
      ...{
        cache: [{ mode: "simple", max_age: -5 }, { mode: "semantic", max_age: 1e12 }, "simple", 5],
        api_version: WORDS,
      },
      input_guardrails: [
        [{ "default.contains": { operator: "none", words: [] } }],
        [{ "default.characterCount": { maxCharacters: -1 } }],
        5,
      ],
      output_guardrails: [[{ "default.jsonSchema": {}, deny: true }], ["x"]],
    }),
  });
  for (let round = 0; round < ROUNDS; round++) {
    const source = node(3);
    expect(
      () => importOf("portkey", source, `${one(["chat", "a b", "x".repeat(200)])}.json`),
      JSON.stringify(source, null, 1),
    ).not.toThrow();
  }
});

test("Bifrost's", () => {
  const { below, one, some } = chooser(3);
  for (let round = 0; round < ROUNDS; round++) {
    const key = () => ({
      value: one(["k", "env.KEY", { env_var: "KEY" }, { value: "k" }, 5, null]),
      ...{
        azure_key_config: { endpoint: "https://a.openai.azure.com" },
        bedrock_key_config: { region: "us-east-1", access_key: "a", secret_key: "b" },
      },
      ...some({
        ...{
          weight: NUMBERS,
          models: [["*"], [], ["a", "b c"], 5],
          enabled: FLAGS,
          name: WORDS,
          id: WORDS,
          aliases: [{ a: "b" }, 5],
        },
      }),
    });
    const source = {
      ...some({
        version: [1, 2, "x"],
        client: [
          some({
            allowed_origins: [["*"], ["https://a.example/"], 5],
            max_request_body_size_mb: NUMBERS,
            log_retention_days: NUMBERS,
            compat: [{ should_drop_params: true }, 5],
          }),
          5,
        ],
      }),
      providers: Object.fromEntries(
        ["openai", "azure", "bedrock", "ollama", "nobody"]
          .filter(() => below(2) === 0)
          .map((name) => [
            name,
            {
              keys: Array.from({ length: below(3) }, key),
              network_config: some({
                max_retries: NUMBERS,
                retry_backoff_initial: NUMBERS,
                default_request_timeout_in_seconds: NUMBERS,
                extra_headers: [{ "x-a": "b" }, { "bad name": "x" }, 5],
              }),
            },
          ]),
      ),
      governance: some({
        budgets: [
          [
            { id: "b", max_limit: 5, reset_duration: "1d" },
            { id: "b2", max_limit: -1, reset_duration: "1M" },
          ],
          5,
        ],
        rate_limits: [
          [
            {
              id: "r",
              request_max_limit: 0,
              request_reset_duration: "1m",
              token_max_limit: 1e12,
              token_reset_duration: "1h",
            },
          ],
        ],
        customers: [[{ id: "c", name: "a/b", budget_id: "b" }], [{ id: "c" }]],
        teams: [[{ id: "t", name: "t", customer_id: "c", rate_limit_id: "r" }]],
        virtual_keys: [
          [
            { name: "a", value: "v1", team_id: "t", budget_id: "b2", rate_limit_id: "r" },
            { name: "a", value: "v1" },
            { name: "", value: "a b" },
          ],
          5,
        ],
      }),
      plugins: one([
        [],
        5,
        [
          {
            name: "semantic_cache",
            enabled: true,
            config: { ttl: -1, threshold: 9, provider: "openai", embedding_model: "a b" },
          },
        ],
        [{ name: "otel", enabled: true, config: { collector_url: "ftp://x" } }],
      ]),
    };
    expect(() => importOf("bifrost", source), JSON.stringify(source, null, 1)).not.toThrow();
  }
});
