// What the gateway answers on OpenAI's routes is what OpenAI's own description says: bodies, chunks and errors.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { type Gateway, startGateway } from "../../src/gateway/server.ts";
import { testBooks } from "../gateway/test_books.ts";
import { OPENAPI_MISSING, validateAnswer, validateChunk, validateError } from "./openapi.ts";

const kept = testBooks();
let gateway: Gateway;

beforeAll(() => {
  const yaml = `
providers: { nowhere: { kind: openai, base_url: "http://127.0.0.1:1/v1", api_keys: [none] } }
models: { dead: { targets: [nowhere/m], retries: { attempts: 0 } } }
`;
  const loaded = parseConfig(Buffer.from(yaml), "venturi.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  gateway = startGateway({ plan: loaded.plan, port: 0, books: kept.books });
});

afterAll(async () => {
  await gateway.stop(0);
  kept.dispose();
});

function post(path: string, body: unknown): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fetch(`http://127.0.0.1:${gateway.port}${path}`, { method: "POST", body: text });
}

const messages = [{ role: "user", content: "Hello, wörld 👋" }];
const tools = [{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } }];

const REQUESTS: readonly (readonly [path: string, body: Record<string, unknown>])[] = [
  ["/v1/chat/completions", { model: "sim/echo", messages }],
  ["/v1/chat/completions", { model: "sim/lorem", messages, max_tokens: 5, n: 2 }],
  ["/v1/chat/completions", { model: "sim/tool", messages, tools }],
  ["/v1/completions", { model: "sim/echo", prompt: "once" }],
  ["/v1/embeddings", { model: "sim/echo", input: ["a", "b"] }],
  ["/v1/moderations", { model: "sim/echo", input: "a" }],
];

const ERRORS: readonly (readonly [name: string, path: string, body: unknown, status: number])[] = [
  ["no JSON", "/v1/chat/completions", "{", 400],
  ["no messages", "/v1/chat/completions", { model: "sim/echo" }, 400],
  ["an unknown model", "/v1/chat/completions", { model: "nobody", messages }, 404],
  ["a dead upstream", "/v1/chat/completions", { model: "dead", messages }, 502],
  ["a failing provider", "/v1/chat/completions", { model: "sim/error-500", messages }, 500],
  ["an unknown path", "/v1/nothing", {}, 404],
];

describe.skipIf(OPENAPI_MISSING !== null)(`OpenAI's description ${OPENAPI_MISSING ?? ""}`, () => {
  test.each(REQUESTS)("describes the answer of %s to %j", async (path, body) => {
    const response = await post(path, body);
    expect(response.status).toBe(200);
    expect(validateAnswer("POST", path, 200, await response.json())).toEqual([]);
  });

  test.each(REQUESTS.filter(([path]) => path.endsWith("/completions")))(
    "describes the chunks of %s for %j, with usage and without",
    async (path, body) => {
      for (const options of [{}, { stream_options: { include_usage: true } }]) {
        const response = await post(path, { ...body, stream: true, ...options });
        const events = (await response.text()).split("\n\n").filter((event) => event.startsWith("data: "));
        expect(events.pop()).toBe("data: [DONE]");
        expect(events.length).toBeGreaterThan(1);
        for (const event of events) expect(validateChunk(path, JSON.parse(event.slice(6)))).toEqual([]);
      }
    },
  );

  test("describes the list of models and each of them", async () => {
    const base = `http://127.0.0.1:${gateway.port}`;
    const list = (await (await fetch(`${base}/v1/models`)).json()) as { data: { id: string }[] };
    expect(validateAnswer("GET", "/v1/models", 200, list)).toEqual([]);
    for (const { id } of list.data) {
      const model = await fetch(`${base}/v1/models/${encodeURIComponent(id)}`);
      expect(
        validateAnswer("GET", `/v1/models/${encodeURIComponent(id)}`, model.status, await model.json()),
      ).toEqual([]);
    }
  });

  test.each(ERRORS)("describes the error of %s", async (_name, path, body, status) => {
    const response = await post(path, body);
    expect(response.status).toBe(status);
    expect(validateError(await response.json())).toEqual([]);
  });
});
