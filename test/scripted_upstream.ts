// An upstream for tests that does what a script says: raw TCP, so that every byte and every break can be chosen.
// It keeps all that it saw, and its waits resolve on events, so that no test needs to sleep.

import type { TCPSocketListener } from "bun";
import type { HeaderFields, Origin } from "../src/config/plan.ts";
import { Connection } from "./scripted_connection.ts";

/** Answers one request. When it returns (or its promise resolves) the answer is ended, unless `never` was called. */
export type Script = (request: SeenRequest, reply: Reply) => unknown;

/** Header fields to send. */
export type Fields = HeaderFields | Readonly<Record<string, string>>;

/** A request as it arrived. */
export interface SeenRequest {
  readonly method: string;
  /** As sent, query included. */
  readonly path: string;
  /** In wire order, names as written. */
  readonly header_list: HeaderFields;
  /** By name in lower case; repeated fields joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  /** What has arrived of the body, transfer coding removed: all of it, except with `at: "head"`. */
  readonly body: Buffer;
  /** The body as text, and parsed. */
  text(): string;
  json(): unknown;
  /** Number of the connection, from 1 in the order of accepting. */
  readonly connection: number;
  /** Resolves when the whole body is there; never where it breaks off. */
  readonly complete: Promise<void>;
  /** Resolves when the connection closes before the answer has ended. */
  readonly aborted: Promise<void>;
  /** Stops and goes on with reading from the connection, so that a client's upload is held back by TCP. */
  pause(): void;
  resume(): void;
}

/** Writes an answer. Promises resolve when the bytes are with the kernel, or the connection is gone. */
export interface Reply {
  /** A whole answer of one JSON value. */
  json(status: number, value: unknown, headers?: Fields): Promise<void>;
  /** Bytes as they are, without any framing. */
  raw(bytes: Uint8Array | string): Promise<void>;
  /** The head. Without `content-length`, `transfer-encoding` or `connection: close` in it the body is chunked. */
  head(status: number, headers?: Fields): Promise<void>;
  /** A piece of the body, as a chunk where the body is chunked. */
  chunk(bytes: Uint8Array | string): Promise<void>;
  /** One server-sent event; sends a head first where none was sent. What is no string goes as JSON. */
  sse(data: unknown): Promise<void>;
  /** Ends the answer (and a chunked body); the connection stays for the next request. */
  end(): Promise<void>;
  /** Resets the connection (RST). */
  destroy(): void;
  /** Closes our side (FIN) once everything is written. */
  fin(): Promise<void>;
  /** Leaves the answer open for good, or until the test goes on with it; resolves when the connection closes. */
  never(): Promise<void>;
  /** Raw bytes, `size` at a time, `gap_ms` apart. */
  drip(bytes: Uint8Array | string, size: number, gap_ms: number): Promise<void>;
  /** Raw bytes, cut at these offsets; written a millisecond apart, so that each is read by itself. */
  pieces(bytes: Uint8Array | string, cuts: readonly number[]): Promise<void>;
}

/** A running upstream. */
export interface ScriptedUpstream {
  readonly port: number;
  readonly origin: Origin;
  /** `http://127.0.0.1:{port}/v1`. */
  readonly base_url: string;
  /** Every request, in the order in which they were given to the script. */
  readonly requests: readonly SeenRequest[];
  /** Connections accepted so far, and those that are open. */
  readonly accepted: number;
  readonly open: number;
  /** Resolves when connection `number` is closed. */
  closed(number: number): Promise<void>;
  /** Resolves when the predicate holds; it is asked after each event here. Rejects after `limit_ms`. */
  waitFor(predicate: () => boolean, limit_ms?: number): Promise<void>;
  /** Replaces the script for requests to come. */
  use(script: Script): void;
  /** Stops listening and closes every connection. */
  stop(): void;
}

/** When a script hears of a request: once it is whole, or with its head. */
export interface UpstreamOptions {
  readonly at?: "end" | "head";
}

/** Listens on a free port of 127.0.0.1 and answers by the script. A script that throws resets its connection. */
export async function startUpstream(
  script: Script,
  options: UpstreamOptions = {},
): Promise<ScriptedUpstream> {
  const requests: SeenRequest[] = [];
  const connections: Connection[] = [];
  const waits = new Set<() => void>();
  let current = script;
  let open = 0;
  const changed = (): void => {
    for (const ask of waits) ask();
  };
  const listener: TCPSocketListener<Connection> = Bun.listen<Connection>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.setNoDelay(true);
        const accept = (request: SeenRequest, reply: Reply): unknown => {
          requests.push(request);
          changed();
          return current(request, reply);
        };
        socket.data = new Connection(socket, connections.length + 1, options.at ?? "end", accept, changed);
        connections.push(socket.data);
        open++;
        changed();
      },
      data: (socket, bytes) => socket.data.read(bytes),
      drain: (socket) => socket.data.flush(),
      error() {},
      close(socket) {
        open--;
        socket.data.lost();
        changed();
      },
    },
  });
  const waitFor = (predicate: () => boolean, limit_ms = 10_000): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = () => finish(() => reject(new Error(`not so within ${limit_ms} ms: ${predicate}`)));
    const timer = setTimeout(late, limit_ms);
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      waits.delete(ask);
      settle();
    };
    const ask = (): void => {
      if (predicate()) finish(resolve);
    };
    waits.add(ask);
    ask();
    return promise;
  };
  return {
    port: listener.port,
    origin: { tls: false, host: "127.0.0.1", port: listener.port },
    base_url: `http://127.0.0.1:${listener.port}/v1`,
    requests,
    get accepted() {
      return connections.length;
    },
    get open() {
      return open;
    },
    closed: (number) => waitFor(() => connections[number - 1]?.gone === true),
    waitFor,
    use: (next) => {
      current = next;
    },
    stop: () => listener.stop(true),
  };
}

/** A valid body of `POST /v1/chat/completions`; `extra` replaces or adds top-level fields. */
export function chatCompletion(text: string, extra: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: "chatcmpl-upstream",
    object: "chat.completion",
    created: 1_735_689_600,
    model: "gpt-test",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: text, refusal: null },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
    ...extra,
  };
}

/**
 * The chunks of a valid stream: role, one a word, finish, and usage; send them with `reply.sse`, then `[DONE]`.
 * `extra` replaces or adds top-level fields of each; with `usage: null` there is no usage chunk.
 */
export function chatChunks(text: string, extra: Record<string, unknown> = {}): Record<string, unknown>[] {
  const { usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 }, ...fields } = extra;
  const common = {
    id: "chatcmpl-upstream",
    object: "chat.completion.chunk",
    created: 1_735_689_600,
    model: "gpt-test",
  };
  const chunk = (delta: unknown, finish_reason: string | null): Record<string, unknown> => ({
    ...common,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    ...fields,
  });
  const contents = text.match(/\s*\S+\s*$|\s*\S+/g) ?? [];
  return [
    chunk({ role: "assistant", content: "" }, null),
    ...contents.map((content) => chunk({ content }, null)),
    chunk({}, "stop"),
    ...(usage === null ? [] : [{ ...common, choices: [], usage, ...fields }]),
  ];
}
