// A cheap model whose answers are looked at: which of them another model is asked for, what the client gets, and what is kept of both.

import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { chatChunks, chatCompletion, type Script, type ScriptedUpstream } from "../scripted_upstream.ts";
import { errorOf, rig } from "./harness.ts";

const room = rig();

/** A chat completion whose only choice is changed. */
function completion(text: string, choice: Record<string, unknown> = {}): Record<string, unknown> {
  const whole = chatCompletion(text) as { choices: Record<string, unknown>[] };
  return { ...whole, choices: [{ ...whole.choices[0], ...choice }] };
}

const says =
  (text: string, choice: Record<string, unknown> = {}): Script =>
  (_, reply) =>
    reply.json(200, completion(text, choice));

function config(small: ScriptedUpstream, big: ScriptedUpstream, cascade: string, rest = ""): string {
  return `
providers:
  small: { kind: openai, base_url: "${small.base_url}", api_keys: [none] }
  big: { kind: openai, base_url: "${big.base_url}", api_keys: [none], responses: true }
models:
  chat:
    targets: [small/s]
    retries: { attempts: 0 }
    price: { input_per_mtok: 1, output_per_mtok: 1 }
    cascade: { to: better, ${cascade} }
    ${rest}
  better: { targets: [big/b], retries: { attempts: 0 }, price: { input_per_mtok: 10, output_per_mtok: 10 } }
`;
}

const GOOD = says("a good answer");
const JSON_WANTED = { response_format: { type: "json_object" } };
const logprobs = (logprob: number) => ({ logprobs: { content: [{ token: "a", logprob }] } });

describe("an answer is asked of the better model", () => {
  test.each<[string, string, Script, Record<string, unknown>?]>([
    ["refusal", "when: [refusal]", says("I'm sorry, but I can't help with that.")],
    [
      "refusal",
      "when: [refusal]",
      says("", { message: { role: "assistant", content: null, refusal: "No." } }),
    ],
    ["refusal", "when: [refusal]", says("", { finish_reason: "content_filter" })],
    ["length", "when: [length]", says("cut sho", { finish_reason: "length" })],
    ["invalid_json", "when: [invalid_json]", says("not JSON"), JSON_WANTED],
    ["uncertain", "when: [uncertain], uncertain: -1.2", says("perhaps", logprobs(-1.3))],
    ["check", "when: [check], check: { min_chars: 20 }", says("too short")],
    ["check", "when: [check], check: { must_contain: [Source] }", says("without any")],
    ["check", "when: [check], check: { pattern: '\\[\\d+\\]' }", says("without a reference")],
  ])("for %s (%s)", async (reason, cascade, script, request = {}) => {
    const small = await room.upstream(script);
    const big = await room.upstream(GOOD);
    const gateway = room.gateway(config(small, big, cascade));
    const response = await gateway.chat(request);
    expect(await response.json()).toEqual(chatCompletion("a good answer"));
    expect(response.headers.get("x-venturi-cascade")).toBe(reason);
    expect(response.headers.get("x-venturi-model")).toBe("b");
    expect(response.headers.get("x-venturi-attempts")).toBe("2");
    await gateway.idle();
    // Both answers have 5 and 7 tokens: at a dollar for a million, and at ten.
    expect(gateway.kept.rows()).toMatchObject([
      {
        ...{ model: "chat", provider: "big", served_model: "b", cost_nano_usd: 12_000 + 120_000 },
        usage: { input_tokens: 10, output_tokens: 14 },
        attempts: [
          { provider: "small", model: "s", outcome: `cascade_${reason}` },
          { provider: "big", model: "b", outcome: "ok" },
        ],
      },
    ]);
    expect(big.requests[0]!.json()).toMatchObject({ model: "b", ...request });
  });
});

describe("an answer is given as it is", () => {
  test.each<[string, string, Script, Record<string, unknown>?]>([
    ["that is none of these", "when: [refusal, length, invalid_json, uncertain]", GOOD],
    ["that is cut, where that does not matter", "when: [refusal]", says("cut", { finish_reason: "length" })],
    ["that is no JSON where none was asked for", "when: [invalid_json]", says("no JSON")],
    ["that is JSON", "when: [invalid_json]", says('{"a":1}'), JSON_WANTED],
    ["without log probabilities", "when: [uncertain]", says("who knows")],
    ["that is sure", "when: [uncertain], uncertain: -1.2", says("sure", logprobs(-1.1))],
    [
      "that passes its check",
      "when: [check], check: { min_chars: 5, must_contain: [source], pattern: '\\[\\d+\\]' }",
      says("By the SOURCE [12]."),
    ],
    [
      "that calls a tool",
      "when: [refusal, check], check: { min_chars: 5 }",
      says("", {
        ...{ finish_reason: "tool_calls" },
        message: {
          ...{ role: "assistant", content: null },
          tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
        },
      }),
    ],
  ])("%s (%s)", async (_, cascade, script, request = {}) => {
    const small = await room.upstream(script);
    const big = await room.upstream(GOOD);
    const gateway = room.gateway(config(small, big, cascade));
    const response = await gateway.chat(request);
    await response.text();
    expect(response.headers.get("x-venturi-cascade")).toBeNull();
    expect(response.headers.get("x-venturi-model")).toBe("s");
    expect(big.requests).toEqual([]);
  });

  test("where the better model fails, and is paid for once", async () => {
    const small = await room.upstream(says("cut", { finish_reason: "length" }));
    const big = await room.upstream((_, reply) => reply.json(500, { error: { message: "down" } }));
    const gateway = room.gateway(config(small, big, "when: [length]"));
    const response = await gateway.chat();
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(completion("cut", { finish_reason: "length" }));
    expect(response.headers.get("x-venturi-cascade")).toBeNull();
    expect(response.headers.get("x-venturi-model")).toBe("s");
    await gateway.idle();
    expect(gateway.kept.rows()).toMatchObject([
      {
        ...{ provider: "small", cost_nano_usd: 12_000, finish_reason: "length" },
        usage: { input_tokens: 5, output_tokens: 7 },
        attempts: [{ outcome: "cascade_length" }, { provider: "big", outcome: "500" }],
      },
    ]);
  });

  test("where the budget has no room for the better model", async () => {
    const small = await room.upstream(says("cut", { finish_reason: "length" }));
    const big = await room.upstream(GOOD);
    const gateway = room.gateway(
      `${config(small, big, "when: [length]")}
keys: [{ name: poor, key: secret-key, tenant: t, limits: { usd_per_day: 0.0005 } }]
`,
    );
    const response = await gateway.chat(
      { max_tokens: 100 },
      { headers: { authorization: "Bearer secret-key" } },
    );
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(completion("cut", { finish_reason: "length" }));
    expect(big.requests).toEqual([]);
  });

  test("where the better model lies where the caller must not go", async () => {
    const small = await room.upstream(says("cut", { finish_reason: "length" }));
    const big = await room.upstream(GOOD);
    const text = config(small, big, "when: [length]");
    const gateway = room.gateway(
      text.replace("api_keys: [none]", "region: eu, api_keys: [none]").replace("models:", "models:"),
    );
    const response = await gateway.chat({}, { headers: { "x-venturi-region": "eu" } });
    expect(await response.json()).toEqual(completion("cut", { finish_reason: "length" }));
    expect(big.requests).toEqual([]);
  });

  test("of a fallback that is the better model itself", async () => {
    const small = await room.upstream((_, reply) => reply.json(500, { error: { message: "down" } }));
    const big = await room.upstream(says("cut", { finish_reason: "length" }));
    const gateway = room.gateway(config(small, big, "when: [length]", "fallbacks: [better]"));
    const response = await gateway.chat();
    expect(await response.json()).toEqual(completion("cut", { finish_reason: "length" }));
    expect(big.requests).toHaveLength(1);
  });
});

describe("a stream", () => {
  const refuses: Script = async (request, reply) => {
    const { stream } = request.json() as { stream?: boolean };
    if (!stream) return reply.json(200, completion("I can't help with that."));
    for (const chunk of chatChunks("I can't help with that.")) await reply.sse(chunk);
    await reply.sse("[DONE]");
  };

  test("is passed on unseen where nothing is said", async () => {
    const small = await room.upstream(refuses);
    const big = await room.upstream(GOOD);
    const gateway = room.gateway(config(small, big, "when: [refusal]"));
    const response = await gateway.chat({ stream: true });
    expect(await response.text()).toContain("help");
    expect(big.requests).toEqual([]);
  });

  test("is held where the configuration says so, and is the better model's then", async () => {
    const small = await room.upstream(refuses);
    const big = await room.upstream(GOOD);
    const gateway = room.gateway(config(small, big, "when: [refusal], stream: hold"));
    const response = await gateway.chat({ stream: true, stream_options: { include_usage: true } });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect(response.headers.get("x-venturi-cascade")).toBe("refusal");
    const text = await response.text();
    expect(text).toContain("good");
    expect(text).not.toContain("help");
    expect(text).toContain('"total_tokens":12');
    expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
    expect(small.requests[0]!.json()).not.toHaveProperty("stream");
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({ stream: true, cost_nano_usd: 132_000 });
  });

  test.each([
    [
      "/v1/messages",
      { model: "chat", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] },
      "message_stop",
    ],
    ["/v1/responses", { model: "chat", input: "Hi" }, "response.completed"],
  ])("of %s is held too", async (path, body, end) => {
    const small = await room.upstream(refuses);
    const big = await room.upstream(GOOD);
    // Both are asked in chat completions: Responses are theirs only where they say so.
    const gateway = room.gateway(
      config(small, big, "when: [refusal], stream: hold").replace(", responses: true", ""),
    );
    const response = await gateway.fetch(path, {
      method: "POST",
      body: JSON.stringify({ ...body, stream: true }),
    });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect(response.headers.get("x-venturi-cascade")).toBe("refusal");
    const text = await response.text();
    expect(text).toContain("good");
    expect(text).toContain(end);
    expect(text).not.toContain("help");
  });
});

test("only the better answer is kept", async () => {
  const small = await room.upstream(says("cut", { finish_reason: "length" }));
  const big = await room.upstream(GOOD);
  const gateway = room.gateway(config(small, big, "when: [length]", "cache: { exact: { ttl_s: 60 } }"));
  await (await gateway.chat()).text();
  const again = await gateway.chat();
  expect(await again.json()).toEqual(chatCompletion("a good answer"));
  // An answer that is not kept yet may be joined.
  expect(["hit", "joined"]).toContain(again.headers.get("x-venturi-cache"));
  expect(again.headers.get("x-venturi-cascade")).toBeNull();
  expect([small.requests.length, big.requests.length]).toEqual([1, 1]);
});

test("an answer that stands in for the better one is not kept", async () => {
  const small = await room.upstream(says("cut", { finish_reason: "length" }));
  const big = await room.upstream((_, reply) => reply.json(500, { error: { message: "down" } }));
  const gateway = room.gateway(config(small, big, "when: [length]", "cache: { exact: { ttl_s: 60 } }"));
  await (await gateway.chat()).text();
  await gateway.idle();
  big.use(GOOD);
  const again = await gateway.chat();
  expect(again.headers.get("x-venturi-cache")).toBe("miss");
  expect(await again.json()).toEqual(chatCompletion("a good answer"));
});

test("one deadline holds over both", async () => {
  const small = await room.upstream(says("cut", { finish_reason: "length" }));
  const big = await room.upstream((_, reply) => reply.never());
  const gateway = room.gateway(config(small, big, "when: [length]", "deadline_ms: 2500"));
  const response = await gateway.chat();
  expect(response.status).toBe(504);
  expect(errorOf(await response.text()).code).toBe("deadline_exceeded");
  await big.requests[0]!.aborted;
});

test("the better model's privacy holds for the cheap one too", async () => {
  const small = await room.upstream(GOOD);
  const big = await room.upstream(GOOD);
  const gateway = room.gateway(
    config(small, big, "when: [length]").replace("better: {", "better: { privacy: { mode: redact },"),
  );
  await (await gateway.chat({ messages: [{ role: "user", content: "I am ann@example.com" }] })).text();
  expect(small.requests[0]!.text()).not.toContain("ann@example.com");
});

test.each([
  ["{ to: nobody }", 'there is no model "nobody"'],
  ["{ to: chat }", "must be another model"],
  ["{ to: better, when: [check] }", "there is none"],
  ["{ to: better, check: { min_chars: 3 } }", "has no effect"],
  ["{ to: better, uncertain: -2 }", "has no effect"],
  ["{ to: better, when: [check], check: { pattern: '(' } }", "is no pattern that RE2 knows"],
])("a cascade %s is refused: %s", (cascade, message) => {
  const yaml = `models:\n  chat: { targets: [sim/echo], cascade: ${cascade} }\n  better: { targets: [sim/echo] }\n`;
  const result = parseConfig(Buffer.from(yaml), "venturi.yaml", { env: {} });
  expect(result.ok).toBe(false);
  if (!result.ok) expect(result.problems.map((problem) => problem.message).join("\n")).toContain(message);
});
