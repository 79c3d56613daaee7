// WebSockets through the life of the processes: a stop, a killed process, and a client that comes back to another process.

import { afterEach, describe, expect, test } from "vitest";
import { openSocket, type SocketClient } from "../gateway/websocket/socket_client.ts";
import { chatChunks, startUpstream } from "../scripted_upstream.ts";
import { Venturi } from "./harness.ts";

const undone: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of undone.splice(0).reverse()) await undo();
});

async function start(workers: number) {
  const gate = Promise.withResolvers<void>();
  const upstream = await startUpstream(async (request, reply) => {
    const chunks = chatChunks("one two three");
    for (const chunk of chunks.slice(0, 2)) await reply.sse(chunk);
    await Promise.race([gate.promise, request.aborted]);
    for (const chunk of chunks.slice(2)) await reply.sse(chunk);
    await reply.sse("[DONE]");
  });
  undone.push(() => upstream.stop());
  const venturi = new Venturi({
    config: `
listen: { workers: ${workers} }
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [up/gpt], retries: { attempts: 0 } } }
`,
  });
  undone.push(() => venturi.end());
  await venturi.ready();
  return { venturi, gate };
}

async function open(venturi: Venturi, path = "/v1/chat/completions"): Promise<SocketClient> {
  const client = await openSocket(venturi.port, { path });
  undone.push(() => client.socket.terminate());
  return client;
}

const RESUMABLE = "/v1/chat/completions?resume_ms=20000";
const textOf = (clients: readonly SocketClient[]) =>
  clients
    .flatMap((client) => client.of("a"))
    .map(
      ({ data }) =>
        (data as { choices?: { delta?: { content?: string } }[] }).choices?.[0]?.delta?.content ?? "",
    )
    .join("");

async function tokenOf(client: SocketClient): Promise<string> {
  const { data } = await client.frame(({ event }) => event === "session");
  return (data as unknown as { resume: string }).resume;
}

/** The process that a token names. */
const ownerOf = (token: string) => Number(token.split("-")[0]);

describe("the sockets of a gateway", () => {
  test("that is stopped are told, finish what is under way, and are closed", async () => {
    const { venturi, gate } = await start(1);
    const busy = await open(venturi);
    const idle = await open(venturi);
    busy.call("a");
    await busy.frame(({ id }) => id === "a");
    venturi.kill("SIGTERM");
    await busy.frame(({ event }) => event === "goaway");
    expect((await idle.whenClosed()).code).toBe(1012);
    gate.resolve();
    expect((await busy.end("a")).at(-1)!.event).toBe("done");
    expect((await busy.whenClosed()).code).toBe(1012);
    expect((await venturi.exited).code).toBe(0);
  });

  test("break with a process that is killed, and others take their clients", async () => {
    const { venturi, gate } = await start(1);
    const client = await open(venturi, RESUMABLE);
    const token = await tokenOf(client);
    client.call("a");
    await client.frame(({ id }) => id === "a");
    const [victim] = venturi.gateways;
    process.kill(victim!, "SIGKILL");
    expect((await client.whenClosed()).code).toBe(1006);
    await venturi.until(() => venturi.gateways.some((pid) => pid !== victim), "successor");
    let back: SocketClient | null = null;
    while (back === null) back = await open(venturi, RESUMABLE).catch(() => null);
    back.send({ resume: token, seq: 0 });
    expect((await back.whenClosed()).code).toBe(4404);
    gate.resolve();
    const anew = await open(venturi);
    anew.call("a");
    expect((await anew.end("a")).at(-1)!.event).toBe("done");
  });

  test("are resumed whichever process their clients reach", async () => {
    const { venturi, gate } = await start(2);
    await venturi.until(() => venturi.gateways.length === 2, "second process");
    const first = await open(venturi, RESUMABLE);
    const token = await tokenOf(first);
    first.call("a");
    await first.frame(({ id }) => id === "a");
    const seq = first.frames.findLast((frame) => frame.seq !== undefined)!.seq;
    first.socket.terminate();
    // The kernel chooses the process.
    let second: SocketClient | null = null;
    for (let tries = 0; second === null && tries < 100; tries++) {
      const one = await open(venturi, RESUMABLE);
      if (ownerOf(await tokenOf(one)) !== ownerOf(token)) second = one;
      else one.socket.terminate();
    }
    expect(second).not.toBeNull();
    second!.send({ resume: token, seq });
    gate.resolve();
    expect((await second!.end("a")).at(-1)!.event).toBe("done");
    expect(textOf([first, second!])).toBe("one two three");
  });
});
