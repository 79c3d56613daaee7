// Models whose name has a `*`: which names they take, what they ask for, and what is told of faults.

import { expect, test } from "vitest";
import { resolveModel } from "../../src/config/models.ts";
import { plan, problems } from "./loading.ts";

const PROVIDERS = `providers:
  anthropic: { kind: anthropic, api_keys: [k] }
  openai: { kind: openai, api_keys: [k] }
`;

/** What a name stands for: targets as provider/model. */
function targetsOf(text: string, name: string): string[] | null {
  const model = resolveModel(plan(PROVIDERS + text), name);
  return model?.targets.map((target) => `${target.provider.name}/${target.model}`) ?? null;
}

test("what the star stands for takes the place of the targets' star", () => {
  const text = `models: { "claude-*": { targets: [{ provider: anthropic, model: "claude-*" }, "openai/gpt-*-x"] } }`;
  expect(targetsOf(text, "claude-haiku-4-5")).toEqual([
    "anthropic/claude-haiku-4-5",
    "openai/gpt-haiku-4-5-x",
  ]);
  expect(targetsOf(text, "claude-$&")).toEqual(["anthropic/claude-$&", "openai/gpt-$&-x"]);
  expect(targetsOf(text, "claude-")).toBeNull();
  expect(targetsOf(text, "claude-*")).toBeNull();
  expect(targetsOf(text, "gpt-4o")).toBeNull();
});

test("a name of its own comes first, then the most precise pattern, then provider/model before a star alone", () => {
  const text = `models:
  exact: { targets: [openai/one] }
  "*": { targets: ["openai/*"] }
  "ex*": { targets: [openai/two] }
  "openai/gpt-*": { targets: ["anthropic/*"] }
`;
  expect(targetsOf(text, "exact")).toEqual(["openai/one"]);
  expect(targetsOf(text, "extra")).toEqual(["openai/two"]);
  expect(targetsOf(text, "gpt-4o")).toEqual(["openai/gpt-4o"]);
  expect(targetsOf(text, "anthropic/claude-haiku-4-5")).toEqual(["anthropic/claude-haiku-4-5"]);
  expect(targetsOf(text, "openai/gpt-4o")).toEqual(["anthropic/4o"]);
  expect(targetsOf(text, "nobody/gpt-4o")).toEqual(["openai/nobody/gpt-4o"]);
});

test("the simulator has no more models than it has", () => {
  const text = `models: { "s-*": { targets: ["sim/*"] }, "t-*": { targets: ["sim/*", openai/x] } }`;
  expect(targetsOf(text, "s-echo")).toEqual(["sim/echo"]);
  expect(targetsOf(text, "s-nobody")).toBeNull();
  expect(targetsOf(text, "t-nobody")).toEqual(["openai/x"]);
});

test("settings, fallbacks and what guards ask for hold for every name; limits are counted together", () => {
  const made = plan(`${PROVIDERS}models:
  "g-*": { targets: ["openai/*"], retries: { attempts: 7 }, limits: { rpm: 5 }, fallbacks: [claude-x] }
  "claude-*": { targets: ["anthropic/claude-*"], privacy: { mode: block } }
`);
  const model = resolveModel(made, "g-1")!;
  expect(model).toMatchObject({ name: "g-1", configured_as: "g-*", retries: { attempts: 7 } });
  expect(model.fallbacks.map(({ name, targets }) => `${name} ${targets[0]!.model}`)).toEqual([
    "claude-x claude-x",
  ]);
  expect(model.privacy?.mode).toBe("block");
  expect(resolveModel(made, "g-1")).toBe(model);
});

test("two stars, and a target's star that nothing stands for, are told", () => {
  expect(problems(`${PROVIDERS}models: { "a*b*": { targets: [openai/x] } }`)).toEqual([
    'venturi.yaml:4:11: models["a*b*"] has 2 stars; a name may have one',
  ]);
  expect(problems(`${PROVIDERS}models: { a: { targets: ["openai/*"] } }`)).toEqual([
    "venturi.yaml:4:26: models.a.targets[0] has a star that nothing stands for: the model's name has none",
  ]);
  expect(problems(`${PROVIDERS}models: { "a*": { targets: [openai/x], fallbacks: ["b*"] } }`)).toHaveLength(
    1,
  );
});
