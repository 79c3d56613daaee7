// The simulator calls tools and answers in formats: arguments and instances satisfy the schemas that were given.
// Instances are held against ajv, and the plain and the streamed form against each other.

import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, test } from "vitest";
import { ask, askChat, askStream, streamedText } from "./sim_ask.ts";
import { SCHEMAS } from "./sim_schemas.ts";

const CHAT = "/v1/chat/completions";
const says = (content: unknown): unknown[] => [{ role: "user", content }];

describe("tool", () => {
  const weather = {
    type: "function",
    function: {
      name: "get_weather",
      parameters: {
        type: "object",
        properties: {
          city: { type: "string" },
          unit: { enum: ["c", "f"] },
          days: { type: "integer", minimum: 1, maximum: 7 },
        },
        required: ["city", "days"],
      },
    },
  };
  const news = { type: "function", function: { name: "get_news" } };
  const tools = [weather, news];
  const named = { type: "function", function: { name: "get_news" } };
  const call = { id: "call_7", type: "function", function: { name: "get_weather", arguments: "{}" } };
  const result = [
    ...says("x"),
    { role: "assistant", content: null, tool_calls: [call] },
    { role: "tool", tool_call_id: "call_7", content: "9 °C" },
  ];

  test("calls the first tool with arguments of its schema", async () => {
    const body = await askChat({ model: "tool", messages: says("x"), tools });
    const [choice] = body.choices;
    expect(choice?.finish_reason).toBe("tool_calls");
    expect(choice?.message.content).toBe(null);
    expect(choice?.message.tool_calls?.length).toBe(1);
    const made = choice?.message.tool_calls?.[0];
    expect(made?.function.name).toBe("get_weather");
    const values = JSON.parse(made?.function.arguments ?? "") as Record<string, unknown>;
    expect(new Ajv2020().validate(weather.function.parameters, values)).toBe(true);
    expect(Object.keys(values)).toEqual(["city", "days"]);
    expect(made?.id).toMatch(/^call_[0-9a-f]{24}$/);
  });

  test("streams the same call in pieces", async () => {
    const fields = { model: "tool", messages: says("x"), tools };
    const plain = (await askChat(fields)).choices[0]?.message.tool_calls?.[0];
    const chunks = await askStream(fields);
    const pieces = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(pieces[0]).toMatchObject({
      index: 0,
      id: plain?.id,
      type: "function",
      function: { name: "get_weather" },
    });
    expect(pieces.slice(1).every((piece) => piece.id === undefined)).toBe(true);
    expect(pieces.map((piece) => piece.function.arguments).join("")).toBe(
      plain?.function.arguments as string,
    );
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("tool_calls");
  });

  test.each<[string, Record<string, unknown>, string | null]>([
    ["auto", { tools, tool_choice: "auto" }, "get_weather"],
    ["none", { tools, tool_choice: "none" }, null],
    ["required", { tools, tool_choice: "required" }, "get_weather"],
    ["a name", { tools, tool_choice: named }, "get_news"],
    [
      "allowed tools",
      { tools, tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [named] } } },
      "get_news",
    ],
    ["no parallel calls", { tools, parallel_tool_calls: false }, "get_weather"],
    ["no tools", {}, null],
    ["an empty list", { tools: [] }, null],
    ["a result, auto", { messages: result, tools }, null],
    ["a result, required", { messages: result, tools, tool_choice: "required" }, "get_weather"],
  ])("with %s", async (_name, fields, name) => {
    const body = await askChat({ model: "tool", messages: says("x y"), ...fields });
    const [choice] = body.choices;
    expect(choice?.message.tool_calls?.[0]?.function.name ?? null).toBe(name);
    if (name === null) expect(choice?.finish_reason).toBe("stop");
  });

  test("speaks of the result, and without tools like echo", async () => {
    const after = await askChat({ model: "tool", messages: result, tools });
    expect(after.choices[0]?.message.content).toBe("get_weather answered: 9 °C");
    const without = await askChat({ model: "tool", messages: says("x y") });
    expect(without.choices[0]?.message.content).toBe("x y");
  });

  test("is cut off by max_tokens in its arguments", async () => {
    const body = await askChat({ model: "tool", messages: says("x"), tools, max_tokens: 1 });
    expect(body.choices[0]?.finish_reason).toBe("length");
    expect(body.usage.completion_tokens).toBe(1);
  });

  test("is refused a choice of a tool that is not there", async () => {
    for (const fields of [
      { tool_choice: "required" },
      { tool_choice: { type: "function", function: { name: "other" } }, tools },
    ]) {
      const told = await ask(CHAT, { model: "tool", messages: says("x"), ...fields });
      expect(told.status).toBe(400);
      expect(JSON.parse(told.text).error.param).toBe("tool_choice");
    }
  });
});

describe("response_format", () => {
  test.each(["echo", "lorem", "tool"])(
    "json_object makes %s answer with an object of its text",
    async (model) => {
      const body = await askChat({
        model,
        messages: says('a "b"'),
        response_format: { type: "json_object" },
      });
      const value = JSON.parse(body.choices[0]?.message.content ?? "") as Record<string, string>;
      const text = Object.values(value)[0];
      if (model === "lorem") expect(text).toMatch(/^Lorem ipsum/);
      else expect(value).toEqual({ echo: 'a "b"' });
    },
  );

  test.each(SCHEMAS)("json_schema makes an instance: %s", async (_name, schema) => {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    const validate = ajv.compile(schema);
    for (const question of ["a", "b", "c", "d", "e"]) {
      const fields = {
        model: "echo",
        messages: says(question),
        response_format: { type: "json_schema", json_schema: { name: "it", schema } },
      };
      const text = (await askChat(fields)).choices[0]?.message.content ?? "";
      validate(JSON.parse(text));
      expect(validate.errors, text).toBe(null);
      expect(streamedText(await askStream(fields))).toBe(text);
    }
  });

  test.each<[string, Record<string, unknown>]>([
    [
      "endless nesting",
      { type: "object", properties: { a: { $ref: "#" }, b: { $ref: "#" } }, required: ["a", "b"] },
    ],
    [
      "a loop of references",
      { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } },
    ],
    ["allOf of itself", { allOf: [{ $ref: "#" }, { $ref: "#" }] }],
    ["a billion items", { type: "array", minItems: 1e9, items: { type: "array", minItems: 1e9 } }],
    ["a billion characters", { type: "string", minLength: 1e9 }],
    ["a billion properties", { type: "object", minProperties: 1e9 }],
    ["references to nowhere", { $ref: "#/nowhere/%zz" }],
    ["nonsense", { type: 7, properties: [], required: "x", enum: {}, items: 3, anyOf: [null] }],
  ])("what no instance can satisfy is answered within bounds: %s", async (_name, schema) => {
    const started_ms = performance.now();
    const response_format = { type: "json_schema", json_schema: { name: "it", schema } };
    const body = await askChat({ model: "echo", messages: says("x"), response_format });
    expect(() => JSON.parse(body.choices[0]?.message.content ?? "")).not.toThrow();
    expect(performance.now() - started_ms).toBeLessThan(2000);
  });
});
