// A target that cannot serve a request is not tried, whatever fails; and where none can, the client is told what is missing.

import { expect, test } from "vitest";
import { chatCompletion } from "../scripted_upstream.ts";
import { errorOf, rig } from "./harness.ts";

const room = rig();

async function gateway() {
  const asked: string[] = [];
  const upstream = await room.upstream((request, reply) => {
    const model = /"model":\s*"([^"]+)"/.exec(request.body.toString("latin1"))?.[1] ?? "";
    asked.push(model);
    return model === "failing" ? reply.json(500, {}) : reply.json(200, chatCompletion("Hello"));
  });
  const made = room.gateway(`
providers:
  up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] }
  claude: { kind: anthropic, base_url: "${upstream.base_url}", api_keys: [none] }
models:
  chat:
    retries: { attempts: 0 }
    targets:
      - { provider: up, model: text, capabilities: { vision: false, tools: false, context_tokens: 1000 } }
      - { provider: up, model: eyes, capabilities: { json_schema: false, context_tokens: 4000 } }
      - { provider: up, model: long, capabilities: { vision: false } }
  failing:
    retries: { attempts: 0 }
    targets: [up/failing, { provider: up, model: text, capabilities: { vision: false } }]
    fallbacks: [eyes]
  eyes: { targets: [up/eyes] }
  blind: { capabilities: { vision: false, audio: false }, targets: [up/one, { provider: up, model: two, capabilities: { vision: true } }] }
  claude: { targets: [claude/claude-3-haiku-20240307] }
  free: { targets: [up/any] }
  small: { capabilities: { context_tokens: 1000 }, targets: [up/small] }
`);
  const ask = async (model: string, body: object = {}, path = "/v1/chat/completions", headers = {}) => {
    const before = asked.length;
    const given = { model, messages: [{ role: "user", content: "Hi" }], ...body };
    const response = await made.fetch(path, { method: "POST", body: JSON.stringify(given), headers });
    const text = await response.text();
    const error = response.status < 300 ? null : errorOf(text);
    return {
      status: response.status,
      asked: asked.slice(before),
      code: error?.code,
      message: error?.message ?? "",
    };
  };
  return { ask };
}

const image = {
  messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "https://a/b.png" } }] }],
};
const audio = {
  messages: [
    { role: "user", content: [{ type: "input_audio", input_audio: { data: "AA", format: "wav" } }] },
  ],
};
const words = (count: number) => ({ messages: [{ role: "user", content: "word ".repeat(count) }] });
const tools = { tools: [{ type: "function", function: { name: "f" } }] };
const schema = { response_format: { type: "json_schema", json_schema: { name: "s", schema: {} } } };

test("the first target that can serve a request is asked", async () => {
  const { ask } = await gateway();
  expect((await ask("chat")).asked).toEqual(["text"]);
  expect((await ask("chat", image)).asked).toEqual(["eyes"]);
  expect((await ask("chat", tools)).asked).toEqual(["eyes"]);
  expect((await ask("chat", { ...tools, ...schema })).asked).toEqual(["long"]);
  expect((await ask("chat", words(2_000))).asked).toEqual(["eyes"]);
  expect((await ask("chat", words(8_000))).asked).toEqual(["long"]);
  // What the answer may have counts too.
  expect((await ask("chat", { max_tokens: 2_000 })).asked).toEqual(["eyes"]);
  expect((await ask("chat", { max_tokens: 5_000 })).asked).toEqual(["long"]);
});

test("it is not asked as a fallback either", async () => {
  const { ask } = await gateway();
  expect((await ask("failing")).asked).toEqual(["failing", "text"]);
  expect((await ask("failing", image)).asked).toEqual(["failing", "eyes"]);
});

test("where none can, the client is told what is missing where", async () => {
  const { ask } = await gateway();
  expect(await ask("chat", { ...image, ...schema })).toMatchObject({
    status: 400,
    asked: [],
    code: "no_capable_target",
  });
  expect((await ask("chat", { ...image, ...schema })).message).toBe(
    "No target of 'chat' can serve this request: up/text takes no images; up/eyes takes no JSON schemas; up/long takes no images.",
  );
  const { message, code } = await ask("small", words(3_000));
  expect(code).toBe("no_capable_target");
  expect(message).toMatch(/up\/small has room for 1000 tokens, and about 3\d\d\d are needed\.$/);
  expect((await ask("blind", audio)).message).toContain("up/one takes no sound; up/two takes no sound");
  expect((await ask("blind", image)).asked).toEqual(["two"]);
});

test("an estimate is no reason to refuse what may fit", async () => {
  const { ask } = await gateway();
  // About 1100 tokens.
  expect((await ask("small", words(1_090))).asked).toEqual(["small"]);
});

test("what is known of a model counts where nothing is said, and who is not known is able", async () => {
  const { ask } = await gateway();
  const messages = { max_tokens: 9 };
  const refused = await ask("claude", { ...messages, ...words(300_000) }, "/v1/messages");
  expect([refused.status, refused.asked]).toEqual([400, []]);
  expect(refused.message).toContain("has room for 200000 tokens");
  const beta = { "anthropic-beta": "context-1m-2025-08-07" };
  expect((await ask("claude", { ...messages, ...words(300_000) }, "/v1/messages", beta)).asked.length).toBe(
    1,
  );
  expect((await ask("free", { ...image, ...tools, ...schema, max_tokens: 10_000_000 })).asked).toEqual([
    "any",
  ]);
});
