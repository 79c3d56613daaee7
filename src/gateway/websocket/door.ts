// Where WebSockets come in: who may, how its frames are to look, and which session it gets. Bun's events go to that session.

import { authenticate } from "../../access/client_keys.ts";
import type { StoredKeys } from "../../access/stored_keys.ts";
import type { ClientKey, Plan } from "../../config/plan.ts";
import { GatewayError } from "../../errors.ts";
import { ownFailure } from "./call_failure.ts";
import { handshakeHeaders } from "./call_headers.ts";
import type { Calling, Visitor } from "./calling.ts";
import { ChatSession } from "./chat_session.ts";
import type { Codec } from "./codec.ts";
import { RelayedSession, RelayListener } from "./relay.ts";
import { ResponsesSession } from "./responses_session.ts";
import { type ProcessName, type ReadToken, ResumableSessions, readToken } from "./resumable_sessions.ts";
import { readSubprotocol } from "./subprotocol.ts";
import { CLOSE, type SocketSession, type Wire } from "./wire.ts";

/** What the server keeps with a socket. */
export interface SocketData {
  session: SocketSession;
  /** Null until it is open. */
  wire: Wire | null;
}

type Socket = Bun.ServerWebSocket<SocketData>;

/** What the door needs of the gateway. */
export interface DoorOptions {
  readonly calling: Calling;
  readonly stored_keys: StoredKeys | null;
  /** Where the processes that share a port find each other; null: there are no others. */
  readonly folder: string | null;
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

/** Gateways of this process so far: tests have many in one. */
let gateways = 0;

/** What lets a request become a socket. */
export type Upgrader = Pick<Bun.Server<SocketData>, "upgrade">;

/** The door. */
export class SocketDoor {
  /** What Bun tells of sockets. */
  readonly handler: Bun.WebSocketHandler<SocketData>;
  readonly #options: DoorOptions;
  readonly #name: ProcessName = `${process.pid}-${++gateways}`;
  readonly #open = new Set<SocketData>();
  readonly #resumable = new ResumableSessions(this.#name);
  readonly #looking: ReturnType<typeof setInterval>;
  /** Undefined until the first session that can be resumed. */
  #relay: RelayListener | null | undefined;
  #is_going = false;
  #is_leaving = false;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.handler = handlerOf(options.calling.plan, this.#open, (session) => {
      if (this.#is_going) session.goAway();
    });
    this.#looking = setInterval(() => {
      for (const { session } of this.#open) session.onWritable();
    }, LOOK_MS);
    this.#looking.unref();
  }

  /** Open sockets. */
  get size(): number {
    return this.#open.size;
  }

  /** Lets a client in: undefined, and its socket is open; or says why not. Null: there are no sockets at that path. */
  enter(handshake: Handshake, server: Upgrader): GatewayError | null | undefined {
    const { request, id, query } = handshake;
    const { calling, stored_keys } = this.#options;
    const { websocket } = calling.plan.listen;
    if (!PATHS.has(handshake.path)) return null;
    const { chosen, codec, key } = readSubprotocol(request.headers.get("sec-websocket-protocol"));
    const headers = handshakeHeaders(request.headers, key);
    const client = authenticate(calling.plan, stored_keys, headers);
    if (client instanceof GatewayError) return client;
    if (this.#open.size >= websocket.max_sockets) {
      const message = `This gateway has ${this.#open.size} open sockets, as many as it may (listen.websocket.max_sockets).`;
      return new GatewayError("unavailable", message, { retry_after_ms: 1_000 });
    }
    const hold_ms = holdOf(query, websocket.resume_ms);
    if (hold_ms instanceof GatewayError) return hold_ms;
    const url = request.url.slice(0, request.url.length - query.length);
    const visitor = { client, url, headers };
    const data =
      handshake.path === RESPONSES_PATH
        ? { session: new ResponsesSession(visitor, codec, calling), wire: null }
        : this.#beginChat(visitor, codec, hold_ms);
    const is_open = server.upgrade(request, {
      // An empty subprotocol is left out; without one, Bun would answer with the first that was offered, which may be a key.
      headers: { "sec-websocket-protocol": chosen, "x-request-id": id },
      data,
    });
    if (is_open) return undefined;
    data.session.end();
    return new GatewayError("invalid_value", "This is no handshake of a WebSocket (RFC 6455, 4.2.1).");
  }

  /** Whether it lets nobody in any more. */
  get is_leaving(): boolean {
    return this.#is_leaving;
  }

  /** The gateway stops: every client is told, and so is who still comes in on a connection that it had. */
  goAway(): void {
    this.#is_going = true;
    for (const session of this.#sessions()) session.goAway();
  }

  /** From now on sockets are closed as soon as they have no calls. */
  leave(): void {
    this.#is_leaving = true;
    for (const session of this.#sessions()) session.leave();
  }

  /** The end of all sockets. */
  close(): void {
    clearInterval(this.#looking);
    for (const session of this.#sessions()) session.close(CLOSE.restart, "the gateway is restarting");
    this.#resumable.close();
    this.#relay?.close();
  }

  /** Those of this process' sockets, and those that others have sockets of, or nobody. */
  #sessions(): ReadonlySet<SocketSession> {
    return new Set([...[...this.#open].map(({ session }) => session), ...this.#resumable.all]);
  }

  #beginChat(visitor: Visitor, codec: Codec, hold_ms: number): SocketData {
    const { calling, folder } = this.#options;
    if (hold_ms > 0 && folder !== null) {
      this.#relay ??= RelayListener.open(folder, this.#name, (token, client) =>
        this.#resumable.find(token, client),
      );
    }
    const session =
      hold_ms > 0
        ? this.#resumable.open(visitor, codec, calling, hold_ms)
        : new ChatSession(visitor, codec, calling);
    const data: SocketData = { session, wire: null };
    session.resume = (token, seq) => this.#resume(data, visitor.client, codec, readToken(token), seq);
    return data;
  }

  /** A socket gets the session of a token in place of its own. */
  #resume(data: SocketData, client: ClientKey, codec: Codec, read: ReadToken | null, seq: number): void {
    const { wire, session: before } = data;
    if (wire === null) return;
    const returning: Returning = { client, codec, seq, wire, onMissing: () => tellMissing(wire, codec) };
    const session = read === null ? null : this.#sessionOf(read, returning);
    if (session === null || session === before) {
      returning.onMissing();
      return;
    }
    data.session = session;
    before.onClosed(wire, CLOSE.normal);
  }

  /** The session of a token, which has its client again; null: there is none. */
  #sessionOf({ process: owner, token }: ReadToken, returning: Returning): SocketSession | null {
    const { client, codec, seq, wire, onMissing } = returning;
    const { folder } = this.#options;
    if (owner === this.#name) {
      const session = this.#resumable.find(token, client);
      return session?.rejoin(wire, codec, seq) ? session : null;
    }
    if (folder === null) return null;
    const session = new RelayedSession(folder, owner, { token, seq, hash: client.hash, codec }, onMissing);
    session.onOpen(wire);
    return session;
  }
}

/** A client that comes back. */
interface Returning {
  readonly client: ClientKey;
  readonly codec: Codec;
  /** The last frame that it got. */
  readonly seq: number;
  readonly wire: Wire;
  onMissing(): void;
}

function tellMissing(wire: Wire, codec: Codec): void {
  const message = "There is no such session, or not all of it that you miss is kept.";
  const data = ownFailure(new GatewayError("session_not_found", message));
  wire.send(codec.encode(JSON.stringify({ id: null, event: "error", data })));
  wire.close(CLOSE.gone, "there is no such session");
}

const RESPONSES_PATH = "/responses";
const PATHS: ReadonlySet<string> = new Set(["/chat/completions", RESPONSES_PATH]);

/** How long a session outlives its socket, in milliseconds, as its client asks and the gateway lets it; 0 where it does not ask. */
function holdOf(query: string, max_ms: number): number | GatewayError {
  const asked = new URLSearchParams(query).get("resume_ms");
  if (asked === null) return 0;
  const asked_ms = Number(asked);
  if (Number.isInteger(asked_ms) && asked_ms > 0) return Math.min(asked_ms, max_ms);
  return new GatewayError("invalid_value", "'resume_ms' must be a whole number of milliseconds above 0.", {
    param: "resume_ms",
  });
}

function handlerOf(
  plan: Plan,
  open: Set<SocketData>,
  onOpen: (session: SocketSession) => void,
): Bun.WebSocketHandler<SocketData> {
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
      open.add(data);
      data.session.onOpen(data.wire);
      onOpen(data.session);
    },
    message: ({ data }, message) => data.session.onMessage(message),
    // What is sent from within this event can be left lying, so it is sent after it.
    drain: ({ data }) => void setImmediate(() => data.session.onWritable()),
    close({ data }, code) {
      open.delete(data);
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
