// One connection of the scripted upstream: HTTP/1.1 parsed from its bytes, and answers written with back-pressure.
// It is strict about nothing, so that a test decides what is wrong with a request.

import type { Socket } from "bun";
import type { HeaderFields } from "../src/config/plan.ts";
import type { Fields, Reply, Script, SeenRequest } from "./scripted_upstream.ts";

/** One connection: reads requests one after another, each answered before the next is looked at. */
export class Connection {
  readonly socket: Socket<Connection>;
  readonly number: number;
  gone = false;
  /** Resolves with `gone`. */
  readonly closing = Promise.withResolvers<void>();
  readonly #at: "end" | "head";
  readonly #accept: Script;
  readonly #changed: () => void;
  #input: Buffer = Buffer.alloc(0);
  #current: Call | null = null;
  /** What the current request's body still lacks: bytes, or where in the chunked coding it is; null outside a body. */
  #body: { left: number; chunked: "size" | "data" | "gap" | "trailer" | null } | null = null;
  #queue: Uint8Array[] = [];
  #flushed = Promise.withResolvers<void>();

  constructor(
    socket: Socket<Connection>,
    number: number,
    at: "end" | "head",
    accept: Script,
    changed: () => void,
  ) {
    this.socket = socket;
    this.number = number;
    this.#at = at;
    this.#accept = accept;
    this.#changed = changed;
  }

  read(bytes: Uint8Array): void {
    this.#input = Buffer.concat([this.#input, bytes]);
    this.parse();
    this.#changed();
  }

  /** Takes from the input what can be understood of it. */
  parse(): void {
    while (this.#body !== null ? this.#readBody() : this.#current === null && this.#readHead()) {}
  }

  write(bytes: Uint8Array | string): Promise<void> {
    if (this.gone) return Promise.resolve();
    if (this.#queue.length === 0) this.#flushed = Promise.withResolvers();
    this.#queue.push(typeof bytes === "string" ? Buffer.from(bytes) : bytes);
    const { promise } = this.#flushed;
    this.flush();
    return promise;
  }

  flush(): void {
    while (!this.gone && this.#queue.length > 0) {
      const first = this.#queue[0]!;
      const written = Math.max(0, this.socket.write(first));
      if (written < first.length) {
        this.#queue[0] = first.subarray(written);
        return;
      }
      this.#queue.shift();
    }
    this.#flushed.resolve();
  }

  /** The answer to the current request is complete. */
  answered(call: Call): void {
    if (this.#current !== call || this.#body !== null) return;
    this.#current = null;
    this.parse();
  }

  lost(): void {
    this.gone = true;
    this.#flushed.resolve();
    if (this.#current !== null && !this.#current.ended) this.#current.abort.resolve();
    this.closing.resolve();
  }

  #readHead(): boolean {
    const end = this.#input.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const lines = this.#input.toString("latin1", 0, end).split("\r\n");
    this.#input = this.#input.subarray(end + 4);
    const [method = "", path = ""] = (lines[0] ?? "").split(" ");
    const header_list = lines.slice(1).map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    const call = new Call(this, method, path, header_list);
    this.#current = call;
    const chunked = call.headers.get("transfer-encoding")?.toLowerCase() === "chunked" ? "size" : null;
    this.#body = { left: Number(call.headers.get("content-length") ?? 0), chunked };
    if (this.#at === "head") this.#start(call);
    return true;
  }

  /** One step into the body; false where more input is needed. */
  #readBody(): boolean {
    const body = this.#body!;
    const call = this.#current!;
    if (body.chunked === null || body.chunked === "data") {
      const taken = this.#input.subarray(0, body.left);
      body.left -= taken.length;
      this.#input = this.#input.subarray(taken.length);
      if (taken.length > 0) call.parts.push(taken);
      if (body.left > 0) return false;
      if (body.chunked === "data") body.chunked = "gap";
      else this.#complete(call);
      return true;
    }
    const end = this.#input.indexOf("\r\n");
    if (end < 0) return false;
    const line = this.#input.toString("latin1", 0, end);
    this.#input = this.#input.subarray(end + 2);
    if (body.chunked === "gap") body.chunked = "size";
    else if (body.chunked === "size") {
      body.left = Number.parseInt(line, 16);
      body.chunked = body.left === 0 ? "trailer" : "data";
    } else if (line === "") this.#complete(call);
    return true;
  }

  #complete(call: Call): void {
    this.#body = null;
    call.completed.resolve();
    if (this.#at === "end") this.#start(call);
    else if (call.ended) this.answered(call);
  }

  #start(call: Call): void {
    const run = async (): Promise<void> => {
      await this.#accept(call, call.reply);
      if (!call.held) await call.reply.end();
    };
    run().catch((error: unknown) => {
      console.error("a script failed:", error);
      call.reply.destroy();
    });
  }
}

/** One request and the state of its answer. */
class Call implements SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly header_list: HeaderFields;
  readonly headers: ReadonlyMap<string, string>;
  readonly connection: number;
  readonly parts: Buffer[] = [];
  readonly completed = Promise.withResolvers<void>();
  readonly complete = this.completed.promise;
  readonly abort = Promise.withResolvers<void>();
  readonly aborted = this.abort.promise;
  readonly reply: Reply;
  readonly #connection: Connection;
  /** Whether the answer is complete, and whether the script's return leaves it open. */
  ended = false;
  held = false;

  constructor(connection: Connection, method: string, path: string, header_list: HeaderFields) {
    this.#connection = connection;
    this.connection = connection.number;
    this.method = method;
    this.path = path;
    this.header_list = header_list;
    const headers = new Map<string, string>();
    for (const [name, value] of header_list) {
      const before = headers.get(name.toLowerCase());
      headers.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`);
    }
    this.headers = headers;
    this.reply = makeReply(this, connection);
  }

  get body(): Buffer {
    return Buffer.concat(this.parts);
  }

  text(): string {
    return this.body.toString();
  }

  json(): unknown {
    return JSON.parse(this.text());
  }

  pause(): void {
    this.#connection.socket.pause();
  }

  resume(): void {
    this.#connection.socket.resume();
  }
}

function makeReply(call: Call, connection: Connection): Reply {
  let head_sent = false;
  let chunked = false;
  const reply: Reply = {
    json(status, value, headers = {}) {
      const body = Buffer.from(JSON.stringify(value));
      const framing: HeaderFields = [
        ["content-type", "application/json"],
        ["content-length", String(body.length)],
      ];
      void reply.head(status, [...framing, ...fieldList(headers)]);
      void connection.write(body);
      return reply.end();
    },
    raw: (bytes) => connection.write(bytes),
    head(status, headers = {}) {
      const fields = fieldList(headers);
      head_sent = true;
      chunked = !fields.some(
        ([name, value]) =>
          /^(content-length|transfer-encoding)$/i.test(name) ||
          (/^connection$/i.test(name) && value === "close"),
      );
      const sent = chunked ? [...fields, ["transfer-encoding", "chunked"] as const] : fields;
      const lines = sent.map(([name, value]) => `${name}: ${value}\r\n`).join("");
      return connection.write(
        Buffer.from(`HTTP/1.1 ${status} ${REASONS[status] ?? "Status"}\r\n${lines}\r\n`, "latin1"),
      );
    },
    chunk(bytes) {
      const data = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
      if (!chunked) return connection.write(data);
      return connection.write(Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, CRLF]));
    },
    sse(data) {
      if (!head_sent) void reply.head(200, { "content-type": "text/event-stream" });
      return reply.chunk(`data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
    },
    end() {
      if (call.ended) return Promise.resolve();
      call.ended = true;
      const written = chunked ? connection.write("0\r\n\r\n") : Promise.resolve();
      return written.then(() => connection.answered(call));
    },
    destroy() {
      call.ended = true;
      connection.socket.terminate();
    },
    async fin() {
      call.ended = true;
      await connection.write("");
      connection.socket.shutdown();
    },
    never() {
      call.held = true;
      return connection.closing.promise;
    },
    async drip(bytes, size, gap_ms) {
      const data = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
      for (let at = 0; at < data.length && !connection.gone; at += size) {
        if (at > 0) await Bun.sleep(gap_ms);
        await connection.write(data.subarray(at, at + size));
      }
    },
    async pieces(bytes, cuts) {
      const data = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
      let from = 0;
      for (const cut of [...cuts, data.length]) {
        // A millisecond, not only a turn of the loop: the reader's loop must have polled in between.
        if (from > 0) await Bun.sleep(1);
        if (cut > from) await connection.write(data.subarray(from, cut));
        from = cut;
      }
    },
  };
  return reply;
}

const CRLF = Buffer.from("\r\n");
const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

function fieldList(fields: Fields): HeaderFields {
  return Array.isArray(fields) ? (fields as HeaderFields) : Object.entries(fields);
}
