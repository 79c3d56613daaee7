// A server for client tests that knows nothing of HTTP: it hands out sockets, and each test says every byte itself.
// All waits end with an event of the socket, so that no test sleeps.

import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";

/** One accepted connection. */
export class Peer {
  readonly socket: net.Socket;
  /** Everything received so far, one character per byte. */
  received = "";
  received_bytes = 0;
  /** Resolves when the connection is gone, however it went. */
  readonly closed: Promise<void>;
  /** Keep only the count; for large bodies. */
  keep = true;
  #watch: (() => void) | null = null;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        resolve();
        this.#watch?.();
      });
    });
    socket.on("data", (bytes: Buffer) => {
      this.received_bytes += bytes.length;
      if (this.keep) this.received += bytes.toString("latin1");
      this.#watch?.();
    });
  }

  /** Waits until something is true of what was received; fails when the connection ends before. */
  async until(is_true: (peer: Peer) => boolean): Promise<void> {
    while (!is_true(this)) {
      if (this.socket.destroyed)
        throw new Error(`the connection is gone; received ${this.received.slice(0, 200)}`);
      await new Promise<void>((resolve) => {
        this.#watch = resolve;
      });
    }
  }

  /** Waits for a whole request with a content-length or none, and takes it away. */
  async request(): Promise<string> {
    await this.until(({ received }) => {
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return false;
      const head = received.slice(0, end).toLowerCase();
      if (/transfer-encoding: chunked/.test(head)) return received.endsWith("0\r\n\r\n");
      return received.length >= end + 4 + Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
    });
    const request = this.received;
    this.received = "";
    return request;
  }

  /** Sends bytes; resolves when the system has them (or the connection is gone). */
  send(text: string | Uint8Array): Promise<void> {
    const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
    return new Promise((resolve) => {
      this.socket.write(bytes, () => resolve());
    });
  }

  /** Sends each byte in a packet of its own. */
  async drip(text: string): Promise<void> {
    for (const char of text) {
      await this.send(char);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** FIN. */
  fin(): void {
    this.socket.end();
  }

  /** RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }
}

/** A listening server; `next` gives its connections in the order of accepting. */
export class RawServer {
  readonly port: number;
  /** Connections accepted so far. */
  accepted = 0;
  readonly #server: net.Server;
  readonly #peers = new Set<Peer>();
  readonly #waiting: Peer[] = [];
  #wake: (() => void) | null = null;

  private constructor(server: net.Server, is_tls: boolean) {
    this.#server = server;
    this.port = (server.address() as net.AddressInfo).port;
    server.on(is_tls ? "secureConnection" : "connection", (socket: net.Socket) => {
      const peer = new Peer(socket);
      this.accepted++;
      this.#peers.add(peer);
      void peer.closed.then(() => this.#peers.delete(peer));
      this.#waiting.push(peer);
      this.#wake?.();
    });
    server.on("tlsClientError", () => {});
  }

  /** Listens on a free port of an address. */
  static async listen(
    host = "127.0.0.1",
    certificate?: { key: string; cert: string },
    port = 0,
  ): Promise<RawServer> {
    const server = certificate === undefined ? net.createServer() : tls.createServer(certificate);
    server.listen(port, host);
    await once(server, "listening");
    return new RawServer(server, certificate !== undefined);
  }

  /** Connections that are open. */
  get open(): number {
    return this.#peers.size;
  }

  async next(): Promise<Peer> {
    for (;;) {
      const peer = this.#waiting.shift();
      if (peer !== undefined) return peer;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Serves every connection with a function of its own, instead of `next`. */
  serve(script: (peer: Peer) => Promise<void>): void {
    const run = async (): Promise<void> => {
      for (;;) script(await this.next()).catch(() => {});
    };
    void run();
  }

  close(): void {
    for (const peer of this.#peers) peer.socket.destroy();
    this.#server.close();
  }
}
