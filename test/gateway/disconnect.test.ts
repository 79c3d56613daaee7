// What becomes of an answer whose client leaves, by the provider's policy; and of tries that a deadline leaves no time for.

import { describe, expect, test } from "vitest";
import type { Call } from "../../src/gateway/call.ts";
import type { Roster } from "../../src/memory/roster.ts";
import {
  chatChunks,
  chatCompletion,
  type Reply,
  type Script,
  type SeenRequest,
} from "../scripted_upstream.ts";
import { rig, type TestGateway, until } from "./harness.ts";

const room = rig();

const config = (base_url: string, rest: string): string => `
providers:
  up: { kind: openai, base_url: "${base_url}", api_keys: [none]${rest} }
models:
  chat: { targets: [up/a], retries: { attempts: 2, backoff_ms: 1 } }
`;

const DRAIN = ", on_disconnect: drain-for-usage, limits: { concurrency: 1 }, queue: off";

/** An upstream that answers when it is told to, in two parts where it streams. */
async function slow() {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  let is_aborted = false;
  const script: Script = async (request: SeenRequest, reply: Reply) => {
    void request.aborted.then(() => {
      is_aborted = true;
    });
    const { stream } = request.json() as { stream?: boolean };
    const events = chatChunks("one two three");
    if (stream) await reply.sse(events[0]);
    if (stream) await reply.sse(events[1]);
    await Promise.race([released, request.aborted]);
    if (!stream) return reply.json(200, chatCompletion("hello"));
    for (const event of events.slice(2)) await reply.sse(event);
    await reply.sse("[DONE]");
  };
  const upstream = await room.upstream(script);
  return { upstream, release, isAborted: () => is_aborted };
}

/** Asks, and leaves when the provider has got the call; of a stream, when its first bytes have come. */
async function askAndLeave(gateway: TestGateway, seen: () => boolean, stream: boolean): Promise<void> {
  const leaving = new AbortController();
  const asked = gateway.chat({ stream }, { signal: leaving.signal });
  if (stream) {
    const reader = (await asked).body!.getReader();
    await reader.read();
    leaving.abort();
    await reader.read().catch(() => {});
  } else {
    await until(seen);
    leaving.abort();
    await expect(asked).rejects.toThrow();
  }
  // The gateway knows when it has seen the connection close.
  const { members } = gateway.gateway.calls as Roster<"call_slot", Call>;
  await until(() => members.every(({ stopped }) => stopped === "gone"));
}

describe.each([false, true])("an answer whose client leaves (stream: %s)", (stream) => {
  test("is cancelled by default", async () => {
    const { upstream, isAborted } = await slow();
    const gateway = room.gateway(config(upstream.base_url, ""));
    await askAndLeave(gateway, () => upstream.requests.length === 1, stream);
    await until(isAborted);
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({ status: 499, error: "client_closed" });
  });

  test("is read to its end where its provider bills it, and its limits are held for so long", async () => {
    const { upstream, release, isAborted } = await slow();
    const gateway = room.gateway(config(upstream.base_url, DRAIN));
    await askAndLeave(gateway, () => upstream.requests.length === 1, stream);
    const refused = await gateway.chat();
    expect(refused.status).toBe(429);
    release();
    await gateway.idle();
    expect(isAborted()).toBe(false);
    const row = gateway.kept.rows().find(({ status }) => status === 499)!;
    expect(row).toMatchObject({ error: "client_closed", estimated: false });
    expect(row.usage.output_tokens).toBeGreaterThan(0);
    expect(row.attempts).toMatchObject([{ provider: "up", model: "a", outcome: "drained" }]);
    expect((await gateway.chat()).status).toBe(200);
  });

  test("is read for so long and no longer", async () => {
    const { upstream, isAborted } = await slow();
    const gateway = room.gateway(config(upstream.base_url, `${DRAIN}, drain: { max_ms: 80 }`));
    await askAndLeave(gateway, () => upstream.requests.length === 1, stream);
    await until(isAborted);
    await gateway.idle();
    const row = gateway.kept.rows().find(({ status }) => status === 499)!;
    expect(row.attempts).toMatchObject([{ provider: "up", model: "a", outcome: "drain_cut" }]);
  });

  test("is not waited for by a gateway that stops, for longer than it drains", async () => {
    const { upstream } = await slow();
    const gateway = room.gateway(config(upstream.base_url, DRAIN));
    await askAndLeave(gateway, () => upstream.requests.length === 1, stream);
    // The answer would never come.
    await gateway.gateway.stop(100);
    expect(gateway.kept.rows()[0]).toMatchObject({ status: 499 });
  });
});

test("a drain that would become too long is cut by its bytes", async () => {
  const words = "x".repeat(64 * 1024);
  const upstream = await room.upstream(async (request, reply) => {
    const [first, content] = chatChunks("one");
    await reply.sse(first);
    await reply.sse(content);
    let is_over = false;
    void request.aborted.then(() => {
      is_over = true;
    });
    while (!is_over) await reply.sse({ ...(content as object), filler: words });
  });
  const gateway = room.gateway(config(upstream.base_url, `${DRAIN}, drain: { max_mb: 1 }`));
  await askAndLeave(gateway, () => upstream.requests.length === 1, true);
  await gateway.idle();
  expect(gateway.kept.rows()[0]!.attempts).toMatchObject([
    { provider: "up", model: "a", outcome: "drain_cut" },
  ]);
});

describe("a deadline", () => {
  test("keeps a target from being asked that hardly ever answers in what is left", async () => {
    // A deadline that the other target keeps on a busy machine too, and this one on none.
    let delay_ms = 1_500;
    const upstream = await room.upstream(async (_, reply) => {
      await Bun.sleep(delay_ms);
      await reply.json(200, chatCompletion("hello"));
    });
    const fast = await room.upstream((_, reply) => reply.json(200, chatCompletion("fast")));
    const gateway = room.gateway(`
providers:
  up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] }
  fast: { kind: openai, base_url: "${fast.base_url}", api_keys: [none] }
models:
  chat: { targets: [up/a] }
  either: { targets: [up/a, fast/b] }
`);
    const short = { headers: { "x-venturi-deadline-ms": "1000" } };
    // Until enough is known of it, it is asked, and the deadline ends it.
    expect((await gateway.chat({}, short)).status).toBe(504);
    await Promise.all(Array.from({ length: 110 }, () => gateway.chat()));
    const before = upstream.requests.length;
    expect((await gateway.chat({}, short)).status).toBe(504);
    expect(upstream.requests.length).toBe(before);
    await gateway.idle();
    expect(gateway.kept.rows().at(-1)!.attempts).toEqual([
      { provider: "up", model: "a", outcome: "too_late" },
    ]);
    // Another target may make it.
    const other = await gateway.chat({ model: "either" }, short);
    expect(other.headers.get("x-venturi-provider")).toBe("fast");
    // With time enough it is asked as before.
    delay_ms = 1;
    expect((await gateway.chat({}, { headers: { "x-venturi-deadline-ms": "60000" } })).status).toBe(200);
  });
});
