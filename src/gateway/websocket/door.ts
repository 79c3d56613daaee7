// Where WebSockets come in: who may, how its frames are to look, and which session it gets. Bun's events go to that session.

import { authenticate } from "../../access/client_keys.ts";
import type { StoredKeys } from "../../access/stored_keys.ts";
import type { Plan } from "../../config/plan.ts";
import { GatewayError } from "../../errors.ts";
import { handshakeHeaders } from "./call_headers.ts";
import type { Calling, Visitor } from "./calling.ts";
import { ChatSession } from "./chat_session.ts";
import type { Codec } from "./codec.ts";
import { readSubprotocol } from "./subprotocol.ts";
import { CLOSE, type SocketSession, type Wire } from "./wire.ts";

/** What the server keeps with a socket. */
export interface SocketData {
  readonly session: SocketSession;
  /** Null until it is open. */
  wire: Wire | null;
}

type Socket = Bun.ServerWebSocket<SocketData>;

/** What the door needs of the gateway. */
export interface DoorOptions {
  readonly calling: Calling;
  readonly stored_keys: StoredKeys | null;
}

/** A request that wants to become a WebSocket. */
export interface Handshake {
  readonly request: Request;
  /** Without the version. */
  readonly path: string;
  readonly query: string;
  /** What the gateway calls it. */
  readonly id: string;
}

/**
 * How often it is looked whether sockets take frames again, in milliseconds: Bun tells of it, but not where what waited went out with
 * something else.
 */
const LOOK_MS = 1_000;

/** Whether a request wants to become a WebSocket. */
export function isHandshake({ method, headers }: Request): boolean {
  return method === "GET" && headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** The door. */
export class SocketDoor {
  /** What Bun tells of sockets. */
  readonly handler: Bun.WebSocketHandler<SocketData>;
  readonly #options: DoorOptions;
  readonly #open = new Set<SocketSession>();
  readonly #looking: ReturnType<typeof setInterval>;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.handler = handlerOf(options.calling.plan, this.#open);
    this.#looking = setInterval(() => {
      for (const session of this.#open) session.onWritable();
    }, LOOK_MS);
    this.#looking.unref();
  }

  /** Open sockets. */
  get size(): number {
    return this.#open.size;
  }

  /** Lets a client in: undefined, and its socket is open; or says why not. Null: there are no sockets at that path. */
  enter(handshake: Handshake, server: Bun.Server<SocketData>): GatewayError | null | undefined {
    const { request, id } = handshake;
    const { calling, stored_keys } = this.#options;
    const { plan } = calling;
    const makeSession = SESSIONS.get(handshake.path);
    if (makeSession === undefined) return null;
    const { chosen, codec, key } = readSubprotocol(request.headers.get("sec-websocket-protocol"));
    const headers = handshakeHeaders(request.headers, key);
    const client = authenticate(plan, stored_keys, headers);
    if (client instanceof GatewayError) return client;
    if (this.#open.size >= plan.listen.websocket.max_sockets) {
      const message = `This gateway has ${this.#open.size} open sockets, as many as it may (listen.websocket.max_sockets).`;
      return new GatewayError("unavailable", message, { retry_after_ms: 1_000 });
    }
    const url = request.url.slice(0, request.url.length - handshake.query.length);
    const session = makeSession({ client, url, headers }, codec, calling);
    const is_open = server.upgrade(request, {
      // An empty subprotocol is left out; without one, Bun would answer with the first that was offered, which may be a key.
      headers: { "sec-websocket-protocol": chosen, "x-request-id": id },
      data: { session, wire: null },
    });
    return is_open
      ? undefined
      : new GatewayError("invalid_value", "This is no handshake of a WebSocket (RFC 6455, 4.2.1).");
  }

  /** The gateway stops: every client is told. */
  goAway(): void {
    for (const session of [...this.#open]) session.goAway();
  }

  /** From now on sockets are closed as soon as they have no calls. */
  leave(): void {
    for (const session of [...this.#open]) session.leave();
  }

  /** The end of all sockets. */
  close(): void {
    clearInterval(this.#looking);
    for (const session of [...this.#open]) session.close(CLOSE.restart, "the gateway is restarting");
  }
}

const SESSIONS: ReadonlyMap<string, (visitor: Visitor, codec: Codec, calling: Calling) => SocketSession> =
  new Map([["/chat/completions", (visitor, codec, calling) => new ChatSession(visitor, codec, calling)]]);

function handlerOf(plan: Plan, open: Set<SocketSession>): Bun.WebSocketHandler<SocketData> {
  const { max_message_bytes, idle_ms, compression } = plan.listen.websocket;
  return {
    maxPayloadLength: max_message_bytes,
    idleTimeout: Math.ceil(idle_ms / 1000),
    sendPings: true,
    // What waits is bounded by who sends, who sees `getBufferedAmount`: nothing is ever dropped.
    backpressureLimit: 0,
    perMessageDeflate: compression,
    open(socket) {
      const { data } = socket;
      data.wire = new SocketWire(socket, compression);
      open.add(data.session);
      data.session.onOpen(data.wire);
    },
    message: ({ data }, message) => data.session.onMessage(message),
    // What is sent from within this event can be left lying, so it is sent after it.
    drain: ({ data }) => void setImmediate(() => data.session.onWritable()),
    close({ data }, code) {
      open.delete(data.session);
      if (data.wire !== null) data.session.onClosed(data.wire, code);
    },
  };
}

/** A socket of this process'. */
class SocketWire implements Wire {
  readonly #socket: Socket;
  readonly #is_compressed: boolean;

  constructor(socket: Socket, is_compressed: boolean) {
    this.#socket = socket;
    this.#is_compressed = is_compressed;
  }

  get buffered_bytes(): number {
    return this.#socket.getBufferedAmount();
  }

  send(frame: string | Uint8Array): void {
    this.#socket.send(frame, this.#is_compressed);
  }

  batch(send: () => void): void {
    this.#socket.cork(send);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  cut(): void {
    this.#socket.terminate();
  }
}
