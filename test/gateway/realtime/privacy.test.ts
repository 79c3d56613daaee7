// Personal data in sessions: what the provider hears, and what the client is told.

import { describe, expect, test } from "vitest";
import { rig, type TestGateway, until } from "../harness.ts";
import { Client, type RealtimeUpstream, startRealtime } from "./realtime_upstream.ts";

const room = rig();
const EMAIL = "ann.lee@example.com";
const AUDIO = { type: "input_audio_buffer.append", audio: Buffer.alloc(300).toString("base64") };
const SAID = (text: string, event_id?: string) => ({
  ...{ type: "conversation.item.create", event_id },
  item: { type: "message", role: "user", content: [{ type: "input_text", text }] },
});

async function session(
  privacy: string,
  guards = "",
): Promise<{ gateway: TestGateway; provider: RealtimeUpstream; client: Client }> {
  const provider = startRealtime();
  room.after(() => provider.stop());
  const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${provider.base_url}", api_keys: [secret] } }
models: { voice: { targets: [up/gpt-realtime], privacy: { entities: [EMAIL, PHONE], ${privacy} } ${guards} } }
`);
  const client = new Client(gateway.port, "/v1/realtime?model=voice");
  room.after(() => client.socket.close());
  await client.opened;
  return { gateway, provider, client };
}

describe("redact", () => {
  test("takes values out of all that the client says in text, and puts them back in all that it is told", async () => {
    const { provider, client, gateway } = await session("mode: redact");
    client.send({ type: "session.update", session: { instructions: `You work for ${EMAIL}.` } });
    client.send(SAID(`Write to ${EMAIL} or bob@example.org`));
    client.send({
      type: "response.create",
      response: { instructions: `Greet ${EMAIL}`, metadata: { who: EMAIL } },
    });
    const heard = await provider.session();
    await until(() => heard.messages.length === 3);
    expect(JSON.stringify(heard.messages)).not.toMatch(/ann|bob/);
    const [settings, item, asked] = heard.events() as [
      Record<string, never>,
      Record<string, never>,
      Record<string, never>,
    ];
    expect((settings as unknown as { session: { instructions: string } }).session.instructions).toMatch(
      /^You work for \[EMAIL_1\]\.\n\n/,
    );
    expect(item["item"]).toMatchObject({ content: [{ text: "Write to [EMAIL_1] or [EMAIL_2]" }] });
    expect(asked["response"]).toMatchObject({
      instructions: "Greet [EMAIL_1]",
      metadata: { who: "[EMAIL_1]" },
    });

    const about = { response_id: "r", item_id: "i", output_index: 0, content_index: 0 };
    heard.send({ type: "response.created", response: { id: "r" } });
    const words = "To [EMAIL_1], and [EMAIL_2].";
    for (let at = 0; at < words.length; at += 3)
      heard.send({ type: "response.output_text.delta", ...about, delta: words.slice(at, at + 3) });
    heard.send({ type: "response.output_text.done", ...about, text: words });
    for (const piece of ['{"to":"[EMA', 'IL_1]"}'])
      heard.send({ type: "response.function_call_arguments.delta", ...about, item_id: "f", delta: piece });
    heard.send({
      type: "response.function_call_arguments.done",
      ...about,
      item_id: "f",
      arguments: '{"to":"[EMAIL_1]"}',
    });
    heard.send({
      type: "response.output_audio_transcript.delta",
      ...about,
      item_id: "a",
      delta: "It is [EMAIL_1",
    });
    heard.send({ type: "response.output_audio_transcript.delta", ...about, item_id: "a", delta: "]" });
    const untouched = '{ "type":"response.output_audio.delta","response_id":"r", "delta":"QUJD" }';
    heard.socket.send(untouched);
    // What never ends but with its response is not lost.
    heard.send({ type: "response.text.delta", ...about, item_id: "b", delta: "and [EMAIL" });
    heard.send({
      type: "conversation.item.done",
      item: { type: "message", content: [{ type: "input_text", text: "[EMAIL_2]" }] },
    });
    heard.send({
      type: "response.done",
      response: {
        id: "r",
        status: "completed",
        output: [{ type: "message", content: [{ type: "output_text", text: words }] }],
      },
    });
    await client.until((one) => one.ofType("response.done").length === 1);
    const told = client.events();
    const joined = (type: string) =>
      told
        .filter((one) => one["type"] === type)
        .map((one) => one["delta"])
        .join("");
    const whole = `To ${EMAIL}, and bob@example.org.`;
    expect(joined("response.output_text.delta")).toBe(whole);
    expect(joined("response.function_call_arguments.delta")).toBe(`{"to":"${EMAIL}"}`);
    expect(joined("response.output_audio_transcript.delta")).toBe(`It is ${EMAIL}`);
    expect(joined("response.text.delta")).toBe("and [EMAIL");
    expect(client.messages).toContain(untouched);
    expect(JSON.stringify(told)).not.toMatch(/EMAIL_\d/);
    expect(client.ofType("response.done")[0]).toMatchObject({
      response: { output: [{ content: [{ text: whole }] }] },
    });
    client.socket.close(1000);
    await gateway.idle();
    expect(gateway.kept.rows().at(-1)).toMatchObject({ status: 101, redactions: { EMAIL: 5 } });
  });

  test("lets no audio out, which nobody can look into, unless it is told to", async () => {
    const { provider, client } = await session("mode: redact");
    client.send({ ...AUDIO, event_id: "sound" });
    client.send({
      type: "conversation.item.create",
      item: { type: "message", content: [{ type: "input_audio", audio: "QUJD" }] },
    });
    client.send(new Uint8Array([1, 2, 3]));
    client.send("no event");
    client.send({ type: "last" });
    const heard = await provider.session();
    await until(() => heard.messages.length === 1);
    expect(heard.events()).toEqual([{ type: "last" }]);
    expect(client.errors().map(({ code, event_id }) => [code, event_id])).toEqual([
      ["content_blocked", "sound"],
      ["content_blocked", null],
      ["content_blocked", null],
      ["content_blocked", null],
    ]);

    const passing = await session("mode: redact, audio: pass");
    passing.client.send(AUDIO);
    const hears = await passing.provider.session();
    await until(() => hears.messages.length === 1);
    expect(hears.messages[0]).toBe(JSON.stringify(AUDIO));
  });
});

test("block refuses the event in which something is found, and the session goes on", async () => {
  const { provider, client, gateway } = await session("mode: block");
  client.send(SAID(`Write to ${EMAIL}`, "mine"));
  client.send(SAID(`Write to ${EMAIL}`, "mine too"));
  client.send(SAID("Write to nobody"));
  const heard = await provider.session();
  await until(() => heard.messages.length === 1);
  expect(heard.messages[0]).toBe(JSON.stringify(SAID("Write to nobody")));
  expect(client.errors()).toMatchObject([
    { code: "content_blocked", event_id: "mine" },
    { code: "content_blocked", event_id: "mine too" },
  ]);
  expect(JSON.stringify(client.errors())).not.toContain("ann");
  client.socket.close(1000);
  await gateway.idle();
  expect(gateway.kept.rows().at(-1)).toMatchObject({ redactions: { EMAIL: 2 } });
});

test("audit lets all go by as it came, and counts", async () => {
  const { provider, client, gateway } = await session("mode: audit");
  const said = [JSON.stringify(SAID(`Write to ${EMAIL}`)), JSON.stringify(AUDIO), "no event"];
  for (const one of said) client.send(one);
  const heard = await provider.session();
  await until(() => heard.messages.length === 3);
  expect(heard.messages).toEqual(said);
  client.socket.close(1000);
  await gateway.idle();
  expect(gateway.kept.rows().at(-1)).toMatchObject({ redactions: { EMAIL: 1 } });
});

test("mask puts nothing back", async () => {
  const { provider, client } = await session("mode: mask");
  client.send(SAID(`Write to ${EMAIL}`));
  const heard = await provider.session();
  await until(() => heard.messages.length === 1);
  expect(heard.messages[0]).toContain("Write to [EMAIL]");
  heard.send({ type: "response.output_text.done", text: "[EMAIL]" });
  await client.until((one) => one.messages.length === 1);
  expect(client.messages[0]).toContain("[EMAIL]");
});

test("values of a conversation with a name are there in its next session", async () => {
  const provider = startRealtime();
  room.after(() => provider.stop());
  const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${provider.base_url}", api_keys: [secret] } }
models: { voice: { targets: [up/gpt-realtime], privacy: { mode: redact } } }
`);
  for (const number of [0, 1]) {
    const client = new Client(gateway.port, "/v1/realtime?model=voice", {
      headers: { "x-venturi-session": "talk" },
    });
    await client.opened;
    const heard = await provider.session(number);
    client.send(SAID(number === 0 ? `Write to ${EMAIL}` : "Write to bob@example.org"));
    await until(() => heard.messages.length === 1);
    expect(heard.messages[0]).toContain(`Write to [EMAIL_${number + 1}]`);
    heard.send({ type: "response.output_text.done", item_id: "i", text: "To [EMAIL_1]" });
    await client.until((one) => one.messages.length === 1);
    expect(client.events()[0]).toMatchObject({ text: `To ${EMAIL}` });
    client.socket.close(1000);
    await gateway.idle();
  }
});

test("guards that might have to stop something let no session begin", async () => {
  await expect(session("mode: audit", ", guards: { input: [prompt_injection] }")).rejects.toThrow();
});
