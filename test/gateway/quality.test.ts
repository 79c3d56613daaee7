// Looks at answers: what rows say of them, in every form that they come in; how many are looked at; and what is compared.

import { describe, expect, test } from "vitest";
import { sketchSimilarity } from "../../src/ledger/sketch.ts";
import { chatChunks, chatCompletion, type Script } from "../scripted_upstream.ts";
import { rig, type TestGateway } from "./harness.ts";
import { serveInference } from "./inference_beside.ts";

const room = rig();

/** A gateway before a provider that answers by a script. */
async function gatewayOf(script: Script, quality: string) {
  const upstream = await room.upstream(script);
  const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [up/m], retries: { attempts: 0 } } }
telemetry: { quality: ${quality} }
`);
  return { gateway, upstream };
}

/** What the row of a call says of its answer; calls whose looks are not loaded yet have none. */
async function judgedOf(gateway: TestGateway, request: Record<string, unknown>) {
  for (;;) {
    const response = await gateway.chat(request);
    await response.text();
    await gateway.idle();
    const { judged } = gateway.kept.rows().at(-1)!;
    if (judged !== null) return judged;
    await Bun.sleep(2);
  }
}

const OFTEN = "{ answers_per_s: 1000 }";
const PLAIN = { refused: false, cut: false, json: null, tools: null };
const OBJECT = { response_format: { type: "json_object" } };
const SCHEMA = {
  response_format: {
    type: "json_schema",
    json_schema: {
      name: "a",
      schema: { type: "object", properties: { a: { type: "number" } }, required: ["a"] },
    },
  },
};
const TOOLS = { tools: [{ type: "function", function: { name: "weather" } }] };
const called = (name: string, given: string) => ({
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "1", type: "function", function: { name, arguments: given } }],
      },
      finish_reason: "tool_calls",
    },
  ],
});
const cut = {
  choices: [{ index: 0, message: { role: "assistant", content: "and so" }, finish_reason: "length" }],
};

describe("the row of an answer says", () => {
  test.each<[string, Record<string, unknown>, Record<string, unknown>, object]>([
    ["that nothing is remarkable", chatCompletion("Paris."), {}, {}],
    ["that it refuses", chatCompletion("I'm sorry, but I can't help with that."), {}, { refused: true }],
    ["that it was cut", chatCompletion("", cut), {}, { cut: true }],
    ["that it is JSON as asked", chatCompletion('{"a": 1}'), OBJECT, { json: true }],
    ["that it is none", chatCompletion("Sure! {}"), OBJECT, { json: false }],
    ["that it is not by the schema", chatCompletion('{"a": "x"}'), SCHEMA, { json: false }],
    ["nothing of JSON that was cut", chatCompletion("", cut), OBJECT, { cut: true }],
    ["that it calls a tool well", chatCompletion("", called("weather", "{}")), TOOLS, { tools: true }],
    [
      "that it calls one that is not there",
      chatCompletion("", called("time", "{}")),
      TOOLS,
      { tools: false },
    ],
    ["that its arguments are no JSON", chatCompletion("", called("weather", '{"a')), TOOLS, { tools: false }],
    [
      "nothing of JSON where it calls tools",
      chatCompletion("", called("weather", "{}")),
      { ...TOOLS, ...OBJECT },
      { tools: true },
    ],
  ])("%s", async (_, answer, request, found) => {
    const { gateway } = await gatewayOf((__, reply) => reply.json(200, answer), OFTEN);
    expect(await judgedOf(gateway, request)).toEqual({ ...PLAIN, ...found });
  });

  test("the same of a stream", async () => {
    const script: Script = async (_, reply) => {
      for (const event of chatChunks("I cannot help with that.")) await reply.sse(event);
      await reply.sse("[DONE]");
    };
    const { gateway } = await gatewayOf(script, OFTEN);
    const found = await judgedOf(gateway, { stream: true, ...OBJECT });
    expect(found).toEqual({ ...PLAIN, refused: true, json: false });
    expect(gateway.counted("judged", "refused")).toBeGreaterThan(0);
    expect(gateway.counted("judged", "json_invalid")).toBe(gateway.counted("judged", "judged"));
  });

  test("nothing of failures, of other endpoints, or where nobody looks", async () => {
    const failing = await gatewayOf((_, reply) => reply.json(500, {}), OFTEN);
    const off = await gatewayOf((_, reply) => reply.json(200, chatCompletion("x")), "{ answers_per_s: 0 }");
    for (let call = 0; call < 20; call++) {
      await failing.gateway.chat();
      await off.gateway.chat();
      const body = JSON.stringify({ model: "sim/echo", input: "x" });
      await failing.gateway.fetch("/v1/embeddings", { method: "POST", body });
    }
    for (const { gateway } of [failing, off]) {
      await gateway.idle();
      expect(gateway.kept.rows().filter(({ judged }) => judged !== null)).toEqual([]);
    }
  });
});

test("no more answers are looked at than may be", async () => {
  const { gateway } = await gatewayOf(
    (_, reply) => reply.json(200, chatCompletion("x")),
    "{ answers_per_s: 0.01 }",
  );
  await judgedOf(gateway, {});
  await Promise.all(Array.from({ length: 200 }, () => gateway.chat().then((response) => response.text())));
  await gateway.idle();
  // Another one where this took longer than a hundred seconds.
  expect(gateway.kept.rows().filter(({ judged }) => judged !== null)).toHaveLength(1);
});

describe("answers to requests that come again", () => {
  const SECRET = "The vault's number is 4711, says the captain.";
  const QUALITY = "{ answers_per_s: 0, similarity: true }";

  async function running(say: () => string) {
    const { gateway } = await gatewayOf((_, reply) => reply.json(200, chatCompletion(say())), QUALITY);
    serveInference(room, gateway);
    return gateway;
  }

  const question = (content: string) => ({ messages: [{ role: "user", content }] });

  /** Asks until so many sketches are there. */
  async function ask(gateway: TestGateway, content: string, sketches: number): Promise<void> {
    for (const end_ms = Date.now() + 25_000; gateway.kept.sketches().length < sketches; await Bun.sleep(20)) {
      if (Date.now() > end_ms) throw new Error("no sketch came");
      await gateway.chat(question(content));
    }
  }

  test("become sketches of equal prompts, and of nothing that can be read", async () => {
    let answer = SECRET;
    const gateway = await running(() => answer);
    await ask(gateway, "What is the number of the vault?", 2);
    answer = "Bananas grow in warm and wet countries, mostly near the equator.";
    await ask(gateway, "What is the number of the vault?", gateway.kept.sketches().length + 1);
    const found = gateway.kept.sketches();
    const [first, second, last] = [found[0]!, found[1]!, found.at(-1)!];
    expect([first.provider, first.model]).toEqual(["up", "m"]);
    expect(second.prompt).toEqual(first.prompt);
    expect(last.prompt).toEqual(first.prompt);
    expect(sketchSimilarity(first.sketch, second.sketch)).toBe(1);
    expect(sketchSimilarity(first.sketch, last.sketch)).toBeLessThan(0.6);
    expect(first.prompt.length + first.sketch.length).toBe(48);
  });

  test("are none of requests that come once", async () => {
    const gateway = await running(() => SECRET);
    // Whoever comes again has its sketches: it is known by them that the others have none.
    await ask(gateway, "again and again", 1);
    const { prompt } = gateway.kept.sketches()[0]!;
    for (let call = 0; call < 20; call++) await gateway.chat(question(`once, number ${call}`));
    await ask(gateway, "again and again", gateway.kept.sketches().length + 1);
    expect(gateway.kept.sketches().every((sketch) => Buffer.from(sketch.prompt).equals(prompt))).toBe(true);
  });
});
