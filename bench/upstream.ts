// The provider of the benchmarks, in a process of its own: answers every request with the same bytes, as cheaply as it can.
// Prints its port; it lives until it is killed.

import type { Socket } from "bun";

const common = { id: "chatcmpl-bench", created: 1_735_689_600, model: "bench" };
const message = { role: "assistant", content: "The quick brown fox jumps over the lazy dog. ".repeat(16) };
const whole = JSON.stringify({ ...common, choices: [{ index: 0, message, finish_reason: "stop" }] });
const PLAIN = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${whole.length}\r\n\r\n${whole}`;

const chunk = (data: string) => `${data.length.toString(16)}\r\n${data}\r\n`;
const event = (content: string, finish_reason: string | null = null) =>
  chunk(
    `data: ${JSON.stringify({ ...common, choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`,
  );
/** 16 events, each written in a turn of the loop of its own, the first with the head. */
const STREAM = [
  `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n${event("The")}`,
  ...Array.from({ length: 14 }, () => event("brown fox jumps over")),
  `${event("", "stop")}${chunk("data: [DONE]\n\n")}0\r\n\r\n`,
];

function stream(socket: Socket<{ input: string }>, index: number): void {
  socket.write(STREAM[index]!);
  if (index + 1 < STREAM.length) setImmediate(() => stream(socket, index + 1));
}

const listener = Bun.listen<{ input: string }>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.setNoDelay(true);
      socket.data = { input: "" };
    },
    data(socket, bytes) {
      const input = socket.data.input + bytes.toString("latin1");
      const head_end = input.indexOf("\r\n\r\n");
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(input)?.[1] ?? 0);
      const is_whole = head_end > 0 && input.length >= head_end + 4 + length;
      socket.data.input = is_whole ? "" : input;
      if (!is_whole) return;
      if (input.includes('"stream":true', head_end)) stream(socket, 0);
      else socket.write(PLAIN);
    },
    error() {},
  },
});
console.log(listener.port);
