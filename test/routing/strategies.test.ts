import { describe, expect, test } from "vitest";
import type { ModelPlan, TargetPlan } from "../../src/config/plan.ts";
import type { Health } from "../../src/routing/health/health.ts";
import { orderTargets } from "../../src/routing/order.ts";
import type { Sight } from "../../src/routing/strategies.ts";
import { chatModel, ownHealth, ownHealths, planOf, seededRandom, sightOf, tryOnce } from "./health_room.ts";

function names(model: ModelPlan, health: Health, more: Partial<Sight> = {}): string {
  const sight = sightOf(health, { random: seededRandom(3), ...more });
  return orderTargets(model, sight)
    .map(({ target }) => target.provider.name)
    .join("");
}

/** So many calls are under way to a target. */
function busy(health: Health, target: TargetPlan, count: number): void {
  for (let call = 0; call < count; call++) health.begin(target, true);
}

/** Two targets that are asked by their time: `a`, and `b`, which takes twice as long. */
function fastAndSlow(rest = "") {
  const model = chatModel(["a", "b"], `strategy: least-latency${rest}`);
  const health = ownHealth();
  const [a, b] = model.targets as [TargetPlan, TargetPlan];
  health.of(a).observe(100, true);
  health.of(b).observe(200, true);
  return { model, health, a, b };
}

/** Two targets of two providers, each with what is said of it. */
function pairOf(strategy: string, targets: string, a = "api_keys: [none]", b = a) {
  const provider = (rest: string) => `{ kind: openai, base_url: "http://127.0.0.1:1/v1", ${rest} }`;
  const model = planOf(`
providers: { a: ${provider(a)}, b: ${provider(b)} }
models: { chat: { strategy: ${strategy}, targets: [${targets}] } }
`).models.get("chat")!;
  const [first, second] = model.targets as [TargetPlan, TargetPlan];
  return { model, health: ownHealth(), a: first, b: second };
}

describe("least-cost", () => {
  const model = chatModel(["a", "b", "c"], "strategy: least-cost, max_latency_ms: 1000");
  const prices: Record<string, number | null> = { a: 30, b: 10, c: null };
  const costOf = (_: ModelPlan, { provider }: TargetPlan) => prices[provider.name] ?? null;

  test("asks the cheapest first, and whoever has no price last", () => {
    expect(names(model, ownHealth(), { costOf, may_measure: false })).toBe("bac");
  });

  test("puts those behind that take longer than they may, the fastest of them first, and measures them now and then", () => {
    let now_ms = Date.UTC(2026, 10, 26);
    const [health] = ownHealths(1, () => now_ms) as [Health];
    const [a, b, c] = model.targets as [TargetPlan, TargetPlan, TargetPlan];
    health.of(a).observe(2_000, true);
    health.of(b).observe(3_000, true);
    health.of(c).observe(100, true);
    expect(names(model, health, { costOf })).toBe("cab");
    now_ms += 20_000;
    health.of(c).observe(100, true);
    const random = seededRandom(5);
    const firsts = Array.from({ length: 400 }, () => names(model, health, { costOf, random })[0]);
    // One of them, by whoever comes first: nobody else within ten seconds.
    expect(firsts.filter((first) => first !== "c").length).toBeGreaterThanOrEqual(1);
    expect(firsts.filter((first) => first !== "c").length).toBeLessThan(4);
  });
});

describe("least-latency", () => {
  test("spares a target whose calls fail, though it has no breaker", () => {
    const { model, health, a } = fastAndSlow(", breaker: off");
    expect(names(model, health)).toBe("ab");
    for (let call = 0; call < 20; call++) tryOnce(health, a, false);
    expect(health.healthOf(a, true)).toMatchObject({ state: "off", calls: 20, failures: 20 });
    expect(names(model, health)).toBe("ba");
  });

  test("leaves a target at which calls pile up before any of them tells how long it takes", () => {
    const { model, health, a } = fastAndSlow();
    busy(health, a, 2);
    expect(names(model, health)).toBe("ab");
    busy(health, a, 8);
    expect(names(model, health)).toBe("ba");
  });
});

describe("least-busy", () => {
  test("asks whoever has the fewest calls under way for its weight", () => {
    const { model, health, a, b } = pairOf(
      "least-busy",
      "{ provider: a, model: m, weight: 3 }, { provider: b, model: m }",
    );
    busy(health, a, 1);
    expect(names(model, health)).toBe("ab");
    busy(health, a, 2);
    expect(names(model, health)).toBe("ba");
    busy(health, b, 1);
    expect(names(model, health)).toBe("ab");
  });

  test("goes by what each may have at once, where all say so", () => {
    const { model, health, a, b } = pairOf(
      "least-busy",
      "a/m, b/m",
      "api_keys: [one, two], limits: { concurrency: 10 }",
      "api_keys: [none], limits: { concurrency: 5 }",
    );
    busy(health, a, 4);
    expect(names(model, health)).toBe("ba");
    busy(health, b, 1);
    expect(names(model, health)).toBe("ab");
  });
});

describe("prefix", () => {
  const model = chatModel(["a", "b", "c"], "strategy: prefix");

  test("keeps equal beginnings together, spreads others, and gives way where a target has too much", () => {
    const health = ownHealth();
    const firstOf = (affinity: string) => names(model, health, { affinity })[0]!;
    const home = firstOf("a conversation");
    expect(new Set(Array.from({ length: 20 }, () => firstOf("a conversation")))).toEqual(new Set([home]));
    const firsts = Array.from({ length: 300 }, (_, index) => firstOf(`beginning ${index}`));
    for (const name of "abc") expect(firsts.filter((one) => one === name).length).toBeGreaterThan(60);
    const target = model.targets.find(({ provider }) => provider.name === home)!;
    busy(health, target, 2);
    expect(firstOf("a conversation")).not.toBe(home);
    for (const other of model.targets) if (other !== target) busy(health, other, 2);
    expect(firstOf("a conversation")).toBe(home);
  });
});

describe("weighted", () => {
  test("gives a target that has come back its share by and by", () => {
    let now_ms = Date.UTC(2026, 10, 26);
    const [health] = ownHealths(1, () => now_ms) as [Health];
    const model = chatModel(["a", "b"], "strategy: weighted");
    const [a] = model.targets as [TargetPlan];
    const random = seededRandom(9);
    const share = () =>
      Array.from({ length: 2_000 }, () => names(model, health, { random })[0]).filter((one) => one === "a")
        .length / 2_000;
    expect(share()).toBeCloseTo(0.5, 1);
    for (let call = 0; call < 5; call++) tryOnce(health, a, false);
    now_ms += 10_100;
    tryOnce(health, a, true, "probe");
    now_ms += 1_000;
    expect(share()).toBeLessThan(0.13);
    now_ms += 14_000;
    expect(share()).toBeGreaterThan(0.28);
    now_ms += 20_000;
    expect(share()).toBeCloseTo(0.5, 1);
  });
});

test("a target without weight only stands in for the others", () => {
  for (const strategy of ["least-latency", "least-cost", "least-busy", "weighted", "prefix"]) {
    const { model, health } = pairOf(
      strategy,
      "{ provider: a, model: m, weight: 0 }, { provider: b, model: m }",
    );
    for (let call = 0; call < 20; call++) expect(names(model, health, { affinity: `p${call}` })).toBe("ba");
  }
});
