import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { resolveModel } from "../../src/config/models.ts";

function load(text: string) {
  return parseConfig(Buffer.from(text), "venturi.yaml", { env: {} });
}

function planOf(text: string) {
  const loaded = load(text);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.plan;
}

const PROVIDERS = `
providers:
  plain: { kind: openai, base_url: "http://127.0.0.1:1/v1", api_keys: [none] }
  own: { kind: openai, base_url: "http://127.0.0.1:1/v1", api_keys: [none], breaker: { failures: 9, rest_s: 300 }, probe: {} }
  without: { kind: openai, base_url: "http://127.0.0.1:1/v1", api_keys: [none], breaker: off }
`;

describe("breakers", () => {
  test("are the provider's, unless the model says something, and the contract's by default", () => {
    const plan = planOf(`${PROVIDERS}
models:
  all: { targets: [plain/m, own/m, { provider: without, model: m }] }
  bold: { targets: [own/m], breaker: off }
  shy: { targets: [without/m], breaker: { failures: 1 } }
`);
    const breakers = (name: string) => plan.models.get(name)!.targets.map(({ breaker }) => breaker);
    const [plain, own, without] = breakers("all");
    expect(plain).toMatchObject({
      failures: 5,
      share: 0.5,
      min_calls: 10,
      rest_ms: 10_000,
      rest_max_ms: 120_000,
    });
    // A first rest is never longer than the longest.
    expect(own).toMatchObject({ failures: 9, rest_ms: 300_000, rest_max_ms: 300_000 });
    expect(without).toBeNull();
    expect(breakers("bold")).toEqual([null]);
    expect(breakers("shy")).toMatchObject([{ failures: 1, rest_ms: 10_000 }]);
    expect(resolveModel(plan, "own/other")!.targets[0]!.breaker).toMatchObject({ failures: 9 });
  });

  test("and probes have their defaults, and nobody probes unasked", () => {
    const { providers } = planOf(PROVIDERS);
    expect(providers.get("own")!.probe).toEqual({ path: "/models", interval_ms: 30_000 });
    expect(providers.get("plain")!.probe).toBeNull();
  });
});

test.each([
  [
    "max_latency_ms: 500",
    "models.chat.max_latency_ms has no effect: the strategy is priority, not least-cost",
  ],
  ["breaker: on", "models.chat.breaker"],
  ["breaker: { share: 0 }", "models.chat.breaker"],
])("%s is wrong, and it is said where", (settings, said) => {
  const loaded = load(`${PROVIDERS}\nmodels:\n  chat: { targets: [plain/m], ${settings} }\n`);
  expect(loaded.ok ? [] : loaded.problems.map(({ message }) => message).join("\n")).toContain(said);
});

test("a prefix has to go somewhere", () => {
  const loaded = load(
    `${PROVIDERS}\nmodels:\n  chat: { strategy: prefix, targets: [{ provider: plain, model: m, weight: 0 }] }\n`,
  );
  expect(loaded.ok).toBe(false);
});
