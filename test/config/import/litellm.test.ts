// LiteLLM's configurations: what each part becomes, and that nothing of them is lost in silence.

import { describe, expect, test } from "vitest";
import { loadConfig, parseConfig } from "../../../src/config/load.ts";
import { resolveModel } from "../../../src/config/models.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import { fateOf, importOf, variablesOf } from "./importing.ts";

const importYaml = (text: string) => importOf("litellm", text);

describe("models", () => {
  test("deployments of one name share the calls by weight, else by their rates, which hold as limits", () => {
    const { config } = importYaml(`
model_list:
  - { model_name: chat, litellm_params: { model: gpt-4o, api_key: os.environ/KEY_A, rpm: 900 } }
  - { model_name: chat, litellm_params: { model: azure/eu, api_base: "https://eu.openai.azure.com/", api_key: os.environ/KEY_B, api_version: "2024-10-21", rpm: 1_00 } }
  - { model_name: one, litellm_params: { model: openai/gpt-4o, api_key: os.environ/KEY_A, weight: 3 } }
  - { model_name: one, litellm_params: { model: groq/llama } }
`);
    expect(config.models["chat"]).toMatchObject({
      strategy: "weighted",
      targets: [
        { provider: "openai", model: "gpt-4o", weight: 900 },
        { provider: "azure", model: "eu", weight: 100 },
      ],
    });
    expect(config.providers["openai"]).toMatchObject({ kind: "openai", limits: { rpm: 900 } });
    expect(config.providers["azure"]).toMatchObject({
      ...{ kind: "azure", base_url: "https://eu.openai.azure.com", api_version: "2024-10-21" },
      limits: { rpm: 100 },
    });
    // Without a rate it is another provider: the first one's limit is not for it.
    expect(config.models["one"]!.targets).toEqual([
      { provider: "openai-2", model: "gpt-4o", weight: 3 },
      { provider: "groq", model: "llama", weight: 0 },
    ]);
  });

  test("keys come from the variables that LiteLLM reads where the file has none", () => {
    const { yaml } = importYaml(`
model_list:
  - { model_name: a, litellm_params: { model: together_ai/x } }
  - { model_name: b, litellm_params: { model: claude-sonnet-4-5 } }
  - { model_name: c, litellm_params: { model: bedrock/converse/us.amazon.nova-lite-v1:0, aws_access_key_id: os.environ/ID, aws_secret_access_key: os.environ/SECRET } }
  - { model_name: d, litellm_params: { model: vertex_ai/gemini-2.5-pro, vertex_project: my-project, vertex_location: global, vertex_credentials: { type: authorized_user, client_id: a, client_secret: b, refresh_token: c } } }
  - { model_name: e, litellm_params: { model: hosted_vllm/qwen, api_base: "http://gpu:8000/v1/" } }
  - { model_name: f, litellm_params: { model: ollama/llama3 } }
`);
    for (const text of [
      "TOGETHERAI_API_KEY",
      "ANTHROPIC_API_KEY",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the configuration.
      "region: ${AWS_REGION_NAME:-us-west-2}",
      "model: us.amazon.nova-lite-v1:0",
      "location: global",
      "base_url: http://gpu:8000/v1, api_keys: [ none ]",
      "ollama: { kind: ollama }",
    ])
      expect(yaml).toContain(text);
  });

  test("stars stay stars, for the names they stood for", () => {
    const text = `
model_list:
  - { model_name: "anthropic/*", litellm_params: { model: "anthropic/*", api_key: k } }
  - { model_name: "my-*", litellm_params: { model: "openai/gpt-*", api_key: k } }
  - { model_name: "*", litellm_params: { model: "openai/*", api_key: k } }
  - { model_name: all, litellm_params: { model: "openai/*", api_key: k } }
  - { model_name: "any/*", litellm_params: { model: "*" } }
litellm_settings: { fallbacks: [{ my-4o: [anthropic/claude-haiku-4-5] }] }
`;
    const made = importYaml(text);
    const loaded = parseConfig(new TextEncoder().encode(made.yaml), "x", { env: {} });
    if (!loaded.ok) throw new Error("it loads");
    const targetOf = (name: string) => {
      const target = resolveModel(loaded.plan, name)?.targets[0];
      return target === undefined ? null : `${target.provider.name}/${target.model}`;
    };
    expect(targetOf("anthropic/claude-x")).toBe("anthropic/claude-x");
    expect(targetOf("my-4o-mini")).toBe("openai/gpt-4o-mini");
    expect(targetOf("gpt-5")).toBe("openai/gpt-5");
    // A name with settings of its own becomes an entry of its own.
    expect(resolveModel(loaded.plan, "my-4o")!.fallbacks[0]!.name).toBe("anthropic/claude-haiku-4-5");
    expect(fateOf(made, "left out").map((note) => note.split(" ")[0])).toEqual(["6", "7"]);
  });

  test("prices, abilities, regions, headers and orders", () => {
    const { config } = importYaml(`
model_list:
  - model_name: m
    litellm_params: { model: openai/a, api_key: k, order: 2, organization: org-1, extra_headers: { X-Team: shop } }
    model_info: { input_cost_per_token: 0.0000025, output_cost_per_token: 1e-5, supports_vision: true, max_input_tokens: 128000 }
  - model_name: m
    litellm_params: { model: openai/b, api_key: k, order: 1, region_name: eu, timeout: 5, stream_timeout: 0.5, max_retries: 4 }
`);
    expect(config.models["m"]).toMatchObject({
      strategy: "priority",
      targets: [
        { provider: "openai-2", model: "b", timeouts: { first_byte_ms: 5000 } },
        { provider: "openai", model: "a", capabilities: { vision: true, context_tokens: 128_000 } },
      ],
      price: { input_per_mtok: 2.5, output_per_mtok: 10 },
      retries: { attempts: 4 },
    });
    expect(config.providers["openai"]!.headers).toEqual({ "x-team": "shop", "openai-organization": "org-1" });
    expect(config.providers["openai-2"]!.region).toBe("eu");
  });

  test("who is not known is left out with its line, and the rest works", () => {
    const made = importYaml(`
model_list:
  - { model_name: a, litellm_params: { model: mistralai/mistral-7b } }
  - { model_name: b, litellm_params: { model: unheard } }
  - { model_name: c, litellm_params: { model: newvendor/m, api_base: "http://127.0.0.1:9/v1" } }
  - { model_name: d }
  - { model_name: e, litellm_params: { model: azure/, api_base: "https://x.openai.azure.com", api_key: k } }
`);
    expect(Object.keys(made.config.models)).toEqual(["c"]);
    expect(fateOf(made, "left out")).toEqual([
      `3 left out model_list.0.litellm_params.model: the provider "mistralai" is not known here; give it an api_base if it speaks OpenAI's format`,
      `4 left out model_list.1.litellm_params.model: it cannot be told whose model "unheard" is; write it as provider/model`,
      "6 left out model_list.3: names no model of a provider (litellm_params.model)",
      "7 left out model_list.4.litellm_params.model: names no model of azure",
    ]);
    expect(made.yaml).toContain("# Not carried over:\n#   line 3, model_list[0].litellm_params.model: ");
  });
});

const TWO = `model_list:
  - { model_name: a, litellm_params: { model: openai/a, api_key: k } }
  - { model_name: b, litellm_params: { model: openai/b, api_key: k } }
  - { model_name: b, litellm_params: { model: groq/b, api_key: k } }
`;

describe("settings", () => {
  test("strategy, retries, timeouts, cooldowns and probes", () => {
    const made = importYaml(`${TWO}
router_settings: { routing_strategy: latency-based-routing, num_retries: 3, retry_after: 1, timeout: 900, allowed_fails: 3, cooldown_time: 300 }
general_settings: { background_health_checks: true, health_check_interval: 60 }
`);
    expect(made.config.models["b"]).toMatchObject({
      ...{ strategy: "least-latency", retries: { attempts: 3, backoff_ms: 1000 }, deadline_ms: 900_000 },
    });
    expect(made.config.models["a"]!.strategy).toBe("priority");
    expect(made.config.providers["groq"]).toMatchObject({
      timeouts: { first_byte_ms: 900_000 },
      breaker: { failures: 4, rest_s: 300, max_rest_s: 300 },
      probe: { interval_s: 60 },
    });
    expect(fateOf(made, "left out")).toEqual([]);
  });

  test("fallbacks of all kinds, aliases and a default", () => {
    const made = importYaml(`${TWO}
router_settings:
  model_group_alias: { gpt-4: a, hidden: { model: b, hidden: true }, nothing: nobody }
  fallbacks: [{ gpt-4: [b, nobody] }]
litellm_settings:
  context_window_fallbacks: [{ b: [a] }]
  content_policy_fallbacks: [{ a: [b] }]
  default_fallbacks: [a]
`);
    expect(made.config.models["a"]).toMatchObject({
      fallbacks: ["b"],
      cascade: { to: "b", when: ["refusal"] },
    });
    expect(made.config.models["b"]!.fallbacks).toEqual(["a"]);
    expect(made.config.routes).toMatchObject([
      { when: { model: "gpt-4" }, use: "a" },
      { when: { model: "hidden" }, use: "b" },
    ]);
    expect(fateOf(made, "left out").map((note) => note.split(":")[0])).toEqual([
      "7 left out router_settings.model_group_alias.nothing",
      "8 left out router_settings.fallbacks.0.gpt-4.1",
    ]);
  });

  test("tags of deployments become rules", () => {
    const { config } = importYaml(`
model_list:
  - { model_name: m, litellm_params: { model: openai/free, api_key: k, tags: [free] } }
  - { model_name: m, litellm_params: { model: openai/paid, api_key: k, tags: [paid, default] } }
router_settings: { enable_tag_filtering: True }
`);
    expect(config.models["m"]!.targets).toMatchObject([{ model: "paid" }]);
    expect(config.routes).toMatchObject([
      { when: { model: "m", tags: ["free"] }, use: "m@free" },
      { when: { model: "m", tags: ["paid"] }, use: "m@paid" },
    ]);
  });

  test("Redis becomes the gateway's own cache; a semantic one keeps its embedder", () => {
    const exact = importYaml(`${TWO}
litellm_settings: { cache: True, cache_params: { type: redis, ttl: 600, host: os.environ/REDIS_HOST } }
`);
    expect(exact.config.models["a"]!.cache).toMatchObject({ exact: { ttl_s: 600 } });
    const semantic = importYaml(`${TWO}
litellm_settings: { cache: True, cache_params: { type: redis-semantic, similarity_threshold: 0.8, redis_semantic_cache_embedding_model: a } }
`);
    expect(semantic.config.models["b"]!.cache).toMatchObject({
      semantic: { threshold: 0.8, embedder: "provider:openai/a" },
    });
    const off = importYaml(`${TWO}\nlitellm_settings: { cache: True, cache_params: { mode: default_off } }`);
    expect(off.config.models["a"]!.cache).toBe("off");
  });

  test("keys, budgets, callbacks, logs", () => {
    const made = importYaml(`${TWO}
litellm_settings: { drop_params: True, max_budget: 100, budget_duration: 30d, max_end_user_budget: 2, callbacks: [otel, prometheus], success_callback: [langfuse], json_logs: true }
general_settings: { master_key: os.environ/MASTER, database_url: os.environ/DB, maximum_spend_logs_retention_period: 30d, completion_model: a }
router_settings: { provider_budget_config: { groq: { budget_limit: 5, time_period: 1d }, xai: { budget_limit: 5, time_period: 1d } } }
`);
    expect(made.config).toMatchObject({
      keys: [{ name: "master", key: "value-of-MASTER", per_user: { usd_per_month: 2 } }],
      tenants: { default: { limits: { usd_per_month: 100 } } },
      telemetry: { otlp: { endpoint: "http://127.0.0.1:4318" } },
      log: { format: "json" },
      ledger: { retention_days: 30 },
      routes: [{ use: "a" }],
    });
    expect(made.config.admin).toBeUndefined();
    expect(made.config.models["a"]!.on_unsupported).toBe("drop");
    expect(made.config.providers["groq"]!.limits).toEqual({ usd_per_day: 5 });
    expect(made.yaml).not.toContain("DB");
    expect(fateOf(made, "left out")).toHaveLength(3);
  });

  test("guardrails that are always on become guards and privacy; others are told of", () => {
    const made = importYaml(`${TWO}
guardrails:
  - { guardrail_name: pii, litellm_params: { guardrail: presidio, mode: pre_call, default_on: true, output_parse_pii: true, pii_entities_config: { EMAIL_ADDRESS: MASK, US_SSN: MASK, NRP: MASK } } }
  - { guardrail_name: attacks, litellm_params: { guardrail: lakera_v2, mode: pre_call, default_on: true } }
  - { guardrail_name: words, litellm_params: { guardrail: litellm_content_filter, mode: [pre_call, post_call], default_on: true, blocked_words: [{ keyword: acme, action: BLOCK }] } }
  - { guardrail_name: mod, litellm_params: { guardrail: openai_moderation, mode: post_call, default_on: true } }
  - { guardrail_name: asked, litellm_params: { guardrail: aporia, mode: pre_call } }
`);
    expect(made.config.models["a"]).toMatchObject({
      privacy: { mode: "redact", entities: ["EMAIL", "US_SSN"] },
      guards: {
        input: ["prompt_injection", { guard: "denied_words", words: ["acme"] }],
        output: [{ guard: "denied_words" }, { guard: "moderation", provider: "openai" }],
      },
    });
    expect(fateOf(made, "left out").map((note) => note.split(":")[0])).toEqual([
      "7 left out guardrails.0.litellm_params.pii_entities_config.NRP",
      "11 left out guardrails.4",
    ]);
  });

  test("variables that the file sets are defaults; what looks like a reference and is none stays text", () => {
    const { yaml } = importYaml(`
model_list: [{ model_name: a, litellm_params: { model: openai/a, api_base: os.environ/BASE, api_key: "k\${x}" } }]
environment_variables: { BASE: "http://127.0.0.1:9/v1" }
`);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: references of the configuration.
    expect(yaml).toContain('base_url: "${BASE:-http://127.0.0.1:9/v1}"');
    expect(yaml).toContain("k$${x}");
  });

  test("every key of a source is in the report or in the configuration", () => {
    const made = importYaml(`${TWO}
mcp_servers: { x: { url: "http://x" } }
something_new: 1
general_settings: { newer: { deep: 1 } }
litellm_settings: { newest: [1] }
router_settings: { other: 2 }
`);
    expect(fateOf(made, "left out").map((note) => note.split(" ")[3])).toEqual([
      ...["mcp_servers:", "something_new:", "general_settings.newer:", "litellm_settings.newest:"],
      "router_settings.other:",
    ]);
  });
});

describe("as it is", () => {
  const serve = (text: string, env: Record<string, string> = variablesOf(text)) =>
    parseConfig(new TextEncoder().encode(text), "litellm.yaml", { env });

  test("a configuration with a model_list is served as if imported, and says so", () => {
    const loaded = serve(TWO);
    if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
    expect([...loaded.plan.models.keys()]).toEqual(["a", "b"]);
    expect(loaded.told).toContain("LiteLLM's configuration, served as imported: 6 settings carried");
  });

  test("what is wrong is told where it stands there", () => {
    const loaded = serve(
      `model_list:\n  - model_name: a\n    litellm_params:\n      model: openai/a\n      api_key: os.environ/NOT_SET\n`,
      {},
    );
    expect(loaded.ok ? [] : loaded.problems.map(formatProblem)).toEqual([
      expect.stringMatching(/^litellm\.yaml:4:7: the environment variable NOT_SET is not set; set it, /),
    ]);
  });

  test("one of this gateway's own is none of LiteLLM's", () => {
    const loaded = serve("providers: {}\nmodel_list: []\n");
    expect(loaded.ok).toBe(false);
    expect(loadConfig("/nowhere/at/all.yaml").ok).toBe(false);
  });
});

test("rubbish is refused or imported, and nothing is thrown", () => {
  const parts = [
    "model_list",
    "litellm_params",
    "model",
    "- ",
    ": ",
    "\n  ",
    "[",
    "]",
    "{",
    "}",
    "*",
    "os.environ/A",
    "1",
    "null",
    "cache_params",
    "guardrails",
    "router_settings",
    "fallbacks",
    '"',
  ];
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: 1 + random(25) }, () => parts[random(parts.length)]).join("");
    for (const kind of ["litellm", "portkey", "bifrost"]) {
      try {
        importOf(kind, text);
      } catch (error) {
        // Only what the reading of YAML or the checks of a configuration say.
        expect(String(error)).toMatch(/^Error: (source|made)\.yaml:/);
      }
    }
  }
});
