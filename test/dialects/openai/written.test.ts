// What a model wrote, as one text.

import { expect, test } from "vitest";
import { answerText } from "../../../src/dialects/openai/written.ts";
import { randomIntegers } from "../../memory/random.ts";
import { randomAnswer } from "./random_answer.ts";
import { recordedAnswers } from "./recorded_answers.ts";

function written(message: unknown): string | null {
  return answerText(Buffer.from(JSON.stringify({ choices: [{ index: 0, message, finish_reason: "stop" }] })));
}

function call(name: string, given: string): object {
  return { id: `call_${given.length}`, type: "function", function: { name, arguments: given } };
}

test.each([
  [{ content: "Paris." }, "Paris."],
  [{ content: "" }, ""],
  [{ content: null }, null],
  [{ content: null, refusal: "No." }, "No."],
  [
    {
      content: [
        { type: "thinking", thinking: [{ type: "text", text: "hm" }] },
        { type: "text", text: "144" },
      ],
    },
    "144",
  ],
  [
    { content: null, tool_calls: [call("f", '{"b": 1, "a": [2, {"d":3,"c":4}]}')] },
    'f({"a":[2,{"c":4,"d":3}],"b":1})',
  ],
  [{ content: null, tool_calls: [call("f", '{"n":9007199254740993}')] }, 'f({"n":9007199254740993})'],
  [{ content: "Two:", tool_calls: [call("f", "{}"), call("g", "not json")] }, "Two:\nf({})\ng(not json)"],
  [{ content: null, tool_calls: [{ type: "custom", custom: { name: "sh", input: "ls" } }] }, "sh(ls)"],
  [{ content: null, function_call: { name: "f", arguments: "{}" } }, "f({})"],
  [null, null],
  ["x", null],
] as const)("a message %j says %j", (message, text) => {
  expect(written(message)).toBe(text);
});

test("a legacy completion says its text", () => {
  expect(answerText(Buffer.from('{"choices":[{"index":0,"text":"Hello","finish_reason":"stop"}]}'))).toBe(
    "Hello",
  );
});

test("arguments that differ in order and white space alone are the same", () => {
  const one = written({ tool_calls: [call("f", '{"a":1,"b":"x y"}')] });
  expect(written({ tool_calls: [call("f", ' { "b" : "x y" , "a" : 1 } ')] })).toBe(one);
  expect(written({ tool_calls: [call("f", '{"a":1,"b":"xy"}')] })).not.toBe(one);
});

test.each(["", "[]", "null", "{", '{"choices":{}}', '{"data":[]}', '{"choices":[]}', "\u0000"])(
  "%j says nothing",
  (body) => {
    expect(answerText(Buffer.from(body))).toBe(null);
  },
);

test("any answer says something or nothing, and nothing throws", () => {
  // One of the recorded answers has neither a text nor a call.
  expect(recordedAnswers().filter(({ body }) => answerText(body) === null).length).toBeLessThan(2);
  const random = randomIntegers(2);
  const deep = "[".repeat(2e4) + "]".repeat(2e4);
  expect(written({ tool_calls: [call("f", deep)] })).toSatisfy(
    (text) => text === null || typeof text === "string",
  );
  for (let turn = 0; turn < 100; turn++) {
    const body = Buffer.from(JSON.stringify(randomAnswer(random)));
    expect(() => answerText(body)).not.toThrow();
    expect(answerText(body.subarray(0, random(body.length)))).toBe(null);
  }
});
