// Events as nobody should write them: whatever either side says, it goes by, and the session goes on.

import { expect, test } from "vitest";
import { rig, until } from "../harness.ts";
import { Client, startRealtime } from "./realtime_upstream.ts";

const room = rig();
const VALUES = [
  "null",
  "1",
  '"x"',
  "[]",
  "{}",
  '[{"audio":1}]',
  '{"error":{"event_id":1,"code":[]}}',
  '{"content":[null]}',
];
const MEMBERS = ["response", "item", "session", "error", "usage", "delta", "response_id", "rate_limits"];
const TYPES = [
  ...["response.created", "response.done", "response.output_text.delta", "response.output_audio.delta"],
  ...["conversation.item.input_audio_transcription.completed", "session.created", "session.updated"],
  ...["rate_limits.updated", "error", "response.create", "session.update", "conversation.item.create"],
  ...["input_audio_buffer.append", "transcription_session.update", "response.", ".delta"],
];

test.each(["", ", privacy: { mode: redact, audio: pass }"])("with privacy %j", async (privacy) => {
  const provider = startRealtime();
  room.after(() => provider.stop());
  const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${provider.base_url}", api_keys: [secret] } }
models: { voice: { targets: [up/gpt-realtime] ${privacy} } }
`);
  const client = new Client(gateway.port, "/v1/realtime?model=voice");
  await client.opened;
  const session = await provider.session();
  if (privacy !== "") {
    // From here on there are values to put back.
    client.send({ type: "x", text: "ann.lee@example.com" });
    await until(() => session.messages.length === 1);
    session.messages.splice(0);
  }
  const events = TYPES.flatMap((type) =>
    MEMBERS.flatMap((member) =>
      VALUES.map((value) => `{"type":${JSON.stringify(type)},"${member}":${value}}`),
    ),
  );
  for (const event of [...events, '{"type":1}', '{"type":null}', "[]", '""']) session.socket.send(event);
  await client.until((one) => one.messages.length >= events.length + 4);
  expect(client.messages).toEqual([...events, '{"type":1}', '{"type":null}', "[]", '""']);
  for (const event of events) client.send(event);
  client.send('{"type":"last"}');
  await until(() => session.messages.at(-1) === '{"type":"last"}');
  const asked = events.filter((event) => event.includes('"response.create"'));
  // Of answers that never begin, so many are waited for.
  const sent = new Set(session.messages.slice(0, -1));
  expect(events.filter((event) => !sent.has(event)).every((event) => asked.includes(event))).toBe(true);
  expect(client.closed).toBeNull();
  client.socket.close(1000);
  await gateway.idle();
});
