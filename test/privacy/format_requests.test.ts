// Requests of Responses, Messages and Gemini: nothing that is found is left in them, what a provider signed or names stays byte for
// byte, and what was taken out can be put back.

import { describe, expect, test } from "vitest";
import type { Recognise } from "../../src/privacy/entity.ts";
import { Mapping } from "../../src/privacy/mapping.ts";
import type { RedactedEndpoint } from "../../src/privacy/places/places.ts";
import { redactRequest } from "../../src/privacy/redact_request.ts";
import { restoreText } from "../../src/privacy/restore.ts";

type Json = Record<string, unknown>;

/** Emails, and numbers of phones: they are found in numbers of JSON as well. */
const recognise: Recognise = (text) =>
  Array.from(text.matchAll(/[a-z]+@[a-z]+\.example|\+?49\d{9,}/g), ({ 0: found, index }) => ({
    ...{ start: index, end: index + found.length, score: 1 },
    entity: found.includes("@") ? "EMAIL" : "PHONE",
  }));

function redacted(endpoint: RedactedEndpoint, body: unknown, mapping = new Mapping()): string {
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const settings = { entities: ["EMAIL", "PHONE"], secret: Buffer.alloc(32, 1), mode: "redact" as const };
  const result = redactRequest(bytes, { endpoint, recognise, mapping, ...settings });
  if (result.fault !== null) throw new Error(result.fault);
  return Buffer.from(result.bytes).toString();
}

/** A value for each place, all of them different. */
let count = 0;
const fresh = () => {
  const letters = Array.from(String(++count), (digit) => String.fromCharCode(97 + Number(digit))).join("");
  return `${letters}@mail.example`;
};
/** Text with a value in it, and with quotes and a backslash. */
const said = () => `He said "${fresh()}" \\ \u2028 once`;
/** What must stay as it is, though it looks like a value. */
const kept: string[] = [];
const keep = () => {
  const value = `${fresh()}.kept`;
  kept.push(value);
  return value;
};

const SCHEMA = () => ({
  type: "object",
  description: said(),
  required: ["to"],
  properties: {
    to: { type: "string", enum: [fresh(), fresh()], default: fresh(), description: said() },
    name: { type: "object", properties: { id: { type: "string", const: fresh(), examples: [fresh()] } } },
  },
});
/** What a tool is called with: members that are called like those of the formats. */
const INPUT = () => ({
  ...{ id: fresh(), name: fresh(), type: said(), data: fresh(), signature: fresh(), result: fresh() },
  ...{ role: fresh(), title: said(), url: fresh(), source: { data: fresh(), url: fresh(), type: fresh() } },
  list: [fresh(), { id: fresh(), deep: [said()] }],
  [fresh()]: true,
  phone: 491512345678901,
});

const BODIES: Readonly<Record<string, [RedactedEndpoint, () => Json]>> = {
  messages: [
    "/messages",
    () => ({
      model: "m",
      max_tokens: 5,
      system: [{ type: "text", text: said(), cache_control: { type: "ephemeral" } }],
      metadata: { user_id: fresh() },
      stop_sequences: [fresh()],
      messages: [
        { role: "user", content: said() },
        {
          role: "user",
          content: [
            { type: "text", text: said() },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "QUJD".repeat(40) } },
            {
              ...{ type: "document", title: said(), context: said() },
              source: { type: "text", media_type: "text/plain", data: said() },
            },
            { type: "document", source: { type: "content", content: [{ type: "text", text: said() }] } },
            {
              type: "search_result",
              source: fresh(),
              title: said(),
              content: [{ type: "text", text: said() }],
            },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: said(), signature: keep() },
            { type: "redacted_thinking", data: keep() },
            { type: "text", text: said(), citations: [{ cited_text: said(), encrypted_index: keep() }] },
            { type: "tool_use", id: keep(), name: keep(), input: INPUT() },
            { type: "server_tool_use", id: keep(), name: "web_search", input: { query: said() } },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: keep(), content: said() },
            { type: "tool_result", tool_use_id: keep(), content: [{ type: "text", text: said() }] },
            { type: "web_search_tool_result", content: [{ title: said(), encrypted_content: keep() }] },
          ],
        },
      ],
      tools: [{ name: keep(), description: said(), input_schema: SCHEMA(), input_examples: [INPUT()] }],
      output_config: { format: { type: "json_schema", schema: SCHEMA() } },
    }),
  ],
  responses: [
    "/responses",
    () => ({
      model: "m",
      instructions: said(),
      user: fresh(),
      safety_identifier: fresh(),
      prompt_cache_key: fresh(),
      previous_response_id: keep(),
      metadata: { name: fresh(), type: fresh() },
      prompt: { id: keep(), variables: { id: fresh(), who: { type: "input_text", text: said() } } },
      input: [
        { role: "developer", content: said() },
        {
          ...{ type: "message", role: "user" },
          content: [
            { type: "input_text", text: said() },
            { type: "input_image", image_url: "data:image/png;base64,QUJD" },
            { type: "input_file", filename: fresh(), file_data: keep() },
            { type: "input_file", file_url: keep() },
          ],
        },
        {
          ...{ type: "reasoning", id: keep(), encrypted_content: keep() },
          summary: [{ type: "summary_text", text: said() }],
          content: [{ type: "reasoning_text", text: said() }],
        },
        {
          ...{ type: "message", id: keep(), role: "assistant", status: "completed" },
          content: [
            { type: "output_text", text: said(), annotations: [{ type: "url_citation", title: said() }] },
            { type: "refusal", refusal: said() },
          ],
        },
        { type: "function_call", call_id: keep(), name: keep(), arguments: JSON.stringify(INPUT()) },
        { type: "function_call_output", call_id: keep(), output: JSON.stringify(INPUT()) },
        { type: "function_call_output", call_id: keep(), output: [{ type: "input_text", text: said() }] },
        { type: "custom_tool_call", call_id: keep(), name: keep(), input: said() },
        { type: "custom_tool_call_output", call_id: keep(), output: said() },
        {
          type: "file_search_call",
          id: keep(),
          queries: [said()],
          results: [{ text: said(), attributes: { name: fresh(), type: fresh() } }],
        },
      ],
      tools: [
        { type: "function", name: keep(), description: said(), parameters: SCHEMA() },
        { type: "web_search", user_location: { type: "approximate", city: fresh() } },
        { type: "mcp", server_label: keep(), server_description: said(), authorization: keep() },
      ],
      text: { format: { type: "json_schema", name: keep(), description: said(), schema: SCHEMA() } },
    }),
  ],
  gemini: [
    "/generateContent",
    () => ({
      systemInstruction: { parts: [{ text: said() }] },
      labels: { name: fresh(), type: fresh() },
      contents: [
        {
          role: "user",
          parts: [
            { text: said() },
            { inlineData: { mimeType: "image/png", data: keep() } },
            { fileData: { mimeType: "text/plain", fileUri: keep(), displayName: fresh() } },
          ],
        },
        {
          role: "model",
          parts: [
            { text: said(), thought: true, thoughtSignature: keep() },
            { functionCall: { id: keep(), name: keep(), args: INPUT() }, thoughtSignature: keep() },
            { executableCode: { language: "PYTHON", code: said() } },
            { codeExecutionResult: { outcome: "OUTCOME_OK", output: said() } },
          ],
        },
        { role: "user", parts: [{ functionResponse: { id: keep(), name: keep(), response: INPUT() } }] },
      ],
      tools: [
        {
          functionDeclarations: [
            { name: keep(), description: said(), parameters: SCHEMA(), responseJsonSchema: SCHEMA() },
          ],
        },
      ],
      generationConfig: { stopSequences: [fresh()], responseJsonSchema: SCHEMA() },
    }),
  ],
};

/** The same request with Gemini's other way of writing names. */
function snake(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snake);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      // Data have the names that they have.
      /@/.test(name) ? name : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snake(one),
    ]),
  );
}

/** Every string within, and every key. */
function strings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return typeof value === "number" ? [String(value)] : [];
  return Object.entries(value).flatMap(([name, one]) => [
    ...(Array.isArray(value) ? [] : [name]),
    ...strings(one),
  ]);
}

describe.each(Object.keys(BODIES))("a request of %s", (name) => {
  const [endpoint, make] = BODIES[name]!;
  for (const [way, form] of [
    ["as its SDK writes it", (body: Json) => body],
    ["with underscores in its names", snake],
  ] as const) {
    if (way !== "as its SDK writes it" && name !== "gemini") continue;
    test(`has no value left in it, and keeps what is not the client's to change: ${way}`, () => {
      kept.length = 0;
      const body = form(make());
      const mapping = new Mapping();
      const given = redacted(endpoint, body, mapping);
      const left = strings(JSON.parse(given)).flatMap((text) =>
        recognise(text).length > 0 && !kept.some((one) => text === one) ? [text] : [],
      );
      expect(left).toEqual([]);
      const there = strings(JSON.parse(given));
      expect(kept.filter((one) => !there.includes(one))).toEqual([]);
    });

    test(`can be had back: ${way}`, () => {
      const body = form(make()) as Json;
      // Users are hashed, and numbers become texts.
      const text = JSON.stringify(body).replaceAll(/(\\?")phone\\?":\d+/g, "$1phone$1:$1491512345678901$1");
      const clean = JSON.parse(text) as Json;
      for (const one of ["metadata", "user", "safety_identifier", "prompt_cache_key"]) delete clean[one];
      const mapping = new Mapping();
      const given: unknown = JSON.parse(redacted(endpoint, clean, mapping));
      const restore = (value: unknown): unknown => {
        if (typeof value === "string") return restoreText(value, mapping);
        if (Array.isArray(value)) return value.map(restore);
        if (typeof value !== "object" || value === null) return value;
        return Object.fromEntries(
          Object.entries(value).map(([key, one]) => [restoreText(key, mapping), restore(one)]),
        );
      };
      expect(restore(given)).toEqual(clean);
    });
  }

  test("without a value goes out as the very bytes that came", () => {
    const body = JSON.stringify(make(), null, 1)
      .replaceAll(/[a-z]+@[a-z]+\.example/g, "nobody")
      .replaceAll(/49\d{9,}/g, "5");
    const clean = JSON.parse(body) as Json;
    for (const one of ["metadata", "user", "safety_identifier", "prompt_cache_key"]) delete clean[one];
    const text = JSON.stringify(clean, null, 1);
    expect(redacted(endpoint, text)).toBe(text);
  });

  test("of a later turn has the placeholders of the turn before, so that what is signed stays true", () => {
    const first = { endpoint, body: make() };
    const turns = name === "responses" ? "input" : name === "gemini" ? "contents" : "messages";
    const list = first.body[turns] as Json[];
    const next =
      name === "gemini" ? { role: "user", parts: [{ text: said() }] } : { role: "user", content: said() };
    const tools = first.body["tools"];
    delete first.body["tools"];
    const before = JSON.parse(redacted(endpoint, { ...first.body, tools })) as Json;
    const after = JSON.parse(redacted(endpoint, { ...first.body, [turns]: [...list, next], tools })) as Json;
    expect((after[turns] as Json[]).slice(0, -1)).toEqual(before[turns] as Json[]);
  });
});

test("a name of a user becomes the same hash each time, and another's another", () => {
  const of = (user_id: string) =>
    (JSON.parse(redacted("/messages", { messages: [], metadata: { user_id } })) as { metadata: Json })
      .metadata["user_id"];
  expect(of("ada")).toMatch(/^[0-9a-f]{32}$/);
  expect(of("ada")).toBe(of("ada"));
  expect(of("ada")).not.toBe(of("bob"));
});

test("what a tool is called with is searched as one text: a value is known by the name of its field", () => {
  const asked: string[] = [];
  const listen: Recognise = (text) => {
    asked.push(text);
    return [];
  };
  const body = { messages: [{ content: [{ type: "tool_use", input: { iban: "DE02", name: "Ada" } }] }] };
  redactRequest(Buffer.from(JSON.stringify(body)), {
    ...{ endpoint: "/messages", recognise: listen, mapping: new Mapping(), mode: "redact" },
    ...{ entities: ["IBAN"], secret: Buffer.alloc(32) },
  });
  expect(asked).toContain("iban: DE02\nname: Ada\n");
});
