// The real `openai` client against the gateway: what its users do, and the errors as its typed classes.

import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { type Gateway, startGateway } from "../../src/gateway/server.ts";
import { testBooks } from "../gateway/test_books.ts";
import { chatChunks, chatCompletion, type ScriptedUpstream, startUpstream } from "../scripted_upstream.ts";

let upstream: ScriptedUpstream;
const kept = testBooks();
let gateway: Gateway;
let client: OpenAI;

function clientWith(options: Partial<ConstructorParameters<typeof OpenAI>[0]> = {}): OpenAI {
  return new OpenAI({
    baseURL: `http://127.0.0.1:${gateway.port}/v1`,
    apiKey: "sk-checkout",
    maxRetries: 0,
    ...options,
  });
}

beforeAll(async () => {
  upstream = await startUpstream((request, reply) => {
    if (request.path === "/v1/files") return reply.json(200, { id: "file-1", object: "file" });
    const asked = request.json() as { stream?: boolean };
    if (!asked.stream) return reply.json(200, chatCompletion("Hello from upstream"));
    reply.head(200, { "content-type": "text/event-stream" });
    for (const chunk of chatChunks("Hello from upstream")) reply.sse(chunk);
    reply.sse("[DONE]");
    reply.end();
  });
  const yaml = `
providers:
  local: { kind: openai, base_url: "${upstream.base_url}", api_keys: [sk-upstream] }
models:
  chat: { targets: [local/gpt-4o-mini], retries: { attempts: 0 } }
  broken: { targets: [sim/error-500], fallbacks: [sim/echo], retries: { attempts: 0 } }
keys:
  - { name: checkout, key: sk-checkout }
  - { name: narrow, key: sk-narrow, models: [chat] }
`;
  const loaded = parseConfig(Buffer.from(yaml), "venturi.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  gateway = startGateway({ plan: loaded.plan, port: 0, books: kept.books });
  client = clientWith();
});

afterAll(async () => {
  await gateway.stop(0);
  kept.dispose();
  await upstream.stop();
});

const hello = [{ role: "user" as const, content: "hello there" }];
const weather_tool = {
  type: "function" as const,
  function: {
    name: "get_weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

describe("the openai client gets answers", () => {
  test("plain, from the simulator and from a configured server", async () => {
    const echo = await client.chat.completions.create({ model: "sim/echo", messages: hello });
    expect(echo.choices[0]?.message.content).toBe("hello there");
    expect(echo.usage?.completion_tokens).toBe(2);
    const { data, response, request_id } = await client.chat.completions
      .create({ model: "chat", messages: hello })
      .withResponse();
    expect(data.choices[0]?.message.content).toBe("Hello from upstream");
    expect(response.headers.get("x-venturi-provider")).toBe("local");
    expect(response.headers.get("x-venturi-model")).toBe("gpt-4o-mini");
    expect(request_id).toMatch(/^req_/);
  });

  test("streamed, chunk by chunk, without usage that was not asked for", async () => {
    for (const model of ["sim/echo", "chat"]) {
      const stream = await client.chat.completions.create({ model, messages: hello, stream: true });
      let text = "";
      for await (const chunk of stream) {
        expect(chunk.choices).toHaveLength(1);
        text += chunk.choices[0]?.delta.content ?? "";
      }
      expect(text).toBe(model === "chat" ? "Hello from upstream" : "hello there");
    }
  });

  test("streamed with usage, when it asks for it", async () => {
    const stream = await client.chat.completions.create({
      model: "sim/echo",
      messages: hello,
      stream: true,
      stream_options: { include_usage: true },
    });
    let last: OpenAI.ChatCompletionChunk | undefined;
    for await (const chunk of stream) last = chunk;
    expect(last?.choices).toEqual([]);
    expect(last?.usage?.completion_tokens).toBe(2);
  });

  test("by the stream helper, with its events and the final completion", async () => {
    const runner = client.chat.completions.stream({ model: "sim/echo", messages: hello });
    const deltas: string[] = [];
    runner.on("content.delta", ({ delta }) => deltas.push(delta));
    const final = await runner.finalChatCompletion();
    expect(deltas.join("")).toBe("hello there");
    expect(final.choices[0]?.finish_reason).toBe("stop");
  });

  test("as tool calls, plain and streamed, and as text after the tool's result", async () => {
    const asked = { model: "sim/tool", messages: hello, tools: [weather_tool] };
    const plain = await client.chat.completions.create(asked);
    const call = plain.choices[0]?.message.tool_calls?.[0];
    if (call?.type !== "function") throw new Error("no function was called");
    expect(call.function.name).toBe("get_weather");
    expect(JSON.parse(call.function.arguments)).toHaveProperty("city");
    const runner = client.chat.completions.stream(asked);
    const streamed = await runner.finalChatCompletion();
    const streamed_call = streamed.choices[0]?.message.tool_calls?.[0];
    if (streamed_call?.type !== "function") throw new Error("no function was called");
    expect(JSON.parse(streamed_call.function.arguments)).toEqual(JSON.parse(call.function.arguments));
    const after = await client.chat.completions.create({
      ...asked,
      messages: [
        ...hello,
        { role: "assistant", tool_calls: [call] },
        { role: "tool", tool_call_id: call.id, content: "sunny" },
      ],
    });
    expect(after.choices[0]?.message.content).toContain("sunny");
  });

  test("as embeddings, moderations, legacy completions and lists of models", async () => {
    const embedded = await client.embeddings.create({ model: "sim/echo", input: ["one", "two"] });
    expect(embedded.data).toHaveLength(2);
    expect(embedded.data[0]?.embedding.every((value) => typeof value === "number")).toBe(true);
    const moderated = await client.moderations.create({ model: "sim/echo", input: "hello" });
    expect(moderated.results[0]?.flagged).toBe(false);
    const completed = await client.completions.create({ model: "sim/echo", prompt: "once upon a time" });
    expect(completed.choices[0]?.text).toContain("once upon a time");
    const models: string[] = [];
    for await (const model of client.models.list()) models.push(model.id);
    expect(models).toContain("chat");
    expect(models).toContain("sim/echo");
    expect((await client.models.retrieve("chat")).id).toBe("chat");
    const narrow: string[] = [];
    for await (const model of clientWith({ apiKey: "sk-narrow" }).models.list()) narrow.push(model.id);
    expect(narrow).toEqual(["chat"]);
  });

  test("from a fallback, when the first target fails", async () => {
    const { data, response } = await client.chat.completions
      .create({ model: "broken", messages: hello })
      .withResponse();
    expect(data.choices[0]?.message.content).toBe("hello there");
    expect(response.headers.get("x-venturi-attempts")).toBe("2");
  });

  test("with files passed through to the default provider", async () => {
    await client.files
      .create({ file: new File(["line"], "batch.jsonl"), purpose: "batch" })
      .catch(() => null);
    const seen = upstream.requests.at(-1);
    expect(seen?.path).toBe("/v1/files");
    expect(seen?.headers.get("authorization")).toBe("Bearer sk-upstream");
    expect(seen?.text()).toContain("batch.jsonl");
  });
});

describe("the openai client gets errors as its typed classes", () => {
  test("a wrong key", async () => {
    const wrong = clientWith({ apiKey: "sk-wrong" });
    await expect(wrong.chat.completions.create({ model: "chat", messages: hello })).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
  });

  test("a model that the key may not call, and one that nobody has", async () => {
    const narrow = clientWith({ apiKey: "sk-narrow" });
    const denied = narrow.chat.completions.create({ model: "sim/echo", messages: hello });
    await expect(denied).rejects.toMatchObject({ status: 403, code: "model_not_allowed" });
    const unknown = client.chat.completions.create({ model: "gpt-99", messages: hello });
    await expect(unknown).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(unknown).rejects.toMatchObject({ code: "model_not_found", param: "model" });
  });

  test("a bad request", async () => {
    const bad = client.chat.completions.create({
      model: "chat",
      messages: "hello" as unknown as [],
    });
    await expect(bad).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(bad).rejects.toMatchObject({ param: "messages", type: "invalid_request_error" });
  });

  test("a provider over its limit, and one that fails", async () => {
    const limited = client.chat.completions.create(
      { model: "sim/error-429", messages: hello },
      { headers: { "x-venturi-deadline-ms": "500" } },
    );
    await expect(limited).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    const failing = client.chat.completions.create(
      { model: "sim/error-500", messages: hello },
      { headers: { "x-venturi-deadline-ms": "300" } },
    );
    await expect(failing).rejects.toBeInstanceOf(OpenAI.InternalServerError);
  });

  test("an answer that breaks off in the middle", async () => {
    const stream = await client.chat.completions.create({ model: "sim/cut", messages: hello, stream: true });
    let text = "";
    const reading = (async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    })();
    await expect(reading).rejects.toMatchObject({ code: "upstream_stream_interrupted" });
    expect(text).not.toBe("");
  });

  test("retries of its own are served", async () => {
    let tries = 0;
    const flaky = await startUpstream((_request, reply) => {
      tries += 1;
      return tries === 1
        ? reply.json(500, { error: { message: "no" } })
        : reply.json(200, chatCompletion("yes"));
    });
    const yaml = `
providers: { flaky: { kind: openai, base_url: "${flaky.base_url}", api_keys: [none] } }
models: { m: { targets: [flaky/m], retries: { attempts: 0 } } }
`;
    const loaded = parseConfig(Buffer.from(yaml), "venturi.yaml", { env: {} });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const other = startGateway({ plan: loaded.plan, port: 0, books: kept.books });
    const retrying = new OpenAI({
      baseURL: `http://127.0.0.1:${other.port}`,
      apiKey: "none needed",
      maxRetries: 1,
    });
    const answer = await retrying.chat.completions.create({ model: "m", messages: hello });
    expect(answer.choices[0]?.message.content).toBe("yes");
    expect(tries).toBe(2);
    await other.stop(0);
    await flaky.stop();
  });
});

test("an abort by the openai client ends the upstream's call at once", async () => {
  const slow = await startUpstream((_request, reply) => reply.never());
  const yaml = `providers: { slow: { kind: openai, base_url: "${slow.base_url}", api_keys: [none] } }`;
  const loaded = parseConfig(Buffer.from(yaml), "venturi.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const other = startGateway({ plan: loaded.plan, port: 0, books: kept.books });
  const impatient = new OpenAI({ baseURL: `http://127.0.0.1:${other.port}/v1`, apiKey: "x", maxRetries: 2 });
  for (const [index, stream] of [false, true].entries()) {
    const controller = new AbortController();
    const calling = impatient.chat.completions.create(
      { model: "slow/m", messages: hello, stream },
      { signal: controller.signal },
    );
    await slow.waitFor(() => slow.requests.length > index);
    controller.abort();
    await expect(calling).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await slow.requests[index]!.aborted;
  }
  await other.stop(0);
  await slow.stop();
});
