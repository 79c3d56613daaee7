import { describe, expect, test } from "vitest";
import { ANYONE, adminRank, authenticate, mayCall, presentedKey } from "../../src/access/client_keys.ts";
import { parseConfig } from "../../src/config/load.ts";
import { matchesPattern } from "../../src/config/name_pattern.ts";
import type { Plan } from "../../src/config/plan.ts";
import { GatewayError } from "../../src/errors.ts";

function planOf(yaml: string): Plan {
  const loaded = parseConfig(Buffer.from(yaml), "venturi.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.plan;
}

const plan = planOf("keys: [{ name: one, key: sk-one-of-them }, { name: two, key: sk-the-other }]");

describe("who is calling", () => {
  test.each([
    ["authorization", "Bearer sk-one-of-them"],
    ["authorization", "bearer sk-one-of-them"],
    ["x-api-key", "sk-one-of-them"],
    ["api-key", "sk-one-of-them"],
    ["x-goog-api-key", "sk-one-of-them"],
  ])("is known by %s: %s", (name, value) => {
    expect(authenticate(plan, null, new Headers({ [name]: value }))).toMatchObject({ name: "one" });
  });

  test.each([
    {},
    { authorization: "Bearer sk-one-of-the" },
    { authorization: "Bearer sk-one-of-themm" },
    { authorization: "Basic sk-one-of-them" },
    { authorization: "Bearer " },
    { "x-api-key": "" },
    { "x-api-key": "x".repeat(10_000) },
  ])("is nobody by %j", (headers) => {
    const refused = authenticate(plan, null, new Headers(headers as Record<string, string>));
    expect(refused).toBeInstanceOf(GatewayError);
    expect(refused).toMatchObject({ status: 401, code: "invalid_api_key", type: "authentication_error" });
  });

  test("is anyone where no keys are configured", () => {
    expect(authenticate(planOf("listen: {}"), null, new Headers())).toBe(ANYONE);
  });

  test("is nobody where only others than this machine could call and there are no keys yet", () => {
    const open = planOf('{ listen: { host: 0.0.0.0 }, admin: { token: "0123456789abcdef" } }');
    expect(authenticate(open, null, new Headers())).toMatchObject({ code: "invalid_api_key" });
  });

  test("says no more than the key, and an error never repeats it", () => {
    expect(presentedKey(new Headers({ authorization: "Bearer  sk-x " }))).toBe("sk-x");
    const refused = authenticate(plan, null, new Headers({ "x-api-key": "sk-secret-typo" })) as GatewayError;
    expect(refused.message).not.toContain("sk-secret-typo");
  });
});

describe("the admin token", () => {
  const with_token = planOf('admin: { token: "an-admin-token-of-its-own" }');

  test.each([
    ["Bearer an-admin-token-of-its-own", true],
    ["bearer  an-admin-token-of-its-own ", true],
    ["Bearer an-admin-token-of-its-owm", false],
    ["Bearer an-admin-token-of-its-own2", false],
    ["an-admin-token-of-its-own", false],
  ])("is told by %j: %j", (authorization, expected) => {
    expect(adminRank(with_token, new Headers({ authorization }))).toBe(expected ? "admin" : null);
  });

  test("is in no other header, and nobody has one that is not configured", () => {
    expect(adminRank(with_token, new Headers({ "x-api-key": "an-admin-token-of-its-own" }))).toBeNull();
    expect(adminRank(plan, new Headers({ authorization: "Bearer sk-one-of-them" }))).toBeNull();
  });

  test("is of a higher rank where it is the one that may see content", () => {
    const both = planOf(
      "admin: { token: an-admin-token-of-its-own, content_token: another-one-for-content }",
    );
    const rankOf = (token: string) => adminRank(both, new Headers({ authorization: `Bearer ${token}` }));
    expect(["another-one-for-content", "an-admin-token-of-its-own", "neither-of-these"].map(rankOf)).toEqual([
      ...["content", "admin", null],
    ]);
  });
});

describe("what a key may call", () => {
  test.each([
    ["*", "anything/at-all", true],
    ["chat", "chat", true],
    ["chat", "chat2", false],
    ["openai/*", "openai/gpt", true],
    ["openai/*", "openai", false],
    ["*-mini", "gpt-mini", true],
    ["gpt-*-mini", "gpt-mini", false],
    ["a*a", "a", false],
    ["a*b*c", "aXbYc", true],
    ["a*b*c", "abc", true],
    ["a*b*bc", "abc", false],
    ["", "", true],
    [".*", "x", false],
  ])("pattern %j and name %j: %j", (pattern, name, expected) => {
    expect(matchesPattern(pattern, name)).toBe(expected);
  });

  test("is decided without backtracking", () => {
    // A matcher that backtracks would not end before the test's time limit.
    expect(matchesPattern(`${"*a".repeat(200)}b`, "a".repeat(20_000))).toBe(false);
  });

  test("is what any of its patterns allows", () => {
    const key = { ...ANYONE, models: ["chat", "openai/*"] };
    expect(mayCall(key, "chat")).toBe(true);
    expect(mayCall(key, "openai/x")).toBe(true);
    expect(mayCall(key, "groq/x")).toBe(false);
  });
});
