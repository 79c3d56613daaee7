// WebSockets to upstreams over real sockets: TLS, signs of life, ends, timeouts.

import net from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Origin } from "../../../src/config/plan.ts";
import { Dialler } from "../../../src/upstream/websocket/dialler.ts";
import { type SocketListener, UpstreamSocket } from "../../../src/upstream/websocket/socket.ts";
import { makeCertificates } from "../certificates.ts";

const undone: (() => unknown)[] = [];
afterEach(() => {
  for (const undo of undone.splice(0)) undo();
});

const dialler = new Dialler();
const TIMES = { connect_ms: 2_000, first_byte_ms: 2_000 };

/** What a socket tells, in order. */
class Told implements SocketListener {
  readonly told: string[] = [];
  #changed = Promise.withResolvers<void>();

  async until(what: string): Promise<void> {
    while (!this.told.some((one) => one.startsWith(what))) await this.#changed.promise;
  }

  #tell(what: string): void {
    this.told.push(what);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  onOpen(): void {
    this.#tell("open");
  }
  onRefused(head: { readonly status: number }): void {
    this.#tell(`refused ${head.status}`);
  }
  onFailed(error: { readonly failure: string }): void {
    this.#tell(`failed ${error.failure}`);
  }
  onMessage(is_text: boolean, payload: Uint8Array): void {
    this.#tell(`${is_text ? "text" : "binary"} ${Buffer.from(payload)}`);
  }
  onClosed(code: number, reason: string): void {
    this.#tell(`closed ${code} ${reason}`);
  }
}

function connect(origin: Origin, told: Told, timeouts = TIMES): UpstreamSocket {
  const socket = new UpstreamSocket(
    { origin, path: "/", headers: [], timeouts, max_message_bytes: 1_000_000 },
    dialler,
    told,
  );
  undone.push(() => socket.abort());
  return socket;
}

const certificates = makeCertificates();

describe("a socket", () => {
  test.skipIf(certificates === null)("goes over TLS to whom it trusts, and to nobody else", async () => {
    const { ca, key, cert } = certificates!;
    const server = Bun.serve({
      ...{ hostname: "127.0.0.1", port: 0, tls: { key, cert } },
      fetch: (request, own) => void own.upgrade(request),
      websocket: { message: (socket, message) => void socket.send(message) },
    });
    undone.push(() => server.stop(true));
    const origin = { tls: true, host: "127.0.0.1", port: server.port!, ca };
    const told = new Told();
    const socket = connect(origin, told);
    await told.until("open");
    const large = "x".repeat(300_000);
    socket.send(true, Buffer.from("hello"));
    socket.send(true, Buffer.from(large));
    await told.until(`text ${large}`);
    expect(told.told.slice(0, 2)).toEqual(["open", "text hello"]);
    const other = new Told();
    connect({ tls: true, host: "127.0.0.1", port: server.port! }, other);
    await other.until("failed tls");
  });

  /** A proxy that connects whoever knows the password. */
  async function startProxy(asked: string[]): Promise<number> {
    const proxy = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (bytes) => {
        const head = bytes.toString();
        const [, host = "", port = ""] = /^CONNECT (\S+):(\d+) HTTP/.exec(head) ?? [];
        const authorization = /proxy-authorization: Basic (\S+)/.exec(head)?.[1] ?? "";
        asked.push(`${host}:${port} ${Buffer.from(authorization, "base64")}`);
        if (!head.includes("proxy-authorization")) {
          socket.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
          return;
        }
        const behind = net.connect(Number(port), host, () => {
          socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
          socket.pipe(behind).pipe(socket);
        });
        behind.on("error", () => {});
      });
    });
    await new Promise<void>((resolve) => {
      proxy.listen(0, "127.0.0.1", resolve);
    });
    undone.push(() => proxy.close());
    return (proxy.address() as net.AddressInfo).port;
  }

  test.skipIf(certificates === null)("goes through a proxy, with TLS within and without", async () => {
    const { ca, key, cert } = certificates!;
    const asked: string[] = [];
    const port = await startProxy(asked);
    const proxy = `http://ann:p%40ss@127.0.0.1:${port}`;
    for (const tls of [false, true]) {
      const server = Bun.serve({
        ...{ hostname: "127.0.0.1", port: 0, ...(tls ? { tls: { key, cert } } : {}) },
        fetch: (request, own) => void own.upgrade(request),
        websocket: { message: (socket, message) => void socket.send(message) },
      });
      undone.push(() => server.stop(true));
      const origin = { tls, host: "127.0.0.1", port: server.port!, proxy, ...(tls ? { ca } : {}) };
      const told = new Told();
      const socket = connect(origin, told);
      await told.until("open");
      const large = "x".repeat(300_000);
      socket.send(true, Buffer.from(large));
      await told.until(`text ${large}`);
      expect(asked.at(-1)).toBe(`127.0.0.1:${server.port} ann:p@ss`);
      if (!tls) continue;
      const other = new Told();
      connect({ tls, host: "127.0.0.1", port: server.port!, proxy }, other);
      await other.until("failed tls");
    }
    const refused = new Told();
    connect({ tls: false, host: "127.0.0.1", port: 1, proxy: `http://127.0.0.1:${port}` }, refused);
    await refused.until("failed connect");
    const other = new Told();
    connect({ tls: false, host: "127.0.0.1", port: 1, proxy: "socks5://127.0.0.1:1" }, other);
    await other.until("failed connect");
  });

  test("answers pings, and hears the answers to its own", async () => {
    const pongs: string[] = [];
    const server = Bun.serve({
      ...{ hostname: "127.0.0.1", port: 0 },
      fetch: (request, own) => void own.upgrade(request),
      websocket: {
        message() {},
        open: (socket) => void socket.ping("alive?"),
        pong: (socket, data) => {
          pongs.push(String(data));
          socket.send("heard");
        },
        ping: (socket) => void socket.send("pinged"),
      },
    });
    undone.push(() => server.stop(true));
    const told = new Told();
    const socket = connect({ tls: false, host: "127.0.0.1", port: server.port! }, told);
    await told.until("text heard");
    expect(pongs).toEqual(["alive?"]);
    socket.ping();
    await told.until("text pinged");
  });

  test("that gets no connection, no answer, or none in time says which", async () => {
    const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    undone.push(() => silent.stop(true));
    const told = new Told();
    connect({ tls: false, host: "127.0.0.1", port: silent.port }, told, {
      connect_ms: 1_000,
      first_byte_ms: 30,
    });
    await told.until("failed first_byte_timeout");
    const closed = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const free = closed.port;
    closed.stop(true);
    const nobody = new Told();
    connect({ tls: false, host: "127.0.0.1", port: free }, nobody);
    await nobody.until("failed connect");
  });

  test("waits a moment for the other side's goodbye, and tells nothing after its own", async () => {
    const server = Bun.serve({
      ...{ hostname: "127.0.0.1", port: 0 },
      fetch: (request, own) => void own.upgrade(request),
      websocket: { message() {}, close: () => closed.resolve() },
    });
    undone.push(() => server.stop(true));
    const closed = Promise.withResolvers<void>();
    const told = new Told();
    const socket = connect({ tls: false, host: "127.0.0.1", port: server.port! }, told);
    await told.until("open");
    socket.close(4000, "enough");
    await closed.promise;
    await Bun.sleep(20);
    expect(told.told).toEqual(["open"]);
  });
});
