// The policy table: which rule holds, what is asked of a request on the way, and who gets which arm of a split.

import { describe, expect, test } from "vitest";
import { needBits } from "../../src/config/needs.ts";
import type { RoutePlan } from "../../src/config/routes.ts";
import { chooseRoute, type RouteSubject, unmetCondition } from "../../src/routing/policy.ts";
import { plan } from "../config/loading.ts";

function rules(...routes: readonly string[]): readonly RoutePlan[] {
  return plan(`
models: { chat: { targets: [sim/echo] }, other: { targets: [sim/lorem] } }
tiers: { free: {}, paid: {} }
routes:
${routes.map((route) => `  - ${route}`).join("\n")}`).routes;
}

/** A Wednesday, 12:00 in Berlin. */
const NOON_MS = Date.UTC(2026, 10, 25, 11);

const subject = (
  of: Partial<RouteSubject> & { readonly headers?: Readonly<Record<string, string>> } = {},
): RouteSubject => ({
  ...{ model: "auto", task: null, tier: null, tenant: "acme", team: null, key: "k", region: null, tags: {} },
  header: (name) => of.headers?.[name] ?? null,
  ...{
    needs: 0,
    prompt_tokens: 10,
    context_tokens: 20,
    complexity: "simple",
    time_ms: NOON_MS,
    caller: "c",
    sticky_by: "key",
  },
  ...of,
});

describe("a condition", () => {
  test.each<[when: string, holding: Parameters<typeof subject>[0], not: Parameters<typeof subject>[0]]>([
    ["model: auto", {}, { model: "automatic" }],
    ["model: [x, gpt-*]", { model: "gpt-5" }, { model: null }],
    ["task: code*", { task: "code-review" }, { task: null }],
    ["tier: free", { tier: "free" }, { tier: "paid" }],
    ["tenant: [a, acme]", {}, { tenant: "b" }],
    ["team: shop", { team: "shop" }, { team: null }],
    ["key: k", {}, { key: "kk" }],
    ["region: EU", { region: "eu-west-1" }, { region: "eur" }],
    ["region: us-*", { region: "us-east-1" }, { region: "us" }],
    ["tags: [beta, plan=g*]", { tags: { beta: "", plan: "gold" } }, { tags: { plan: "gold" } }],
    ["tags: [plan=gold]", { tags: { plan: "gold" } }, { tags: { plan: "goldish" } }],
    ["tags: [toString]", { tags: { toString: "" } as never }, {}],
    ["header: { X-Plan: [a, b*] }", { headers: { "x-plan": "bc" } }, { headers: { "x-plan": "ab" } }],
    [
      "needs: [vision, tools]",
      { needs: needBits(["vision", "tools", "audio"]) },
      { needs: needBits(["vision"]) },
    ],
    ["needs: [vision]", { needs: needBits(["vision"]) }, { needs: null }],
    ['prompt_tokens: ">10"', { prompt_tokens: 11 }, { prompt_tokens: 10 }],
    ['prompt_tokens: "5-10"', { prompt_tokens: 10 }, { prompt_tokens: null }],
    ['context_tokens: "<=20"', {}, { context_tokens: 21 }],
    ["complexity: [medium, hard]", { complexity: "hard" }, { complexity: "simple" }],
    ["complexity: simple", {}, { complexity: null }],
    ["time: { hours: 12-13, zone: Europe/Berlin }", {}, { time_ms: NOON_MS + 3_600_000 }],
    ["time: { hours: 12:01-13, zone: Europe/Berlin }", { time_ms: NOON_MS + 60_000 }, {}],
    ["time: { weekdays: [wed] }", {}, { time_ms: NOON_MS + 86_400_000 }],
    // Over midnight: the night of Wednesday goes on until Thursday's morning.
    [
      "time: { hours: 22-6, weekdays: [wed] }",
      { time_ms: Date.UTC(2026, 10, 26, 5, 59) },
      { time_ms: Date.UTC(2026, 10, 25, 5) },
    ],
    [
      "time: { hours: 22-6, weekdays: [sun] }",
      { time_ms: Date.UTC(2026, 10, 30, 1) },
      { time_ms: Date.UTC(2026, 10, 30, 22) },
    ],
    ["time: { hours: 18-24 }", { time_ms: Date.UTC(2026, 10, 25, 23, 59) }, {}],
  ])("{ %s }", (when, holding, not) => {
    const [route] = rules(`{ when: { ${when} }, use: chat }`);
    expect(unmetCondition(route!, subject(holding))).toBe(null);
    expect(unmetCondition(route!, subject(not))).not.toBe(null);
  });

  test("is not asked about where one before it does not hold", () => {
    const routes = rules(
      '{ when: { model: other, needs: [vision], prompt_tokens: ">1", complexity: hard }, use: chat }',
    );
    const asked: string[] = [];
    const watched = new Proxy(subject(), {
      get: (of, name, receiver) => {
        asked.push(String(name));
        return Reflect.get(of, name, receiver);
      },
    });
    expect(chooseRoute(routes, watched)).toBe(null);
    expect(asked).toEqual(["model"]);
  });
});

describe("a table", () => {
  const routes = rules(
    "{ when: { model: auto, tier: paid }, use: other }",
    "{ name: all, when: { model: auto }, use: chat }",
    "{ when: { model: auto }, use: other }",
  );

  test("gives what the first rule gives that holds", () => {
    expect(chooseRoute(routes, subject({ tier: "paid" }))?.arm.model).toBe("other");
    expect(chooseRoute(routes, subject())?.route.name).toBe("all");
    expect(chooseRoute(routes, subject({ model: "chat" }))).toBe(null);
  });
});

describe("a split", () => {
  const [first, second] = rules(
    "{ name: first, split: { chat: 90, other: 10 } }",
    "{ name: second, split: { chat: 90, other: 10 } }",
  );
  const others = (route: RoutePlan, callers: number) =>
    Array.from({ length: callers }, (_, index) => index).filter(
      (index) => chooseRoute([route], subject({ caller: `user-${index}` }))!.arm.model === "other",
    );

  test("gives a caller the same at every call, and callers by their shares", () => {
    const found = others(first!, 20_000);
    // Three standard deviations.
    expect(Math.abs(found.length - 2_000)).toBeLessThan(3 * Math.sqrt(20_000 * 0.1 * 0.9));
    expect(others(first!, 20_000)).toEqual(found);
  });

  test("of another rule is drawn by itself", () => {
    const one = new Set(others(first!, 20_000));
    const both = others(second!, 20_000).filter((index) => one.has(index));
    expect(Math.abs(both.length - 200)).toBeLessThan(3 * Math.sqrt(20_000 * 0.01 * 0.99));
  });

  test("moves as few callers as a change of shares asks for", () => {
    const before = new Set(others(first!, 5_000));
    const [wider] = rules("{ name: first, split: { chat: 80, other: 20 } }");
    const after = new Set(others(wider!, 5_000));
    expect([...before].filter((index) => !after.has(index))).toEqual([]);
  });
});
