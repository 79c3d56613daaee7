// Calls of tools in answers of every format: by names that were offered, with arguments that are an object.

import { expect, test } from "vitest";
import { areToolsCalledWell, type ToolEndpoint } from "../../src/dialects/tool_calls.ts";

type Fields = Record<string, unknown>;

/** How each format offers a tool, and calls one. */
const FORMATS: Readonly<
  Record<
    ToolEndpoint,
    { offer(name: string): Fields; call(name: string, given: string): Fields; none: Fields }
  >
> = {
  "/chat/completions": {
    offer: (name) => ({ tools: [{ type: "function", function: { name } }] }),
    call: (name, given) => ({
      choices: [{ message: { tool_calls: [{ type: "function", function: { name, arguments: given } }] } }],
    }),
    none: { choices: [{ message: { content: "words" } }] },
  },
  "/responses": {
    offer: (name) => ({ tools: [{ type: "function", name }] }),
    call: (name, given) => ({ output: [{ type: "function_call", name, arguments: given }] }),
    none: { output: [{ type: "message", content: [] }] },
  },
  "/messages": {
    offer: (name) => ({ tools: [{ name }] }),
    call: (name, given) => ({ content: [{ type: "tool_use", name, input: parsed(given) }] }),
    none: { content: [{ type: "text", text: "words" }] },
  },
  "/generateContent": {
    offer: (name) => ({ tools: [{ functionDeclarations: [{ name }] }] }),
    call: (name, given) => ({
      candidates: [{ content: { parts: [{ functionCall: { name, args: parsed(given) } }] } }],
    }),
    none: { candidates: [{ content: { parts: [{ text: "words" }] } }] },
  },
};

/** As formats have it whose arguments are no text: what is no JSON stays one. */
function parsed(given: string): unknown {
  try {
    return JSON.parse(given);
  } catch {
    return given;
  }
}

test.each(Object.keys(FORMATS) as ToolEndpoint[])("%s", (endpoint) => {
  const { offer, call, none } = FORMATS[endpoint];
  const judge = (answer: Fields, offered = "weather") => areToolsCalledWell(answer, offer(offered), endpoint);
  expect(judge(call("weather", '{"city":"Oslo"}'))).toBe(true);
  expect(judge(call("weather", "{}"))).toBe(true);
  expect(judge(call("time", "{}"))).toBe(false);
  expect(judge(call("weather", '{"city":'))).toBe(false);
  expect(judge(call("weather", "[1]"))).toBe(false);
  expect(judge(none)).toBe(null);
  for (const odd of [{}, { choices: 1, output: "x", content: null, candidates: [null] }])
    expect(judge(odd)).toBe(null);
  expect(areToolsCalledWell(call("weather", "{}"), {}, endpoint)).toBe(false);
});

test("functions, as chat completions called tools before", () => {
  const request = { functions: [{ name: "weather" }] };
  const answer = (given: string) => ({
    choices: [{ message: { function_call: { name: "weather", arguments: given } } }],
  });
  expect(areToolsCalledWell(answer("{}"), request, "/chat/completions")).toBe(true);
  expect(areToolsCalledWell(answer("{"), request, "/chat/completions")).toBe(false);
});
