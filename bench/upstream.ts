// The provider of the benchmarks, in a process of its own: it answers as its script says, as cheaply as it can, and counts.
// Tells its parent its port over IPC, and takes the script and questions for the counts there; it lives as long as its parent.

import type { Socket } from "bun";

/** How calls are answered. */
export interface Script {
  /** `as_asked` streams when the request's text says `"stream":true`. */
  readonly answer: "plain" | "stream" | "as_asked";
  /** Whose events a stream has. */
  readonly format: "openai" | "anthropic";
  /** From the whole request to the answer's first byte. */
  readonly latency_ms: number;
  /** Events with content in a stream. */
  readonly chunks: number;
  /** Between two of them, whole milliseconds; 0 writes each in the next turn of the loop. */
  readonly interval_ms: number;
  /** Streams stay open after their first event, silent, until the client leaves. */
  readonly is_held: boolean;
  /** Events behind the first say when they were written: see `stamp`. */
  readonly is_stamped: boolean;
}

/** What a moment's digits stand behind in a stamped event. */
export const STAMP_MARK = "@t";
/** Digits of a moment. */
export const STAMP_DIGITS = 16;

/** This moment, the same in all processes of the machine: microseconds since 1970. */
export function stamp(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1_000);
}

/** What it saw so far. */
export interface Counts {
  /** Requests that came whole. */
  readonly calls: number;
  readonly request_bytes: number;
  /** Events with content that it wrote. */
  readonly chunks: number;
  /** Clients' connections that are open. */
  readonly connections: number;
}

/** What the parent says. */
export type ToUpstream = { readonly script: Script } | { readonly ask: true };
/** What it says to the parent. */
export type FromUpstream = { readonly port: number } | { readonly counts: Counts } | { readonly done: true };

/** The script at the start. */
export const PLAIN_SCRIPT: Script = {
  answer: "plain",
  format: "openai",
  latency_ms: 0,
  chunks: 1,
  interval_ms: 0,
  is_held: false,
  is_stamped: false,
};

const common = { id: "chatcmpl-bench", created: 1_735_689_600, model: "bench" };
const message = { role: "assistant", content: "The quick brown fox jumps over the lazy dog. ".repeat(16) };
const usage = { prompt_tokens: 200, completion_tokens: 160, total_tokens: 360 };
/** The body of a plain answer. */
export const WHOLE_ANSWER = JSON.stringify({
  ...common,
  object: "chat.completion",
  choices: [{ index: 0, message, finish_reason: "stop" }],
  usage,
});
const PLAIN = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${WHOLE_ANSWER.length}\r\n\r\n${WHOLE_ANSWER}`,
);

const chunk = (data: string) => `${data.length.toString(16)}\r\n${data}\r\n`;
const event = (content: string, finish_reason: string | null = null) => {
  const choices = [{ index: 0, delta: { content }, finish_reason }];
  return chunk(`data: ${JSON.stringify({ ...common, object: "chat.completion.chunk", choices })}\n\n`);
};
const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
/** An event of Anthropic's Messages, which has its type twice. */
const messageEvent = <Data extends { readonly type: string }>(data: Data) =>
  chunk(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`);
const messageText = (text: string) =>
  messageEvent({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });
const MESSAGE = {
  ...{ id: "msg_bench", type: "message", role: "assistant", model: "bench", content: [] },
  ...{ stop_reason: null, stop_sequence: null, usage: { input_tokens: 200, output_tokens: 1 } },
};
const MESSAGE_START = { type: "message_start", message: MESSAGE };
const BLOCK_START = { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } };
const BLOCK_STOP = { type: "content_block_stop", index: 0 };
const MESSAGE_DELTA = {
  ...{ type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null } },
  usage: { output_tokens: 160 },
};
/** What a stream begins with, what comes again and again, and what it ends with; as many more events has it than chunks. */
const STREAMS = {
  openai: {
    head: Buffer.from(`${HEAD}${event("The")}`),
    chunk: Buffer.from(event(" brown fox")),
    end: Buffer.from(`${event("", "stop")}${chunk("data: [DONE]\n\n")}0\r\n\r\n`),
  },
  anthropic: {
    head: Buffer.from(
      `${HEAD}${messageEvent(MESSAGE_START)}${messageEvent(BLOCK_START)}${messageText("The")}`,
    ),
    chunk: Buffer.from(messageText(" brown fox")),
    end: Buffer.from(
      `${[BLOCK_STOP, MESSAGE_DELTA, { type: "message_stop" }].map((data) => messageEvent(data)).join("")}0\r\n\r\n`,
    ),
  },
} as const;
const UNSTAMPED = event(`${STAMP_MARK}${"0".repeat(STAMP_DIGITS)}`);
const STAMP_AT = UNSTAMPED.indexOf(STAMP_MARK) + STAMP_MARK.length;
const stampedChunk = () => {
  const bytes = Buffer.from(UNSTAMPED);
  bytes.write(String(stamp()).padStart(STAMP_DIGITS, "0"), STAMP_AT, "latin1");
  return bytes;
};

/** Requests up to this size are searched for what they ask. */
const SEARCH_MAX_BYTES = 8192;

interface Client {
  /** The bytes of a head that is not whole; null between. */
  head: Buffer | null;
  /** Bytes of the request's body that have not come; -1 between requests. */
  left: number;
  is_stream: boolean;
  /** What the socket would not take yet. */
  pending: Buffer | null;
  /** Events with content that are still to be written. */
  chunks_left: number;
}

function serve(): void {
  let script = PLAIN_SCRIPT;
  let calls = 0;
  let request_bytes = 0;
  let chunks = 0;
  let connections = 0;

  /** Streams by the millisecond of the interval in which they write, so that a tick serves an equal share of them. */
  let slots: Set<Socket<Client>>[] = [];
  let next_ms = 0;
  let ticker: ReturnType<typeof setInterval> | null = null;

  const write = (socket: Socket<Client>, bytes: Buffer) => {
    const client = socket.data;
    if (client.pending !== null) {
      client.pending = Buffer.concat([client.pending, bytes]);
      return;
    }
    const written = socket.write(bytes);
    if (written < bytes.length) client.pending = bytes.subarray(Math.max(0, written));
  };
  /** Writes the next event; false at the end of the stream. */
  const writeChunk = (socket: Socket<Client>): boolean => {
    if (socket.data.chunks_left === 0) {
      write(socket, STREAMS[script.format].end);
      return false;
    }
    socket.data.chunks_left -= 1;
    chunks += 1;
    write(socket, script.is_stamped ? stampedChunk() : STREAMS[script.format].chunk);
    return true;
  };
  const writeAll = (socket: Socket<Client>) => {
    if (socket.readyState > 0 && writeChunk(socket)) setImmediate(writeAll, socket);
  };
  const tick = () => {
    for (const now = performance.now(); next_ms <= now; next_ms++) {
      const slot = slots[next_ms % slots.length]!;
      for (const socket of slot) if (!writeChunk(socket)) slot.delete(socket);
    }
  };

  const answer = (socket: Socket<Client>) => {
    if (socket.readyState <= 0) return;
    if (!socket.data.is_stream) {
      write(socket, PLAIN);
      return;
    }
    chunks += 1;
    socket.data.chunks_left = script.chunks - 1;
    write(socket, STREAMS[script.format].head);
    if (script.is_held) return;
    if (script.interval_ms > 0)
      slots[(Math.ceil(performance.now()) - 1 + slots.length) % slots.length]!.add(socket);
    else setImmediate(writeAll, socket);
  };
  const take = (socket: Socket<Client>, bytes: Buffer) => {
    const client = socket.data;
    request_bytes += bytes.length;
    if (client.left < 0) {
      const input = client.head === null ? bytes : Buffer.concat([client.head, bytes]);
      const head_end = input.indexOf("\r\n\r\n");
      client.head = head_end < 0 ? Buffer.from(input) : null;
      if (head_end < 0) return;
      const length = /\r\ncontent-length: *(\d+)/i.exec(input.toString("latin1", 0, head_end))?.[1];
      client.left = Number(length ?? 0) - (input.length - head_end - 4);
      client.is_stream = script.answer === "stream";
    } else client.left -= bytes.length;
    if (script.answer === "as_asked" && bytes.length <= SEARCH_MAX_BYTES) {
      client.is_stream ||= bytes.includes('"stream":true');
    }
    if (client.left > 0) return;
    client.left = -1;
    calls += 1;
    if (script.latency_ms > 0) setTimeout(answer, script.latency_ms, socket);
    else answer(socket);
  };

  const listener = Bun.listen<Client>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.setNoDelay(true);
        socket.data = { head: null, left: -1, is_stream: false, pending: null, chunks_left: 0 };
        connections += 1;
      },
      data: take,
      drain(socket) {
        const { pending } = socket.data;
        socket.data.pending = null;
        if (pending !== null) write(socket, pending);
      },
      close(socket) {
        connections -= 1;
        for (const slot of slots) slot.delete(socket);
      },
      error() {},
    },
  });

  process.on("message", (said: ToUpstream) => {
    if ("ask" in said) {
      process.send?.({ counts: { calls, request_bytes, chunks, connections } } satisfies FromUpstream);
      return;
    }
    script = said.script;
    if (ticker !== null) clearInterval(ticker);
    ticker = null;
    slots = Array.from({ length: script.interval_ms }, () => new Set());
    next_ms = Math.ceil(performance.now());
    if (script.interval_ms > 0) ticker = setInterval(tick, 1);
    process.send?.({ done: true } satisfies FromUpstream);
  });
  process.on("disconnect", () => process.exit());
  process.send?.({ port: listener.port } satisfies FromUpstream);
}

if (import.meta.main) serve();
