// A candidate that is asked beside a model: what it costs whom, what is kept of both answers, and that nobody waits for it.

import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { chatChunks, chatCompletion, type Script, type ScriptedUpstream } from "../scripted_upstream.ts";
import { rig, type TestGateway, until } from "./harness.ts";

const room = rig();

const says =
  (text: string): Script =>
  (_, reply) =>
    reply.json(200, chatCompletion(text));

function config(real: ScriptedUpstream, candidate: ScriptedUpstream, share = "1", rest = ""): string {
  return `
providers:
  real: { kind: openai, base_url: "${real.base_url}", api_keys: [none] }
  other: { kind: openai, base_url: "${candidate.base_url}", api_keys: [none] }
models:
  chat:
    targets: [real/r]
    price: { input_per_mtok: 1, output_per_mtok: 1 }
    shadow: { model: candidate, share: ${share} }
    ${rest}
  candidate: { targets: [other/c], retries: { attempts: 0 }, price: { input_per_mtok: 10, output_per_mtok: 10 } }
keys: [{ name: checkout, key: secret-key, tenant: acme, team: shop, limits: { rpm: 2, usd_per_day: 1 }, per_user: { concurrency: 1 } }]
`;
}

const HEADERS = {
  authorization: "Bearer secret-key",
  "x-venturi-user": "ann",
  "x-venturi-feature": "search",
};

/** The rows of the real call and of its shadow, once both are there. */
async function rowsOf({ kept }: TestGateway) {
  await until(() => kept.rows().length === 2);
  const [real, shadow] = kept
    .rows()
    .toSorted((a, b) => Number(a.shadow !== null) - Number(b.shadow !== null));
  return { real: real!, shadow: shadow! };
}

describe("a shadow", () => {
  test("has a row of its own beside that of the call, with what both answers have in common", async () => {
    const real = await room.upstream(says("the answer is forty two"));
    const candidate = await room.upstream(says("the answer is 42"));
    const gateway = room.gateway(config(real, candidate));
    const response = await gateway.chat({}, { headers: HEADERS });
    expect(await response.json()).toEqual(chatCompletion("the answer is forty two"));
    const rows = await rowsOf(gateway);
    expect(rows.real).toMatchObject({
      ...{ tenant: "acme", key: "checkout", user: "ann", model: "chat", cost_nano_usd: 12_000, shadow: null },
      attempts: [{ provider: "real", model: "r", outcome: "ok" }],
    });
    expect(rows.shadow).toMatchObject({
      ...{ tenant: "shadow/acme", team: null, key: null, user: null, feature: null, model: "candidate" },
      ...{ provider: "other", served_model: "c", status: 200, finish_reason: "stop", cost_nano_usd: 120_000 },
      // Three words of five and of four.
      ...{ refusal: false, shadow: { of: rows.real.id, agreement: 0.6667, of_refused: false } },
    });
    expect(candidate.requests[0]!.json()).toMatchObject({ model: "c", messages: [{ content: "Hello" }] });
    expect(candidate.requests[0]!.headers.get("x-venturi-user")).toBeUndefined();
  });

  test("takes nothing of the limits of its caller", async () => {
    const real = await room.upstream(says("hello"));
    const candidate = await room.upstream(says("hello"));
    const gateway = room.gateway(config(real, candidate));
    for (let call = 0; call < 2; call++) {
      const response = await gateway.chat({}, { headers: HEADERS });
      expect(response.status).toBe(200);
      await response.text();
    }
    await until(() => gateway.kept.rows().length === 4);
    // The two calls of a minute are used up, and by nothing else.
    expect((await gateway.chat({}, { headers: HEADERS })).status).toBe(429);
    expect(candidate.requests).toHaveLength(2);
  });

  test("of a stream is compared with all of it", async () => {
    const real = await room.upstream(async (_, reply) => {
      for (const chunk of chatChunks("one two three four")) await reply.sse(chunk);
      await reply.sse("[DONE]");
    });
    const candidate = await room.upstream(says("one two three five"));
    const gateway = room.gateway(config(real, candidate));
    await (await gateway.chat({ stream: true }, { headers: HEADERS })).text();
    const { shadow } = await rowsOf(gateway);
    expect(shadow.shadow!.agreement).toBe(0.75);
    expect(shadow.stream).toBe(false);
    expect(candidate.requests[0]!.json()).not.toHaveProperty("stream");
  });

  test("of a Messages call is compared in its own format", async () => {
    const real = await room.upstream(says("one two"));
    const candidate = await room.upstream(says("one two"));
    const gateway = room.gateway(config(real, candidate));
    const response = await gateway.fetch("/v1/messages", {
      method: "POST",
      headers: HEADERS,
      body: JSON.stringify({ model: "chat", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }),
    });
    expect(response.status).toBe(200);
    await response.text();
    expect((await rowsOf(gateway)).shadow.shadow!.agreement).toBe(1);
  });

  test("tells which of both answers is a refusal", async () => {
    const real = await room.upstream(says("Here you are."));
    const candidate = await room.upstream(says("I'm sorry, but I can't help with that."));
    const gateway = room.gateway(config(real, candidate));
    await (await gateway.chat({}, { headers: HEADERS })).text();
    const { real: row, shadow } = await rowsOf(gateway);
    expect([row.refusal, shadow.refusal, shadow.shadow!.of_refused]).toEqual([false, true, false]);
  });

  test.each<[string, Script, Partial<{ status: number; error: string }>]>([
    ["fails", (_, reply) => reply.json(500, { error: { message: "down", code: "broken" } }), { status: 500 }],
    [
      "answers with what is no JSON",
      (_, reply) => reply.raw("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n<"),
      { status: 502 },
    ],
    ["breaks its connection", (_, reply) => reply.destroy(), { status: 502 }],
  ])("that %s does nothing to the call", async (_, script, row) => {
    const real = await room.upstream(says("hello"));
    const candidate = await room.upstream(script);
    const gateway = room.gateway(config(real, candidate));
    const response = await gateway.chat({}, { headers: HEADERS });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(chatCompletion("hello"));
    const { shadow } = await rowsOf(gateway);
    expect(shadow).toMatchObject({ ...row, cost_nano_usd: 0, shadow: { agreement: null } });
  });

  test("that hangs keeps nobody waiting: neither its call, nor others, nor a gateway that stops", async () => {
    const real = await room.upstream(says("hello"));
    const candidate = await room.upstream((_, reply) => reply.never());
    const gateway = room.gateway(config(real, candidate).replace("limits: { rpm: 2,", "limits: {"));
    for (let call = 0; call < 20; call++)
      expect((await gateway.chat({}, { headers: HEADERS })).status).toBe(200);
    await candidate.waitFor(() => candidate.requests.length === 16);
    await gateway.idle();
    const { tenant } = gateway.kept.rows()[0]!;
    expect(tenant).toBe("acme");
    await gateway.gateway.stop(0);
    await Promise.all(candidate.requests.map(({ aborted }) => aborted));
    // No more than sixteen are asked at once.
    expect(candidate.requests).toHaveLength(16);
  });

  test("is let be where others may need what there is of the candidate", async () => {
    const real = await room.upstream(says("hello"));
    const candidate = await room.upstream((_, reply) => reply.never());
    const gateway = room.gateway(
      config(real, candidate)
        .replace("other: {", "other: { limits: { concurrency: 1 },")
        .replace("limits: { rpm: 2,", "limits: {"),
    );
    const leaving = new AbortController();
    const busy = gateway
      .chat({ model: "candidate" }, { headers: HEADERS, signal: leaving.signal })
      .catch(() => null);
    await candidate.waitFor(() => candidate.requests.length === 1);
    const headers = { ...HEADERS, "x-venturi-user": "bob" };
    await (await gateway.chat({}, { headers })).text();
    await until(() => gateway.kept.rows().length === 1);
    candidate.use(says("hello"));
    leaving.abort();
    await busy;
    await until(() => gateway.kept.rows().length === 2);
    // The next has one again: it is the second request that the candidate sees.
    await (await gateway.chat({}, { headers })).text();
    await until(() => gateway.kept.rows().length === 4);
    expect(candidate.requests).toHaveLength(2);
  });

  test("is drawn by its share", async () => {
    const real = await room.upstream(says("hello"));
    const candidate = await room.upstream(says("hello"));
    const gateway = room.gateway(
      config(real, candidate, "0.000001").replace("limits: { rpm: 2,", "limits: {"),
    );
    for (let call = 0; call < 5; call++) await (await gateway.chat({}, { headers: HEADERS })).text();
    await gateway.idle();
    expect(candidate.requests).toEqual([]);
    expect(gateway.kept.rows()).toHaveLength(5);
  });

  test("gets what was taken out of a request as its placeholders", async () => {
    const real = await room.upstream(says("hello"));
    const candidate = await room.upstream(says("hello"));
    const gateway = room.gateway(config(real, candidate, "1", "privacy: { mode: redact }"));
    const messages = [{ role: "user", content: "I am ann@example.com" }];
    await (await gateway.chat({ messages }, { headers: HEADERS })).text();
    await rowsOf(gateway);
    expect(candidate.requests[0]!.text()).not.toContain("ann@example.com");
    expect(candidate.requests[0]!.text()).toContain("EMAIL");
  });

  test("is not asked where the call must not go", async () => {
    const real = await room.upstream(says("hello"));
    const candidate = await room.upstream(says("hello"));
    const text = config(real, candidate).replace("real: {", "real: { region: eu,");
    const gateway = room.gateway(text);
    await (await gateway.chat({}, { headers: { ...HEADERS, "x-venturi-region": "eu" } })).text();
    await gateway.idle();
    expect(candidate.requests).toEqual([]);
  });

  test("is not asked for a client that left", async () => {
    const real = await room.upstream((_, reply) => reply.never());
    const candidate = await room.upstream(says("hello"));
    const gateway = room.gateway(config(real, candidate));
    const leaving = new AbortController();
    const answer = gateway.chat({}, { headers: HEADERS, signal: leaving.signal }).catch(() => null);
    await real.waitFor(() => real.requests.length === 1);
    leaving.abort();
    await answer;
    await until(() => gateway.kept.rows().length === 1);
    expect(candidate.requests).toEqual([]);
  });
});

test.each([
  ["chat: { targets: [sim/echo], shadow: { model: nobody } }", 'there is no model "nobody"'],
  ["chat: { targets: [sim/echo], shadow: { model: chat } }", "must be another model"],
  [
    "chat: { targets: [sim/echo], shadow: { model: strict } }\n  strict: { targets: [sim/echo], privacy: { mode: redact } }",
    "asks for more privacy",
  ],
])("models %s are refused: %s", (models, message) => {
  const result = parseConfig(Buffer.from(`models:\n  ${models}\n`), "venturi.yaml", { env: {} });
  expect(result.ok).toBe(false);
  if (!result.ok) expect(result.problems.map((problem) => problem.message).join("\n")).toContain(message);
});
