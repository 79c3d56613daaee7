// Requests about topics that are denied, as a client and the ledger see them; and what becomes of them while nobody can tell.

import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { inferenceSocketPath } from "../../src/inference/socket.ts";
import { inferenceConfigOf } from "../../src/supervisor/processes/inference_config.ts";
import { chatCompletion } from "../scripted_upstream.ts";
import { errorOf, rig } from "./harness.ts";
import { serveInference } from "./inference_beside.ts";

const room = rig();

const CARDS = '"I lost my credit card", "Please block my card, it was stolen", "My bank card is gone"';
const WEATHER =
  '"Will it rain tomorrow?", "What is the weather like in Paris?", "Is it going to be sunny today?"';
const TOPICS = `topics: [{ name: cards, examples: [${CARDS}] }, { name: wéather, examples: [${WEATHER}] }]`;
const CARD = "somebody stole my credit card, can you block it";
const OTHER = "Write a poem about the sea.";

/** @param budget how long calls wait: long, since the machine may be busy with other tests */
async function gatewayOf(settings: string, budget = "budget_ms: 5000") {
  const seen: string[] = [];
  const upstream = await room.upstream((request, reply) => {
    seen.push(request.text());
    return reply.json(200, chatCompletion("Fine."));
  });
  const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models:
  chat: { targets: [up/gpt], retries: { attempts: 0 }, guards: { input: [{ guard: denied_topics, ${TOPICS}, ${budget}, ${settings} }] } }`);
  return { gateway, seen };
}

function user(content: unknown) {
  return { messages: [{ role: "user", content }] };
}

describe("a request about a denied topic", () => {
  test("is refused, and told by the topic's name; another goes on", async () => {
    const { gateway, seen } = await gatewayOf("action: block");
    serveInference(room, gateway);
    const refused = await gateway.chat(user(CARD));
    expect(refused.status).toBe(400);
    expect(refused.headers.get("x-venturi-guards")).toBe("denied_topics=block");
    const error = errorOf(await refused.text());
    expect(error).toMatchObject({ code: "content_blocked", type: "invalid_request_error" });
    expect(error.message).toContain("cards");
    expect(error.message).not.toContain("stole");
    expect(seen).toHaveLength(0);
    expect((await gateway.chat(user(OTHER))).status).toBe(200);
    expect((await gateway.chat(user("how's the weather in Rome tomorrow"))).status).toBe(400);
    await gateway.idle();
    const rows = gateway.kept.rows();
    expect(rows[0]).toMatchObject({
      ...{ status: 400, error: "content_blocked", cost_nano_usd: 0, guards: { denied_topics: "block" } },
    });
    expect(rows[1]).toMatchObject({ status: 200, guards: {} });
    expect(JSON.stringify(rows)).not.toContain("stole");
  });

  test("is told of where that flags, and known to the ledger alone where that is allowed", async () => {
    for (const action of ["flag", "allow"] as const) {
      const { gateway } = await gatewayOf(`action: ${action}`);
      serveInference(room, gateway);
      const response = await gateway.chat(user(CARD));
      expect(response.status).toBe(200);
      expect(response.headers.get("x-venturi-guards")).toBe(action === "flag" ? "denied_topics=flag" : null);
      await gateway.idle();
      expect(gateway.kept.rows()[0]).toMatchObject({ guards: { denied_topics: action } });
    }
  });

  test("is found in one sentence of many, in parts of a content, and in a legacy prompt", async () => {
    const { gateway } = await gatewayOf("action: block");
    serveInference(room, gateway);
    const around = "Thank you for the lovely poem. It rhymes so well!\nMy sister liked it too.";
    const refused = [
      user(`${around} ${CARD}. ${around}`),
      user([
        { type: "text", text: around },
        { type: "text", text: CARD },
      ]),
      user([
        { type: "image_url", image_url: { url: "data:," } },
        { type: "text", text: CARD },
      ]),
    ];
    for (const body of refused) expect((await gateway.chat(body)).status).toBe(400);
    expect((await gateway.chat(user(`${around} ${around}`))).status).toBe(200);
    const prompt = await gateway.fetch("/v1/completions", {
      method: "POST",
      body: JSON.stringify({ model: "chat", prompt: [OTHER, CARD] }),
    });
    expect(prompt.status).toBe(400);
  });

  test("is judged by what the user said last, and by what tools gave back since where that is wanted", async () => {
    const history = (tool: string, last: string) => ({
      messages: [
        { role: "user", content: last },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "a", content: tool },
      ],
    });
    for (const [tools, status] of [
      [false, 200],
      [true, 400],
    ] as const) {
      const { gateway } = await gatewayOf(`action: block, tools: ${tools}`);
      serveInference(room, gateway);
      expect((await gateway.chat(history(CARD, OTHER))).status).toBe(status);
      expect((await gateway.chat(history(OTHER, CARD))).status).toBe(400);
      // What was said before the last message has been judged then.
      const before = [
        { role: "user", content: CARD },
        { role: "assistant", content: "No." },
      ];
      expect((await gateway.chat({ messages: [...before, ...user(OTHER).messages] })).status).toBe(200);
      expect(
        (await gateway.chat({ messages: [{ role: "system", content: CARD }, ...user(OTHER).messages] }))
          .status,
      ).toBe(200);
    }
  });

  test("is found in what clients of other formats say last, and in what tools gave them back", async () => {
    const turn = (role: string, content: unknown) => ({ role, content });
    const messages = (...list: object[]) => ["/v1/messages", { max_tokens: 9, messages: list }] as const;
    const responses = (input: unknown) => ["/v1/responses", { input }] as const;
    const gemini = (...contents: object[]) => ["/v1beta/models/chat:generateContent", { contents }] as const;
    const result = (content: string) => turn("user", [{ type: "tool_result", tool_use_id: "t", content }]);
    const call = turn("assistant", [{ type: "tool_use", id: "t", name: "f", input: { q: CARD } }]);
    const cases: [is_tool: boolean, is_about: boolean, request: readonly [string, object]][] = [
      [false, true, messages(turn("user", CARD))],
      [false, true, messages(turn("user", [{ type: "text", text: CARD }]), call, result(OTHER))],
      [true, true, messages(turn("user", OTHER), call, result(CARD))],
      [false, false, messages(turn("user", CARD), turn("assistant", "No."), turn("user", OTHER))],
      [false, true, responses(CARD)],
      [false, true, responses([turn("user", [{ type: "input_text", text: CARD }])])],
      [
        true,
        true,
        responses([
          turn("user", OTHER),
          { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
          { type: "function_call_output", call_id: "c", output: CARD },
        ]),
      ],
      [false, true, gemini({ role: "user", parts: [{ text: CARD }] })],
      [false, true, gemini({ parts: [{ text: CARD }] })],
      [
        true,
        true,
        gemini(
          { role: "user", parts: [{ text: OTHER }] },
          { role: "model", parts: [{ functionCall: { name: "f", args: {} } }] },
          { role: "user", parts: [{ functionResponse: { name: "f", response: { output: CARD } } }] },
        ),
      ],
    ];
    for (const tools of [false, true]) {
      const { gateway } = await gatewayOf(`action: block, tools: ${tools}`);
      serveInference(room, gateway);
      for (const [is_tool, is_about, [path, body]] of cases) {
        const response = await gateway.fetch(path, {
          method: "POST",
          body: JSON.stringify({ ...(path.startsWith("/v1/") ? { model: "chat" } : {}), ...body }),
        });
        const status = is_about && (tools || !is_tool) ? 400 : 200;
        expect([JSON.stringify(body), tools, response.status]).toEqual([JSON.stringify(body), tools, status]);
      }
    }
  });

  test("counts as one by its own threshold", async () => {
    const { gateway } = await gatewayOf("action: block, threshold: 0.99");
    serveInference(room, gateway);
    expect((await gateway.chat(user(CARD))).status).toBe(200);
  });

  test("throws in the openai SDK", async () => {
    const { gateway } = await gatewayOf("action: block");
    serveInference(room, gateway);
    const client = new OpenAI({
      baseURL: `http://127.0.0.1:${gateway.port}/v1`,
      apiKey: "none",
      maxRetries: 0,
    });
    const ask = (content: string) =>
      client.chat.completions.create({ model: "chat", messages: [{ role: "user", content }] });
    await expect(ask(CARD)).rejects.toThrow(OpenAI.BadRequestError);
    expect((await ask(OTHER)).choices[0]!.message.content).toBe("Fine.");
  });
});

describe("a request that nobody can judge", () => {
  test.each([
    ["", 400, "block"],
    ["on_failure: block,", 400, "block"],
    ["on_failure: flag,", 200, "flag"],
    ["on_failure: allow,", 200, "allow"],
  ])(
    "because there is no inference process is dealt with as is said (%s)",
    async (settings, status, noted) => {
      const { gateway } = await gatewayOf(`${settings} action: block`);
      const response = await gateway.chat(user(OTHER));
      expect(response.status).toBe(status);
      await gateway.idle();
      expect(gateway.kept.rows()[0]).toMatchObject({ guards: { denied_topics: noted } });
      // It is judged once there is one.
      serveInference(room, gateway);
      for (;;) {
        const { status: later } = await gateway.chat(user(OTHER));
        const { status: denied } = await gateway.chat(user(CARD));
        if (later === 200 && denied === 400) break;
        await Bun.sleep(5);
      }
    },
  );

  test("because it takes too long waits no longer than its budget", async () => {
    const { gateway } = await gatewayOf("action: block, on_failure: flag", "budget_ms: 30");
    // Somebody listens who never answers.
    const path = inferenceSocketPath(gateway.kept.folder);
    if (typeof path !== "string") throw new Error(path.fault);
    const deaf = Bun.listen({ unix: path, socket: { data: () => {} } });
    room.after(() => deaf.stop(true));
    const began_ms = performance.now();
    expect((await gateway.chat(user(OTHER))).status).toBe(200);
    expect(performance.now() - began_ms).toBeLessThan(4_000);
  });

  test("because it is too long is dealt with the same way", async () => {
    const { gateway } = await gatewayOf("action: block");
    serveInference(room, gateway);
    expect((await gateway.chat(user("word ".repeat(20_000)))).status).toBe(400);
    expect((await gateway.chat(user("word ".repeat(10_000)))).status).toBe(200);
  });
});

describe("the configuration of denied topics", () => {
  const config = (guard: string) =>
    parseConfig(
      Buffer.from(`models: { chat: { targets: [sim/echo], guards: { input: [${guard}] } } }`),
      "venturi.yaml",
      { env: {} },
    );
  const topics = (examples: string) =>
    `{ guard: denied_topics, topics: [{ name: a, examples: ${examples} }] }`;

  test("starts the inference process with its embedder", () => {
    const loaded = config(topics("[b]"));
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    expect(inferenceConfigOf(loaded.config)?.embedders).toEqual([{ kind: "builtin" }]);
  });

  test.each([
    topics("[]"),
    topics(`[${"x, ".repeat(501)}]`),
    topics('[" "]'),
    "{ guard: denied_topics, topics: [] }",
    "{ guard: denied_topics, topics: [{ name: a, examples: [b] }], action: redact }",
    "{ guard: denied_topics, topics: [{ name: a, examples: [b] }], embedder: other }",
    "{ guard: denied_topics, topics: [{ name: a, examples: [b] }], embedder: provider:none/x }",
  ])("is refused where it makes no sense: %s", (guard) => {
    expect(config(guard).ok).toBe(false);
  });
});
