// Google's own SDK asks, and parses what the writers make. The server is one of this test's, on loopback.

import { type Content, FunctionCallingConfigMode, GoogleGenAI, Type } from "@google/genai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCountTokensRequest, writeTokenCount } from "../../../src/dialects/gemini/count_tokens.ts";
import {
  type EmbedAction,
  readEmbedRequest,
  writeEmbedAnswer,
} from "../../../src/dialects/gemini/embeddings.ts";
import { writeGeminiError } from "../../../src/dialects/gemini/error.ts";
import { GEMINI } from "../../../src/dialects/gemini/format.ts";
import type { ChatAnswer } from "../../../src/dialects/neutral/answer.ts";
import { tellAnswer } from "../../../src/dialects/neutral/collect.ts";
import type { ChatRequest } from "../../../src/dialects/neutral/request.ts";
import { usageOf } from "../../../src/dialects/usage.ts";
import { GatewayError } from "../../../src/errors.ts";
import { parseExact } from "../../../src/wire/exact_json.ts";
import { CONTEXT } from "./context.ts";

type Json = Readonly<Record<string, unknown>>;

const ANSWER: ChatAnswer = {
  ...{ id: "answer1", model: "claude", created_s: null },
  choices: [
    {
      index: 0,
      parts: [
        { kind: "thinking", text: "hm", signature: { format: "messages", value: "c2ln" } },
        { kind: "text", text: "Grüße 😀" },
        { kind: "tool_call", id: "toolu_1", name: "weather", arguments: '{"city":"Ulm"}' },
        { kind: "tool_call", id: "toolu_2", name: "weather", arguments: "" },
      ],
      finish: { reason: "tool_calls", raw: "tool_use" },
    },
  ],
  usage: usageOf({ input_tokens: 12, cached_input_tokens: 3, output_tokens: 9, reasoning_tokens: 4 }),
};

/** What was asked last, as the neutral request. */
let asked: ChatRequest | null = null;
let answer: ChatAnswer = ANSWER;

async function serve(request: Request): Promise<Response> {
  const body = parseExact(new Uint8Array(await request.arrayBuffer())) as Json;
  const [model, action] = new URL(request.url).pathname.split("/models/")[1]!.split(":") as [string, string];
  const place = { model, stream: action === "streamGenerateContent" };
  if (action === "batchEmbedContents") {
    const wanted = readEmbedRequest(body, action as EmbedAction, place);
    if (wanted instanceof GatewayError) return failed(wanted);
    const data = (wanted["input"] as string[]).map((text, index) => ({
      index,
      embedding: [text.length, 0.5],
    }));
    return Response.json(writeEmbedAnswer({ data, usage: { prompt_tokens: 3 } }, action));
  }
  const read =
    action === "countTokens" ? readCountTokensRequest(body, place) : GEMINI.readRequest(body, place);
  if (read instanceof GatewayError) return failed(read);
  asked = read;
  if (action === "countTokens") return Response.json(writeTokenCount({ total_tokens: 31, cached_tokens: 0 }));
  if (!place.stream) return Response.json(GEMINI.writeAnswer(answer, CONTEXT));
  const writer = GEMINI.writeStream(CONTEXT);
  let text = "";
  tellAnswer(answer, (event) => {
    text += writer.write(event);
  });
  return new Response(text, { headers: { "content-type": "text/event-stream" } });
}

function failed(error: GatewayError): Response {
  return Response.json(writeGeminiError(error, error.status), { status: error.status });
}

describe("@google/genai", () => {
  let server: ReturnType<typeof Bun.serve>;
  let ai: GoogleGenAI;
  beforeAll(() => {
    server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: serve });
    ai = new GoogleGenAI({ apiKey: "none", httpOptions: { baseUrl: `http://127.0.0.1:${server.port}` } });
  });
  afterAll(() => server.stop(true));

  test("is asked with all that it can say", async () => {
    const history: Content[] = [
      { role: "user", parts: [{ text: "hi" }, { inlineData: { mimeType: "image/png", data: "aGk=" } }] },
      { role: "model", parts: [{ functionCall: { name: "weather", args: { city: "Ulm" } } }] },
      { role: "user", parts: [{ functionResponse: { name: "weather", response: { output: "rain" } } }] },
    ];
    await ai.models.generateContent({
      model: "gemini-2.5-pro",
      contents: history,
      config: {
        ...{ systemInstruction: "Be brief.", temperature: 0.5, topK: 3, maxOutputTokens: 100, seed: 4 },
        ...{ stopSequences: ["END"], candidateCount: 1, responseMimeType: "application/json" },
        responseSchema: { type: Type.OBJECT, properties: { a: { type: Type.STRING, nullable: true } } },
        thinkingConfig: { thinkingBudget: 512, includeThoughts: true },
        toolConfig: {
          functionCallingConfig: { mode: FunctionCallingConfigMode.ANY, allowedFunctionNames: ["weather"] },
        },
        tools: [
          { functionDeclarations: [{ name: "weather", parametersJsonSchema: { type: "object" } }] },
          { googleSearch: {} },
        ],
      },
    });
    expect(asked).toMatchObject({
      ...{ model: "gemini-2.5-pro", stream: false, temperature: 0.5, top_k: 3, max_tokens: 100, seed: 4 },
      ...{ stop: ["END"], choices: 1, tool_choice: { kind: "tool", name: "weather" } },
      reasoning: { budget_tokens: 512, summary: "auto" },
      output: {
        ...{ kind: "schema", strict: null },
        schema: { type: "object", properties: { a: { type: ["string", "null"] } } },
      },
      tools: [{ kind: "function", name: "weather", parameters: { type: "object" } }, { kind: "web_search" }],
      messages: [
        { role: "system", parts: [{ kind: "text", text: "Be brief." }] },
        {
          role: "user",
          parts: [{ text: "hi" }, { kind: "image", source: { kind: "base64", data: "aGk=" } }],
        },
        {
          role: "assistant",
          parts: [{ kind: "tool_call", id: "gcall_0_weather", arguments: '{"city":"Ulm"}' }],
        },
        {
          role: "user",
          parts: [
            { kind: "tool_result", call_id: "gcall_0_weather", content: [{ kind: "text", text: "rain" }] },
          ],
        },
      ],
    });
  });

  test("parses an answer", async () => {
    const response = await ai.models.generateContent({ model: "m", contents: "hi" });
    expect(response.text).toBe("Grüße 😀");
    expect(response.functionCalls).toEqual([
      { id: "toolu_1", name: "weather", args: { city: "Ulm" } },
      { id: "toolu_2", name: "weather", args: {} },
    ]);
    expect(response.candidates?.[0]?.content?.parts?.[0]).toMatchObject({ text: "hm", thought: true });
    expect(response.candidates?.[0]?.finishReason).toBe("STOP");
    expect(response.usageMetadata).toMatchObject({
      ...{ promptTokenCount: 12, cachedContentTokenCount: 3, candidatesTokenCount: 5, thoughtsTokenCount: 4 },
      totalTokenCount: 21,
    });
    expect([response.responseId, response.modelVersion]).toEqual(["answer1", "claude"]);
  });

  test("parses a stream, and its chat brings another provider's signature back", async () => {
    const chat = ai.chats.create({ model: "m" });
    let text = "";
    const calls: unknown[] = [];
    let finish: string | undefined;
    for await (const chunk of await chat.sendMessageStream({ message: "hi" })) {
      text += chunk.text ?? "";
      calls.push(...(chunk.functionCalls ?? []));
      finish = chunk.candidates?.[0]?.finishReason ?? finish;
    }
    expect([text, finish]).toEqual(["Grüße 😀", "STOP"]);
    expect(calls).toHaveLength(2);
    const response = (id: string) => ({
      functionResponse: { id, name: "weather", response: { output: id } },
    });
    await chat.sendMessage({ message: [response("toolu_1"), response("toolu_2")] });
    const [, model, results] = asked!.messages;
    expect(model!.parts).toContainEqual({
      ...{ kind: "thinking", text: "hm", signature: { format: "messages", value: "c2ln" } },
    });
    expect(results!.parts).toMatchObject([
      {
        kind: "tool_result",
        call_id: "toolu_1",
        name: "weather",
        content: [{ kind: "text", text: "toolu_1" }],
      },
      {
        kind: "tool_result",
        call_id: "toolu_2",
        name: "weather",
        content: [{ kind: "text", text: "toolu_2" }],
      },
    ]);
  });

  test("parses an image and a refused prompt", async () => {
    const source = { kind: "base64", media_type: "image/png", data: "aGk=" } as const;
    answer = {
      ...ANSWER,
      choices: [{ index: 0, parts: [{ kind: "image", source }], finish: { reason: "stop" } }],
    };
    expect((await ai.models.generateContent({ model: "m", contents: "hi" })).data).toBe("aGk=");
    answer = { ...ANSWER, choices: [{ index: 0, parts: [], finish: { reason: "content_filter" } }] };
    const refused = await ai.models.generateContent({ model: "m", contents: "hi" });
    expect(refused.candidates?.[0]?.finishReason).toBe("SAFETY");
    answer = ANSWER;
  });

  test("counts, embeds, and throws what went wrong", async () => {
    expect((await ai.models.countTokens({ model: "m", contents: "hi" })).totalTokens).toBe(31);
    const { embeddings } = await ai.models.embedContent({ model: "m", contents: ["a", "bcd"] });
    expect(embeddings?.map(({ values }) => values)).toEqual([
      [1, 0.5],
      [3, 0.5],
    ]);
    const wrong = ai.models.generateContent({
      model: "m",
      contents: [{ role: "nobody", parts: [{ text: "x" }] }],
    });
    await expect(wrong).rejects.toThrow(/contents\[0\]\.role/);
  });
});
