// Guards in the configuration: what a name alone means, and what is said of what is wrong.

import { expect, test } from "vitest";
import { joinSchemaPlans } from "../../src/config/guards.ts";
import type { WebhookPlan } from "../../src/config/remote_guards.ts";
import { load, plan, problems } from "./loading.ts";

const withGuards = (guards: string) => `models: { chat: { targets: [sim/echo], guards: { ${guards} } } }`;
const guardsOf = (guards: string) => plan(withGuards(guards)).models.get("chat")!.guards;

test("a name alone is a guard with its usual action", () => {
  expect(
    guardsOf("input: [prompt_injection, hidden_text], output: [secrets, personal_data, prompt_leak]"),
  ).toEqual({
    input: [
      { guard: "prompt_injection", action: "block", threshold: 0.5 },
      { guard: "hidden_text", action: "redact" },
    ],
    output: [
      { guard: "secrets", action: "redact" },
      { guard: "personal_data", action: "redact", entities: null },
      { guard: "prompt_leak", action: "block", min_words: 12 },
    ],
    remote: { input: [], output: [] },
  });
});

test("what is left out of limits is not limited", () => {
  expect(guardsOf("input: [{ guard: limits, max_chars: 9, action: flag }]")!.input).toEqual([
    { guard: "limits", action: "flag", max_chars: 9, max_messages: null, max_tools: null, modalities: null },
  ]);
});

test("a model without guards has none", () => {
  expect(guardsOf("")).toBeNull();
  expect(plan("models: { chat: { targets: [sim/echo] } }").models.get("chat")!.guards).toBeNull();
});

test.each([
  ["input: [promt_injection]", 'cannot be "promt_injection"; did you mean "prompt_injection"?'],
  [
    "input: [{ guard: magic }]",
    'cannot be "magic"; known are denied_words, denied_topics, prompt_injection, hidden_text, limits',
  ],
  ["input: [{ guard: denied_words }]", '"words" is missing in models.chat.guards.input[0]'],
  ["input: [{ guard: limits, action: redact }]", 'cannot be "redact"; known are allow, flag, block'],
  [
    "input: [{ guard: hidden_text, actoin: flag }]",
    'unknown key "actoin" in models.chat.guards.input[0]; did you mean "action"?',
  ],
  ["input: [7]", "must be one of prompt_injection, hidden_text, moderation or a map, not a number"],
  [
    "output: [{ guard: personal_data, entities: [EMIAL] }]",
    'there is no kind of personal data "EMIAL"; did you mean "EMAIL"?',
  ],
  ["output: [{ guard: links, hosts: ['https://example.com'] }]", "must be a host's name in lower case"],
])("of %s it is said what is wrong", (guards, said) => {
  const found = problems(withGuards(guards));
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(said);
});

test("JSON that was asked for is checked while it flows, and not repaired, unless it is said", () => {
  const by_default = { guard: "json_schema", action: "block", repair: false, stream: "check" };
  for (const guard of ["json_schema", "{ guard: json_schema }"])
    expect(guardsOf(`output: [${guard}]`)!.output).toEqual([by_default]);
  expect(problems(withGuards("output: [{ guard: json_schema, action: redact }]"))).toHaveLength(1);
});

test("several guards of the form of an answer are as strict as the strictest", () => {
  const one = { guard: "json_schema", action: "flag", repair: true, stream: "check" } as const;
  const other = { guard: "json_schema", action: "allow", repair: false, stream: "collect" } as const;
  expect(joinSchemaPlans([])).toBeNull();
  expect(joinSchemaPlans([one])).toBe(one);
  expect(joinSchemaPlans([other, one])).toEqual({ ...one, stream: "collect" });
  expect(joinSchemaPlans([one, { ...other, action: "block" }])!.action).toBe("block");
});

test("a denied topic has the guard's threshold where it has none, and a failure is what the action is", () => {
  const topics = "topics: [{ name: a, examples: [b] }, { name: c, threshold: 0.7, examples: [d] }]";
  const [guard] = guardsOf(
    `input: [{ guard: denied_topics, threshold: 0.4, action: flag, ${topics} }]`,
  )!.input;
  expect(guard).toEqual({
    ...{ guard: "denied_topics", action: "flag", embedder: "builtin", tools: false },
    ...{ budget_ms: 500, on_failure: "flag" },
    topics: [
      { name: "a", threshold: 0.4, examples: ["b"] },
      { name: "c", threshold: 0.7, examples: ["d"] },
    ],
  });
});

const OPENAI = `providers: { openai: { kind: openai, api_keys: [k] } }\n`;

test("a guard elsewhere has its usual provider, time and name, and fails as it acts", () => {
  const guards = `input: [moderation, { guard: webhook, url: "https://guard.test/a?b=c", headers: { X-Key: s }, action: flag, name: mine }]`;
  const { models, providers } = plan(OPENAI + withGuards(guards));
  const { remote, input } = models.get("chat")!.guards!;
  expect(input).toEqual([]);
  const [moderation, webhook] = remote.input;
  expect(moderation).toEqual({
    ...{ guard: "moderation", name: "moderation", action: "block", on_failure: "block", timeout_ms: 2_000 },
    ...{
      provider: providers.get("openai"),
      model: "omni-moderation-latest",
      categories: null,
      thresholds: {},
    },
  });
  expect(webhook).toMatchObject({
    ...{ guard: "webhook", name: "mine", action: "flag", on_failure: "flag", timeout_ms: 2_000 },
    ...{ origin: { tls: true, host: "guard.test", port: 443 }, path: "/a?b=c" },
  });
  const fields = new Map((webhook as WebhookPlan).headers);
  expect(fields.get("x-key")).toBe("s");
  expect(fields.get("content-type")).toBe("application/json");
});

test("a short name means what all of it does", () => {
  const [short, long] = plan(OPENAI + withGuards("output: [moderation, { guard: moderation }]")).models.get(
    "chat",
  )!.guards!.remote.output;
  expect(short).toEqual(long);
});

test("a webhook's secret comes from the environment", () => {
  const guards = withGuards(
    "input: [{ guard: webhook, url: 'https://g.test', headers: { x-key: env.GUARD } }]",
  );
  expect(load(guards, { env: {} }).ok).toBe(false);
  const [webhook] = plan(guards, { env: { GUARD: "s3" } }).models.get("chat")!.guards!.remote.input;
  expect(JSON.stringify(webhook)).toContain("s3");
});

test.each([
  ["input: [moderation]", 'there is no provider "openai"'],
  ["input: [{ guard: moderation, provider: opnai }]", 'there is no provider "opnai"'],
  ["input: [{ guard: webhook, url: 'ftp://x' }]", "models.chat.guards.input[0].url must begin with http"],
  [
    "output: [{ guard: webhook, url: 'https://a:b@x.test' }]",
    "must not contain a user name or password; use headers",
  ],
  [
    "input: [{ guard: webhook, url: 'https://x', headers: { host: y } }]",
    '"host" is a header that the gateway',
  ],
  ["input: [{ guard: webhook, url: 'https://x', action: redact }]", 'cannot be "redact"'],
  ["input: [{ guard: webhook, url: 'https://x', timeout_ms: 0 }]", "timeout_ms must be"],
  [
    "input: [{ guard: moderation, provider: sim, categories: [a], thresholds: { b: 0.1 } }]",
    "thresholds.b has no effect: models.chat.guards.input[0].categories leaves it out",
  ],
])("of %s it is said what is wrong", (guards, said) => {
  const found = problems(withGuards(guards));
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(said);
});

test("guards of a key are checked and compiled like those of a model", () => {
  const key = (guards: string) => `keys: [{ name: a, key: k, guards: { ${guards} } }]`;
  expect(plan(key("output: [secrets]")).keys[0]!.guards!.output).toEqual([
    { guard: "secrets", action: "redact" },
  ]);
  expect(plan(key("")).keys[0]!.guards).toBeNull();
  expect(problems(key("output: [{ guard: personal_data, entities: [EMIAL] }]"))[0]).toContain("EMAIL");
  expect(problems(key("input: [moderation]"))[0]).toContain('there is no provider "openai"');
});

test("a model has the guards of all that it may fall back to, each once", () => {
  const { models } = plan(`models:
  a: { targets: [sim/echo], fallbacks: [b], guards: { input: [hidden_text] } }
  b: { targets: [sim/echo], fallbacks: [c, a], guards: { input: [hidden_text, { guard: limits, max_chars: 9 }] } }
  c: { targets: [sim/echo], guards: { output: [secrets] } }
  d: { targets: [sim/echo], fallbacks: [sim/lorem] }`);
  const namesOf = (name: string) => {
    const { input, output } = models.get(name)!.guards!;
    return [input, output].map((guards) => guards.map(({ guard }) => guard));
  };
  expect(namesOf("a")).toEqual([["hidden_text", "limits"], ["secrets"]]);
  expect(namesOf("b")).toEqual([["hidden_text", "limits"], ["secrets"]]);
  expect(namesOf("c")).toEqual([[], ["secrets"]]);
  expect(models.get("d")!.guards).toBeNull();
});

test("a model has the strictest privacy of all that it may fall back to", () => {
  const { models, privacy } = plan(`models:
  plain: { targets: [sim/echo], fallbacks: [mild] }
  mild: { targets: [sim/echo], fallbacks: [strict], privacy: { mode: audit, audio: pass, entities: [EMAIL, PERSON], thresholds: { EMAIL: 0.9, PERSON: 0.1 }, on_failure: pass } }
  strict: { targets: [sim/echo], privacy: { mode: mask, entities: [EMAIL, IBAN], thresholds: { EMAIL: 0.7, IBAN: 0.8 }, on_failure: recognisers-only } }
  off: { targets: [sim/echo], privacy: { mode: off, entities: [EMAIL] } }
  alone: { targets: [sim/echo] }`);
  const together = {
    mode: "mask",
    entities: ["EMAIL", "PERSON", "IBAN"],
    thresholds: { EMAIL: 0.7, PERSON: 0.1, IBAN: 0.8 },
    on_failure: "recognisers-only",
    // What one of them does not let out, none does.
    passes_audio: false,
  };
  expect(models.get("mild")!.privacy).toEqual(together);
  expect(models.get("plain")!.privacy).toEqual(together);
  expect(models.get("strict")!.privacy).toMatchObject({ mode: "mask", entities: ["EMAIL", "IBAN"] });
  expect(models.get("off")!.privacy).toMatchObject({ mode: null, entities: ["EMAIL"] });
  expect(models.get("alone")!.privacy).toBeNull();
  // A key's own demand is about all kinds where a model that may answer says nothing.
  const by_key = models.get("plain")!.privacy_by_key!;
  expect(by_key.entities).toEqual(expect.arrayContaining([...privacy.by_default.entities, "PERSON"]));
  expect(by_key).toMatchObject({ mode: "mask", on_failure: "block" });
  expect(by_key.thresholds).toEqual({ PERSON: 0.1 });
});
