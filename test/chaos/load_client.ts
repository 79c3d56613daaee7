// A client that keeps its connections alive and knows of every call what became of it: answered, cut, or refused.
// Raw sockets, no retries: what a pooling client would hide is what is looked for.

import type { Socket } from "bun";

/** What became of a call. */
export type Outcome =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: ReadonlyMap<string, string>;
      readonly body: string;
    }
  /** The connection ended before the answer did. */
  | { readonly kind: "cut"; readonly received: string }
  /** There was no connection to send it on. */
  | { readonly kind: "refused"; readonly code: string };

/** A call and its end. */
export interface CallRecord {
  readonly outcome: Outcome;
  /** When it was sent and when it was over, on the clock of `performance.now()`. */
  readonly sent_ms: number;
  readonly done_ms: number;
  /** The client's port of its connection, 0 for none. */
  readonly local_port: number;
  /** When that connection was asked for. */
  readonly dialled_ms: number;
  /** Answers that the connection had given before. */
  readonly answers_before: number;
}

/** One keep-alive connection. */
export class Connection {
  readonly dialled_ms = performance.now();
  local_port = 0;
  answers = 0;
  is_open = true;
  readonly #first = Promise.withResolvers<void>();
  #socket: Socket<undefined> | null = null;
  #received = "";
  #waiting: ((outcome: Outcome) => void) | null = null;

  /** Opens one; the error's code where there is none to be had. */
  static async open(port: number): Promise<Connection | string> {
    const connection = new Connection();
    try {
      connection.#socket = await Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: {
          open(socket) {
            socket.setNoDelay(true);
            connection.local_port = socket.localPort;
          },
          data: (_socket, bytes) => connection.#take(Buffer.from(bytes).toString("latin1")),
          error() {},
          close: () => connection.#lose(),
        },
      });
      return connection;
    } catch (error) {
      return (error as { readonly code?: string }).code ?? String(error);
    }
  }

  /** Resolves with the first bytes of its first answer. */
  get firstBytes(): Promise<void> {
    return this.#first.promise;
  }

  /** The socket, to pause it and to resume it. */
  get socket(): Socket<undefined> {
    return this.#socket!;
  }

  /** Sends a call and waits for its whole answer. */
  call(path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    const fields = Object.entries({ host: "localhost", "content-type": "application/json", ...headers })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("");
    const method = body === "" ? "GET" : "POST";
    const length = body === "" ? "" : `content-length: ${Buffer.byteLength(body)}\r\n`;
    return new Promise((resolve) => {
      this.#waiting = resolve;
      if (this.is_open) this.#socket!.write(`${method} ${path} HTTP/1.1\r\n${fields}${length}\r\n${body}`);
      else this.#lose();
    });
  }

  close(): void {
    this.is_open = false;
    this.#socket?.terminate();
  }

  #take(text: string): void {
    this.#received += text;
    this.#first.resolve();
    const answer = parseAnswer(this.#received);
    if (answer === null) return;
    this.#received = "";
    this.answers += 1;
    if (answer.headers.get("connection") === "close") this.is_open = false;
    this.#settle(answer);
    if (!this.is_open) this.#socket!.end();
  }

  #lose(): void {
    this.is_open = false;
    this.#settle({ kind: "cut", received: this.#received });
  }

  #settle(outcome: Outcome): void {
    const settle = this.#waiting;
    this.#waiting = null;
    settle?.(outcome);
  }
}

/** A whole answer, or null as long as something of it is missing. */
export function parseAnswer(received: string): (Outcome & { readonly kind: "answered" }) | null {
  const head_end = received.indexOf("\r\n\r\n");
  if (head_end < 0) return null;
  const [status_line, ...lines] = received.slice(0, head_end).split("\r\n");
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [
        line.slice(0, colon).toLowerCase(),
        line
          .slice(colon + 1)
          .trim()
          .toLowerCase(),
      ];
    }),
  );
  const rest = received.slice(head_end + 4);
  const body = headers.has("content-length")
    ? rest.length >= Number(headers.get("content-length")) && rest
    : dechunk(rest);
  if (typeof body !== "string") return null;
  return { kind: "answered", status: Number(status_line!.split(" ")[1]), headers, body };
}

function dechunk(text: string): string | null {
  let at = 0;
  let body = "";
  for (;;) {
    const line_end = text.indexOf("\r\n", at);
    if (line_end < 0) return null;
    const size = Number.parseInt(text.slice(at, line_end), 16);
    at = line_end + 2 + size + 2;
    if (Number.isNaN(size) || text.length < at) return null;
    if (size === 0) return body;
    body += text.slice(line_end + 2, at - 2);
  }
}

/** One call on a connection of its own; gives what became of it. */
export async function callOnce(port: number, path: string, body = "", headers = {}): Promise<Outcome> {
  const connection = await Connection.open(port);
  if (typeof connection === "string") return { kind: "refused", code: connection };
  const outcome = await connection.call(path, body, headers);
  connection.close();
  return outcome;
}

/** What load to put on a gateway. */
export interface LoadOptions {
  /** Where to connect; asked for every connection. */
  port(): number;
  readonly connections: number;
  /** Calls in all; Infinity until `stop` is called. */
  readonly calls: number;
  /** Calls after which a connection is given up by the client; it makes new ones often, as many clients do. */
  readonly calls_per_connection?: number;
  /** Body of call `number`, from 0. */
  body(number: number): string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A refused connection ends its lane, in place of being tried again. */
  readonly ends_when_refused?: boolean;
  onRecord?(record: CallRecord, number: number): void;
}

/** A load that runs. */
export interface Load {
  readonly records: readonly CallRecord[];
  readonly done: Promise<void>;
  /** No further calls are sent. */
  stop(): void;
}

/** Puts calls on a gateway, one after another on each connection. */
export function startLoad(options: LoadOptions): Load {
  const { connections, calls, calls_per_connection = Number.POSITIVE_INFINITY } = options;
  const records: CallRecord[] = [];
  let sent = 0;
  let is_stopped = false;

  async function lane(): Promise<void> {
    let connection: Connection | null = null;
    while (!is_stopped && sent < calls) {
      const number = sent++;
      if (connection === null || !connection.is_open || connection.answers >= calls_per_connection) {
        connection?.close();
        const dialled_ms = performance.now();
        const opened = await Connection.open(options.port());
        if (typeof opened === "string") {
          const outcome: Outcome = { kind: "refused", code: opened };
          const done_ms = performance.now();
          const record = {
            outcome,
            sent_ms: dialled_ms,
            done_ms,
            local_port: 0,
            dialled_ms,
            answers_before: 0,
          };
          records.push(record);
          options.onRecord?.(record, number);
          if (options.ends_when_refused === true) return;
          await Bun.sleep(20);
          continue;
        }
        connection = opened;
      }
      const { local_port, dialled_ms, answers: answers_before } = connection;
      const sent_ms = performance.now();
      const outcome = await connection.call(
        options.path ?? "/v1/chat/completions",
        options.body(number),
        options.headers,
      );
      const record = { outcome, sent_ms, done_ms: performance.now(), local_port, dialled_ms, answers_before };
      records.push(record);
      options.onRecord?.(record, number);
    }
    connection?.close();
  }

  const done = Promise.all(Array.from({ length: connections }, lane)).then(() => {});
  return {
    records,
    done,
    stop: () => {
      is_stopped = true;
    },
  };
}
