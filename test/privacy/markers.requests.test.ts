// Two hundred values in every place of requests to every endpoint: none of them is left anywhere, and none reaches the provider.

import { afterAll, beforeAll, expect, test } from "vitest";
import { loadBuiltinNer } from "../../src/inference/ner/ner.ts";
import { makeRecogniser } from "../../src/privacy/recognisers/recognisers.ts";
import {
  ALL_MARKERS,
  leaksOf,
  type MarkedGateway,
  type Mode,
  markedGateways,
  SLOW_MS,
} from "./marked_gateway.ts";
import { MARKERS, MarkerSearch, NAMED } from "./markers.ts";

const search = new MarkerSearch(ALL_MARKERS);
const texts = MARKERS.map(({ text }) => text);
const parts = texts.map((text) => ({ type: "text", text }));
const half = Math.floor(texts.length / 2);

const { started, end } = markedGateways();
afterAll(end);

beforeAll(() => {
  // What nobody can find proves nothing where it is not found.
  const custom = [
    { name: "STAFF_NUMBER", pattern: "ACME-[0-9]{6}" },
    { name: "CASE_NAME", pattern: "Vorgang [A-Z][a-z]+ [0-9]{4}" },
  ];
  const recognise = makeRecogniser({ custom });
  const found = (text: string) => recognise(text).map(({ start, end }) => text.slice(start, end));
  expect(MARKERS.filter(({ text, value }) => !found(text).includes(value))).toEqual([]);
  const ner = loadBuiltinNer();
  if ("fault" in ner) throw new Error(ner.fault);
  const named = (text: string) => ner.find(text).map(({ start, end }) => text.slice(start, end));
  expect(NAMED.filter(({ text, value }) => !named(text).includes(value))).toEqual([]);
});

/** One value for each name: a record that has all. */
function record(values: readonly string[]): Record<string, string> {
  return Object.fromEntries(values.map((value, index) => [`field_${index}`, value]));
}

/** Bodies of chats, each with all markers in another place. */
const CHATS: Readonly<Record<string, object>> = {
  "what a user says": { messages: [{ role: "user", content: parts }] },
  "what others say": {
    messages: [
      { role: "system", content: texts.slice(0, half).join("\n\n") },
      { role: "developer", content: parts.slice(half) },
      { role: "assistant", content: parts, refusal: texts[0], reasoning_content: texts[1] },
      { role: "user", content: "And then?" },
    ],
  },
  "arguments and results of tools": {
    messages: [
      {
        role: "assistant",
        tool_calls: texts.map((text, index) => ({
          id: `call_${index}`,
          type: "function",
          function: { name: "note", arguments: JSON.stringify({ note: text, deep: [{ text }] }) },
        })),
      },
      ...texts.map((text, index) => ({
        role: "tool",
        tool_call_id: `call_${index}`,
        content: JSON.stringify({ found: [text], again: JSON.stringify({ text }) }),
      })),
    ],
  },
  "arguments in escapes": {
    messages: texts.map((text) => ({
      role: "assistant",
      function_call: { name: "note", arguments: `{"note":${inEscapes(JSON.stringify(text))}}` },
    })),
  },
  "tools and forms": {
    messages: [{ role: "user", content: "Hello" }],
    tools: texts.map((text, index) => ({
      type: "function",
      function: {
        name: `tool_${index}`,
        description: text,
        parameters: {
          type: "object",
          description: text,
          properties: { a: { type: "string", enum: [text], default: text, examples: [text] }, [text]: {} },
        },
      },
    })),
    response_format: {
      type: "json_schema",
      json_schema: { name: "f", description: texts[0], schema: { type: "object", title: texts[1] } },
    },
  },
  "all else": {
    messages: [{ role: "user", content: "Hello" }],
    metadata: { ...record(texts), [texts[0]!]: "x" },
    prediction: { type: "content", content: parts },
    stop: texts,
    user: texts[2],
    safety_identifier: texts[3],
    prompt_cache_key: texts[4],
    web_search_options: { user_location: { approximate: { city: texts[5] } } },
    new_in_the_format: { list: texts, ...record(texts), [texts[6]!]: { [texts[7]!]: 1 } },
  },
  files: {
    messages: [
      {
        role: "user",
        content: texts.map((filename) => ({ type: "file", file: { filename, file_id: "f" } })),
      },
    ],
  },
};

/** What a tool is called with: members that are called like those of the formats. */
const INPUT = { ...record(texts), id: texts[0], name: texts[1], data: [{ type: texts[2] }], [texts[3]!]: 1 };
const SCHEMA = {
  type: "object",
  description: texts[0],
  properties: { a: { type: "string", enum: texts, default: texts[1], examples: [texts[2]] } },
};

/** Bodies of the other formats' requests, with all markers in each of their places. */
const FORMATS: Readonly<Record<"messages" | "responses" | "gemini", readonly object[]>> = {
  messages: [
    { system: parts, messages: [{ role: "user", content: parts }], metadata: { user_id: texts[0] } },
    {
      system: texts.join("\n\n"),
      messages: [
        {
          role: "user",
          content: texts.map((data) => ({
            ...{ type: "document", title: data, context: data },
            source: { type: "text", media_type: "text/plain", data },
          })),
        },
        {
          role: "assistant",
          content: [
            ...texts.map((thinking) => ({ type: "thinking", thinking, signature: "c2ln" })),
            ...parts,
            { type: "tool_use", id: "t1", name: "note", input: INPUT },
          ],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: parts }] },
      ],
      tools: [
        { name: "note", description: texts.join("\n\n"), input_schema: SCHEMA, input_examples: [INPUT] },
      ],
      stop_sequences: texts.slice(0, 4),
      new_in_the_format: { list: texts, ...record(texts) },
    },
  ],
  responses: [
    {
      instructions: texts.join("\n\n"),
      input: [{ role: "user", content: texts.map((text) => ({ type: "input_text", text })) }],
      ...{ user: texts[0], safety_identifier: texts[1], prompt_cache_key: texts[2] },
      metadata: record(texts),
    },
    {
      input: [
        { role: "developer", content: texts.join("\n\n") },
        { type: "reasoning", id: "rs_1", summary: texts.map((text) => ({ type: "summary_text", text })) },
        { type: "function_call", call_id: "c1", name: "note", arguments: JSON.stringify(INPUT) },
        { type: "function_call_output", call_id: "c1", output: JSON.stringify(INPUT) },
        {
          ...{ type: "message", role: "assistant" },
          content: texts.map((text) => ({ type: "output_text", text, annotations: [] })),
        },
        { role: "user", content: texts.map((filename) => ({ type: "input_file", filename, file_id: "f" })) },
      ],
      tools: [{ type: "function", name: "note", description: texts.join("\n\n"), parameters: SCHEMA }],
      text: { format: { type: "json_schema", name: "f", description: texts[0], schema: SCHEMA } },
      new_in_the_format: { list: texts, ...record(texts) },
    },
  ],
  gemini: [
    {
      systemInstruction: { parts: texts.map((text) => ({ text })) },
      contents: [{ role: "user", parts: texts.map((text) => ({ text })) }],
      labels: record(texts),
    },
    {
      contents: [
        { role: "user", parts: [{ text: "Go" }] },
        {
          role: "model",
          parts: [
            ...texts.map((text) => ({ text, thought: true })),
            { functionCall: { name: "note", args: INPUT } },
          ],
        },
        { role: "user", parts: [{ functionResponse: { name: "note", response: INPUT } }] },
      ],
      tools: [
        { functionDeclarations: [{ name: "note", description: texts[0], parametersJsonSchema: SCHEMA }] },
      ],
      generationConfig: { stopSequences: texts.slice(0, 4) },
      new_in_the_format: { list: texts, ...record(texts) },
    },
  ],
};

/** Requests of clients of other formats, to servers of theirs and of chat completions. */
async function sendFormats(gateway: MarkedGateway): Promise<number[]> {
  const statuses: number[] = [];
  for (const [format, bodies] of Object.entries(FORMATS)) {
    for (const body of bodies) {
      for (const model of [format, "dropping"]) {
        for (const stream of [false, true, false]) {
          const path =
            format === "gemini"
              ? `/v1beta/models/${model}:${stream ? "streamGenerateContent" : "generateContent"}`
              : `/v1/${format}`;
          const asked = { ...(format === "messages" ? { max_tokens: 9 } : {}), model, stream };
          const answer = await gateway.post(path, format === "gemini" ? body : { ...asked, ...body });
          statuses.push(answer?.status ?? 0);
        }
      }
    }
  }
  return statuses;
}

/** A JSON string with all of its letters as escapes. */
function inEscapes(json: string): string {
  const text: string = JSON.parse(json);
  return `"${Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`;
}

async function sendEverything(gateway: MarkedGateway): Promise<number[]> {
  const statuses: number[] = [];
  const post = async (path: string, body: object | FormData, headers = {}) => {
    const answer = await gateway.post(path, body, { headers });
    statuses.push(answer?.status ?? 0);
    return answer;
  };
  for (const body of Object.values(CHATS)) {
    for (const stream of [false, true]) {
      // Twice, so that what is kept is given too; and both at once, so that one follows the other.
      await Promise.all([1, 2].map(() => post("/v1/chat/completions", { model: "chat", ...body, stream })));
      await post("/v1/chat/completions", { model: "chat", ...body, stream });
    }
    await post("/v1/chat/completions", { model: "judged", ...body });
  }
  for (const text of texts)
    await post("/v1/chat/completions", { model: "chat", messages: [{ role: "user", content: text }] });
  for (const { text } of NAMED) {
    for (const stream of [false, true]) {
      await post("/v1/chat/completions", {
        model: "named",
        messages: [{ role: "user", content: text }],
        stream,
      });
    }
  }
  for (const model of ["chat", "judged"]) {
    await post("/v1/completions", { model, prompt: texts, suffix: texts[0], user: texts[1] });
    await post("/v1/completions", { model, prompt: texts.join("\n\n"), stream: true });
    await post("/v1/embeddings", { model, input: texts, user: texts[1] });
    await post("/v1/moderations", { model, input: [...texts, ...parts] });
  }
  // A conversation with a name keeps its values.
  for (const name of texts.slice(0, 5)) {
    const headers = { "x-venturi-session": `of ${name.replace(/[^ -~]/g, "")}` };
    for (const body of [CHATS["what a user says"]!, CHATS["what others say"]!]) {
      await post("/v1/chat/completions", { model: "open", ...body }, headers);
    }
  }
  return statuses;
}

/** What is passed on as it comes, or goes nowhere. */
async function sendUnread(gateway: MarkedGateway): Promise<number[]> {
  const statuses: number[] = [];
  for (const { text } of MARKERS.slice(0, 20)) {
    const form = new FormData();
    form.set("model", "chat");
    form.set("prompt", text);
    form.set("file", new File([text], "sound.wav"));
    for (const [path, body] of [
      ["/v1/audio/transcriptions", form],
      ["/v1/images/generations", { model: "chat", prompt: text }],
    ] as const) {
      statuses.push((await gateway.post(path, body))?.status ?? 0);
    }
  }
  return statuses;
}

test.concurrent.each<Mode>(["redact", "mask", "audit"])(
  "values that are to be found by %s",
  { timeout: SLOW_MS },
  async (mode) => {
    const gateway = await started({ mode });
    const told = await sendFormats(gateway);
    expect(told.filter((status) => status !== 200)).toEqual([]);
    const statuses = await sendEverything(gateway);
    expect(statuses.filter((status) => status !== 200 && status !== 400)).toEqual([]);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(texts.length);
    const sent = gateway.upstream.requests.length;
    expect(sent).toBeGreaterThan(100);

    const unread = await sendUnread(gateway);
    expect(new Set(unread)).toEqual(new Set([mode === "audit" ? 200 : 400]));
    if (mode === "audit") {
      // By the path and without a model, nobody's settings but those of the key count.
      for (const { text } of MARKERS.slice(0, 20)) {
        await gateway.post("/up/v1/anything", { prompt: text });
        await gateway.post("/v1/files?purpose=batch", text, { headers: { "content-type": "text/plain" } });
      }
      expect(search.in(Buffer.concat([...gateway.sent().values()])).length).toBeGreaterThan(150);
    } else expect(gateway.upstream.requests.length).toBe(sent);
    expect(await leaksOf(gateway, mode, search)).toEqual([]);
  },
);
