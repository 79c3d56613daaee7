// What sessions and their answers use: limits, budgets, rows.

import { describe, expect, test } from "vitest";
import { watchKeys } from "../../../src/access/stored_keys.ts";
import { makeFolder, makeRecord, openStore } from "../../access/records.ts";
import { rig, type TestGateway, until } from "../harness.ts";
import {
  Client,
  type RealtimeUpstream,
  responseEvents,
  startRealtime,
  type UpstreamScript,
} from "./realtime_upstream.ts";

const room = rig();
const KEY = {
  authorization: "Bearer key-of-acme",
  "x-request-id": "mine",
  "x-venturi-user": "ann",
  "x-venturi-feature": "voice",
  "x-venturi-tags": "beta",
};
const PRICE =
  "price: { input_per_mtok: 4, cached_input_per_mtok: 0.4, output_per_mtok: 16, input_audio_per_mtok: 32, output_audio_per_mtok: 64 }";
const USAGE = {
  ...{ total_tokens: 253, input_tokens: 132, output_tokens: 121 },
  input_token_details: {
    ...{ text_tokens: 119, audio_tokens: 13, image_tokens: 0, cached_tokens: 64 },
    cached_tokens_details: { text_tokens: 60, audio_tokens: 4, image_tokens: 0 },
  },
  output_token_details: { text_tokens: 30, audio_tokens: 91 },
};
/** 119 - 60 plain text at 4 $, 9 of audio at 32 $, 64 cached at 0.4 $, 30 of text at 16 $, 91 of audio at 64 $ a million. */
const NANO = 59 * 4_000 + 9 * 32_000 + 64 * 400 + 30 * 16_000 + 91 * 64_000;

function upstream(script: UpstreamScript = {}): RealtimeUpstream {
  const started = startRealtime(script);
  room.after(() => started.stop());
  return started;
}

/** A provider that answers every `response.create`. */
function answering(usage: unknown = USAGE, more: Record<string, unknown> = {}): RealtimeUpstream {
  let number = 0;
  return upstream({
    heard: (session, message) => {
      if ((JSON.parse(String(message)) as { type: string }).type !== "response.create") return;
      number++;
      for (const event of responseEvents(`resp_${number}`, "Hello", usage, more)) session.send(event);
    },
  });
}

function gatewayOf(base_url: string, { key = "", model = "", provider = "" } = {}): TestGateway {
  return room.gateway(`
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [secret]${provider} } }
models: { voice: { targets: [up/gpt-realtime], ${PRICE}${model} } }
keys: [{ name: acme-key, key: key-of-acme, tenant: acme${key} }]
`);
}

async function open(gateway: TestGateway): Promise<Client> {
  const client = new Client(gateway.port, "/v1/realtime?model=voice", { headers: KEY });
  room.after(() => client.socket.close());
  await client.opened;
  return client;
}

describe("an answer", () => {
  test("leaves a row with its kinds of tokens and their cost to the nano-dollar, and the session one more", async () => {
    const gateway = gatewayOf(answering().base_url);
    const client = await open(gateway);
    client.send({ type: "response.create" });
    await client.until((one) => one.ofType("response.done").length === 1);
    client.socket.close(1000);
    await gateway.idle();
    const [answer, session, ...none] = gateway.kept.rows();
    expect(none).toEqual([]);
    const who = {
      ...{
        request_id: "mine",
        tenant: "acme",
        key: "acme-key",
        user: "ann",
        feature: "voice",
        tags: { beta: "" },
      },
      ...{ model: "voice", provider: "up", served_model: "gpt-realtime", stream: true },
    };
    expect(answer).toMatchObject({
      ...who,
      ...{ status: 200, error: null, finish_reason: "completed", estimated: false, cost_nano_usd: NANO },
      usage: {
        ...{
          input_tokens: 132,
          cached_input_tokens: 64,
          input_audio_tokens: 13,
          cached_input_audio_tokens: 4,
        },
        ...{ output_tokens: 121, output_audio_tokens: 91 },
      },
    });
    expect(session).toMatchObject({
      ...who,
      status: 101,
      error: null,
      cost_nano_usd: 0,
      usage: { input_tokens: 0 },
    });
    expect(gateway.counted("tokens", "output")).toBe(121);
  });

  test("that the provider begins by itself has one too, and a transcription of what was heard", async () => {
    const provider = upstream();
    const gateway = gatewayOf(provider.base_url);
    const client = await open(gateway);
    const session = await provider.session();
    session.send({
      type: "session.updated",
      session: { audio: { input: { transcription: { model: "gpt-4o-transcribe" } } } },
    });
    session.send({
      type: "conversation.item.input_audio_transcription.completed",
      ...{ item_id: "i", content_index: 0, transcript: "hello" },
      usage: {
        type: "tokens",
        total_tokens: 22,
        input_tokens: 13,
        output_tokens: 9,
        input_token_details: { audio_tokens: 13 },
      },
    });
    for (const event of responseEvents("resp_x", "Hi", USAGE)) session.send(event);
    await client.until((one) => one.ofType("response.done").length === 1);
    client.socket.close(1000);
    await gateway.idle();
    const [transcription, answer, last] = gateway.kept.rows();
    expect(transcription).toMatchObject({
      ...{ model: "voice", served_model: "gpt-4o-transcribe" },
      usage: { input_tokens: 13, input_audio_tokens: 13, output_tokens: 9 },
    });
    // By the table: 13 tokens of audio at 2.5 $, or 6 $ where audio has a price of its own, and 9 of text at 10 $ a million.
    expect(transcription!.price_version).not.toBe("config");
    expect(answer).toMatchObject({ cost_nano_usd: NANO });
    expect(last).toMatchObject({ status: 101 });
  });

  test("that fails, or is not complete, says so", async () => {
    const gateway = gatewayOf(
      answering(null, {
        status: "failed",
        status_details: { type: "failed", error: { code: "server_busy" } },
      }).base_url,
    );
    const client = await open(gateway);
    client.send({ type: "response.create" });
    await client.until((one) => one.ofType("response.done").length === 1);
    expect(gateway.kept.rows()[0]).toMatchObject({
      error: "server_busy",
      finish_reason: "failed",
      estimated: true,
    });
  });

  test("that breaks off with its provider is counted by what came", async () => {
    const provider = upstream();
    const gateway = gatewayOf(provider.base_url);
    const client = await open(gateway);
    client.send({
      type: "conversation.item.create",
      item: { type: "message", content: [{ type: "input_text", text: "x".repeat(4_000) }] },
    });
    client.send({ type: "response.create" });
    const session = await provider.session();
    await until(() => session.messages.length === 2);
    const [created, delta] = responseEvents("r", "word ".repeat(80), USAGE);
    session.send(created);
    session.send(delta);
    await client.until((one) => one.messages.length === 2);
    session.socket.terminate();
    await client.end();
    await gateway.idle();
    const [answer] = gateway.kept.rows();
    expect(answer).toMatchObject({ error: "upstream_stream_interrupted", estimated: true });
    expect(answer!.usage.output_tokens).toBe(100);
    expect(answer!.usage.input_tokens).toBeGreaterThan(1_000);
    expect(answer!.cost_nano_usd).toBeGreaterThan(0);
  });

  test("that its client does not wait for is one that the client left", async () => {
    const provider = upstream();
    const gateway = gatewayOf(provider.base_url);
    const client = await open(gateway);
    client.send({ type: "response.create" });
    const session = await provider.session();
    await until(() => session.messages.length === 1);
    for (const event of responseEvents("r", "word ".repeat(80), USAGE).slice(0, 2)) session.send(event);
    await client.until((one) => one.messages.length === 2);
    client.socket.close(1000);
    await gateway.idle();
    const rows = gateway.kept.rows();
    expect(rows.map(({ status, error, estimated }) => [status, error, estimated])).toEqual([
      [499, "client_closed", true],
      [101, null, false],
    ]);
    expect(rows[0]!.usage.output_tokens).toBe(100);
  });

  test("that the provider refuses costs nothing and gives back what was reserved", async () => {
    const provider = upstream({
      heard: (session, message) =>
        session.send({
          type: "error",
          error: {
            type: "invalid_request_error",
            code: "bad",
            message: "no",
            event_id: JSON.parse(String(message)).event_id,
          },
        }),
    });
    const gateway = gatewayOf(provider.base_url, { key: ", limits: { usd_per_day: 0.001 }" });
    const client = await open(gateway);
    for (let time = 1; time <= 3; time++) {
      client.send({ type: "response.create", event_id: `e${time}`, response: { max_output_tokens: 10 } });
      await client.until((one) => one.errors().length === time);
    }
    expect(client.errors().map(({ code }) => code)).toEqual(["bad", "bad", "bad"]);
    expect(
      gateway.kept.rows().map(({ status, error, cost_nano_usd }) => [status, error, cost_nano_usd]),
    ).toEqual([
      [400, "bad", 0],
      [400, "bad", 0],
      [400, "bad", 0],
    ]);
  });
});

describe("limits", () => {
  test("of calls at once count sessions, for as long as they last", async () => {
    const provider = answering();
    const gateway = gatewayOf(provider.base_url, { key: ", limits: { concurrency: 1 }" });
    const client = await open(gateway);
    client.send({ type: "response.create" });
    await client.until((one) => one.ofType("response.done").length === 1);
    const second = new Client(gateway.port, "/v1/realtime?model=voice", { headers: KEY });
    await expect(second.opened).rejects.toThrow();
    client.socket.close(1000);
    await gateway.idle();
    expect(gateway.kept.rows().map(({ status, error }) => [status, error])).toEqual([
      [200, null],
      [429, "rate_limit_exceeded"],
      [101, null],
    ]);
    const third = await open(gateway);
    third.socket.close(1000);
    await gateway.idle();
  });

  test("of requests count answers: one too many is not sent on, and the session goes on", async () => {
    const provider = answering();
    const gateway = gatewayOf(provider.base_url, { key: ", limits: { rpm: 2 }" });
    const client = await open(gateway);
    for (const event_id of ["one", "two", "three"]) client.send({ type: "response.create", event_id });
    await client.until((one) => one.errors().length === 1 && one.ofType("response.done").length === 2);
    expect(client.errors()[0]).toMatchObject({ code: "rate_limit_exceeded", event_id: "three" });
    const session = await provider.session();
    client.send({ type: "input_audio_buffer.clear" });
    await until(() => session.messages.length === 3);
    expect(session.events().map(({ event_id }) => event_id)).toEqual(["one", "two", undefined]);
    expect(client.closed).toBeNull();
  });

  test("of tokens are reserved by the settings and set right by the usage", async () => {
    const provider = answering();
    const gateway = gatewayOf(provider.base_url, { key: ", limits: { tpm: 1000 }" });
    const client = await open(gateway);
    client.send({ type: "session.update", session: { max_output_tokens: 600 } });
    client.send({ type: "response.create" });
    await client.until((one) => one.ofType("response.done").length === 1);
    // 253 were used, and 253 are in the conversation: with 600 more it would be over.
    client.send({ type: "response.create" });
    await client.until((one) => one.errors().length === 1);
    expect(client.errors()[0]!.code).toBe("rate_limit_exceeded");
    client.send({ type: "response.create", response: { max_output_tokens: 100 } });
    await client.until((one) => one.ofType("response.done").length === 2);
  });

  test("of the provider's key hold for answers, too", async () => {
    const gateway = gatewayOf(answering().base_url, { provider: ", limits: { rpm: 1 }" });
    const client = await open(gateway);
    client.send({ type: "response.create" });
    client.send({ type: "response.create" });
    await client.until((one) => one.errors().length === 1 && one.ofType("response.done").length === 1);
    expect(client.errors()[0]!.code).toBe("rate_limit_exceeded");
  });

  test("of what the provider begins by itself cancel it", async () => {
    const provider = upstream();
    const gateway = gatewayOf(provider.base_url, { key: ", limits: { rpm: 1 }" });
    const client = await open(gateway);
    const session = await provider.session();
    for (const event of responseEvents("one", "Hi", USAGE)) session.send(event);
    for (const event of responseEvents("two", "Hi", USAGE).slice(0, 1)) session.send(event);
    await until(() => session.messages.length === 1);
    expect(session.events()).toEqual([{ type: "response.cancel", response_id: "two" }]);
    await client.until((one) => one.errors().length === 1);
    expect(client.errors()[0]!.code).toBe("rate_limit_exceeded");
    session.send(responseEvents("two", "", { ...USAGE, output_tokens: 1 }, { status: "cancelled" }).at(-1));
    await client.until((one) => one.ofType("response.done").length === 2);
    // What it had used by then is in the books all the same.
    expect(gateway.kept.rows().map(({ status, usage }) => [status, usage.output_tokens])).toEqual([
      [200, 121],
      [429, 0],
      [200, 1],
    ]);
  });
});

describe("a budget", () => {
  test("that is used up ends the session at the next answer, and lets no other begin", async () => {
    const gateway = gatewayOf(answering().base_url, {
      key: ", limits: { usd_per_day: 0.01 }",
    });
    const client = await open(gateway);
    client.send({ type: "response.create", response: { max_output_tokens: 100 } });
    await client.until((one) => one.ofType("response.done").length === 1);
    client.send({ type: "response.create", response: { max_output_tokens: 100 } });
    expect((await client.end()).code).toBe(1008);
    expect(client.errors()[0]!.code).toBe("budget_exceeded");
    await gateway.idle();
    const rows = gateway.kept.rows();
    expect(rows.map(({ status, error }) => [status, error])).toEqual([
      [200, null],
      [429, "budget_exceeded"],
      [101, "budget_exceeded"],
    ]);
    expect(rows.reduce((sum, row) => sum + row.cost_nano_usd!, 0)).toBe(NANO);
  });

  test("that runs out in the middle cuts the answer off, hears what it cost, and ends the session", async () => {
    const provider = upstream({
      heard: (session, message) => {
        const { type } = JSON.parse(String(message)) as { type: string };
        if (type === "response.create") {
          session.send(responseEvents("r", "", USAGE)[0]);
          const about = { response_id: "r", item_id: "i", output_index: 0, content_index: 0 };
          for (let piece = 0; piece < 10; piece++) {
            // A second of sound is 20 tokens.
            const delta = Buffer.alloc(48_000).toString("base64");
            session.send({ type: "response.output_audio.delta", ...about, delta });
          }
        } else if (type === "response.cancel") {
          session.send(
            responseEvents(
              "r",
              "",
              { ...USAGE, output_tokens: 200, output_token_details: { audio_tokens: 200 } },
              { status: "cancelled" },
            ).at(-1),
          );
        }
      },
    });
    // Enough for 100 tokens of sound.
    const gateway = gatewayOf(provider.base_url, { key: ", limits: { usd_per_day: 0.0064 }" });
    const client = await open(gateway);
    client.send({ type: "response.create", response: { max_output_tokens: 50 } });
    expect((await client.end()).code).toBe(1008);
    expect(client.errors()[0]!.code).toBe("budget_exceeded");
    expect((await provider.session()).events().map(({ type }) => type)).toEqual([
      "response.create",
      "response.cancel",
    ]);
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({ usage: { output_tokens: 200 }, estimated: false });
    const refused = new Client(gateway.port, "/v1/realtime?model=voice", { headers: KEY });
    await expect(refused.opened).rejects.toThrow();
  });
});

test("a provider's word that nothing is left lets its key rest", async () => {
  const provider = upstream();
  const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${provider.base_url}", api_keys: [one, two] } }
models: { voice: { targets: [up/gpt-realtime] } }
`);
  const client = new Client(gateway.port, "/v1/realtime?model=voice");
  await client.opened;
  const session = await provider.session();
  session.send({
    type: "rate_limits.updated",
    rate_limits: [{ name: "requests", limit: 9, remaining: 0, reset_seconds: 60 }],
  });
  await client.until((one) => one.messages.length === 1);
  for (let number = 1; number <= 3; number++) {
    await new Client(gateway.port, "/v1/realtime?model=voice").opened;
    await provider.session(number);
  }
  expect(provider.openings.map(({ headers }) => headers.get("authorization"))).toEqual([
    "Bearer one",
    "Bearer two",
    "Bearer two",
    "Bearer two",
  ]);
});

test("a stored key that is revoked ends its session at the next answer", async () => {
  const folder = makeFolder();
  const store = openStore(folder.path);
  const stored_keys = watchKeys(store, () => {});
  room.after(() => {
    stored_keys.close();
    folder.remove();
  });
  const { record, secret } = makeRecord();
  store.change((writer) => writer.put(record));
  const gateway = room.gateway(
    `
providers: { up: { kind: openai, base_url: "${answering().base_url}", api_keys: [secret] } }
models: { voice: { targets: [up/gpt-realtime] } }
`,
    { stored_keys },
  );
  const client = new Client(gateway.port, "/v1/realtime?model=voice", {
    headers: { authorization: `Bearer ${secret}` },
  });
  await client.opened;
  client.send({ type: "response.create" });
  await client.until((one) => one.ofType("response.done").length === 1);
  store.change((writer) => writer.put({ ...record, revoked_ms: Date.now(), version: 2 }));
  client.send({ type: "response.create" });
  expect((await client.end()).code).toBe(1008);
  expect(client.errors()[0]!.code).toBe("invalid_api_key");
});
