// OpenAI's own client in front of the gateway, and another provider behind it: recorded answers of Anthropic's and Google's, given as chat
// completions; what the client sends back of them has to be what they take. And Anthropic's client in front of Mistral.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { type Rig, rig } from "../../../gateway/harness.ts";
import { chatCompletion, type Script } from "../../../scripted_upstream.ts";
import { RECORDED_MISSING } from "../recorded_calls.ts";

const FOLDER = join(import.meta.dirname, "../../../../../shared/fixtures");
const tests = rig();

const THINKING_CALL =
  "anthropic/llm-anthropic_test_fixed_version_tool_chain_with_thinking_display_regression.0";

function recorded(name: string): Buffer {
  return existsSync(join(FOLDER, name)) ? readFileSync(join(FOLDER, name, "response.body")) : Buffer.alloc(0);
}

/** A gateway with one model at one provider of this kind. */
async function gatewayTo(kind: string, script: Script, started: Rig = tests) {
  const upstream = await started.upstream(script);
  const { port } = started.gateway(`
providers: { up: { kind: ${kind}, base_url: ${upstream.base_url}, api_keys: [k] } }
models: { chat: { targets: [up/served], retries: { attempts: 0 } } }
`);
  return { upstream, port };
}

describe.skipIf(RECORDED_MISSING !== null)("OpenAI's client before Anthropic", () => {
  test("streams thoughts and calls, and sends back what was signed", async () => {
    const body = recorded(THINKING_CALL);
    const signature = /"signature":"([^"]{20,})"/.exec(body.toString())![1]!;
    const { upstream, port } = await gatewayTo("anthropic", async (_, reply) => {
      await reply.head(200, { "content-type": "text/event-stream" });
      await reply.chunk(body);
    });
    const client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: "none", maxRetries: 0 });
    const asked: OpenAI.ChatCompletionCreateParamsStreaming = {
      model: "chat",
      messages: [{ role: "user", content: "What is the version?" }],
      tools: [
        {
          type: "function",
          function: { name: "llm_version", parameters: { type: "object", properties: {} } },
        },
      ],
      reasoning_effort: "low",
      stream: true,
      stream_options: { include_usage: true },
    };
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    const details: unknown[] = [];
    const stream = client.chat.completions.stream(asked);
    stream.on("chunk", (chunk) => {
      chunks.push(chunk);
      details.push(
        ...((chunk.choices[0]?.delta as { reasoning_details?: unknown[] } | undefined)?.reasoning_details ??
          []),
      );
    });
    const answer = await stream.finalChatCompletion();
    const [choice] = answer.choices;
    expect(choice!.finish_reason).toBe("tool_calls");
    expect(chunks.at(-1)!.usage!.total_tokens).toBeGreaterThan(0);
    const [call] = choice!.message.tool_calls!;
    expect(details).toContainEqual(
      expect.objectContaining({ type: "reasoning.text", signature, format: "anthropic-claude-v1" }),
    );

    const again = await client.chat.completions.create({
      ...asked,
      messages: [
        ...asked.messages,
        { ...choice!.message, reasoning_details: details } as OpenAI.ChatCompletionMessageParam,
        { role: "tool", tool_call_id: call!.id, content: "0.1" },
      ],
    });
    for await (const _ of again);
    const second = upstream.requests[1]!.json() as {
      messages: { role: string; content: { type: string; [name: string]: unknown }[] }[];
    };
    const [, assistant, results] = second.messages;
    expect(assistant!.content.find(({ type }) => type === "thinking")).toMatchObject({ signature });
    expect(assistant!.content.at(-1)).toMatchObject({ type: "tool_use", id: call!.id });
    expect(results!.content[0]).toMatchObject({ type: "tool_result", tool_use_id: call!.id });
  });
});

describe("Anthropic's client before Mistral", () => {
  test("calls a tool by an id that Mistral takes, and reads Mistral's thoughts", async () => {
    const content = [
      { type: "thinking", thinking: [{ type: "text", text: "hm" }] },
      { type: "text", text: "Sunny." },
    ];
    const { upstream, port } = await gatewayTo("mistral", (_, reply) =>
      reply.json(
        200,
        chatCompletion("", {
          choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
        }),
      ),
    );
    const client = new Anthropic({ baseURL: `http://127.0.0.1:${port}`, apiKey: "none", maxRetries: 0 });
    const message = await client.messages.create({
      model: "chat",
      max_tokens: 100,
      system: "Be brief.",
      messages: [
        { role: "user", content: "Weather?" },
        {
          role: "assistant",
          content: [{ type: "tool_use", id: "toolu_0123456789", name: "weather", input: { city: "Berlin" } }],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_0123456789", content: "sun" }] },
      ],
      tools: [{ name: "weather", input_schema: { type: "object" } }],
      tool_choice: { type: "any" },
    });
    expect(message.content).toMatchObject([
      { type: "thinking", thinking: "hm" },
      { type: "text", text: "Sunny." },
    ]);
    const { messages, tool_choice } = upstream.requests[0]!.json() as {
      messages: { role: string; tool_call_id?: string; tool_calls?: { id: string }[] }[];
      tool_choice: unknown;
    };
    expect(tool_choice).toBe("any");
    expect(messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool"]);
    expect(messages[2]!.tool_calls![0]!.id).toMatch(/^[a-z0-9]{9}$/);
    expect(messages[3]!.tool_call_id).toBe(messages[2]!.tool_calls![0]!.id);
  });
});

describe("a conversation that another provider had a part in", () => {
  const messages = [
    { role: "user", content: "a" },
    {
      role: "assistant",
      content: "b",
      reasoning_content: "hm",
      reasoning_details: [{ type: "reasoning.text", text: "hm", signature: "s", index: 0 }],
    },
    { role: "user", content: "c" },
  ];

  async function sent(kind: string): Promise<unknown> {
    const { upstream, port } = await gatewayTo(kind, (_, reply) => reply.json(200, chatCompletion("d")));
    const body = JSON.stringify({ model: "chat", messages });
    const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, { method: "POST", body });
    expect(answer.status).toBe(200);
    return (upstream.requests[0]!.json() as { messages: unknown[] }).messages[1];
  }

  test("goes to a strict server without the fields that it refuses", async () => {
    expect(await sent("groq")).toEqual({ role: "assistant", content: "b", reasoning: "hm" });
    expect(await sent("mistral")).toEqual({
      role: "assistant",
      content: [
        { type: "thinking", thinking: [{ type: "text", text: "hm" }] },
        { type: "text", text: "b" },
      ],
    });
  });

  test("goes to others as it came", async () => {
    expect(await sent("deepseek")).toEqual(messages[1]);
    expect(await sent("openrouter")).toEqual(messages[1]);
  });
});
