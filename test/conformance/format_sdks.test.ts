// The real SDKs of OpenAI, Anthropic and Google against a gateway whose upstreams speak other formats: answers, streams, loops of tools,
// thoughts with their signatures over two turns, errors as their typed classes.

import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { ApiError, GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  answerOf,
  askedIn,
  asksStream,
  beginStream,
  providersAt,
  streamOf,
  wholeOf,
} from "../gateway/format_calls.ts";
import { rig, type TestGateway } from "../gateway/harness.ts";
import { CITY, FORECAST, GREETING, PROVIDERS, weatherIn, weatherRoom } from "./weather_room.ts";

const room = rig();

const openaiOf = ({ port }: TestGateway, maxRetries = 0) =>
  new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: "key-of-acme", maxRetries });
const anthropicOf = ({ port }: TestGateway, maxRetries = 0) =>
  new Anthropic({ baseURL: `http://127.0.0.1:${port}`, apiKey: "key-of-acme", maxRetries });
const googleOf = ({ port }: TestGateway) =>
  new GoogleGenAI({ apiKey: "key-of-acme", httpOptions: { baseUrl: `http://127.0.0.1:${port}` } });

describe.each(PROVIDERS)("the openai SDK, answered in %s", (provider) => {
  test("chats, streams, and runs tools until the model is done", async () => {
    const { gateway, asked } = await weatherRoom(room, provider);
    const client = openaiOf(gateway);
    const messages = [{ role: "user" as const, content: "hi" }];
    const plain = await client.chat.completions.create({ model: "weather", messages });
    expect(plain.choices[0]!.message.content).toBe(GREETING);
    for (const stream of [false, true]) {
      asked.length = 0;
      const params = {
        ...{ model: "weather", messages },
        tools: [
          {
            type: "function" as const,
            function: {
              function: weatherIn,
              parse: JSON.parse,
              name: "weather",
              description: "",
              parameters: CITY,
            },
          },
        ],
      };
      const runner = stream
        ? client.chat.completions.runTools({ ...params, stream: true })
        : client.chat.completions.runTools(params);
      expect(await runner.finalContent()).toBe(FORECAST);
      expect(asked).toHaveLength(2);
      expect((await runner.totalUsage()).completion_tokens).toBe(stream ? 0 : 18);
    }
  });

  test("asks in Responses: plain, streamed, a loop of tools, a form", async () => {
    const { gateway } = await weatherRoom(room, provider);
    const client = openaiOf(gateway);
    const plain = await client.responses.create({ model: "weather", input: "hi" });
    expect([plain.output_text, plain.status, plain.usage?.output_tokens]).toEqual([GREETING, "completed", 9]);
    const stream = client.responses.stream({ model: "weather", input: "hi" });
    let text = "";
    stream.on("response.output_text.delta", ({ delta }) => {
      text += delta;
    });
    const streamed = await stream.finalResponse();
    expect([text, streamed.output_text]).toEqual([GREETING, GREETING]);
    const tools: OpenAI.Responses.Tool[] = [
      { type: "function", name: "weather", parameters: CITY, strict: false },
    ];
    const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: "weather?" }];
    const rounds: string[] = [];
    for (let turn = 0; turn < 3; turn++) {
      const response = await client.responses
        .stream({ model: "weather", input, tools, store: false, include: ["reasoning.encrypted_content"] })
        .finalResponse();
      rounds.push(response.output_text);
      input.push(...(response.output as OpenAI.Responses.ResponseInput));
      const calls = response.output.filter((item) => item.type === "function_call");
      if (calls.length === 0) break;
      expect(calls.map(({ call_id }) => call_id)).toHaveLength(2);
      for (const { call_id, arguments: args } of calls)
        input.push({ type: "function_call_output", call_id, output: weatherIn(JSON.parse(args)) });
    }
    expect(rounds).toEqual(["I look.", FORECAST]);
  });

  test("gets what it parses", async () => {
    const upstream = await room.upstream((request, reply) => {
      const format = askedIn(request.path);
      const answer = answerOf([{ kind: "text", text: '{"city":"Köln","degrees":20}' }]);
      return reply.json(200, JSON.parse(wholeOf(format, answer).toString()));
    });
    const gateway = room.gateway(`${providersAt(upstream.base_url)}
models: { weather: { targets: [${provider}/m], retries: { attempts: 0 }, on_unsupported: drop } }
keys: [{ name: acme-key, key: key-of-acme, tenant: acme }]`);
    const Weather = z.object({ city: z.string(), degrees: z.number() });
    const parsed = await openaiOf(gateway).responses.parse({
      ...{ model: "weather", input: "weather?" },
      text: { format: zodTextFormat(Weather, "weather") },
    });
    expect(parsed.output_parsed).toEqual({ city: "Köln", degrees: 20 });
  });
});

describe.each(PROVIDERS)("Anthropic's SDK, answered in %s", (provider) => {
  const ASKED = { model: "weather", max_tokens: 1_000, messages: [{ role: "user" as const, content: "hi" }] };

  test("creates messages, and streams them", async () => {
    const { gateway } = await weatherRoom(room, provider);
    const client = anthropicOf(gateway);
    const plain = await client.messages.create(ASKED);
    expect(plain.content).toMatchObject([{ type: "text", text: GREETING }]);
    expect([plain.stop_reason, plain.usage.output_tokens]).toEqual(["end_turn", 9]);
    const stream = client.messages.stream(ASKED);
    let text = "";
    stream.on("text", (delta) => {
      text += delta;
    });
    const streamed = await stream.finalMessage();
    expect([text, streamed.stop_reason]).toEqual([GREETING, "end_turn"]);
    expect(streamed.content).toMatchObject([{ type: "text", text: GREETING }]);
    expect(streamed.usage.output_tokens).toBe(9);
  });

  test.each([false, true])("runs tools until the model is done (streamed: %s)", async (stream) => {
    const { gateway, asked } = await weatherRoom(room, provider);
    const tool = betaZodTool({
      ...{ name: "weather", description: "the weather", inputSchema: z.object({ city: z.string() }) },
      run: weatherIn,
    });
    const runner = anthropicOf(gateway).beta.messages.toolRunner({ ...ASKED, tools: [tool], stream });
    const final = await runner;
    expect(final.content).toMatchObject([{ type: "text", text: FORECAST }]);
    expect(asked).toHaveLength(2);
    // What the model thought goes back to where it was signed, as it was.
    const thoughts = asked[1]!.messages.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.kind === "thinking" ? [part] : [])),
    );
    if (provider === "messages") {
      expect(thoughts).toMatchObject([{ text: "Two cities.", signature: { value: "c2lnbmF0dXJl" } }]);
    }
  });

  test("throws errors of its classes, tries again, and stops when told", async () => {
    let calls = 0;
    const upstream = await room.upstream(async (request, reply) => {
      calls += 1;
      const format = askedIn(request.path);
      if (asksStream(request.path, request.json())) {
        await beginStream(reply);
        await reply.chunk(
          streamOf(format, answerOf([{ kind: "text", text: "a ".repeat(200) }])).subarray(0, -200),
        );
        return reply.never();
      }
      if (calls < 3) return reply.json(429, { error: { message: "Slower", status: "RESOURCE_EXHAUSTED" } });
      return reply.json(
        200,
        JSON.parse(wholeOf(format, answerOf([{ kind: "text", text: "third" }])).toString()),
      );
    });
    const gateway = room.gateway(`${providersAt(upstream.base_url)}
models: { weather: { targets: [${provider}/m], retries: { attempts: 0 } } }
keys: [{ name: acme-key, key: key-of-acme, tenant: acme }]`);
    await expect(anthropicOf(gateway).messages.create(ASKED)).rejects.toThrow(Anthropic.RateLimitError);
    const bad = new Anthropic({
      baseURL: `http://127.0.0.1:${gateway.port}`,
      apiKey: "wrong",
      maxRetries: 0,
    });
    await expect(bad.messages.create(ASKED)).rejects.toThrow(Anthropic.AuthenticationError);
    await expect(anthropicOf(gateway).messages.create({ ...ASKED, model: "no-such-model" })).rejects.toThrow(
      Anthropic.NotFoundError,
    );
    await expect(
      anthropicOf(gateway).messages.create({ ...ASKED, messages: "x" as unknown as [] }),
    ).rejects.toThrow(Anthropic.BadRequestError);
    const stream = anthropicOf(gateway).messages.stream(ASKED);
    stream.on("text", () => stream.abort());
    await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError);
    await gateway.idle();
    calls = 1;
    const again = await anthropicOf(gateway, 3).messages.create(ASKED);
    expect(again.content).toMatchObject([{ text: "third" }]);
  });
});

describe.each(PROVIDERS)("Google's SDK, answered in %s", (provider) => {
  test("generates, streams, and chats with functions", async () => {
    const { gateway, asked } = await weatherRoom(room, provider);
    const { models, chats } = googleOf(gateway);
    const plain = await models.generateContent({ model: "weather", contents: "hi" });
    expect([plain.text, plain.usageMetadata?.candidatesTokenCount]).toEqual([GREETING, 9]);
    let text = "";
    for await (const chunk of await models.generateContentStream({ model: "weather", contents: "hi" }))
      text += chunk.text ?? "";
    expect(text).toBe(GREETING);
    const declaration = { name: "weather", description: "the weather", parametersJsonSchema: CITY };
    const chat = chats.create({
      model: "weather",
      config: { tools: [{ functionDeclarations: [declaration] }] },
    });
    asked.length = 0;
    const first = await chat.sendMessage({ message: "weather?" });
    expect(first.functionCalls?.map(({ name, args }) => [name, args])).toEqual([
      ["weather", { city: "Köln" }],
      ["weather", { city: "東京" }],
    ]);
    let last = "";
    const results = first.functionCalls!.map(({ id, name, args }) => ({
      functionResponse: {
        ...(id === undefined ? {} : { id }),
        name: name!,
        response: { output: weatherIn(args as { city: string }) },
      },
    }));
    for await (const chunk of await chat.sendMessageStream({ message: results })) last += chunk.text ?? "";
    expect(last).toContain("20 in Köln");
    expect(last).toContain("20 in 東京");
    expect(asked).toHaveLength(2);
    const thoughts = asked[1]!.messages.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.kind === "thinking" ? [part] : [])),
    );
    if (provider === "gemini") expect(thoughts[0]).toMatchObject({ signature: { value: "c2lnbmF0dXJl" } });
  });

  test("throws errors with their status", async () => {
    const { gateway } = await weatherRoom(room, provider);
    const error = await googleOf(gateway)
      .models.generateContent({ model: "no-such-model", contents: "hi" })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).status).toBe(404);
  });
});
