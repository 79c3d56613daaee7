// What a configuration compiles into: addresses, header fields, timeouts, models; and that nothing of it can change.

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import packageFile from "../../package.json";
import type { Plan, ProviderPlan } from "../../src/config/plan.ts";
import { AZURE_API_VERSION, PROVIDERS } from "../../src/config/providers.ts";
import { load, plan } from "./loading.ts";

const provider = (settings: string, name = "p"): ProviderPlan =>
  plan(`providers: { ${JSON.stringify(name)}: { ${settings} } }`).providers.get(name)!;

const AGENT = ["user-agent", `venturi/${packageFile.version}`];

test("a key's constant header fields, for JSON and for what is passed through", () => {
  const { keys } = provider("kind: openai, api_keys: [k1, k2], headers: { X-Centre: '42' }");
  expect(keys).toEqual([
    {
      name: "p#0",
      headers: [
        ["authorization", "Bearer k1"],
        ["content-type", "application/json"],
        ["accept-encoding", "identity"],
        AGENT,
        ["x-centre", "42"],
      ],
      pass_headers: [
        ["authorization", "Bearer k1"],
        ["accept-encoding", "identity"],
        AGENT,
        ["x-centre", "42"],
      ],
      signing: null,
    },
    expect.objectContaining({
      name: "p#1",
      headers: expect.arrayContaining([["authorization", "Bearer k2"]]),
    }),
  ]);
});

test("keys are presented as each provider wants them", () => {
  const first = (item: ProviderPlan) => [item.keys[0]?.headers[0], item.keys[0]?.pass_headers[0]];
  expect(first(provider("kind: anthropic, api_keys: [k]"))).toEqual([
    ["x-api-key", "k"],
    ["x-api-key", "k"],
  ]);
  expect(first(provider("kind: gemini, api_keys: [k]"))).toEqual([
    ["x-goog-api-key", "k"],
    ["x-goog-api-key", "k"],
  ]);
  expect(first(provider("kind: azure, api_keys: [k], base_url: https://r.example"))).toEqual([
    ["api-key", "k"],
    ["api-key", "k"],
  ]);
  expect(
    first(provider("kind: openai, base_url: http://h/v1, auth: { header: X-Team-Token, value: t }")),
  ).toEqual([
    ["x-team-token", "t"],
    ["x-team-token", "t"],
  ]);
  // A server of one's own may be started with a key.
  expect(first(provider("kind: vllm, api_keys: [k]"))[0]).toEqual(["authorization", "Bearer k"]);
});

test("without keys there is one that authorizes nothing", () => {
  for (const settings of [
    "kind: openai, base_url: http://h/v1, api_keys: [none]",
    "kind: openai, base_url: http://h/v1",
    "kind: ollama",
  ]) {
    const { keys } = provider(settings);
    expect(keys).toHaveLength(1);
    expect(keys[0]?.headers.map(([name]) => name)).toEqual(["content-type", "accept-encoding", "user-agent"]);
  }
});

// kind, base_url and what becomes of it: host, path, query.
const ADDRESSES: readonly (readonly [settings: string, url: string, query?: string])[] = [
  ["kind: openai", "https://api.openai.com:443/v1"],
  ["kind: openai, base_url: http://h.example/v1/", "http://h.example:80/v1"],
  ["kind: openai, base_url: 'http://[::1]:81/a/v1?x=1'", "http://::1:81/a/v1", "x=1"],
  ["kind: openai, base_url: http://h.example", "http://h.example:80"],
  ["kind: groq", "https://api.groq.com:443/openai/v1"],
  ["kind: anthropic", "https://api.anthropic.com:443/v1"],
  ["kind: anthropic, base_url: http://h.example", "http://h.example:80/v1"],
  ["kind: anthropic, base_url: http://h.example/v1/", "http://h.example:80/v1"],
  ["kind: gemini", "https://generativelanguage.googleapis.com:443/v1beta"],
  ["kind: gemini, base_url: http://h.example", "http://h.example:80/v1beta"],
  ["kind: gemini, base_url: http://h.example/v1beta", "http://h.example:80/v1beta"],
  ["kind: gemini, base_url: http://h.example/x/v1beta/openai", "http://h.example:80/x/v1beta"],
  ["kind: cohere", "https://api.cohere.com:443"],
  ["kind: cohere, base_url: 'https://h.example/v2/'", "https://h.example:443"],
  ["kind: cohere, base_url: https://h.example/compatibility/v1", "https://h.example:443/compatibility/v1"],
  ["kind: ollama", "http://127.0.0.1:11434"],
  ["kind: ollama, base_url: http://h.example:11434/api", "http://h.example:11434"],
  ["kind: ollama, base_url: http://h.example:11434/v1", "http://h.example:11434/v1"],
  ["kind: jina", "https://api.jina.ai:443/v1"],
  ["kind: voyage", "https://api.voyageai.com:443/v1"],
  [
    "kind: azure, base_url: https://r.example",
    "https://r.example:443/openai",
    `api-version=${AZURE_API_VERSION}`,
  ],
  [
    "kind: azure, base_url: https://r.example/openai/, api_version: 2025-01-01-preview",
    "https://r.example:443/openai",
    "api-version=2025-01-01-preview",
  ],
  ["kind: azure, base_url: https://r.example, deployments: false", "https://r.example:443/openai/v1"],
  ["kind: azure, base_url: https://r.example/openai/v1", "https://r.example:443/openai/v1"],
  [
    "kind: azure, base_url: https://r.example/openai/v1, api_version: preview",
    "https://r.example:443/openai/v1",
    "api-version=preview",
  ],
  [
    "kind: azure, base_url: https://r.example/openai/v1, deployments: true",
    "https://r.example:443/openai",
    `api-version=${AZURE_API_VERSION}`,
  ],
];

for (const [settings, url, query] of ADDRESSES)
  test(`{ ${settings} } is at ${url}`, () => {
    const made = provider(`${settings}, api_keys: [k]`);
    const { tls, host, port } = made.origin;
    expect(`${tls ? "https" : "http"}://${host}:${port}${made.base_path}`).toBe(url);
    expect(made.query).toBe(query ?? "");
    expect(made.url_style).toBe(
      url.endsWith("/openai") && settings.includes("azure") ? "azure_deployments" : "plain",
    );
  });

test("a provider of kind openai that is called like a known one has that one's defaults", () => {
  expect(provider("kind: openai, api_keys: [k]", "groq")).toMatchObject({
    kind: "openai",
    known_as: "groq",
    origin: { host: "api.groq.com" },
  });
  expect(provider("kind: openai, api_keys: [k]", "mistral")).toMatchObject({ stream_usage: false });
  // With an address of its own it is just a compatible server.
  expect(provider("kind: openai, base_url: http://h/v1", "mistral")).toMatchObject({ stream_usage: true });
  expect(provider("kind: openai, api_keys: [k]", "prod")).toMatchObject({
    origin: { host: "api.openai.com" },
  });
});

test("every known provider compiles, and its address is a URL without a slash at its end", () => {
  for (const [name, entry] of Object.entries(PROVIDERS)) {
    if (entry.base_url === null || name === "sim") continue;
    expect(entry.base_url).toMatch(/^https?:\/\/[a-z0-9.:-]+(\/[a-z0-9.-]+)*$/);
    const made = provider(`kind: ${name}${entry.key_variable === null ? "" : ", api_keys: [k]"}`);
    expect(made).toMatchObject({ kind: entry.kind, client: "http1", stream_usage: entry.stream_usage });
    expect(made.base_path).toBe(new URL(entry.base_url!).pathname.replace(/\/$/, ""));
  }
});

test("the client follows from the proxy, unless it is said", () => {
  expect(provider("kind: openai, api_keys: [k]").client).toBe("http1");
  expect(provider("kind: openai, api_keys: [k], client: fetch").client).toBe("fetch");
  expect(provider("kind: openai, api_keys: [k], proxy: http://p:1")).toMatchObject({
    client: "fetch",
    origin: { proxy: "http://p:1" },
  });
});

test("the simulator is always there, and further ones may be named", () => {
  expect(plan("data: d").providers.get("sim")).toMatchObject({ client: "sim", kind: "sim" });
  expect(provider("kind: sim", "mock").client).toBe("sim");
  expect(provider("kind: sim", "sim").client).toBe("sim");
});

test("timeouts: defaults, the provider's, the target's", () => {
  const made = plan(`
providers:
  a: { kind: openai, api_keys: [k] }
  b: { kind: openai, api_keys: [k], timeouts: { first_byte_ms: 9, idle_ms: 8 } }
models:
  m: { targets: [{ provider: b, model: x, timeouts: { idle_ms: 0, total_ms: 7 } }, b/y] }`);
  expect(made.providers.get("a")?.timeouts).toEqual({
    plain: { connect_ms: 5000, first_byte_ms: 300_000, idle_ms: 120_000, total_ms: 0 },
    stream: { connect_ms: 5000, first_byte_ms: 60_000, idle_ms: 120_000, total_ms: 0 },
  });
  const b = { connect_ms: 5000, first_byte_ms: 9, idle_ms: 8, total_ms: 0 };
  expect(made.providers.get("b")?.timeouts).toEqual({ plain: b, stream: b });
  const [first, second] = made.models.get("m")!.targets;
  expect(first?.timeouts.stream).toEqual({ ...b, idle_ms: 0, total_ms: 7 });
  expect(second?.timeouts).toEqual({ plain: b, stream: b });
});

test("models: targets in both forms, defaults, names as JSON", () => {
  const made = plan(`
models:
  m:
    strategy: weighted
    targets: [sim/echo, { provider: sim, model: lorem, weight: 3 }]
    retries: { attempts: 0 }
    stream_deadline_ms: 5
  n: { targets: [sim/cut] }`);
  expect(made.models.get("m")).toMatchObject({
    strategy: "weighted",
    targets: [
      { model: "echo", weight: 1 },
      { model: "lorem", weight: 3 },
    ],
    retries: { attempts: 0, backoff_ms: 200 },
    deadline_ms: 600_000,
    stream_deadline_ms: 5,
  });
  expect(made.models.get("n")).toMatchObject({
    strategy: "priority",
    retries: { attempts: 2, backoff_ms: 200 },
  });
  expect(new TextDecoder().decode(made.models.get("m")!.targets[0]!.model_json)).toBe('"echo"');
});

test("fallbacks: in order, then those of the fallbacks, each once, in circles too", () => {
  const made = plan(`
models:
  a: { targets: [sim/echo], fallbacks: [b, c, sim/lorem] }
  b: { targets: [sim/echo], fallbacks: [d, a, sim/lorem] }
  c: { targets: [sim/echo], fallbacks: [b, c] }
  d: { targets: [sim/echo], fallbacks: [sim/cut] }`);
  const names = (name: string) => made.models.get(name)!.fallbacks.map((model) => model.name);
  expect(names("a")).toEqual(["b", "c", "sim/lorem", "d", "sim/cut"]);
  expect(names("b")).toEqual(["d", "a", "sim/lorem", "sim/cut", "c"]);
  expect(names("c")).toEqual(["b", "d", "a", "sim/lorem", "sim/cut"]);
  expect(made.models.get("a")!.fallbacks[0]).toBe(made.models.get("b"));
});

test("client keys are kept as hashes alone", () => {
  const made = plan(
    "keys: [{ name: a, key: secret-key }, { name: b, key: k, tenant: t, team: u, models: [x, 'y*'] }]",
  );
  expect(made.keys[0]).toEqual({
    name: "a",
    hash: new Uint8Array(createHash("sha256").update("secret-key").digest()),
    tenant: "default",
    team: null,
    models: ["*"],
    ...{ tier: null, limits: null, region: null, privacy: null, guards: null, per_user: null },
  });
  expect(made.keys[1]).toMatchObject({ tenant: "t", team: "u", models: ["x", "y*"] });
  expect(JSON.stringify([...made.keys])).not.toContain("secret-key");
});

test("limits are windows, calls at once, and whole nano-dollars; a key without its own has its tier's", () => {
  const made = plan(`
keys:
  - { name: own, key: a, tier: paid, limits: { rpm: 5, tokens_per_day: 7, concurrency: 2, usd_per_day: 0.1, usd_per_month: 1000000000 } }
  - { name: tiered, key: b, tier: paid, per_user: { tpm: 9 } }
  - { name: free, key: c }
tiers: { paid: { weight: 8, limits: { requests_per_hour: 3 } } }
tenants: { acme: { limits: { tpm: 1 } }, idle: {} }
teams: { acme/shop: { limits: { concurrency: 1 } } }
`);
  expect(made.keys[0]!.limits).toEqual({
    windows: [
      { of: "requests", window_ms: 60_000, limit: 5 },
      { of: "tokens", window_ms: 86_400_000, limit: 7 },
    ],
    concurrency: 2,
    nano_usd_per_day: 100_000_000n,
    nano_usd_per_month: 10n ** 18n,
  });
  const nothing = { windows: [], concurrency: null, nano_usd_per_day: null, nano_usd_per_month: null };
  expect(made.keys[1]).toMatchObject({
    limits: { ...nothing, windows: [{ of: "requests", window_ms: 3_600_000, limit: 3 }] },
    per_user: { ...nothing, windows: [{ of: "tokens", window_ms: 60_000, limit: 9 }] },
  });
  expect(made.keys[2]!.limits).toBe(null);
  expect([...made.tenants.keys()]).toEqual(["acme"]);
  expect(made.teams.get("acme/shop")?.concurrency).toBe(1);
});

test("a price is whole nano-dollars; what it leaves out costs as what it belongs to", () => {
  const { models } = plan(
    "models: { m: { targets: [sim/echo], price: { input_per_mtok: 0.15, cached_input_per_mtok: 0.075, output_per_mtok: 0.6 } } }",
  );
  expect(models.get("m")!.price).toEqual({
    ...{
      input: 150_000_000,
      cached_input: 75_000_000,
      cache_write_5m: 150_000_000,
      cache_write_1h: 150_000_000,
    },
    ...{ input_audio: 150_000_000, output: 600_000_000, reasoning: 600_000_000, output_audio: 600_000_000 },
  });
});

test("the default provider: as said, else the first of kind openai, else none", () => {
  const name = (text: string) => plan(text).default_provider?.name ?? null;
  const both = "providers: { c: { kind: anthropic, api_keys: [k] }, g: { kind: groq, api_keys: [k] } }";
  expect(name(both)).toBe("g");
  expect(name(`listen: { default_provider: c }\n${both}`)).toBe("c");
  expect(name("data: d")).toBe(null);
});

test("a Plan is frozen to its leaves, and a configuration is not touched by compiling", () => {
  const text = `
listen: { cors: { origins: ["*"] } }
providers: { a: { kind: openai, api_keys: [k], timeouts: { idle_ms: 1 }, headers: { x: y } } }
models: { m: { targets: [a/x], fallbacks: [a/y] } }
keys: [{ name: n, key: k }]`;
  const seen = new Set<object>();
  const check = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || seen.has(value)) return;
    seen.add(value);
    if (!(value instanceof Map)) expect(Object.isFrozen(value), path).toBe(true);
    const items = value instanceof Map ? value.entries() : Object.entries(value);
    for (const [key, item] of items) check(item, `${path}.${String(key)}`);
  };
  const made: Plan = plan(text);
  check(made, "plan");
  expect(seen.size).toBeGreaterThan(30);
  const result = load(text, { env: {} });
  if (!result.ok) throw new Error("refused");
  result.config.keys[0]!.models.push("more");
  result.config.models["m"]!.retries.attempts = 5;
  result.config.listen.cors!.origins.push("x");
});
