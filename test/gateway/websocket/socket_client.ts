// A client of WebSockets for tests: the npm client `ws`, which Bun replaces by its own where it is imported by that name.

import type WebSocketClient from "ws";
import type { ClientOptions } from "ws";
import { until } from "../harness.ts";

const { default: NpmWebSocket } = (await import(
  new URL("../../../node_modules/ws/lib/websocket.js", import.meta.url).href
)) as typeof import("ws");

/** A frame of the gateway's. */
export interface Frame {
  readonly seq?: number;
  readonly id?: string | null;
  readonly event: string;
  readonly data: Record<string, never>;
}

/** An open socket and what came over it. */
export class SocketClient {
  readonly socket: WebSocketClient;
  readonly frames: Frame[] = [];
  /** As they came. */
  readonly raw: (string | Buffer)[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;

  /** @param read how binary frames are read */
  constructor(socket: WebSocketClient, read: (bytes: Buffer) => unknown) {
    this.socket = socket;
    socket.on("message", (bytes: Buffer, is_binary: boolean) => {
      this.raw.push(is_binary ? bytes : bytes.toString());
      this.frames.push((is_binary ? read(bytes) : JSON.parse(bytes.toString())) as Frame);
    });
    socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on("error", () => {});
  }

  send(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }

  /** A call of `chat`, streamed unless the body says otherwise. */
  call(id: string, body: Record<string, unknown> = {}, headers?: Record<string, string>): void {
    const full = { model: "chat", messages: [{ role: "user", content: "Hello" }], stream: true, ...body };
    this.send({ id, body: full, headers });
  }

  of(id: string | null): Frame[] {
    return this.frames.filter((frame) => frame.id === id);
  }

  /** All frames of a call, once its last has come. */
  async end(id: string | null): Promise<Frame[]> {
    await until(() => this.of(id).some(({ event }) => event !== "chunk"));
    return this.of(id);
  }

  async frame(isIt: (frame: Frame) => boolean): Promise<Frame> {
    await until(() => this.frames.some(isIt));
    return this.frames.find(isIt)!;
  }

  async close(): Promise<void> {
    this.socket.close();
    await until(() => this.closed !== null);
  }

  async whenClosed(): Promise<{ readonly code: number; readonly reason: string }> {
    await until(() => this.closed !== null);
    return this.closed!;
  }
}

/** How a socket is opened. */
export interface SocketOptions {
  readonly path?: string;
  readonly protocols?: readonly string[];
  readonly options?: ClientOptions;
  readonly read?: (bytes: Buffer) => unknown;
}

/** Opens a socket. Rejects with the response's status where the gateway refuses. */
export function openSocket(port: number, how: SocketOptions = {}): Promise<SocketClient> {
  const { path = "/v1/chat/completions", protocols = [], options = {}, read = () => null } = how;
  const socket = new NpmWebSocket(`ws://127.0.0.1:${port}${path}`, [...protocols], options);
  const client = new SocketClient(socket, read);
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(client));
    socket.once("error", (error) => reject(error));
  });
}
