// The inference process' socket: requests wait in a bounded queue, each with a deadline, and are worked on one after another. A
// client that sends garbage loses its connection, and nobody else notices.

import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { BROKEN, FrameReader, frameOf } from "./frames.ts";
import {
  type Answer,
  type Asked,
  type Request,
  type Response,
  readRequest,
  type ServerFault,
} from "./messages.ts";
import { Outbox } from "./outbox.ts";

/** How long requests are worked on before what else there is has its turn: new requests, and above all cancellations. */
const SLICE_MS = 1;
/** Answers that a client does not read. */
const OUTBOX_MAX_BYTES = 8 * 1024 * 1024;
const CONNECTIONS_MAX = 256;

/** What a request comes to. */
export type Outcome = Answer | { readonly fault: ServerFault };

/** How a server works. */
export interface ServerOptions {
  /** The socket's path; what lies there is replaced. */
  readonly path: string;
  /** Requests that wait or are worked on; more are answered `full`. */
  readonly queue_max: number;
  /**
   * Does what is asked, at once or later. It does not throw.
   * @param deadline_ms when nobody waits for it any more, by the host's clock
   */
  work(asked: Asked, deadline_ms: number): Outcome | Promise<Outcome>;
}

/** Figures of a server. */
export interface ServerCounts {
  readonly queued: number;
  readonly answered: number;
  readonly late: number;
  readonly full: number;
}

type Socket = Bun.Socket<Connection | undefined>;

/** Serves requests over the socket. */
export class InferenceServer {
  readonly #options: ServerOptions;
  readonly #listener: Bun.UnixSocketListener<Connection | undefined>;
  readonly #inode: number | null;
  readonly #connections = new Set<Connection>();
  /** What somebody waits for, the oldest first; and what is worked on when there is nothing of that. */
  readonly #hurried = new Set<Task>();
  readonly #unhurried = new Set<Task>();
  /** What was begun and is not done. */
  readonly #begun = new Set<Task>();
  #is_due = false;
  #answered = 0;
  #late = 0;
  #full = 0;

  /** Listens; throws where it cannot. */
  constructor(options: ServerOptions) {
    this.#options = options;
    this.#listener = this.#listen(options.path);
    this.#inode = inodeOf(options.path);
  }

  get counts(): ServerCounts {
    return { queued: this.#queued, answered: this.#answered, late: this.#late, full: this.#full };
  }

  get #queued(): number {
    return this.#hurried.size + this.#unhurried.size + this.#begun.size;
  }

  /** Takes no more requests, and resolves when those that were begun are answered, or after so many milliseconds. */
  async stop(max_ms: number): Promise<void> {
    // Another process may have made its own since.
    if (inodeOf(this.#options.path) === this.#inode) rmSync(this.#options.path, { force: true });
    this.#listener.stop();
    const end_ms = performance.now() + max_ms;
    for (const connection of this.#connections) connection.is_closing = true;
    while (this.#queued > 0 && performance.now() < end_ms) await Bun.sleep(1);
    for (const connection of this.#connections) connection.end();
  }

  /** Nobody else may ever connect: the socket is made where nobody can see it, closed to others, and then put in its place. */
  #listen(path: string): Bun.UnixSocketListener<Connection | undefined> {
    const hidden = join(dirname(path), ".i");
    rmSync(hidden, { recursive: true, force: true });
    mkdirSync(hidden, { mode: 0o700, recursive: true });
    try {
      const unix = join(hidden, "s");
      const listener = Bun.listen<Connection | undefined>({
        unix,
        socket: {
          open: (socket) => this.#open(socket),
          data: (socket, bytes) => socket.data?.receive(bytes),
          drain: (socket) => socket.data?.drained(),
          close: (socket) => this.#close(socket),
          error: (socket) => this.#close(socket),
        },
      });
      chmodSync(unix, 0o600);
      renameSync(unix, path);
      return listener;
    } finally {
      rmSync(hidden, { recursive: true, force: true });
    }
  }

  #open(socket: Socket): void {
    if (this.#connections.size >= CONNECTIONS_MAX) {
      socket.terminate();
      return;
    }
    const connection = new Connection(socket, (request) => this.#take(connection, request));
    socket.data = connection;
    this.#connections.add(connection);
  }

  #close(socket: Socket): void {
    const connection = socket.data;
    if (connection === undefined) return;
    socket.data = undefined;
    this.#connections.delete(connection);
    for (const task of connection.tasks.values()) this.#forget(task);
  }

  #take(connection: Connection, request: Request): void {
    if (request.asked === "cancel") {
      const task = connection.tasks.get(request.id);
      if (task !== undefined) this.#forget(task);
      return;
    }
    if (connection.is_closing) return;
    const { id, deadline_ms, asked } = request;
    if (this.#queued >= this.#options.queue_max) {
      this.#full += 1;
      if (id !== 0) connection.send({ id, fault: "full" });
      return;
    }
    const task: Task = { connection, id, deadline_ms, asked };
    (isHurried(asked) ? this.#hurried : this.#unhurried).add(task);
    if (id !== 0) connection.tasks.set(id, task);
    if (!this.#is_due) this.#workOn();
  }

  /** Works on what waits, in slices. */
  #workOn(): void {
    const end_ms = performance.now() + SLICE_MS;
    this.#is_due = false;
    for (let task = this.#next(); task !== undefined; task = this.#next()) {
      if (performance.now() >= end_ms) {
        this.#is_due = true;
        setImmediate(() => this.#workOn());
        return;
      }
      this.#hurried.delete(task);
      this.#unhurried.delete(task);
      this.#begin(task);
    }
  }

  #next(): Task | undefined {
    return this.#hurried.values().next().value ?? this.#unhurried.values().next().value;
  }

  #begin(task: Task): void {
    if (task.deadline_ms < Date.now()) {
      this.#late += 1;
      this.#forget(task);
      return;
    }
    const outcome = this.#options.work(task.asked, task.deadline_ms);
    if (!(outcome instanceof Promise)) {
      this.#answer(task, outcome);
      return;
    }
    this.#begun.add(task);
    outcome
      .catch((): Outcome => ({ fault: "broken" }))
      .then((done) => {
        this.#begun.delete(task);
        this.#answer(task, done);
      });
  }

  #answer(task: Task, outcome: Outcome): void {
    const { connection, id } = task;
    this.#answered += 1;
    // It may have been cancelled.
    if (id === 0 || connection.tasks.get(id) !== task) return;
    connection.tasks.delete(id);
    connection.send("fault" in outcome ? { id, fault: outcome.fault } : { id, answer: outcome });
  }

  #forget(task: Task): void {
    this.#hurried.delete(task);
    this.#unhurried.delete(task);
    if (task.connection.tasks.get(task.id) === task) task.connection.tasks.delete(task.id);
  }
}

/** Whether a call waits for it. What changes something waits, and is done in its order. */
function isHurried({ kind }: Asked): boolean {
  return kind === "search" || kind === "embed" || kind === "stats";
}

/** A request, from its arrival to its answer. */
interface Task {
  readonly connection: Connection;
  readonly id: number;
  readonly deadline_ms: number;
  readonly asked: Asked;
}

/** A client. */
class Connection {
  /** What it waits for, by its id. */
  readonly tasks = new Map<number, Task>();
  /** Whether nothing is taken from it any more. */
  is_closing = false;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #outbox = new Outbox(OUTBOX_MAX_BYTES);
  readonly #take: (request: Request) => void;

  constructor(socket: Socket, take: (request: Request) => void) {
    this.#socket = socket;
    this.#outbox.open(socket);
    this.#take = take;
  }

  receive(bytes: Uint8Array): void {
    for (const value of this.#reader.push(bytes)) {
      const request = value === BROKEN ? null : readRequest(value);
      if (request === null) {
        this.#socket.terminate();
        return;
      }
      this.#take(request);
    }
  }

  drained(): void {
    this.#outbox.drained();
  }

  /** Who does not read its answers loses the connection. */
  send(response: Response): void {
    const frame = frameOf(response) ?? frameOf({ id: response.id, fault: "broken" });
    if (frame !== null && this.#outbox.send(frame)) return;
    this.is_closing = true;
    this.#socket.terminate();
  }

  end(): void {
    this.#socket.end();
  }
}

function inodeOf(path: string): number | null {
  return lstatSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
