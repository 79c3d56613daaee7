// Tokens that are counted without an answer: by the provider where it can, in whatever format, else by the gateway.

import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import type { Script } from "../scripted_upstream.ts";
import { rig, type TestGateway } from "./harness.ts";

const room = rig();

type Fields = Record<string, unknown>;

/** Counts in the format of whoever is asked. */
const COUNTER: Script = (request, reply) => {
  if (request.path.endsWith("/messages/count_tokens")) return reply.json(200, { input_tokens: 11 });
  if (request.path.endsWith(":countTokens"))
    return reply.json(200, { totalTokens: 22, promptTokensDetails: [{ modality: "TEXT", tokenCount: 22 }] });
  if (request.path.endsWith("/responses/input_tokens"))
    return reply.json(200, { object: "response.input_tokens", input_tokens: 33 });
  return reply.json(404, { error: { message: "nothing is here" } });
};

async function gatewayFor(script: Script = COUNTER, more = "") {
  const upstream = await room.upstream(script);
  const provider = (kind: string, rest = "") =>
    `{ kind: ${kind}, base_url: "${upstream.base_url}", api_keys: [k]${rest} }`;
  const gateway = room.gateway(`
providers:
  claude: ${provider("anthropic")}
  google: ${provider("gemini")}
  oai: ${provider("openai", ", responses: true")}
  plain: ${provider("openai")}
models:
  claude-alias: { targets: [{ provider: claude, model: claude-real }] }
  gemini-alias: { targets: [{ provider: google, model: gemini-real }] }
  oai-alias: { targets: [{ provider: oai, model: gpt-real }] }
  plain-alias: { targets: [{ provider: plain, model: chat-real }] }
  mixed: { targets: [{ provider: plain, model: chat-real }, { provider: claude, model: claude-real }] }
${more}`);
  return { gateway, upstream };
}

const PROMPT = "How many tokens are in this very sentence?";
const TOOL = { type: "object", properties: { city: { type: "string", description: "where" } } };

const byAnthropic = ({ port }: TestGateway, model: string, key = "none") =>
  new Anthropic({ baseURL: `http://127.0.0.1:${port}`, apiKey: key, maxRetries: 0 }).messages
    .countTokens({
      model,
      system: "Count.",
      messages: [{ role: "user", content: PROMPT }],
      tools: [{ name: "weather", input_schema: TOOL as never }],
    })
    .withResponse();

const byGoogle = ({ port }: TestGateway, model: string) =>
  new GoogleGenAI({
    apiKey: "none",
    httpOptions: { baseUrl: `http://127.0.0.1:${port}` },
  }).models.countTokens({ model, contents: PROMPT });

const byOpenAI = ({ port }: TestGateway, body: Fields) =>
  new OpenAI({
    baseURL: `http://127.0.0.1:${port}/v1`,
    apiKey: "none",
    maxRetries: 0,
  }).responses.inputTokens.count({ input: PROMPT, ...body });

describe("a count", () => {
  test("is the provider's where it speaks the client's format", async () => {
    const { gateway, upstream } = await gatewayFor();
    const { data, response } = await byAnthropic(gateway, "claude-alias");
    expect(data).toEqual({ input_tokens: 11 });
    expect(response.headers.get("x-venturi-estimated")).toBe(null);
    expect(response.headers.get("x-venturi-model")).toBe("claude-real");
    expect(upstream.requests[0]!.path).toBe("/v1/messages/count_tokens");
    expect(upstream.requests[0]!.json()).toEqual({
      model: "claude-real",
      system: "Count.",
      messages: [{ role: "user", content: PROMPT }],
      tools: [{ name: "weather", input_schema: TOOL }],
    });
    expect((await byGoogle(gateway, "gemini-alias")).totalTokens).toBe(22);
    expect(upstream.requests[1]!.path).toMatch(/\/models\/gemini-real:countTokens$/);
    expect(upstream.requests[1]!.json()).toEqual({
      generateContentRequest: {
        model: "models/gemini-real",
        contents: [{ role: "user", parts: [{ text: PROMPT }] }],
      },
    });
    expect((await byOpenAI(gateway, { model: "oai-alias" })).input_tokens).toBe(33);
    expect(upstream.requests[2]!.json()).toEqual({ model: "gpt-real", input: PROMPT });
  });

  test("of a whole request in Gemini's wrapping is asked for by the model's own name", async () => {
    const { gateway, upstream } = await gatewayFor();
    const generateContentRequest = {
      model: "models/gemini-alias",
      contents: [{ parts: [{ text: PROMPT }] }],
      systemInstruction: { parts: [{ text: "Count." }] },
    };
    const response = await gateway.fetch("/v1beta/models/gemini-alias:countTokens", {
      method: "POST",
      body: JSON.stringify({ generateContentRequest }),
    });
    expect(await response.json()).toMatchObject({ totalTokens: 22 });
    expect(upstream.requests[0]!.json()).toEqual({
      generateContentRequest: { ...generateContentRequest, model: "models/gemini-real" },
    });
  });

  test("is translated where the provider counts in another format", async () => {
    const { gateway, upstream } = await gatewayFor();
    expect((await byAnthropic(gateway, "gemini-alias")).data).toEqual({ input_tokens: 22 });
    expect(upstream.requests[0]!.json()).toMatchObject({
      generateContentRequest: {
        model: "models/gemini-real",
        systemInstruction: { parts: [{ text: "Count." }] },
        tools: [{ functionDeclarations: [{ name: "weather" }] }],
      },
    });
    expect(await byGoogle(gateway, "claude-alias")).toMatchObject({ totalTokens: 11 });
    expect(upstream.requests[1]!.json()).toEqual({
      model: "claude-real",
      messages: [{ role: "user", content: PROMPT }],
    });
    expect((await byAnthropic(gateway, "oai-alias")).data).toEqual({ input_tokens: 33 });
    expect(await byOpenAI(gateway, { model: "claude-alias" })).toEqual({
      object: "response.input_tokens",
      input_tokens: 11,
    });
    // A target that does not count is passed over for one that does.
    expect((await byAnthropic(gateway, "mixed")).data).toEqual({ input_tokens: 11 });
  });

  test("is the gateway's own where no provider counts, and says so", { timeout: 30_000 }, async () => {
    const { gateway, upstream } = await gatewayFor();
    const { data, response } = await byAnthropic(gateway, "plain-alias");
    expect(response.headers.get("x-venturi-estimated")).toBe("true");
    // Ten words and a tool.
    expect(data.input_tokens).toBeGreaterThan(20);
    expect(data.input_tokens).toBeLessThan(120);
    const short = await gateway.fetch("/v1beta/models/plain-alias:countTokens", {
      method: "POST",
      body: JSON.stringify({ contents: [{ parts: [{ text: PROMPT }] }] }),
    });
    const { totalTokens } = (await short.json()) as { totalTokens: number };
    expect(short.headers.get("x-venturi-estimated")).toBe("true");
    expect(totalTokens).toBeGreaterThan(8);
    expect(totalTokens).toBeLessThan(data.input_tokens);
    const picture = { type: "base64", media_type: "image/png", data: "aGk=" };
    const seen = await gateway.fetch("/v1/messages/count_tokens", {
      method: "POST",
      body: JSON.stringify({
        model: "plain-alias",
        messages: [{ role: "user", content: [{ type: "image", source: picture }] }],
      }),
    });
    expect(((await seen.json()) as { input_tokens: number }).input_tokens).toBeGreaterThan(1_000);
    expect(upstream.requests).toHaveLength(0);
  });

  test("is asked for with the client's own words on versions and betas", async () => {
    const { gateway, upstream } = await gatewayFor();
    await gateway.fetch("/v1/messages/count_tokens?beta=true", {
      method: "POST",
      headers: { "anthropic-version": "2024-01-01", "anthropic-beta": "some-beta" },
      body: JSON.stringify({ model: "claude-alias", messages: [{ role: "user", content: "x" }] }),
    });
    const { headers } = upstream.requests[0]!;
    expect([headers.get("anthropic-version"), headers.get("anthropic-beta")]).toEqual([
      "2024-01-01",
      "some-beta",
    ]);
  });

  test("is the gateway's own where the provider has no such endpoint", { timeout: 30_000 }, async () => {
    const { gateway, upstream } = await gatewayFor((_, reply) =>
      reply.json(404, { error: { message: "no" } }),
    );
    const { data, response } = await byAnthropic(gateway, "oai-alias");
    expect(response.headers.get("x-venturi-estimated")).toBe("true");
    expect(data.input_tokens).toBeGreaterThan(20);
    expect(upstream.requests).toHaveLength(1);
  });

  test("costs nothing, counts as a request, and has a row", async () => {
    const { gateway } = await gatewayFor(
      COUNTER,
      "keys: [{ name: k, key: key-of-a-client, limits: { rpm: 2, tpm: 5, usd_per_day: 0.01 } }]",
    );
    const { response } = await byAnthropic(gateway, "claude-alias", "key-of-a-client");
    expect(response.headers.get("anthropic-ratelimit-requests-remaining")).toBe("1");
    expect(response.headers.get("anthropic-ratelimit-tokens-remaining")).toBe("5");
    await byAnthropic(gateway, "plain-alias", "key-of-a-client");
    await expect(byAnthropic(gateway, "claude-alias", "key-of-a-client")).rejects.toMatchObject({
      status: 429,
    });
    await gateway.idle();
    expect(
      gateway.kept.rows().map(({ model, status, cost_nano_usd, usage, estimated }) => {
        return [model, status, cost_nano_usd, usage.input_tokens, estimated];
      }),
    ).toEqual([
      ["claude-alias", 200, 0, 0, false],
      ["plain-alias", 200, 0, 0, false],
      ["claude-alias", 429, 0, 0, false],
    ]);
  });

  test("is of a request without personal data, and of the turns before it", async () => {
    const { gateway, upstream } = await gatewayFor(
      (request, reply) =>
        request.path.endsWith("/responses")
          ? reply.json(200, {
              ...{ id: "resp_a", object: "response", status: "completed", model: "m", created_at: 1 },
              output: [],
              usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
            })
          : COUNTER(request, reply),
      `  private: { targets: [{ provider: oai, model: gpt-real }], privacy: { mode: redact } }`,
    );
    const first = await gateway.fetch("/v1/responses", {
      method: "POST",
      body: JSON.stringify({ model: "private", input: "I am ada@example.org" }),
    });
    expect(first.status).toBe(200);
    const count = await byOpenAI(gateway, { model: "private", previous_response_id: "resp_a" });
    expect(count).toEqual({ object: "response.input_tokens", input_tokens: 33 });
    const sent = upstream.requests[1]!.json() as { input: unknown[] };
    expect(JSON.stringify(sent)).toContain("[EMAIL_1]");
    expect(JSON.stringify(sent)).not.toContain("ada@");
    expect(sent.input).toHaveLength(2);
    await byGoogle(gateway, "private");
    expect(upstream.requests).toHaveLength(3);
  });

  test("what is no request is refused in the client's words", async () => {
    const { gateway } = await gatewayFor();
    const ask = async (path: string, body: unknown) => {
      const response = await gateway.fetch(path, { method: "POST", body: JSON.stringify(body) });
      return [response.status, await response.json()];
    };
    expect(await ask("/v1/messages/count_tokens", { model: "plain-alias" })).toMatchObject([
      400,
      { type: "error", error: { type: "invalid_request_error" } },
    ]);
    expect(await ask("/v1beta/models/plain-alias:countTokens", {})).toMatchObject([
      400,
      { error: { status: "INVALID_ARGUMENT" } },
    ]);
    expect(await ask("/v1/messages/count_tokens", { model: "none", messages: [] })).toMatchObject([
      404,
      { type: "error" },
    ]);
    expect((await gateway.fetch("/v1/messages/count_tokens")).status).toBe(405);
  });
});
