// Guards in the configuration: what a name alone means, and what is said of what is wrong.

import { expect, test } from "vitest";
import { plan, problems } from "./loading.ts";

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
    'cannot be "magic"; known are denied_words, prompt_injection, hidden_text, limits',
  ],
  ["input: [{ guard: denied_words }]", '"words" is missing in models.chat.guards.input[0]'],
  ["input: [{ guard: limits, action: redact }]", 'cannot be "redact"; known are allow, flag, block'],
  [
    "input: [{ guard: hidden_text, actoin: flag }]",
    'unknown key "actoin" in models.chat.guards.input[0]; did you mean "action"?',
  ],
  ["input: [7]", "must be one of prompt_injection, hidden_text or a map, not a number"],
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
