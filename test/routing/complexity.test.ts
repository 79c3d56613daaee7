// How hard prompts look: that the classes are those that people would give, and that a long prompt is not read whole.

import { describe, expect, test } from "vitest";
import type { Complexity } from "../../src/config/routes.ts";
import { CHAT, readRequest } from "../../src/dialects/openai/request.ts";
import { RESPONSES } from "../../src/dialects/responses/client.ts";
import { GatewayError } from "../../src/errors.ts";
import { judgeComplexity } from "../../src/routing/complexity.ts";

function judge(messages: readonly { role: string; content: unknown }[], rest: object = {}) {
  const read = readRequest(Buffer.from(JSON.stringify({ model: "m", messages, ...rest })), CHAT);
  if (read instanceof GatewayError) throw new Error(read.message);
  return judgeComplexity(read);
}

const user = (content: unknown) =>
  judge([
    { role: "system", content: "Prove, derive and compare. Why? Explain." },
    { role: "user", content },
  ]);

describe("a prompt looks", () => {
  test.each<[Complexity, string]>([
    ["simple", "hi"],
    ["simple", "What is the capital of France?"],
    ["simple", "Translate to German: I like trains."],
    ["simple", "Summarize this in one line: the cat sat on the mat."],
    ["simple", "What are three good names for a bakery?"],
    ["simple", "Danke!"],
    ["medium", "Explain why the sky is blue."],
    ["medium", "Warum ist der Himmel blau? Erkläre es."],
    ["medium", "Prove that the square root of 2 is irrational and explain each step."],
    ["medium", "Fix this:\n```js\nconst f = (x) => x +\n```"],
    [
      "hard",
      "Design a distributed rate limiter. Compare token buckets with sliding windows, explain the tradeoffs and derive the memory it takes.\n1. It must survive a node's death.\n2. It must be exactly fair.\n3. It must never block.",
    ],
    ["hard", "Debug this and explain why, step by step:\n```python\ndef f(x):\n  return f(x - 1)\n```"],
  ])("%s: %s", (expected, prompt) => {
    expect(user(prompt).class).toBe(expected);
    expect(user([{ type: "text", text: prompt }]).class).toBe(expected);
  });

  test("as its last turn of a user does, whatever was said before or by others", () => {
    const hard = "Prove the theorem, derive the equation, and explain why. Compare both. ".repeat(8);
    const turns = [
      { role: "user", content: hard },
      { role: "assistant", content: hard },
      { role: "user", content: "thanks" },
      { role: "tool", content: hard },
    ];
    expect(judge(turns).class).toBe("simple");
    expect(judge(turns.slice(0, 2)).class).toBe("hard");
  });

  test("as the end of a long chat does, which is not read whole", () => {
    const long = [
      { role: "user", content: "why prove derive ".repeat(20_000) },
      { role: "user", content: "thanks" },
    ];
    const { features, points } = judge(long);
    expect(features.reasoning_words).toBe(0);
    expect(points).toEqual({ context: 1, chore: -1 });
  });

  test("every point that it got is named, and they are its score", () => {
    const { score, points } = judge([{ role: "user", content: "Why? Why? Why?\n- a\n- b\n- c" }], {
      tools: [{ type: "function" }],
    });
    expect(points).toEqual({ reasoning: 3, list: 1, questions: 1, tools: 1 });
    expect(score).toBe(6);
  });

  test("as nothing where there is no prompt", () => {
    const read = readRequest(Buffer.from('{"model":"m","input":"Explain why, and compare."}'), RESPONSES);
    if (read instanceof GatewayError) throw new Error(read.message);
    expect(judgeComplexity(read).points).toEqual({ reasoning: 3 });
    expect(judge([]).score).toBe(0);
  });
});
