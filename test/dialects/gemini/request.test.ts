import { describe, expect, test } from "vitest";
import type { OnUnsupported } from "../../../src/config/plan.ts";
import {
  readCountTokensRequest,
  readTokenCount,
  writeCountTokensRequest,
  writeTokenCount,
} from "../../../src/dialects/gemini/count_tokens.ts";
import { GEMINI } from "../../../src/dialects/gemini/format.ts";
import { NO_SIGNATURE, writeSignature } from "../../../src/dialects/gemini/signature.ts";
import { Losses } from "../../../src/dialects/neutral/losses.ts";
import type { Message, Part, ToolCallPart } from "../../../src/dialects/neutral/parts.ts";
import { type ChatRequest, EMPTY_REQUEST } from "../../../src/dialects/neutral/request.ts";
import { GatewayError } from "../../../src/errors.ts";
import { parseExact } from "../../../src/wire/exact_json.ts";

type Json = Readonly<Record<string, unknown>>;

const PLACE = { model: "gemini-2.5-flash", stream: true };

function read(body: Json): ChatRequest {
  const request = GEMINI.readRequest(body, PLACE);
  if (request instanceof GatewayError) throw new Error(request.message);
  return request;
}

function refused(body: Json): [string, string | null] {
  const error = GEMINI.readRequest(body, PLACE);
  if (!(error instanceof GatewayError)) throw new Error("was not refused");
  return [error.code, error.param];
}

function write(
  request: Partial<ChatRequest>,
  { model = "gemini-2.5-flash", provider_kind = "gemini", policy = "default" as OnUnsupported } = {},
) {
  const losses = new Losses(policy, "gemini/x");
  const messages: Message[] = [{ role: "user", parts: [{ kind: "text", text: "hi" }] }];
  const written = GEMINI.writeRequest(
    { ...EMPTY_REQUEST, model, messages, ...request },
    { model, provider_kind },
    losses,
  );
  return { body: JSON.parse(JSON.stringify(written)) as Json, losses };
}

function call(id: string, name: string, more: Partial<ToolCallPart> = {}): ToolCallPart {
  return { kind: "tool_call", id, name, arguments: "{}", ...more };
}

function result(call_id: string, text: string, more: Partial<Part> = {}): Part {
  return {
    kind: "tool_result",
    call_id,
    content: [{ kind: "text", text }],
    is_error: false,
    ...more,
  } as Part;
}

describe("reading", () => {
  test("snake_case says the same as camelCase", () => {
    const request = read({
      system_instruction: { parts: [{ text: "s" }] },
      contents: [{ parts: [{ inline_data: { mime_type: "audio/wav", data: "aa" } }] }],
      generation_config: {
        ...{ max_output_tokens: 5, top_k: 2, response_mime_type: "application/json" },
        response_schema: { any_of: [{ type: "STRING", max_length: "7" }], property_ordering: ["a"] },
        thinking_config: { thinking_budget: -1, include_thoughts: false },
      },
      tool_config: { function_calling_config: { mode: "any", allowed_function_names: ["f"] } },
      tools: [
        {
          function_declarations: [
            { name: "f", parameters: { type: "OBJECT", properties: { a_b: { type: "STRING" } } } },
          ],
        },
      ],
      safety_settings: [],
    });
    expect(request).toMatchObject({
      ...{
        stream: true,
        asks_usage: true,
        max_tokens: 5,
        top_k: 2,
        tool_choice: { kind: "tool", name: "f" },
      },
      messages: [
        { role: "system", parts: [{ kind: "text", text: "s" }] },
        {
          role: "user",
          parts: [{ kind: "audio", source: { kind: "base64", media_type: "audio/wav", data: "aa" } }],
        },
      ],
      output: { kind: "schema", schema: { anyOf: [{ type: "string", maxLength: 7 }] } },
      reasoning: { mode: "adaptive", summary: "none" },
      // A parameter's own name stays.
      tools: [{ kind: "function", parameters: { type: "object", properties: { a_b: { type: "string" } } } }],
      own: { format: "gemini", fields: { safetySettings: [] } },
    });
  });

  test("responses find their calls: by id, else in the order of their names", () => {
    const respond = (name: string, id?: string) => ({
      functionResponse: { name, response: { output: "x" }, ...(id === undefined ? {} : { id }) },
    });
    const { messages } = read({
      contents: [
        { role: "user", parts: [{ text: "go" }] },
        {
          role: "model",
          parts: [
            { functionCall: { name: "f", args: { n: 1 } } },
            { functionCall: { name: "g" } },
            { functionCall: { name: "f", args: { n: 2 }, id: "mine" } },
            { functionCall: { name: "f", args: { n: 3 } } },
          ],
        },
        {
          role: "function",
          parts: [respond("f", "mine"), respond("g"), respond("f"), respond("f"), respond("f")],
        },
      ],
    });
    const ids = messages[1]!.parts.map((part) => (part as ToolCallPart).id);
    expect(new Set(ids).size).toBe(4);
    const answered = messages[2]!.parts.map((part) => (part.kind === "tool_result" ? part.call_id : ""));
    expect(answered.slice(0, 4)).toEqual(["mine", ids[1], ids[0], ids[3]]);
    // One too many is for a call of its own.
    expect(ids).not.toContain(answered[4]);
    expect(messages[2]!.role).toBe("user");
  });

  test("what a function gave back is a text, and an error if it says so", () => {
    const cases: [unknown, string, boolean][] = [
      [{ output: "sunny" }, "sunny", false],
      [{ output: { a: 1 } }, '{"a":1}', false],
      [{ error: "broken" }, "broken", true],
      [{ error: { code: 5 } }, '{"code":5}', true],
      [{ temp: 5, unit: "C" }, '{"temp":5,"unit":"C"}', false],
      [{ error: null, temp: 5 }, '{"error":null,"temp":5}', false],
      [{ output: "" }, "", false],
      [null, "", false],
    ];
    for (const [response, text, is_error] of cases) {
      const { messages } = read({ contents: [{ parts: [{ functionResponse: { name: "f", response } }] }] });
      const content = text === "" ? [] : [{ kind: "text", text }];
      expect(messages[0]!.parts[0]).toMatchObject({ kind: "tool_result", content, is_error });
    }
  });

  test("files at Google are Google's, others are at their URLs", () => {
    const file = (fileUri: string, mimeType?: string) => ({
      fileData: { fileUri, ...(mimeType ? { mimeType } : {}) },
    });
    const { messages } = read({
      contents: [
        {
          parts: [
            file("gs://b/a", "video/mp4"),
            file("https://generativelanguage.googleapis.com/v1beta/files/1", "application/pdf"),
            file("https://www.youtube.com/watch?v=1"),
            file("https://example.com/a.PNG?x=1"),
          ],
        },
      ],
    });
    expect(messages[0]!.parts).toMatchObject([
      { kind: "video", source: { kind: "file", id: "gs://b/a" } },
      { kind: "file", source: { kind: "file" } },
      { kind: "video", source: { kind: "url", url: "https://www.youtube.com/watch?v=1" } },
      { kind: "image", source: { kind: "url" } },
    ]);
  });

  test("pieces of a streamed answer, as SDKs keep them, are one; what another provider signed is its again", () => {
    const signature = writeSignature({ signature: { format: "messages", value: "sig" }, id: "t1" });
    const encrypted = writeSignature({ encrypted: { format: "responses", value: "enc" }, id: "rs" });
    const pieces = [
      ...[
        { text: "I ", thought: true },
        { text: "think", thought: true },
      ],
      { text: "", thought: true, thoughtSignature: signature },
      { text: "", thought: true, thoughtSignature: encrypted },
      ...[{ text: "a" }, { text: "b" }, { functionCall: { name: "f", id: "1" } }, { text: "c" }],
    ];
    const { messages } = read({
      contents: [{ parts: [{ text: "q" }] }, ...pieces.map((part) => ({ role: "model", parts: [part] }))],
    });
    expect(messages).toHaveLength(2);
    expect(messages[1]!.parts).toEqual([
      { kind: "thinking", text: "I think", signature: { format: "messages", value: "sig" }, id: "t1" },
      { kind: "thinking", text: "", encrypted: { format: "responses", value: "enc" }, id: "rs" },
      { kind: "text", text: "ab" },
      { kind: "tool_call", id: "1", name: "f", arguments: "{}" },
      { kind: "text", text: "c" },
    ]);
  });

  test("a made-up mark in a signature is no other provider's", () => {
    const thoughtSignature = Buffer.from("venturi-signature:{oops").toString("base64");
    const { messages } = read({ contents: [{ role: "model", parts: [{ text: "a", thoughtSignature }] }] });
    expect(messages[0]!.parts[0]).toMatchObject({ signature: { format: "gemini", value: thoughtSignature } });
  });

  test("numbers keep their digits", () => {
    const text =
      '{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"n":12345678901234567890}}}]}],"generationConfig":{"seed":9007199254740993}}';
    const request = read(parseExact(Buffer.from(text)) as Json);
    expect(request.messages[0]!.parts[0]).toMatchObject({ arguments: '{"n":12345678901234567890}' });
    const losses = new Losses("error", "x");
    const written = JSON.stringify(
      GEMINI.writeRequest(request, { model: "gemini-2.5-pro", provider_kind: "gemini" }, losses),
    );
    expect(written).toContain('"n":12345678901234567890');
    expect(written).toContain('"seed":9007199254740993');
  });

  test("what is wrong is refused by its name", () => {
    expect(refused({})).toEqual(["missing_required_parameter", "contents"]);
    expect(refused({ contents: [5] })).toEqual(["invalid_type", "contents[0]"]);
    expect(refused({ contents: [{ role: "assistant", parts: [] }] })).toEqual([
      "invalid_value",
      "contents[0].role",
    ]);
    expect(refused({ contents: [{ parts: [null] }] })).toEqual(["invalid_type", "contents[0].parts[0]"]);
    expect(refused({ contents: [], tools: {} })).toEqual(["invalid_type", "tools"]);
    expect(refused({ contents: [], systemInstruction: 5 })).toEqual(["invalid_type", "systemInstruction"]);
    expect(refused({ contents: [], generationConfig: 5 })).toEqual(["invalid_type", "generationConfig"]);
    expect(refused({ contents: [], generationConfig: { topP: "1" } })).toEqual([
      "invalid_type",
      "generationConfig.topP",
    ]);
    expect(refused({ contents: [], generationConfig: { stopSequences: [1] } })[1]).toBe(
      "generationConfig.stopSequences",
    );
    const nameless = GEMINI.readRequest({ contents: [] }, { model: null, stream: false });
    expect(nameless).toMatchObject({ code: "missing_required_parameter", param: "model" });
  });

  test("a prototype is not touched by a name", () => {
    const body = parseExact(
      Buffer.from('{"__proto__":{"x":1},"generation_config":{"__proto__":{"topK":1}},"contents":[]}'),
    ) as Json;
    const { top_k } = read(body);
    expect([top_k, ({} as Json)["x"]]).toEqual([null, undefined]);
  });
});

describe("writing", () => {
  test("system and developer prompts are the system's instruction; alone they are the question", () => {
    const messages: Message[] = [
      { role: "system", parts: [{ kind: "text", text: "a" }] },
      { role: "user", parts: [{ kind: "text", text: "b" }] },
      { role: "developer", parts: [{ kind: "text", text: "c" }] },
      { role: "user", parts: [{ kind: "text", text: "d" }] },
    ];
    expect(write({ messages }).body).toEqual({
      systemInstruction: { parts: [{ text: "a" }, { text: "c" }] },
      contents: [{ role: "user", parts: [{ text: "b" }, { text: "d" }] }],
    });
    expect(write({ messages: messages.slice(0, 1) }).body).toEqual({
      contents: [{ role: "user", parts: [{ text: "a" }] }],
    });
  });

  const TURN: Message[] = [
    { role: "user", parts: [{ kind: "text", text: "q" }] },
    { role: "assistant", parts: [call("call_a", "f"), call("call_b", "g", { arguments: '{"x":1}' })] },
    { role: "tool", parts: [result("call_b", "B")] },
    { role: "tool", parts: [result("call_a", '{"t":1}')] },
    { role: "user", parts: [{ kind: "text", text: "and?" }] },
  ];

  test("results come in one content, named and in the order of their calls", () => {
    expect(write({ messages: TURN }).body["contents"]).toEqual([
      { role: "user", parts: [{ text: "q" }] },
      {
        role: "model",
        parts: [
          { functionCall: { id: "call_a", name: "f", args: {} } },
          { functionCall: { id: "call_b", name: "g", args: { x: 1 } } },
        ],
      },
      {
        role: "user",
        parts: [
          { functionResponse: { id: "call_a", name: "f", response: { t: 1 } } },
          { functionResponse: { id: "call_b", name: "g", response: { output: "B" } } },
          { text: "and?" },
        ],
      },
    ]);
  });

  test("models from 3 on get a signature for the first call of a turn that has none of Gemini's", () => {
    const [, unsigned] = write({ messages: TURN }, { model: "gemini-3-flash-preview" }).body[
      "contents"
    ] as Json[];
    expect(unsigned!["parts"]).toMatchObject([
      { thoughtSignature: NO_SIGNATURE },
      { functionCall: { id: "call_b" } },
    ]);
    expect((unsigned!["parts"] as Json[])[1]).not.toHaveProperty("thoughtSignature");
    for (const [signature, expected] of [
      [{ format: "gemini", value: "own" }, "own"],
      [{ format: "messages", value: "foreign" }, NO_SIGNATURE],
    ] as const) {
      const messages: Message[] = [{ role: "assistant", parts: [call("a", "f", { signature })] }];
      const [content] = write({ messages }, { model: "gemini-flash-latest" }).body["contents"] as Json[];
      expect(content!["parts"]).toMatchObject([{ thoughtSignature: expected }]);
    }
  });

  test("ids are told where they are known: not those that were made, not to Vertex's older models", () => {
    const idsOf = (body: Json) =>
      JSON.stringify(body)
        .split('"id":')
        .slice(1)
        .map((rest) => rest.split('"')[1]);
    expect(idsOf(write({ messages: TURN }, { provider_kind: "vertex" }).body)).toEqual([]);
    const third = { provider_kind: "vertex", model: "gemini-3-pro-preview" };
    expect(idsOf(write({ messages: TURN }, third).body)).toEqual(["call_a", "call_b", "call_a", "call_b"]);
    const made: Message[] = [
      { role: "assistant", parts: [call("gcall_0_x", "f")] },
      { role: "tool", parts: [result("gcall_0_x", "r")] },
    ];
    expect(idsOf(write({ messages: made }, third).body)).toEqual([]);
  });

  test("a result's picture is inside of it from 3 on, and behind all responses before", () => {
    const image = { kind: "image", source: { kind: "base64", media_type: "image/png", data: "aa" } } as const;
    const messages: Message[] = [
      { role: "assistant", parts: [call("a", "f"), call("b", "g")] },
      {
        role: "user",
        parts: [
          { ...result("a", "see"), content: [{ kind: "text", text: "see" }, image] } as Part,
          result("b", "x"),
        ],
      },
    ];
    const inline = { inlineData: { mimeType: "image/png", data: "aa" } };
    const partsFor = (model: string) =>
      (write({ messages }, { model }).body["contents"] as Json[])[1]!["parts"] as Json[];
    expect(partsFor("gemini-2.5-pro")).toMatchObject([
      { functionResponse: {} },
      { functionResponse: {} },
      inline,
    ]);
    expect(partsFor("gemini-3-pro")).toMatchObject([
      { functionResponse: { parts: [inline] } },
      { functionResponse: {} },
    ]);
    expect(partsFor("gemini-3-pro")).toHaveLength(2);
  });

  test("arguments and results that are no objects are carried all the same", () => {
    const messages: Message[] = [
      {
        role: "assistant",
        parts: [
          ...[
            call("1", "f", { arguments: "" }),
            call("2", "f", { arguments: '{"a":' }),
            call("3", "f", { arguments: "[1]" }),
          ],
          call("4", "f", { arguments: "free text", is_custom: true }),
        ],
      },
      {
        role: "tool",
        parts: [
          result("1", '{"id":12345678901234567890}'),
          result("2", "[1]"),
          result("3", "why", { is_error: true } as Partial<Part>),
        ],
      },
    ];
    const [model, user] = write({ messages }).body["contents"] as { parts: Json[] }[];
    expect(model!.parts.map(({ functionCall }) => (functionCall as Json)["args"])).toEqual([
      ...[{}, { INVALID_JSON: '{"a":' }, { INVALID_JSON: "[1]" }, { input: "free text" }],
    ]);
    // The protocol's numbers are doubles: what they cannot hold goes as a text.
    expect(user!.parts.map(({ functionResponse }) => (functionResponse as Json)["response"])).toEqual([
      ...[{ output: '{"id":12345678901234567890}' }, { output: "[1]" }, { error: "why" }],
    ]);
  });

  test("schemas go whole, as JSON Schema", () => {
    const schema = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      $defs: { a: {} },
      additionalProperties: false,
    };
    const { $schema: _, ...said } = schema;
    const { body } = write({
      output: { kind: "schema", name: "n", schema, strict: true },
      tools: [
        {
          kind: "function",
          name: "f",
          description: "d",
          parameters: { ...schema, properties: { a: { $ref: "#/$defs/a" } } },
        },
        { kind: "function", name: "g", parameters: { type: "object", properties: {} } },
        { kind: "web_search" },
        { kind: "code" },
      ],
    });
    expect(body["generationConfig"]).toEqual({
      responseMimeType: "application/json",
      responseJsonSchema: said,
    });
    expect(body["tools"]).toEqual([
      {
        functionDeclarations: [
          {
            name: "f",
            description: "d",
            parametersJsonSchema: { ...said, properties: { a: { $ref: "#/$defs/a" } } },
          },
          { name: "g" },
        ],
      },
      { googleSearch: {} },
      { codeExecution: {} },
    ]);
  });

  test("every choice of tools, and strict ones", () => {
    const tools = [{ kind: "function", name: "f", strict: true } as const];
    const calling = (request: Partial<ChatRequest>) =>
      (write(request).body["toolConfig"] as Json | undefined)?.["functionCallingConfig"];
    expect(calling({ tool_choice: { kind: "none" } })).toEqual({ mode: "NONE" });
    expect(calling({ tool_choice: { kind: "auto" } })).toEqual({ mode: "AUTO" });
    expect(calling({ tool_choice: { kind: "required" } })).toEqual({ mode: "ANY" });
    expect(calling({ tool_choice: { kind: "tool", name: "f" } })).toEqual({
      mode: "ANY",
      allowedFunctionNames: ["f"],
    });
    const allowed = (mode: "auto" | "required") =>
      calling({ tool_choice: { kind: "allowed", mode, names: ["f"] } });
    expect(allowed("auto")).toEqual({ mode: "VALIDATED", allowedFunctionNames: ["f"] });
    expect(allowed("required")).toEqual({ mode: "ANY", allowedFunctionNames: ["f"] });
    expect(calling({ tools })).toEqual({ mode: "VALIDATED" });
    expect(write({ tools }, { model: "gemini-2.0-flash" }).body["toolConfig"]).toBeUndefined();
    expect(calling({})).toBeUndefined();
  });

  test("thinking, as each generation is told of it", () => {
    const cases: [string, NonNullable<ChatRequest["reasoning"]>, unknown][] = [
      ["gemini-2.5-flash", { effort: "low" }, { thinkingBudget: 1024 }],
      ["gemini-2.5-flash", { effort: "none" }, { thinkingBudget: 0 }],
      ["gemini-2.5-pro", { effort: "none" }, { thinkingBudget: 128 }],
      ["gemini-2.5-pro", { effort: "max" }, { thinkingBudget: 32768 }],
      ["gemini-2.5-flash", { effort: "max" }, { thinkingBudget: 24576 }],
      ["gemini-2.5-flash", { budget_tokens: 3000, effort: "low" }, { thinkingBudget: 3000 }],
      ["gemini-2.5-flash", { mode: "adaptive" }, { thinkingBudget: -1 }],
      ["gemini-2.5-flash", { summary: "auto" }, { includeThoughts: true }],
      ["gemini-3-flash-preview", { effort: "minimal" }, { thinkingLevel: "MINIMAL" }],
      ["gemini-3-flash-preview", { mode: "off" }, { thinkingLevel: "MINIMAL" }],
      ["gemini-3.1-pro-preview", { effort: "none" }, { thinkingLevel: "LOW" }],
      ["gemini-3-pro-preview", { effort: "medium" }, { thinkingLevel: "HIGH" }],
      ["gemini-3.1-pro-preview", { effort: "medium", budget_tokens: 5 }, { thinkingLevel: "MEDIUM" }],
      ["models/gemini-3-pro", { budget_tokens: 2000 }, { thinkingBudget: 2000 }],
      [
        "gemini-flash-latest",
        { effort: "xhigh", summary: "none" },
        { thinkingLevel: "HIGH", includeThoughts: false },
      ],
      ["gemini-2.0-flash", { effort: "high" }, undefined],
    ];
    for (const [model, reasoning, expected] of cases) {
      const config = write({ reasoning }, { model }).body["generationConfig"] as Json | undefined;
      expect([model, config?.["thinkingConfig"]]).toEqual([model, expected]);
    }
    expect(write({ reasoning: { effort: "high" } }, { model: "gemini-2.0-flash" }).losses.dropped).toEqual([
      "reasoning_effort",
    ]);
  });

  test("thoughts of other providers stay behind, Gemini's and unsigned ones go along", () => {
    const thinking = (format: "gemini" | "messages" | null): Part => ({
      ...{ kind: "thinking", text: "t" },
      ...(format === null ? {} : { signature: { format, value: "c2ln" } }),
    });
    const messages: Message[] = [
      { role: "assistant", parts: [thinking("gemini"), thinking("messages"), thinking(null)] },
    ];
    const { body, losses } = write({ messages });
    expect(body["contents"]).toEqual([
      {
        role: "model",
        parts: [
          { text: "t", thought: true, thoughtSignature: "c2ln" },
          { text: "t", thought: true },
        ],
      },
    ]);
    expect([losses.error, losses.dropped]).toEqual([null, ["messages.reasoning"]]);
  });

  test("media at URLs go as files where Google can read them", () => {
    const image = (url: string): Part => ({ kind: "image", source: { kind: "url", url } });
    const messages: Message[] = [
      {
        role: "user",
        parts: [
          ...[
            image("https://x.example/a.webp"),
            image("gs://b/c"),
            { kind: "file", source: { kind: "text", text: "hé" } } as const,
          ],
          {
            kind: "file",
            source: { kind: "base64", media_type: "application/pdf", data: "aa" },
            name: "a.pdf",
          },
        ],
      },
    ];
    expect((write({ messages }).body["contents"] as Json[])[0]!["parts"]).toEqual([
      { fileData: { fileUri: "https://x.example/a.webp", mimeType: "image/webp" } },
      { fileData: { fileUri: "gs://b/c", mimeType: "image/jpeg" } },
      { inlineData: { mimeType: "text/plain", data: Buffer.from("hé").toString("base64") } },
      { inlineData: { mimeType: "application/pdf", data: "aa" } },
    ]);
    for (const part of [
      image("http://x.example/a.png"),
      { kind: "file", source: { kind: "file", id: "file-abc" } } as const,
    ]) {
      expect(write({ messages: [{ role: "user", parts: [part] }] }).losses.error?.code).toBe("invalid_value");
      const dropped = write({ messages: [{ role: "user", parts: [part] }] }, { policy: "drop" });
      expect(dropped.losses.error).toBeNull();
    }
  });

  test("what Gemini has no word for is lost: meaning refuses, hints are dropped", () => {
    const hints = write({
      ...{
        parallel_tool_calls: false,
        user: "u",
        metadata: { a: "b" },
        prompt_cache_key: "k",
        verbosity: "low",
        min_p: 0.1,
      },
      ...{ service_tier: "scale" },
      messages: [
        {
          ...{ role: "user", name: "ada" },
          parts: [
            { kind: "text", text: "x", cache: { ttl: null } },
            { kind: "image", source: { kind: "url", url: "https://x.example/a.png" }, detail: "high" },
          ],
        },
      ],
    });
    expect(hints.losses.error).toBeNull();
    expect(hints.losses.dropped.toSorted()).toEqual([
      ...["messages.cache_control", "messages.content.image_url.detail", "messages.name", "metadata"],
      ...["min_p", "parallel_tool_calls", "prompt_cache_key"],
      ...["service_tier", "user", "verbosity"],
    ]);
    const stop = ["a", "b", "c", "d", "e", "f"];
    expect(write({ stop }).losses.error?.param).toBe("stop");
    expect(write({ stop }, { policy: "drop" }).body["generationConfig"]).toEqual({
      stopSequences: stop.slice(0, 5),
    });
    expect(write({ logit_bias: { "1": 5 } }).losses.error?.param).toBe("logit_bias");
    expect(write({ tools: [{ kind: "custom", name: "c" }] }).losses.error?.param).toBe("tools.custom");
    const own = { format: "messages", fields: { type: "computer" } } as const;
    expect(write({ tools: [{ kind: "own", own }] }).losses.error?.param).toBe("tools");
  });

  test("a prototype is not touched by arguments", () => {
    const messages: Message[] = [
      { role: "assistant", parts: [call("1", "f", { arguments: '{"__proto__":{"x":1}}' })] },
    ];
    const text = JSON.stringify(write({ messages }).body);
    expect(({} as Json)["x"]).toBeUndefined();
    expect(text).toContain("args");
  });
});

describe("counting tokens", () => {
  test("either form is read, and each provider is asked in its own", () => {
    const contents = [{ role: "user", parts: [{ text: "hi" }] }];
    const whole = {
      generateContentRequest: { model: "models/x", contents, systemInstruction: { parts: [{ text: "s" }] } },
    };
    const request = readCountTokensRequest(whole, PLACE);
    if (request instanceof GatewayError) throw new Error(request.message);
    expect(request.messages.map(({ role }) => role)).toEqual(["system", "user"]);
    expect(readCountTokensRequest({ contents }, PLACE)).toMatchObject({ messages: [{ role: "user" }] });
    const losses = new Losses("error", "x");
    const asked = { ...request, tool_choice: { kind: "auto" } as const };
    const at_gemini = writeCountTokensRequest(
      asked,
      { model: "gemini-2.5-pro", provider_kind: "gemini" },
      losses,
    );
    expect(at_gemini).toMatchObject({ generateContentRequest: { model: "models/gemini-2.5-pro", contents } });
    const at_vertex = writeCountTokensRequest(
      asked,
      { model: "gemini-2.5-pro", provider_kind: "vertex" },
      losses,
    );
    expect(Object.keys(at_vertex).toSorted()).toEqual(["contents", "systemInstruction"]);
  });

  test("a count is read and written", () => {
    expect(readTokenCount({ totalTokens: 5, cachedContentTokenCount: 2 })).toEqual({
      total_tokens: 5,
      cached_tokens: 2,
    });
    expect(readTokenCount(writeTokenCount({ total_tokens: 7, cached_tokens: 0 }) as Json)).toEqual({
      total_tokens: 7,
      cached_tokens: 0,
    });
    expect(readTokenCount({})).toBeNull();
  });
});
