// What requests of every format need, and that words of media which are no media need nothing.

import { describe, expect, test } from "vitest";
import { ALL_NEEDS, needBit, needNames } from "../../src/config/needs.ts";
import { MESSAGES } from "../../src/dialects/anthropic/client.ts";
import type { ClientFormatName } from "../../src/dialects/client_format.ts";
import { GENERATE_CONTENT } from "../../src/dialects/gemini/client.ts";
import { readNeeds } from "../../src/dialects/needs.ts";
import { CHAT, COMPLETIONS, type OpenAIRequest, readRequest } from "../../src/dialects/openai/request.ts";
import { RESPONSES } from "../../src/dialects/responses/client.ts";
import { GatewayError } from "../../src/errors.ts";

const SHAPES = {
  chat: CHAT,
  completions: COMPLETIONS,
  responses: RESPONSES,
  messages: MESSAGES,
  gemini: GENERATE_CONTENT,
};

function requestOf(format: keyof typeof SHAPES, body: object): OpenAIRequest {
  const place = format === "gemini" ? { model: "m", stream: false } : null;
  const read = readRequest(Buffer.from(JSON.stringify({ model: "m", ...body })), SHAPES[format], place);
  if (read instanceof GatewayError) throw new Error(read.message);
  return read;
}

const said = (...content: object[]) => ({
  messages: [
    { role: "system", content: "S" },
    { role: "user", content },
  ],
});
const input = (...content: object[]) => ({ input: [{ role: "user", content }] });
const parts = (...all: object[]) => ({ contents: [{ role: "user", parts: all }] });
const TOOL = {
  type: "function",
  function: { name: "file", parameters: { type: "object", properties: { image_url: { type: "string" } } } },
};

describe("needs", () => {
  test.each<[keyof typeof SHAPES, object, string]>([
    ["chat", said({ type: "text", text: "Hi" }), ""],
    [
      "chat",
      said(
        { type: "text", text: "x" },
        { type: "image_url", image_url: { url: "data:image/png;base64,AA" } },
      ),
      "vision",
    ],
    ["chat", said({ type: "input_audio", input_audio: { data: "AA", format: "wav" } }), "audio"],
    ["chat", said({ type: "file", file: { file_data: "data:application/pdf;base64,AA" } }), "pdf"],
    ["chat", said({ type: "video_url", video_url: { url: "https://a/b.mp4" } }), "video"],
    ["chat", { ...said(), tools: [TOOL] }, "tools"],
    ["chat", { ...said(), functions: [{ name: "f" }] }, "tools"],
    ["chat", { ...said(), tools: [] }, ""],
    ["chat", { ...said(), response_format: { type: "json_schema", json_schema: {} } }, "json_schema"],
    ["chat", { ...said(), response_format: { type: "json_object" } }, ""],
    ["chat", { ...said(), reasoning_effort: "high" }, "reasoning"],
    ["chat", { ...said(), reasoning_effort: "none" }, ""],
    // What is said of media, or has their names as keys, is none.
    [
      "chat",
      { messages: [{ role: "user", content: 'Send {"type":"image_url"} and "file"' }], tools: [TOOL] },
      "tools",
    ],
    [
      "chat",
      {
        messages: [
          { role: "user", content: "file" },
          { role: "user", content: "image_url" },
        ],
      },
      "",
    ],
    ["completions", { prompt: '"image_url"' }, ""],
    ["responses", { input: "Hi" }, ""],
    [
      "responses",
      input({ type: "input_text", text: "x" }, { type: "input_image", image_url: "https://a/b.png" }),
      "vision",
    ],
    ["responses", input({ type: "input_file", file_id: "f" }), "pdf"],
    [
      "responses",
      {
        input: [
          { type: "function_call_output", call_id: "c", output: [{ type: "input_image", file_id: "f" }] },
        ],
      },
      "vision",
    ],
    [
      "responses",
      { input: "x", text: { format: { type: "json_schema" } }, reasoning: { effort: "low" } },
      "json_schema reasoning",
    ],
    [
      "messages",
      said({ type: "image", source: { type: "base64", media_type: "image/png", data: "AA" } }),
      "vision",
    ],
    ["messages", said({ type: "document", source: { type: "url", url: "https://a/b.pdf" } }), "pdf"],
    ["messages", said({ type: "document", source: { type: "text", data: "plain" } }), ""],
    [
      "messages",
      said({ type: "document", source: { type: "content", content: [{ type: "image", source: {} }] } }),
      "vision",
    ],
    [
      "messages",
      said({ type: "tool_result", tool_use_id: "t", content: [{ type: "image", source: {} }] }),
      "vision",
    ],
    [
      "messages",
      said({ type: "tool_use", id: "t", name: "image", input: { type: "text", kind: "image" } }),
      "",
    ],
    ["messages", { ...said(), thinking: { type: "enabled", budget_tokens: 1024 } }, "reasoning"],
    ["messages", { ...said(), thinking: { type: "disabled" } }, ""],
    [
      "messages",
      { ...said(), output_config: { format: { type: "json_schema", schema: {} } } },
      "json_schema",
    ],
    ["gemini", parts({ text: "inlineData" }), ""],
    ["gemini", parts({ inlineData: { mimeType: "image/png", data: "AA" } }), "vision"],
    [
      "gemini",
      parts(
        { inline_data: { mime_type: "audio/wav", data: "AA" } },
        { fileData: { mimeType: "application/pdf", fileUri: "x" } },
      ),
      "audio pdf",
    ],
    ["gemini", parts({ fileData: { mimeType: "video/mp4", fileUri: "x" } }), "video"],
    [
      "gemini",
      { ...parts(), generationConfig: { responseSchema: {}, thinkingConfig: { thinkingBudget: 0 } } },
      "json_schema",
    ],
    ["gemini", { ...parts(), generationConfig: { thinkingConfig: { thinkingBudget: 512 } } }, "reasoning"],
  ])("%s: %j", (format, body, needs) => {
    expect(
      needNames(readNeeds(requestOf(format, body), format as ClientFormatName, ALL_NEEDS)).join(" "),
    ).toBe(needs);
  });

  test("that are not wanted are not told", () => {
    const request = requestOf("chat", {
      ...said({ type: "image_url", image_url: { url: "u" } }),
      tools: [TOOL],
    });
    expect(readNeeds(request, "chat", needBit("tools"))).toBe(needBit("tools"));
    expect(readNeeds(request, "chat", needBit("vision"))).toBe(needBit("vision"));
    expect(readNeeds(request, "chat", needBit("audio"))).toBe(0);
  });
});
