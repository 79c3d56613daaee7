// What a model name stands for, and what an unknown one most likely meant.

import { expect, test } from "vitest";
import { nearestModel, resolveModel } from "../../src/config/models.ts";
import { editDistance, nearest } from "../../src/config/nearest.ts";
import { plan } from "./loading.ts";

const made = plan(`
providers:
  openai: { kind: openai, api_keys: [k] }
  groq: { kind: groq, api_keys: [k] }
models:
  chat: { targets: [openai/gpt-4o-mini] }
  openai/gpt-4o: { targets: [groq/llama] }
`);

test("an alias comes first, and shadows a provider's model of the same name", () => {
  expect(resolveModel(made, "chat")).toBe(made.models.get("chat"));
  expect(resolveModel(made, "openai/gpt-4o")?.targets[0]).toMatchObject({
    provider: { name: "groq" },
    model: "llama",
  });
});

test("provider/model is split at the first slash, has the defaults, and is made once", () => {
  const model = resolveModel(made, "groq/meta/llama-3");
  expect(model).toMatchObject({
    name: "groq/meta/llama-3",
    strategy: "priority",
    targets: [{ provider: { name: "groq" }, model: "meta/llama-3", weight: 1 }],
    fallbacks: [],
    retries: { attempts: 2, backoff_ms: 200 },
    deadline_ms: 600_000,
    stream_deadline_ms: 0,
  });
  expect(resolveModel(made, "groq/meta/llama-3")).toBe(model);
  expect(Object.isFrozen(model) && Object.isFrozen(model?.targets[0])).toBe(true);
});

test("a model's name may need escapes in JSON", () => {
  const model = resolveModel(made, 'groq/a"b\\ü');
  expect(new TextDecoder().decode(model!.targets[0]!.model_json)).toBe('"a\\"b\\\\ü"');
});

test("names that stand for nothing", () => {
  for (const name of [
    "",
    "nothing",
    "/x",
    "groq/",
    "nowhere/x",
    "gpt-4o",
    "constructor",
    "__proto__/x",
    `groq/${"x".repeat(600)}`,
  ])
    expect(resolveModel(made, name)).toBe(null);
});

test("the simulator has its own models only", () => {
  for (const name of ["echo", "lorem", "tool", "slow", "error-429", "error-500", "hang", "cut"])
    expect(resolveModel(made, `sim/${name}`)?.targets[0]?.provider.client).toBe("sim");
  expect(resolveModel(made, "sim/other")).toBe(null);
});

test("made models are bounded, and forgotten ones are made again", () => {
  const first = resolveModel(made, "groq/first");
  for (let i = 0; i < 1500; i++) resolveModel(made, `groq/m${i}`);
  const again = resolveModel(made, "groq/first");
  expect(again).not.toBe(first);
  expect(again).toEqual(first);
});

test("suggestions: a slip in an alias, a provider or a simulator's model, or a provider left out", () => {
  expect(nearestModel(made, "chta")).toBe("chat");
  expect(nearestModel(made, "sim/ecko")).toBe("sim/echo");
  expect(nearestModel(made, "opneai/gpt-5")).toBe("openai/gpt-5");
  expect(nearestModel(made, "gpt-4o-mini")).toBe("openai/gpt-4o-mini");
  expect(nearestModel(made, "something else")).toBe(null);
  expect(nearestModel(made, "x".repeat(100_000))).toBe(null);
});

test("a suggestion is only what the client may call", () => {
  expect(nearestModel(made, "chta", (name) => name !== "chat")).toBe(null);
  expect(nearestModel(made, "gpt-4o-mini", (name) => !name.startsWith("openai/"))).toBe(null);
});

test("edit distance counts insertions, deletions, replacements and swaps", () => {
  const cases = [
    ["", "", 0],
    ["abc", "abc", 0],
    ["", "abc", 3],
    ["abc", "abd", 1],
    ["abc", "acb", 1],
    ["kitten", "sitting", 3],
  ] as const;
  for (const [a, b, distance] of cases) {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  }
  expect(nearest("prot", ["host", "port"])).toBe("port");
  expect(nearest("xy", ["ab"])).toBe(null);
});
