// A client that comes back may reach another process than the one that has its session, because all share one port. That process
// then hands the client's messages to the owner of the session, over a socket in the data folder, and the owner's frames to the client.
// It tells the owner what the client has taken, so that the owner holds back what the client does not read.

import { chmodSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { say } from "../../config/say.ts";
import { socketPath } from "../../config/socket_path.ts";
import { isFields } from "../../dialects/fields.ts";
import { faultText } from "../../errors.ts";
import type { ChatSession } from "./chat_session.ts";
import { type Codec, codecNamed } from "./codec.ts";
import { RelayLink } from "./relay_link.ts";
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

/** With more waiting for the client, nothing is told as taken. */
const WAITING_MAX_BYTES = 64 * 1024;
/** So much may be on its way between two processes. */
const WINDOW_BYTES = 256 * 1024;

function pathOf(folder: string, process: ProcessName): string | null {
  const path = socketPath(folder, `sessions-${process}.sock`);
  return typeof path === "string" ? path : null;
}

/** Lets other processes reach the sessions of this one. */
export class RelayListener {
  readonly #listener: Bun.UnixSocketListener<RelayLink>;
  readonly #path: string;

  private constructor(path: string, find: FindSession) {
    this.#path = path;
    this.#listener = Bun.listen<RelayLink>({
      unix: path,
      socket: {
        open(socket) {
          const relayed = new RelayedClient(find);
          socket.data = new RelayLink(
            (value) => relayed.hear(value),
            () => relayed.lost(),
          );
          relayed.link = socket.data;
          socket.data.opened(socket);
        },
        data: ({ data }, bytes) => data.read(bytes),
        drain: ({ data }) => data.drained(),
        close: ({ data }) => data.closed(),
        error() {},
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
      say(`sessions of WebSockets cannot be reached from other processes: ${faultText(fault)}`, "error");
      return null;
    }
  }

  close(): void {
    this.#listener.stop(true);
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

/** The owner's way to a client, through the process that the client has reached. */
class RelayedClient implements Wire {
  link!: RelayLink;
  /** What was sent and is not told as taken. */
  #under_way_bytes = 0;
  readonly #find: FindSession;
  #session: ChatSession | null = null;

  constructor(find: FindSession) {
    this.#find = find;
  }

  /** What is on its way between the processes waits for nobody. */
  get buffered_bytes(): number {
    return Math.max(0, this.#under_way_bytes - WINDOW_BYTES);
  }

  /** What the other process says: who comes back, and then messages, what was taken, or that the client is gone. */
  hear(value: unknown): void {
    const session = this.#session;
    if (!isFields(value)) this.link.cut();
    else if (session === null) this.#begin(readHello(value));
    else if (typeof value["taken"] === "number") {
      this.#under_way_bytes -= value["taken"];
      session.onWritable();
    } else if (typeof value["closed"] === "number") {
      this.#session = null;
      session.onClosed(this, value["closed"]);
      this.link.cut();
    } else if (isMessage(value["message"])) session.onMessage(value["message"]);
  }

  lost(): void {
    const session = this.#session;
    this.#session = null;
    session?.onClosed(this, CLOSE.abnormal);
  }

  send(frame: string | Uint8Array): void {
    this.#under_way_bytes += frame.length;
    this.link.send({ frame });
  }

  batch(send: () => void): void {
    send();
  }

  close(code: number, reason: string): void {
    this.link.send({ close: code, reason });
  }

  cut(): void {
    this.link.cut();
  }

  #begin(hello: Hello | null): void {
    const hash = Buffer.from(hello?.client ?? "", "hex");
    const session = hello === null ? null : this.#find(hello.token, { hash });
    this.#session = session;
    if (hello !== null && session?.rejoin(this, codecNamed(hello.codec), hello.seq)) return;
    this.#session = null;
    this.close(CLOSE.gone, "there is no such session");
  }
}

function isMessage(value: unknown): value is string | Uint8Array {
  return typeof value === "string" || value instanceof Uint8Array;
}

function readHello({ token, seq, client, codec }: Readonly<Record<string, unknown>>): Hello | null {
  const is_said = typeof token === "string" && typeof client === "string" && /^[0-9a-f]{64}$/.test(client);
  if (!is_said || typeof seq !== "number" || typeof codec !== "string") return null;
  return { token, seq, client, codec };
}

/** The client's end of a session that another process has. */
export class RelayedSession implements SocketSession {
  readonly #link: RelayLink;
  readonly #onMissing: () => void;
  #wire: Wire | null = null;
  #taken = 0;
  #is_found = false;

  /** @param onMissing there is no such session, or no such process any more */
  constructor(
    folder: string,
    owner: ProcessName,
    hello: {
      readonly token: string;
      readonly seq: number;
      readonly hash: Uint8Array;
      readonly codec: Codec;
    },
    onMissing: () => void,
  ) {
    this.#onMissing = onMissing;
    const { token, seq, hash, codec } = hello;
    this.#link = new RelayLink(
      (value) => this.#hear(value),
      () => this.#lost(),
    );
    const client = Buffer.from(hash).toString("hex");
    this.#link.send({ token, seq, client, codec: codec.name } satisfies Hello);
    const path = pathOf(folder, owner);
    if (path === null) queueMicrotask(() => this.#link.closed());
    else this.#link.connect(path);
  }

  onOpen(wire: Wire): void {
    this.#wire = wire;
  }

  onMessage(message: string | Uint8Array): void {
    if (!this.#link.send({ message })) this.close(CLOSE.policy, "too much is on its way");
  }

  onWritable(): void {
    if (this.#taken === 0 || this.#wire === null || this.#wire.buffered_bytes > WAITING_MAX_BYTES) return;
    this.#link.send({ taken: this.#taken });
    this.#taken = 0;
  }

  onClosed(_wire: Wire, code: number): void {
    this.#wire = null;
    // Whoever closes well does not come back; a broken connection is one for the owner as well.
    if (code === CLOSE.abnormal) this.#link.cut();
    else this.#link.send({ closed: code });
  }

  goAway(): void {}

  /** The client comes back once more, and reaches a process that stays. */
  leave(): void {
    this.close(CLOSE.restart, "the gateway is restarting");
  }

  close(code: number, reason: string): void {
    const wire = this.#wire;
    this.end();
    wire?.close(code, reason);
  }

  end(): void {
    this.#wire = null;
    this.#link.cut();
  }

  #hear(value: unknown): void {
    const wire = this.#wire;
    if (!isFields(value) || wire === null) return;
    const { frame, close, reason } = value;
    if (isMessage(frame)) {
      this.#is_found = true;
      wire.send(frame);
      this.#taken += frame.length;
      this.onWritable();
    } else if (typeof close === "number") {
      this.end();
      if (close === CLOSE.gone) this.#onMissing();
      else wire.close(close, String(reason));
    }
  }

  #lost(): void {
    const wire = this.#wire;
    this.#wire = null;
    if (wire === null) return;
    if (this.#is_found) wire.cut();
    else this.#onMissing();
  }
}
