// Sessions that outlive their sockets: the calls go on, the client comes back and gets what it missed, once and in order,
// whichever process of the port it reaches.

import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startGateway } from "../../../src/gateway/server.ts";
import { ReplayLog } from "../../../src/gateway/websocket/replay_log.ts";
import { chatChunks } from "../../scripted_upstream.ts";
import { planOf, rig, until } from "../harness.ts";
import { testBooks } from "../test_books.ts";
import { openSocket, type SocketClient, type SocketOptions } from "./socket_client.ts";

const room = rig();
const SSE = { "content-type": "text/event-stream" };
const DONE = "data: [DONE]\n\n";
const WORDS = Array.from({ length: 40 }, (_, index) => `w${index}`).join(" ");
const events = chatChunks(WORDS).map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);

async function open(port: number, how: SocketOptions = {}): Promise<SocketClient> {
  const client = await openSocket(port, { path: "/v1/chat/completions?resume_ms=20000", ...how });
  room.after(() => client.socket.terminate());
  return client;
}

const config = (base_url: string, more = "") => `
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [none] } }
models: { chat: { targets: [up/gpt], retries: { attempts: 0 } } }
${more}
`;

/** A gateway beside others of a data folder. */
function gatewayAt(folder: string, yaml: string) {
  const kept = testBooks();
  const gateway = startGateway({ plan: planOf(yaml), port: 0, books: kept.books, sessions_folder: folder });
  room.after(() => gateway.stop(0).then(kept.dispose));
  return { gateway, kept, port: gateway.port };
}

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "venturi-sessions-"));
  room.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An upstream that streams up to a gate, and the rest behind it. */
async function gated(first: number) {
  const gate = Promise.withResolvers<void>();
  const upstream = await room.upstream(async (request, reply) => {
    await reply.head(200, SSE);
    for (const event of events.slice(0, first)) await reply.chunk(event);
    await Promise.race([gate.promise, request.aborted]);
    for (const event of events.slice(first)) await reply.chunk(event);
    await reply.chunk(DONE);
  });
  return { upstream, gate };
}

const tokenOf = async (client: SocketClient) => {
  const { data } = await client.frame(({ event }) => event === "session");
  return (data as unknown as { resume: string }).resume;
};
const lastSeq = (client: SocketClient) => client.frames.findLast(({ seq }) => seq !== undefined)?.seq ?? 0;
const numbered = (client: SocketClient) => client.frames.filter(({ seq }) => seq !== undefined);
const textOf = (clients: readonly SocketClient[]) =>
  clients
    .flatMap(numbered)
    .filter(({ event }) => event === "chunk")
    .map(
      ({ data }) =>
        (data as { choices?: { delta?: { content?: string } }[] }).choices?.[0]?.delta?.content ?? "",
    )
    .join("");

describe("a session that is resumed", () => {
  test("goes on where it broke, at the same process", async () => {
    const { upstream, gate } = await gated(10);
    const gateway = room.gateway(config(upstream.base_url));
    const first = await open(gateway.port);
    const token = await tokenOf(first);
    first.call("a");
    await until(() => first.of("a").length > 3);
    first.socket.terminate();
    gate.resolve();
    // The call ends without its client.
    await until(() => gateway.gateway.calls.size === 0);
    const second = await open(gateway.port);
    second.send({ resume: token, seq: lastSeq(first) });
    await second.frame(({ id, event }) => id === "a" && event === "done");
    expect(textOf([first, second])).toBe(WORDS);
    const seqs = [...numbered(first), ...numbered(second)].map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    const resumed = second.frames.findLast(({ event }) => event === "session");
    expect(resumed?.data).toMatchObject({ resume: token, resumed: true, resume_ms: 20_000 });
    expect(gateway.kept.rows().map(({ status }) => status)).toEqual([200]);
    // It is a session like any other, and can be resumed once more.
    second.call("b", { model: "sim/echo" });
    await second.frame(({ id, event }) => id === "b" && event === "done");
    second.socket.terminate();
    const third = await open(gateway.port);
    third.send({ resume: token, seq: lastSeq(second) - 1 });
    const again = await third.frame(({ id }) => id === "b");
    expect(again).toMatchObject({ event: "done", seq: lastSeq(second) });
  });

  test("takes the socket from who still has it", async () => {
    const { upstream, gate } = await gated(10);
    const gateway = room.gateway(config(upstream.base_url));
    const first = await open(gateway.port);
    const token = await tokenOf(first);
    first.call("a");
    await until(() => first.of("a").length > 3);
    const second = await open(gateway.port);
    second.send({ resume: token, seq: 0 });
    await first.whenClosed();
    gate.resolve();
    await second.frame(({ id, event }) => id === "a" && event === "done");
    expect(textOf([second])).toBe(WORDS);
  });

  test("is found from another process of the same data folder", async () => {
    const folder = dataFolder();
    // What a killed process left does not matter.
    writeFileSync(join(folder, "sessions-999999999-1.sock"), "");
    const { upstream, gate } = await gated(10);
    const one = gatewayAt(folder, config(upstream.base_url));
    const other = gatewayAt(folder, config(upstream.base_url));
    const first = await open(one.port);
    const token = await tokenOf(first);
    const sockets = readdirSync(folder).filter((name) => name.endsWith(".sock"));
    expect(sockets).toHaveLength(1);
    expect(statSync(join(folder, sockets[0]!)).mode & 0o777).toBe(0o600);
    first.call("a");
    await until(() => first.of("a").length > 3);
    first.socket.terminate();
    const second = await open(other.port);
    second.send({ resume: token, seq: lastSeq(first) });
    second.call("b", { model: "sim/echo" });
    await second.frame(({ id, event }) => id === "b" && event === "done");
    gate.resolve();
    await second.frame(({ id, event }) => id === "a" && event === "done");
    expect(textOf([first, second]).replace("Hello", "")).toBe(WORDS);
    expect(one.kept.rows()).toHaveLength(2);
    expect(other.kept.rows()).toHaveLength(0);
    // Broken once more, resumed at home.
    second.socket.terminate();
    const third = await open(one.port);
    third.send({ resume: token, seq: lastSeq(second) - 1 });
    await third.frame(({ seq }) => seq === lastSeq(second));
    await third.close();
    await until(() => one.gateway.calls.size === 0);
    const late = await open(other.port);
    late.send({ resume: token, seq: 0 });
    expect((await late.whenClosed()).code).toBe(4404);
    expect(existsSync(join(folder, "sessions-999999999-1.sock"))).toBe(false);
  });

  test("holds back the upstream of a client that reads slowly through another process", async () => {
    const folder = dataFolder();
    const long = `data: ${JSON.stringify({ ...chatChunks("x")[1], choices: [{ index: 0, delta: { content: "y".repeat(2_000) }, finish_reason: null }] })}\n\n`;
    const EVENTS = 10_000;
    let sent = 0;
    const upstream = await room.upstream(async (_, reply) => {
      await reply.head(200, SSE);
      for (let i = 0; i < EVENTS / 50; i++) {
        await reply.chunk(long.repeat(50));
        sent += 50;
      }
      await reply.chunk(events.at(-1)! + DONE);
    });
    const one = gatewayAt(folder, config(upstream.base_url));
    const other = gatewayAt(folder, config(upstream.base_url));
    const first = await open(one.port);
    const token = await tokenOf(first);
    first.socket.terminate();
    const second = await open(other.port);
    second.send({ resume: token, seq: 0 });
    await second.frame(
      ({ event, data }) => event === "session" && (data as unknown as { resumed: boolean }).resumed,
    );
    second.call("a");
    await until(() => second.of("a").length > 0);
    second.socket.pause();
    let before = -1;
    while (sent !== before) {
      before = sent;
      await Bun.sleep(300);
    }
    expect(sent).toBeLessThan(EVENTS);
    second.socket.resume();
    await until(() => second.frames.at(-1)!.event === "done", 50_000);
    expect(second.of("a").filter(({ data }) => JSON.stringify(data).includes("yyy"))).toHaveLength(EVENTS);
  }, 60_000);

  test("is nobody else's, and not there for ever", async () => {
    const keys = `keys: [{ name: shop, key: "sk-shop-1234567890" }, { name: other, key: "sk-other-1234567890" }]`;
    const gateway = room.gateway(`${keys}\nlisten: { websocket: { resume_ms: 300 } }`);
    const as = (key: string) => ({ options: { headers: { authorization: `Bearer ${key}` } } });
    const first = await open(gateway.port, as("sk-shop-1234567890"));
    const token = await tokenOf(first);
    first.call("a", { model: "sim/hang" });
    await until(() => gateway.gateway.calls.size === 1);
    first.socket.terminate();
    const thief = await open(gateway.port, as("sk-other-1234567890"));
    thief.send({ resume: token, seq: 0 });
    expect((await thief.end(null)).at(-1)!.data).toMatchObject({
      status: 404,
      error: { code: "session_not_found" },
    });
    expect((await thief.whenClosed()).code).toBe(4404);
    // When its time is over, so are its calls.
    await gateway.idle();
    expect(gateway.kept.rows().map(({ error }) => error)).toEqual(["client_closed"]);
    const late = await open(gateway.port, as("sk-shop-1234567890"));
    late.send({ resume: token, seq: 0 });
    expect((await late.whenClosed()).code).toBe(4404);
  });

  test("ends with a close, and where nobody asked for it, with the socket", async () => {
    const gateway = room.gateway("{}");
    const closed = await open(gateway.port);
    const token = await tokenOf(closed);
    closed.call("a", { model: "sim/hang" });
    await until(() => gateway.gateway.calls.size === 1);
    await closed.close();
    await gateway.idle();
    const plain = await open(gateway.port, { path: "/v1/chat/completions" });
    plain.call("b", { model: "sim/echo" });
    await plain.end("b");
    expect(plain.frames.every(({ seq }) => seq === undefined)).toBe(true);
    plain.send({ resume: token, seq: 0 });
    expect((await plain.whenClosed()).code).toBe(4404);
    await expect(openSocket(gateway.port, { path: "/v1/chat/completions?resume_ms=x" })).rejects.toThrow(
      "400",
    );
  });

  test.each([
    { resume: "x", seq: 0 },
    { resume: `999999998-1.${"A".repeat(43)}`, seq: 0 },
    { resume: `../../etc-1.${"A".repeat(43)}`, seq: 0 },
    { resume: `${process.pid}-1.${"A".repeat(43)}`, seq: 1e15 },
  ])("with a token that is none is refused: %j", async (message) => {
    const folder = dataFolder();
    const { port } = gatewayAt(folder, "{}");
    const client = await open(port);
    client.send(message);
    client.call("a", { model: "sim/echo" });
    expect((await client.whenClosed()).code).toBe(4404);
    const odd = await open(port);
    odd.send({ resume: 7, seq: 0 });
    odd.send({ resume: "x" });
    await until(() => odd.of(null).length === 2);
    expect(odd.closed).toBeNull();
  });

  test("gets nothing where the frames that it misses are not kept any more", async () => {
    const upstream = await room.upstream(async (_, reply) => {
      await reply.head(200, SSE);
      for (const event of events) await reply.chunk(event);
      await reply.chunk(DONE);
    });
    const gateway = room.gateway(config(upstream.base_url, "listen: { websocket: { resume_bytes: 2048 } }"));
    const first = await open(gateway.port);
    const token = await tokenOf(first);
    first.call("a");
    await first.end("a");
    first.socket.terminate();
    const early = await open(gateway.port);
    early.send({ resume: token, seq: 1 });
    expect((await early.whenClosed()).code).toBe(4404);
    const late = await open(gateway.port);
    late.send({ resume: token, seq: lastSeq(first) - 1 });
    expect((await late.frame(({ seq }) => seq === lastSeq(first))).event).toBe("done");
  });

  test("holds its upstream back when so much waits as may, and loses nothing", async () => {
    const EVENTS = 20_001;
    const word = (index: number) =>
      `data: ${JSON.stringify({ ...chatChunks("x")[1], choices: [{ index: 0, delta: { content: `${index};${"z".repeat(1_000)}` }, finish_reason: null }] })}\n\n`;
    let sent = 0;
    const go = Promise.withResolvers<void>();
    const upstream = await room.upstream(async (_, reply) => {
      await reply.head(200, SSE);
      await reply.chunk(word(0));
      await go.promise;
      for (let i = 1; i < EVENTS; i += 50) {
        await reply.chunk(Array.from({ length: 50 }, (_, more) => word(i + more)).join(""));
        sent = i;
      }
      await reply.chunk(events.at(-1)! + DONE);
    });
    const gateway = room.gateway(config(upstream.base_url));
    const first = await open(gateway.port);
    const token = await tokenOf(first);
    first.call("a");
    await until(() => first.of("a").length > 0);
    first.socket.terminate();
    await Bun.sleep(50);
    go.resolve();
    let before = -1;
    while (sent !== before) {
      before = sent;
      await Bun.sleep(200);
    }
    expect(sent).toBeLessThan(EVENTS - 50);
    const second = await open(gateway.port);
    second.send({ resume: token, seq: lastSeq(first) });
    await until(() => second.frames.at(-1)?.event === "done", 50_000);
    const numbers = [...numbered(first), ...numbered(second)]
      .map(
        ({ data }) =>
          (data as { choices?: { delta?: { content?: string } }[] }).choices?.[0]?.delta?.content ?? "",
      )
      .filter((content) => content.includes(";"))
      .map((content) => Number.parseInt(content, 10));
    expect(numbers).toEqual(Array.from({ length: EVENTS }, (_, index) => index));
  }, 60_000);
});

describe("the log of what was sent", () => {
  test("keeps the newest within its bytes and those of all", () => {
    const budget = { max_bytes: 2_000, used_bytes: 0 };
    const log = new ReplayLog(1_000, budget);
    expect(log.after(0)).toEqual([]);
    expect(log.after(1)).toBeNull();
    for (let i = 1; i <= 500; i++) expect(log.add(`{"n":${i}}`)).toBe(`{"seq":${i},"n":${i}}`);
    expect(budget.used_bytes).toBeLessThanOrEqual(1_000);
    expect(log.after(500)).toEqual([]);
    expect(log.after(498)).toEqual(['{"seq":499,"n":499}', '{"seq":500,"n":500}']);
    expect(log.after(3)).toBeNull();
    expect(log.after(501)).toBeNull();
    expect(log.after(1.5)).toBeNull();
    const others = [1, 2, 3, 4].map(() => new ReplayLog(1_000, budget));
    for (const other of others) for (let i = 0; i < 100; i++) other.add('{"x":1}');
    expect(budget.used_bytes).toBeLessThanOrEqual(2_000);
    for (const one of [log, ...others]) one.clear();
    expect(budget.used_bytes).toBe(0);
  });
});
