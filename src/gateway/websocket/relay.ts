// A client that comes back may reach another process than the one that has its session, because all share one port. The processes
// then speak to each other over a socket in the data folder, in WebSockets too: frames go as they are, and so do close codes. What the
// client has taken is told back, so that the owner of the session holds back what the client does not read.

import { chmodSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { socketPath } from "../../config/socket_path.ts";
import { faultText } from "../../errors.ts";
import type { ChatSession } from "./chat_session.ts";
import { type Codec, codecNamed } from "./codec.ts";
import type { ProcessName } from "./resumable_sessions.ts";
import { CLOSE, type SocketSession, type Wire } from "./wire.ts";

/** Who comes back, as the process that it has reached tells the one that has the session. */
interface Hello {
  readonly token: string;
  readonly seq: number;
  /** Hash of its key, in hex. */
  readonly client: string;
  readonly codec: string;
}

/** Looks for the session of who comes back. */
export type FindSession = (token: string, client: { readonly hash: Uint8Array }) => ChatSession | null;

/** A message of the client's begins so, what it has taken otherwise. */
const MESSAGE = "m";
const TAKEN = "t";
/** Messages of a client are held so long as the other process has not answered, up to this; characters. */
const EARLY_MAX_CHARS = 1024 * 1024;
/** With more waiting for the client, nothing is told as taken. */
const WAITING_MAX_BYTES = 64 * 1024;
/** More than any message that the public door lets in. */
const RELAYED_MAX_BYTES = 2 * 1024 * 1024 * 1024 - 1;

function pathOf(folder: string, process: ProcessName): string | null {
  const path = socketPath(folder, `sessions-${process}.sock`);
  return typeof path === "string" ? path : null;
}

interface RelayData {
  session: ChatSession | null;
  wire: RelayWire | null;
}

/** Lets other processes reach the sessions of this one. */
export class RelayListener {
  readonly #server: Bun.Server<RelayData>;
  readonly #path: string;

  private constructor(path: string, find: FindSession) {
    this.#path = path;
    this.#server = Bun.serve<RelayData>({
      unix: path,
      fetch: (request, server) =>
        server.upgrade(request, { data: { session: null, wire: null } })
          ? undefined
          : new Response(null, { status: 404 }),
      websocket: {
        maxPayloadLength: RELAYED_MAX_BYTES,
        backpressureLimit: 0,
        idleTimeout: 0,
        message: (socket, message) => hear(socket, message, find),
        close: ({ data }, code) => {
          if (data.session !== null && data.wire !== null) data.session.onClosed(data.wire, code);
        },
      },
    });
    chmodSync(path, 0o600);
  }

  /** Null where there can be no socket; the sessions are then for this process alone. */
  static open(folder: string, process: ProcessName, find: FindSession): RelayListener | null {
    const path = pathOf(folder, process);
    if (path === null) return null;
    try {
      removeStale(folder);
      return new RelayListener(path, find);
    } catch (fault) {
      console.error(
        `venturi: sessions of WebSockets cannot be reached from other processes: ${faultText(fault)}`,
      );
      return null;
    }
  }

  async close(): Promise<void> {
    await this.#server.stop(true);
    rmSync(this.#path, { force: true });
  }
}

/** A process that was killed leaves its socket. */
function removeStale(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = /^sessions-(\d{1,10})-\d{1,6}\.sock$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (fault) {
    return fault instanceof Error && "code" in fault && fault.code === "EPERM";
  }
}

function hear(socket: Bun.ServerWebSocket<RelayData>, message: string | Uint8Array, find: FindSession): void {
  const { data } = socket;
  if (data.session === null || data.wire === null) {
    const hello = JSON.parse(String(message)) as Hello;
    data.wire = new RelayWire(socket);
    data.session = find(hello.token, { hash: Buffer.from(hello.client, "hex") });
    const is_there = data.session?.rejoin(data.wire, codecNamed(hello.codec), hello.seq) ?? false;
    if (!is_there) {
      data.session = null;
      socket.close(CLOSE.gone, "there is no such session");
    }
  } else if (typeof message !== "string") data.session.onMessage(message);
  else if (message.startsWith(MESSAGE)) data.session.onMessage(message.slice(1));
  else {
    data.wire.taken(Number(message.slice(1)));
    data.session.onWritable();
  }
}

/** The owner's way to the client, through the process that the client has reached. */
class RelayWire implements Wire {
  buffered_bytes = 0;
  readonly #socket: Bun.ServerWebSocket<RelayData>;

  constructor(socket: Bun.ServerWebSocket<RelayData>) {
    this.#socket = socket;
  }

  send(frame: string | Uint8Array): void {
    this.buffered_bytes += frame.length;
    this.#socket.send(frame);
  }

  taken(bytes: number): void {
    this.buffered_bytes -= bytes;
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

/** The client's end of a session that another process has. */
export class RelayedSession implements SocketSession {
  readonly #socket: WebSocket | null;
  readonly #onMissing: () => void;
  #wire: Wire | null = null;
  #is_open = false;
  #early: (string | Uint8Array)[] = [];
  #early_chars = 0;
  #taken = 0;

  /** @param onMissing there is no such session, or no such process any more */
  constructor(
    folder: string,
    owner: ProcessName,
    hello: { readonly token: string; readonly seq: number; readonly hash: Uint8Array; readonly codec: Codec },
    onMissing: () => void,
  ) {
    this.#onMissing = onMissing;
    const { token, seq, hash, codec } = hello;
    const path = pathOf(folder, owner);
    this.#socket = path === null ? null : new WebSocket(`ws+unix://${path}`);
    const socket = this.#socket;
    if (socket === null) {
      queueMicrotask(onMissing);
      return;
    }
    socket.binaryType = "nodebuffer";
    socket.onopen = () => {
      const client = Buffer.from(hash).toString("hex");
      socket.send(JSON.stringify({ token, seq, client, codec: codec.name } satisfies Hello));
      this.#is_open = true;
      for (const message of this.#early.splice(0)) this.#pass(socket, message);
    };
    socket.onmessage = ({ data }) => this.#give(data as string | Uint8Array);
    socket.onclose = ({ code, reason }) => this.#end(code, reason);
    // The close that follows says enough.
    socket.onerror = () => {};
  }

  onOpen(wire: Wire): void {
    this.#wire = wire;
  }

  onMessage(message: string | Uint8Array): void {
    if (this.#is_open) this.#pass(this.#socket!, message);
    else if (this.#early_chars + message.length <= EARLY_MAX_CHARS) {
      this.#early.push(message);
      this.#early_chars += message.length;
    } else this.#wire?.close(CLOSE.policy, "too much before the session was resumed");
  }

  onWritable(): void {
    if (this.#taken === 0 || this.#wire === null || this.#wire.buffered_bytes > WAITING_MAX_BYTES) return;
    this.#socket?.send(`${TAKEN}${this.#taken}`);
    this.#taken = 0;
  }

  onClosed(_wire: Wire, code: number): void {
    this.#wire = null;
    if (this.#socket === null) return;
    this.#socket.onclose = null;
    // Whoever closes well does not come back; a broken connection is one here as well.
    if (code === CLOSE.abnormal) this.#socket.terminate();
    else this.#socket.close(CLOSE.normal);
  }

  goAway(): void {}

  /** The client comes back once more, and reaches a process that stays. */
  leave(): void {
    this.close(CLOSE.restart, "the gateway is restarting");
  }

  close(code: number, reason: string): void {
    this.#socket?.terminate();
    this.#wire?.close(code, reason);
  }

  end(): void {
    this.#socket?.terminate();
  }

  #pass(socket: WebSocket, message: string | Uint8Array): void {
    socket.send(typeof message === "string" ? `${MESSAGE}${message}` : message);
  }

  #give(frame: string | Uint8Array): void {
    if (this.#wire === null) return;
    this.#wire.send(frame);
    this.#taken += frame.length;
    this.onWritable();
  }

  #end(code: number, reason: string): void {
    const wire = this.#wire;
    if (wire === null) return;
    if (!this.#is_open || code === CLOSE.gone) this.#onMissing();
    else if (code === CLOSE.abnormal || code === 1005) wire.cut();
    else wire.close(code, reason);
  }
}
