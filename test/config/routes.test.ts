// The policy table of a configuration: what it compiles into, and what is said of one that is wrong.

import { describe, expect, test } from "vitest";
import { boundsOf } from "../../src/config/routes.ts";
import { plan, problems } from "./loading.ts";

describe("a table that is wrong is told where and why", () => {
  test.each([
    ["{ when: { model: auto }, use: nope }", 'there is no model "nope"'],
    ["{ when: { model: auto }, use: chta }", 'did you mean "chat"?'],
    ["{ when: { model: auto }, use: nope/m }", 'there is no provider "nope"'],
    ["{ when: { model: auto }, use: sim/echoo }", 'the simulator has no model "echoo"'],
    ["{ when: { model: auto }, split: { chat: 1, nope: 1 } }", 'there is no model "nope"'],
    ["{ when: { model: auto }, split: { chat: 0 } }", "needs a share over 0"],
    ["{ when: { model: auto }, use: chat, split: { chat: 1 } }", "has both use and split; keep one"],
    ["{ when: { model: auto } }", "says no model; it needs use or split"],
    ["{ when: { tier: gold }, use: chat }", 'there is no tier "gold"; known are free'],
    ["{ when: { prompt_tokens: '8000' }, use: chat }", 'is a bound such as ">8000"'],
    ["{ when: { prompt_tokens: '9-8' }, use: chat }", "can hold for no request"],
    ["{ when: { context_tokens: '<0' }, use: chat }", "can hold for no request"],
    ["{ when: { needs: [visoin] }, use: chat }", 'did you mean "vision"?'],
    ["{ when: { complexity: hrad }, use: chat }", 'did you mean "hard"?'],
    ["{ when: { time: { hours: 9-17, zone: Europe/Berlni } }, use: chat }", 'cannot be "Europe/Berlni"'],
    ["{ when: { time: { hours: 9-9 } }, use: chat }", "begins when it ends"],
    ["{ when: { time: { hours: 25-26 } }, use: chat }", "is a time of day such as"],
    ["{ when: { time: { zone: UTC } }, use: chat }", "needs hours or weekdays"],
    ["{ when: { header: { 'x y': z } }, use: chat }", '"x y"'],
    ["{ when: { tags: ['=b'] }, use: chat }", "has no name before its ="],
    ["{ when: { modle: auto }, use: chat }", 'did you mean "model"?'],
    ["{ name: 'a b', use: chat }", "has 1 to 64 letters, digits"],
  ])("%s", (route, message) => {
    const found = problems(
      `models: { chat: { targets: [sim/echo] } }\ntiers: { free: {} }\nroutes:\n  - ${route}`,
    );
    expect(found.length).toBe(1);
    expect(found[0]).toContain(message);
    expect(found[0]).toMatch(/^venturi\.yaml:4:\d+: /);
  });

  test("a rule that gives what only rules take, and two rules of one name", () => {
    const found = problems(`
models: { chat: { targets: [sim/echo] } }
routes:
  - { name: one, when: { model: auto }, use: chat }
  - { name: one, when: { model: best }, use: auto }`);
    expect(found).toEqual([
      "venturi.yaml:5:13: routes[1] has the name of routes[0]; every rule needs a name of its own",
      'venturi.yaml:5:46: "auto" is a name that rules take, and rules are not read twice; name a model of models',
    ]);
  });
});

test("bounds have both their ends in them", () => {
  expect([">8000", ">=8000", "<500", "<= 500", "1000 - 8000"].map(boundsOf)).toEqual([
    { least: 8001, most: Number.POSITIVE_INFINITY },
    { least: 8000, most: Number.POSITIVE_INFINITY },
    { least: 0, most: 499 },
    { least: 0, most: 500 },
    { least: 1000, most: 8000 },
  ]);
});

test("conditions stand in the order of what they take, whatever the order in the file", () => {
  const { routes, route_names } = plan(`
models: { chat: { targets: [sim/echo] } }
tiers: { free: {} }
routes:
  - when: { complexity: hard, prompt_tokens: ">1", needs: [tools], time: { hours: 22:30-6 }, tags: [a, b=c*], header: { X-Plan: [x] }, region: EU, task: t, key: k, team: s, tenant: n, tier: free, model: [auto, gpt-*] }
    split: { chat: 90, sim/lorem: 10, sim/slow: 0 }
  - { use: chat }
`);
  const [first, second] = routes;
  expect(first!.when.map(({ of }) => of)).toEqual([
    ...["model", "tier", "tenant", "team", "key", "task", "region", "header", "tag", "tag", "time"],
    ...["needs", "prompt_tokens", "complexity"],
  ]);
  expect(first!.name).toBe("routes[0]");
  expect(first!.arms).toEqual([
    { model: "chat", weight: 90 },
    { model: "sim/lorem", weight: 10 },
  ]);
  expect(first!.when.find(({ of }) => of === "time")).toEqual({
    ...{ of: "time", from: 22 * 60 + 30, to: 6 * 60, weekdays: 127, zone: "UTC" },
  });
  expect(second).toEqual({ name: "routes[1]", when: [], arms: [{ model: "chat", weight: 1 }] });
  expect([...route_names.keys()]).toEqual(["auto"]);
});
