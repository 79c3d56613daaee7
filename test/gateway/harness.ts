// What the gateway's tests stand on: a gateway from YAML, upstreams that follow scripts, and clients that send any bytes.
// Everything that a test starts here is stopped after it.

import net from "node:net";
import { afterAll, afterEach } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import type { Plan } from "../../src/config/plan.ts";
import { openCaches } from "../../src/gateway/open_caches.ts";
import { type Gateway, type GatewayOptions, startGateway } from "../../src/gateway/server.ts";
import {
  type Script,
  type ScriptedUpstream,
  startUpstream,
  type UpstreamOptions,
} from "../scripted_upstream.ts";
import { type TestBooks, testBooks } from "./test_books.ts";

/** Longest time that a test waits for anything, in milliseconds. */
const WAIT_MAX_MS = 25_000;

/** Compiles a configuration; environment variables play no part in it. */
export function planOf(yaml: string): Plan {
  const result = parseConfig(Buffer.from(yaml), "venturi.yaml", { env: {} });
  if (!result.ok) throw new Error(result.problems.map((problem) => problem.message).join("\n"));
  return result.plan;
}

/** A gateway under test. */
export interface TestGateway {
  readonly gateway: Gateway;
  readonly port: number;
  /** What it was started with. */
  readonly plan: Plan;
  /** Its books, and the rows in them. */
  readonly kept: TestBooks;
  /** A request to a path of it; redirects are not followed. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** `POST /v1/chat/completions` with a model and a message, unless `extra` says otherwise. */
  chat(extra?: Record<string, unknown>, init?: RequestInit): Promise<Response>;
  /** Counts of the metrics, summed over providers and models: `counted("calls", "200")`. */
  counted(
    what: "calls" | "errors" | "attempts" | "tokens" | "cache" | "saved" | "judged",
    name: string,
  ): number;
  /** Resolves when no call is in flight. */
  idle(): Promise<void>;
}

/** Starts things for the tests of a file, and stops them after each. */
export interface Rig {
  upstream(script: Script, options?: UpstreamOptions): Promise<ScriptedUpstream>;
  /** By a configuration's text, or a Plan as it is. */
  gateway(
    config: string | Plan,
    options?: Pick<GatewayOptions, "quiet_ms" | "idle_s" | "stored_keys" | "share_port" | "descriptor">,
  ): TestGateway;
  /** A raw connection to a port of this machine. */
  connect(port: number): Promise<RawClient>;
  /** Whatever else has to be undone. */
  after(undo: () => unknown): void;
}

/** To be called once at the top of a test file or of a `describe`. */
export function rig(): Rig {
  const undone: (() => unknown)[] = [];
  // A gateway takes its time to stop, most of it waiting: the next test does not wait with it.
  const stopping: unknown[] = [];
  afterEach(() => {
    for (const undo of undone.splice(0)) stopping.push(undo());
  });
  afterAll(() => Promise.all(stopping));
  return {
    after: (undo) => void undone.push(undo),
    async upstream(script, options) {
      const upstream = await startUpstream(script, options);
      undone.push(() => upstream.stop());
      return upstream;
    },
    gateway(config, options = {}) {
      const plan = typeof config === "string" ? planOf(config) : config;
      const kept = testBooks();
      const gateway = startGateway({
        ...{ plan, port: 0, books: kept.books },
        openCaches: async () =>
          openCaches({
            folder: kept.folder,
            max_bytes: 64 * 1024 * 1024,
            state: plan.state,
            has_shared_index: false,
            facts: kept.state.facts,
            log: (line) => void kept.said.push(line),
          }),
        privacy: { key: Buffer.alloc(32, 7), folder: kept.folder },
        ...options,
      });
      undone.push(() => gateway.stop(0).then(kept.dispose));
      return testGateway(gateway, plan, kept);
    },
    async connect(port) {
      const client = await connectRaw(port);
      undone.push(() => client.destroy());
      return client;
    },
  };
}

function testGateway(gateway: Gateway, plan: Plan, kept: TestBooks): TestGateway {
  const { port } = gateway;
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { redirect: "manual", ...init });
  return {
    gateway,
    port,
    plan,
    kept,
    fetch: ask,
    chat: (extra = {}, init = {}) =>
      ask("/v1/chat/completions", {
        method: "POST",
        body: JSON.stringify({ model: "chat", messages: [{ role: "user", content: "Hello" }], ...extra }),
        ...init,
      }),
    counted(what, name) {
      return gateway.metrics.snapshot().series.reduce((sum, one) => sum + (one[what][name] ?? 0), 0);
    },
    idle: () => until(() => gateway.calls.size === 0),
  };
}

/** Resolves when something is true that no event tells of; looks every millisecond. */
export async function until(isSo: () => boolean, limit_ms = WAIT_MAX_MS): Promise<void> {
  const end_ms = performance.now() + limit_ms;
  while (!isSo()) {
    if (performance.now() > end_ms) throw new Error(`not so within ${limit_ms} ms: ${isSo}`);
    await Bun.sleep(1);
  }
}

/** Resolves when a number that grows has stopped to: from one look to the next, a while later, and never at zero. */
export async function still(count: () => number): Promise<void> {
  for (let before = 0; ; ) {
    await Bun.sleep(300);
    const now = count();
    if (now > 0 && now === before) return;
    before = now;
  }
}

/** A client that sends bytes and keeps those that it gets. */
export class RawClient {
  readonly socket: net.Socket;
  /** Resolves when the connection is closed, however it went. */
  readonly closed: Promise<void>;
  #received: Buffer[] = [];
  #changed = Promise.withResolvers<void>();

  constructor(socket: net.Socket) {
    this.socket = socket;
    const changed = () => {
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    };
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        resolve();
        changed();
      });
    });
    socket.on("data", (bytes: Buffer) => {
      this.#received.push(bytes);
      changed();
    });
  }

  /** All that came, one character per byte. */
  get received(): string {
    return Buffer.concat(this.#received).toString("latin1");
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Waits until something is true of what came; fails when the connection is closed before. */
  async until(isSo: (received: string) => boolean): Promise<void> {
    while (!isSo(this.received)) {
      if (this.socket.destroyed) throw new Error(`closed; received ${JSON.stringify(this.received)}`);
      await this.#changed.promise;
    }
  }

  /** The first answer on this connection, once it is complete or the connection closed. */
  async answer(): Promise<RawAnswer> {
    await this.until((received) => readAnswer(received).complete).catch(() => {});
    return readAnswer(this.received);
  }
}

function connectRaw(port: number): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.off("error", reject);
      socket.on("error", () => {});
      socket.setNoDelay(true);
      resolve(new RawClient(socket));
    });
    socket.once("error", reject);
  });
}

/** An answer as it is on the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** As far as it has come, transfer coding removed; one character per byte. */
  readonly body: string;
  /** Whether the body came to its declared end. */
  readonly complete: boolean;
}

/** Reads the first answer of some received bytes; status 0 where there is not even a head. */
export function readAnswer(received: string): RawAnswer {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return { status: 0, headers: new Map(), body: "", complete: false };
  const [status_line = "", ...lines] = received.slice(0, end).split("\r\n");
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const status = Number(status_line.split(" ")[1]);
  const rest = received.slice(end + 4);
  if (headers.get("transfer-encoding")?.toLowerCase() === "chunked")
    return { status, headers, ...dechunk(rest) };
  const length = Number(headers.get("content-length") ?? 0);
  return { status, headers, body: rest.slice(0, length), complete: rest.length >= length };
}

function dechunk(text: string): { readonly body: string; readonly complete: boolean } {
  let body = "";
  let at = 0;
  for (;;) {
    const line_end = text.indexOf("\r\n", at);
    if (line_end < 0) return { body, complete: false };
    const size = Number.parseInt(text.slice(at, line_end), 16);
    const start = line_end + 2;
    if (size === 0) return { body, complete: text.startsWith("\r\n", start) };
    body += text.slice(start, start + size);
    if (text.length < start + size + 2) return { body, complete: false };
    at = start + size + 2;
  }
}

/** The bytes of `POST /v1/chat/completions` with this JSON body. */
export function chatRequest(body: unknown, headers: Readonly<Record<string, string>> = {}): string {
  const text = JSON.stringify(body);
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = Buffer.byteLength(text);
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n${fields.join("")}content-length: ${length}\r\n\r\n${text}`;
}

/** A block of an event stream: its bytes, and its data where it has some. One character per byte. */
export interface WireEvent {
  readonly raw: string;
  readonly data: string | null;
}

/** Cuts a stream into its events line by line; what lies behind the last blank line is the last one. */
export function eventsOf(stream: string): WireEvent[] {
  const events: WireEvent[] = [];
  let raw = "";
  let fields: string[] = [];
  const close = () => {
    const data = fields
      .filter((line) => /^data(:|$)/.test(line))
      .map((line) => line.replace(/^data:? ?/, ""));
    events.push({ raw, data: data.length > 0 ? data.join("\n") : null });
    raw = "";
    fields = [];
  };
  for (const line of stream.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? []) {
    raw += line;
    const text = line.replace(/[\r\n]+$/, "");
    if (text !== "") fields.push(text);
    else if (fields.length > 0) close();
  }
  if (raw !== "") close();
  return events;
}

/** What an error's body says, of an answer or an event's data. */
export function errorOf(text: string): {
  type: string;
  code: string | null;
  param: string | null;
  message: string;
} {
  return (
    JSON.parse(text) as {
      error: { type: string; code: string | null; param: string | null; message: string };
    }
  ).error;
}
