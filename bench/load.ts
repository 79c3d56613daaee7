// The client of the benchmarks, in a process of its own: a closed loop of calls over connections that are kept alive.
// Prints what it measured as one line of JSON. A call that is not answered with 200, whole, is an error.

/** What it prints. */
export interface LoadResult {
  /** All calls, those of the warm-up too. */
  readonly calls: number;
  readonly errors: number;
  readonly calls_per_s: number;
  readonly p50_us: number;
  readonly p99_us: number;
}

/** This share of the time warms up, and is not in the rates and latencies. */
const WARM_UP_SHARE = 0.2;

const [port, kind, connections, duration_ms] = process.argv.slice(2);
const is_stream = kind === "sse";
const body = (content: string) =>
  JSON.stringify({ model: "bench/bench", messages: [{ role: "user", content }], stream: is_stream });
const REQUEST = `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1024\r\n\r\n${body("a".repeat(1024 - body("").length))}`;

/** Whether the bytes are a whole answer: null for not yet. */
function judge(received: string): "good" | "bad" | null {
  const head_end = received.indexOf("\r\n\r\n");
  if (head_end < 0) return null;
  if (!received.startsWith("HTTP/1.1 200 ")) return "bad";
  if (is_stream) {
    if (!received.endsWith("0\r\n\r\n")) return null;
    return received.includes("data: [DONE]\n\n") ? "good" : "bad";
  }
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(received)?.[1]);
  if (received.length < head_end + 4 + length) return null;
  return received.endsWith("}") ? "good" : "bad";
}

const begin_ms = performance.now();
const end_ms = begin_ms + Number(duration_ms);
const measured_from_ms = begin_ms + Number(duration_ms) * WARM_UP_SHARE;
const latencies_us: number[] = [];
let calls = 0;
let errors = 0;

async function connection(): Promise<void> {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  let received = "";
  let sent_ms = performance.now();
  await Bun.connect({
    hostname: "127.0.0.1",
    port: Number(port),
    socket: {
      open(socket) {
        socket.setNoDelay(true);
        socket.write(REQUEST);
      },
      data(socket, bytes) {
        received += bytes.toString("latin1");
        const verdict = judge(received);
        if (verdict === null) return;
        const now_ms = performance.now();
        calls += 1;
        if (verdict === "bad") errors += 1;
        else if (sent_ms >= measured_from_ms) latencies_us.push((now_ms - sent_ms) * 1000);
        if (verdict === "bad" || now_ms >= end_ms) {
          socket.end();
          return;
        }
        received = "";
        sent_ms = now_ms;
        socket.write(REQUEST);
      },
      error() {},
      close() {
        if (performance.now() < end_ms) errors += 1;
        close();
      },
    },
  });
  await closed;
}

await Promise.all(Array.from({ length: Number(connections) }, connection));
latencies_us.sort((a, b) => a - b);
const quantile = (share: number) => Math.round(latencies_us[Math.floor(latencies_us.length * share)] ?? 0);
const calls_per_s = Math.round(latencies_us.length / ((end_ms - measured_from_ms) / 1000));
const result: LoadResult = { calls, errors, calls_per_s, p50_us: quantile(0.5), p99_us: quantile(0.99) };
console.log(JSON.stringify(result));
