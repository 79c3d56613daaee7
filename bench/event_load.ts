// A load of streams whose every event is timed from the provider's write to the client's read: over HTTP, a call a connection, or over
// WebSockets with several calls each. Sockets may read slowly or vanish. A process of its own, which takes orders over IPC.

import { type Latency, latencyOf } from "./load_order.ts";
import { STAMP_DIGITS, STAMP_MARK, stamp } from "./upstream.ts";

/** A load of timed streams. */
export interface EventOrder {
  readonly transport: "http" | "websocket";
  readonly port: number;
  readonly path: string;
  /** Lines of the head, each with its line end. */
  readonly headers: string;
  readonly model: string;
  readonly sockets: number;
  /** Calls at once on each socket; over HTTP, connections in its place. */
  readonly calls_each: number;
  readonly seconds: number;
  /** Begins are spread over this time. */
  readonly ramp_ms: number;
  /** Every third socket reads a little at a time, and every third goes away without a word and is opened anew. */
  readonly is_rough: boolean;
}

/** What came of it. */
export interface EventResult {
  readonly calls: number;
  readonly events: number;
  /** Sockets that were left on purpose. */
  readonly vanished: number;
  readonly errors: number;
  readonly fault: string | null;
  /** From the provider's write to the client's read; without the first fifth of the time, and without slow sockets. */
  readonly way: Latency;
}

/** What the process is told, and what it says. */
export type ToEventLoad = { readonly order: EventOrder };
/** What it says: that it is there, or what came of an order. */
export type FromEventLoad = { readonly ready: true } | { readonly result: EventResult };

/** How long a slow socket does not read. */
const SLOW_PAUSE_MS = 5_000;
/** How long a socket stays that vanishes, at least, and how much longer at most. */
const VANISH_MIN_MS = 2_000;
const VANISH_MORE_MS = 10_000;
const OPEN_AT_ONCE = 200;
/** How long calls may take that are under way when the time is over. */
const END_MAX_MS = 5_000;

/** Finds marks in a stream of bytes, wherever it is cut. */
class MarkFinder {
  readonly #mark: Buffer;
  readonly #more: number;
  readonly #onMark: (bytes: Buffer, end: number) => void;
  #rest = Buffer.alloc(0);

  /** @param more bytes that must have come behind the mark */
  constructor(mark: string, more: number, onMark: (bytes: Buffer, end: number) => void) {
    this.#mark = Buffer.from(mark);
    this.#more = more;
    this.#onMark = onMark;
  }

  take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let from = 0;
    for (let at = bytes.indexOf(this.#mark); at >= 0; at = bytes.indexOf(this.#mark, from)) {
      const end = at + this.#mark.length;
      if (end + this.#more > bytes.length) break;
      this.#onMark(bytes, end);
      from = end + this.#more;
    }
    const kept = Math.max(from, bytes.length - this.#mark.length - this.#more + 1);
    this.#rest = Buffer.from(bytes.subarray(kept));
  }
}

type Temper = "steady" | "slow" | "vanishing";

class Load {
  readonly order: EventOrder;
  readonly ways_ms: number[] = [];
  calls = 0;
  events = 0;
  vanished = 0;
  errors = 0;
  fault: string | null = null;
  end_ms = 0;
  measured_from_ms = 0;
  readonly #clients = new Set<Client>();

  constructor(order: EventOrder) {
    this.order = order;
  }

  async run(): Promise<EventResult> {
    const { order } = this;
    const count = order.transport === "http" ? order.sockets * order.calls_each : order.sockets;
    const begin_ms = performance.now();
    this.end_ms = begin_ms + order.seconds * 1_000;
    this.measured_from_ms = begin_ms + order.seconds * 200;
    for (let index = 0; index < count; index += OPEN_AT_ONCE) {
      const group = Array.from({ length: Math.min(OPEN_AT_ONCE, count - index) }, (_, more) =>
        this.#start(index + more),
      );
      await Promise.all(group);
    }
    while (performance.now() < this.end_ms) await Bun.sleep(20);
    const last_ms = this.end_ms + END_MAX_MS;
    while (performance.now() < last_ms && [...this.#clients].some((client) => client.is_awaited))
      await Bun.sleep(20);
    for (const client of this.#clients) {
      if (client.is_awaited) this.fail("a call did not end");
      client.leave();
    }
    const { calls, events, vanished, errors, fault } = this;
    return { calls, events, vanished, errors, fault, way: latencyOf(this.ways_ms) };
  }

  fail(fault: string): void {
    this.errors += 1;
    this.fault ??= fault;
  }

  async #start(index: number): Promise<void> {
    const tempers: readonly Temper[] = this.order.is_rough ? ["steady", "slow", "vanishing"] : ["steady"];
    const temper = tempers[index % tempers.length]!;
    const client = new Client(this, temper);
    this.#clients.add(client);
    await client.open();
    if (temper !== "vanishing") return;
    setTimeout(
      () => {
        client.leave();
        this.#clients.delete(client);
        this.vanished += 1;
        if (performance.now() < this.end_ms)
          void this.#start(index).catch((error: Error) => this.fail(error.message));
      },
      VANISH_MIN_MS + Math.random() * VANISH_MORE_MS,
    );
  }
}

/** A connection. */
class Client {
  readonly #load: Load;
  readonly #temper: Temper;
  readonly #opened = Promise.withResolvers<void>();
  #socket: Bun.Socket | null = null;
  #head = "";
  #is_open = false;
  #running = 0;
  #is_left = false;
  #next_id = 0;
  readonly #finders: readonly MarkFinder[];

  constructor(load: Load, temper: Temper) {
    this.#load = load;
    this.#temper = temper;
    const done = load.order.transport === "http" ? "data: [DONE]" : '"event":"done"';
    this.#finders = [
      new MarkFinder(STAMP_MARK, STAMP_DIGITS, (bytes, end) => this.#onEvent(bytes, end)),
      new MarkFinder(done, 0, () => this.#onDone()),
      new MarkFinder('"error":{', 80, (bytes, end) =>
        this.#load.fail(bytes.toString("latin1", end, end + 80)),
      ),
    ];
  }

  /** Whether a call of it is to end before the load does. */
  get is_awaited(): boolean {
    return !this.#load.order.is_rough && this.#running > 0;
  }

  async open(): Promise<void> {
    const { port, transport } = this.#load.order;
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (socket, bytes) => this.#read(socket, bytes),
        close: () => {
          if (this.#running > 0 && !this.#is_left) this.#load.fail("a connection was closed");
          this.#running = 0;
          this.#opened.resolve();
        },
        error() {},
      },
    });
    this.#socket.setNoDelay(true);
    if (transport === "websocket") {
      const { path, headers } = this.#load.order;
      this.#socket.write(
        `GET ${path} HTTP/1.1\r\nhost: bench\r\n${headers}upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      );
      await this.#opened.promise;
    } else this.#is_open = true;
    const { ramp_ms, calls_each } = this.#load.order;
    for (let i = 0; i < (transport === "http" ? 1 : calls_each); i++)
      setTimeout(() => this.#call(), Math.random() * ramp_ms);
  }

  leave(): void {
    this.#is_left = true;
    this.#running = 0;
    this.#socket?.terminate();
  }

  #call(): void {
    if (this.#is_left || performance.now() >= this.#load.end_ms) return;
    const { model, path, headers, transport } = this.#load.order;
    const content = `call ${this.#load.calls}: what does the quick brown fox jump over?`;
    const body = { model, stream: true, messages: [{ role: "user", content }] };
    this.#load.calls += 1;
    this.#running += 1;
    if (transport === "http") {
      const text = JSON.stringify(body);
      this.#socket!.write(
        `POST ${path} HTTP/1.1\r\nhost: bench\r\n${headers}content-length: ${text.length}\r\n\r\n${text}`,
      );
    } else this.#socket!.write(textFrame(JSON.stringify({ id: String(++this.#next_id), body })));
  }

  #read(socket: Bun.Socket, bytes: Buffer): void {
    if (this.#is_open) for (const finder of this.#finders) finder.take(bytes);
    else {
      this.#head += bytes.toString("latin1");
      if (!this.#head.includes("\r\n\r\n")) return;
      if (!this.#head.startsWith("HTTP/1.1 101 ")) this.#load.fail(this.#head.slice(0, 40));
      this.#is_open = true;
      this.#opened.resolve();
    }
    if (this.#temper !== "slow") return;
    socket.pause();
    setTimeout(() => {
      if (!this.#is_left) socket.resume();
    }, SLOW_PAUSE_MS);
  }

  #onEvent(bytes: Buffer, end: number): void {
    this.#load.events += 1;
    if (this.#temper === "slow" || performance.now() < this.#load.measured_from_ms) return;
    const written_us = Number(bytes.toString("latin1", end, end + STAMP_DIGITS));
    this.#load.ways_ms.push((stamp() - written_us) / 1_000);
  }

  #onDone(): void {
    this.#running -= 1;
    this.#call();
  }
}

/** A text frame of a client's (RFC 6455, 5.2), masked with zeros, which change nothing. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = 0x81;
  head[1] = 0x80 | 126;
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

function serve(): void {
  const tell = (message: FromEventLoad) => process.send?.(message);
  process.on("message", async ({ order }: ToEventLoad) => {
    const load = new Load(order);
    try {
      tell({ result: await load.run() });
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      tell({ result: { calls: 0, events: 0, vanished: 0, errors: 1, fault, way: latencyOf([]) } });
    }
  });
  process.on("disconnect", () => process.exit());
  tell({ ready: true });
}

if (import.meta.main) serve();
