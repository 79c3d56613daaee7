// The second client, over the runtime's `fetch`: for what our own does not speak, proxies and HTTP/2.
// The same interface and times; where `fetch` hides a moment (connecting, having sent), the nearest visible one stands in.

import type { Origin } from "../config/plan.ts";
import { say } from "../config/say.ts";
import { faultText } from "../errors.ts";
import {
  type Exchange,
  type ExchangeHandler,
  type ExchangeTimes,
  FieldList,
  type UploadBody,
  type UpstreamClient,
  UpstreamError,
  type UpstreamFailure,
  type UpstreamRequest,
} from "./exchange.ts";
import { hostField, requestError } from "./http1/request_head.ts";
import { arePatient, Sweep, type Timed } from "./http1/sweep.ts";

/** Habits of the fetch client. */
export interface FetchOptions {
  /** HTTP/1.1 by default; with `http2` a server that does not take it by ALPN fails with `connect`. TLS only. */
  readonly protocol?: "http1.1" | "http2";
  /** Seconds that idle connections are kept, to the runtime's own grain of four seconds. */
  readonly idle_s?: number;
  /** Hears of exceptions that handlers threw where they cannot be told themselves. */
  readonly report?: (error: unknown) => void;
}

/** A fetch client, which can be counted. */
export interface FetchClient extends UpstreamClient {
  /** Exchanges under way; `fetch` does not tell about its connections. */
  stats(): { readonly active: number };
}

/** Sessions (each with connections of its own) held at most. */
const MAX_SESSIONS = 1_024;

interface FetchContext {
  readonly protocol: "http1.1" | "http2" | undefined;
  readonly sweep: Sweep;
  readonly report: (error: unknown) => void;
  session(origin: Origin, pool: string): Bun.FetchSession;
  closing: boolean;
}

/**
 * Makes a client over `fetch`. What differs from the HTTP/1.1 client: connecting and the wait for the first byte are
 * one time (their sum, from the start on); the URL's path is normalised; `reused` is always false; the runtime runs
 * 256 requests at once unless BUN_CONFIG_MAX_HTTP_REQUESTS says more.
 */
export function createFetchClient(options: FetchOptions = {}): FetchClient {
  const sessions = new Map<string, Bun.FetchSession>();
  const keepAlive = { idleTimeout: options.idle_s ?? 55 };
  const context: FetchContext = {
    protocol: options.protocol,
    sweep: new Sweep(() => false),
    report:
      options.report ??
      ((error) => say(`an answer failed by a fault of the gateway: ${faultText(error)}`, "error")),
    session(origin, pool) {
      const { tls, host, port, server_name, ca, proxy } = origin;
      const key = JSON.stringify([tls, host, port, server_name, ca, proxy, pool]);
      let session = sessions.get(key);
      if (session === undefined) {
        session = new Bun.FetchSession({ tls: tlsOptions(origin), keepAlive });
        if (sessions.size >= MAX_SESSIONS) {
          const oldest = sessions.keys().next().value!;
          sessions.get(oldest)!.close();
          sessions.delete(oldest);
        }
        sessions.set(key, session);
      }
      return session;
    },
    closing: false,
  };
  return {
    exchange(request: UpstreamRequest, handler: ExchangeHandler): Exchange {
      const exchange = new FetchExchange(context, request, handler);
      exchange.start();
      return exchange;
    },
    close(): void {
      context.closing = true;
      for (const session of sessions.values()) session.close();
      sessions.clear();
    },
    stats: () => ({ active: context.sweep.size }),
  };
}

/** An exchange under way. */
class FetchExchange implements Exchange, Timed {
  readonly times: ExchangeTimes;
  /** Not told by `fetch`. */
  readonly reused = false;
  sweep_slot = -1;
  readonly is_patient: boolean;

  readonly #context: FetchContext;
  readonly #request: UpstreamRequest;
  /** Null from the moment that nothing may be told any more. */
  #handler: ExchangeHandler | null;
  readonly #abort = new AbortController();
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #paused = false;
  #wake: (() => void) | null = null;
  #has_head = false;
  #moved = false;
  #moved_ms: number;
  /** When the last byte of an upload was read; the start for other bodies. */
  #since_ms: number;
  #upload: "none" | "asking" | "given" = "none";

  constructor(context: FetchContext, request: UpstreamRequest, handler: ExchangeHandler) {
    const now_ms = performance.now();
    this.#context = context;
    this.#request = request;
    this.is_patient = arePatient(request.timeouts);
    this.#handler = handler;
    this.#since_ms = now_ms;
    this.#moved_ms = now_ms;
    this.times = { started_ms: now_ms, connected_ms: 0, first_byte_ms: 0 };
  }

  start(): void {
    this.#context.sweep.add(this, this.times.started_ms);
    const error = requestError(this.#request);
    if (error !== null) queueMicrotask(() => this.#fail("bad_request", error));
    else if (this.#context.closing) queueMicrotask(() => this.#fail("closed", "the client is closed"));
    else void this.#run();
  }

  async #run(): Promise<void> {
    let response: Response;
    try {
      response = await this.#fetch();
    } catch (error) {
      const [failure, what] = meaningOf(error);
      this.#fail(failure, what, error);
      return;
    }
    if (this.#handler === null) return;
    // The head is the first that `fetch` tells.
    this.times.first_byte_ms = performance.now();
    this.times.connected_ms = this.times.first_byte_ms;
    this.#has_head = true;
    this.#moved = true;
    if (response.status < 200 || response.status === 101) {
      this.#fail("bad_response", "the protocol was switched without being asked");
      return;
    }
    const fields = [...response.headers];
    if (!this.#tell((handler) => handler.onHead({ status: response.status, headers: new FieldList(fields) })))
      return;
    if (response.body !== null && !(await this.#read(response.body))) return;
    this.#end();
  }

  #fetch(): Promise<Response> {
    const { origin, pool, path, method, headers, extra_headers, body } = this.#request;
    // Sends an absolute target with its path normalised, as every URL.
    const url = `${origin.tls ? "https" : "http"}://${hostField(origin)}${path}`;
    const fields = [...headers, ...(extra_headers ?? [])].map(([name, value]): [string, string] => [
      name,
      value,
    ]);
    const init: BunFetchRequestInit = {
      method,
      headers: fields,
      redirect: "manual",
      decompress: false,
      keepalive: isWhole(body),
      signal: this.#abort.signal,
      session: this.#context.session(origin, pool),
      // Only the Plan says which proxy is used, not the environment; and our own clock watches the time.
      proxy: origin.proxy === undefined ? false : { url: origin.proxy, respectNoProxy: false },
      timeout: false,
    };
    if (this.#context.protocol !== undefined && origin.tls) init.protocol = this.#context.protocol;
    if (isWhole(body)) {
      if (body !== null) init.body = body.length === 1 ? body[0]! : Buffer.concat(body);
    } else {
      init.body = this.#counted(body);
      if (body.length !== null) fields.push(["content-length", String(body.length)]);
    }
    return fetch(url, init);
  }

  /** The upload as a stream that checks its announced length and shows who is waited for. */
  #counted(body: UploadBody): ReadableStream<Uint8Array> {
    const reader = body.stream.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    let sent = 0;
    this.#upload = "given";
    const wrong = (what: string): void => this.#fail("upload", `the upload broke off: ${what}`);
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        this.#upload = "asking";
        this.#moved = true;
        const { done, value } = await reader.read().catch((error) => {
          this.#fail("upload", "the upload broke off: the stream failed", error);
          throw error;
        });
        this.#upload = "given";
        sent += value?.length ?? 0;
        if (body.length !== null && (done ? sent < body.length : sent > body.length)) {
          wrong(`${sent} instead of the announced ${body.length} bytes`);
          controller.error(new Error("wrong length"));
          reader.cancel().catch(() => {});
        } else if (done) {
          this.#upload = "none";
          this.#since_ms = performance.now();
          controller.close();
        } else {
          controller.enqueue(value);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    });
  }

  /** Tells the body; whether the exchange still stands at its end. */
  async #read(body: ReadableStream<Uint8Array>): Promise<boolean> {
    const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    this.#reader = reader;
    for (;;) {
      while (this.#paused) await this.#resumed();
      let read: { done: boolean; value?: Uint8Array | undefined };
      try {
        read = await reader.read();
      } catch (error) {
        const [failure, what] = meaningOf(error);
        this.#fail(failure, what, error);
        return false;
      }
      if (this.#handler === null) return false;
      this.#moved = true;
      if (read.done) return true;
      const chunk = read.value!;
      if (chunk.length > 0 && !this.#tell((handler) => handler.onData(chunk))) return false;
    }
  }

  #resumed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Calls the handler; whether it may be called again. */
  #tell(call: (handler: ExchangeHandler) => void): boolean {
    if (this.#handler === null) return false;
    try {
      call(this.#handler);
    } catch (error) {
      this.#fail("handler", "the handler of its response threw", error);
    }
    return this.#handler !== null;
  }

  #end(): void {
    const handler = this.#handler;
    if (handler === null) return;
    this.#handler = null;
    this.#context.sweep.remove(this);
    // An upload that the answer has overtaken is of no use any more.
    if (this.#upload !== "none") this.#abort.abort();
    try {
      handler.onEnd();
    } catch (error) {
      this.#context.report(error);
    }
  }

  #fail(failure: UpstreamFailure, what: string, cause?: unknown): void {
    const handler = this.#stop();
    if (handler === null) return;
    const { host, port } = this.#request.origin;
    try {
      handler.onError(new UpstreamError(failure, `${host}:${port}: ${what}`, cause));
    } catch (error) {
      this.#context.report(error);
    }
  }

  abort(): void {
    this.#stop();
  }

  #stop(): ExchangeHandler | null {
    const handler = this.#handler;
    if (handler === null) return null;
    this.#handler = null;
    this.#context.sweep.remove(this);
    this.#abort.abort();
    this.#reader?.cancel().catch(() => {});
    this.#paused = false;
    this.#wake?.();
    const { body } = this.#request;
    if (!isWhole(body) && !body.stream.locked) body.stream.cancel().catch(() => {});
    return handler;
  }

  pause(): void {
    if (this.#handler !== null) this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#moved = true;
    this.#wake?.();
    this.#wake = null;
  }

  check(now_ms: number): void {
    const { connect_ms, first_byte_ms, idle_ms, total_ms } = this.#request.timeouts;
    if (this.#moved || (this.#paused && this.#has_head) || this.#upload === "asking") {
      this.#moved = false;
      this.#moved_ms = now_ms;
    }
    const is_still = idle_ms > 0 && now_ms - this.#moved_ms >= idle_ms;
    if (total_ms > 0 && now_ms - this.times.started_ms >= total_ms) {
      this.#fail("total_timeout", `not done after ${total_ms} ms`);
    } else if (this.#has_head) {
      if (is_still) this.#fail("idle_timeout", `silent in the middle of a response for ${idle_ms} ms`);
    } else if (this.#upload !== "none") {
      if (is_still) this.#fail("idle_timeout", `took no byte of the request for ${idle_ms} ms`);
    } else if (first_byte_ms > 0 && now_ms - this.#since_ms >= connect_ms + first_byte_ms) {
      this.#fail("first_byte_timeout", `no response after ${connect_ms + first_byte_ms} ms`);
    }
  }
}

function isWhole(body: UpstreamRequest["body"]): body is readonly Uint8Array[] | null {
  return body === null || Array.isArray(body);
}

function tlsOptions(origin: Origin): BunFetchRequestInitTLS {
  return {
    rejectUnauthorized: true,
    ...(origin.ca === undefined ? {} : { ca: origin.ca }),
    ...(origin.server_name === undefined ? {} : { serverName: origin.server_name }),
  };
}

/** What an exception of `fetch` means, from its code; its message may hold a URL, so it goes nowhere. */
function meaningOf(error: unknown): readonly [UpstreamFailure, string] {
  const code = String((error as { code?: unknown } | null)?.code ?? "unknown reason");
  if (/^(ENOTFOUND|EAI_|ENODATA|DNS_)/.test(code)) return ["resolve", `could not be resolved (${code})`];
  if (/CERT|TLS|SSL|^EPROTO$|^UNABLE_TO|SIGNATURE|^HOSTNAME/.test(code))
    return ["tls", `failed the TLS handshake (${code})`];
  if (
    /^(ECONNREFUSED|EHOST|ENET|EADDR|HTTP2Unsupported|ConnectionRefused|FailedToOpenSocket)|Proxy/i.test(code)
  )
    return ["connect", `could not be connected to (${code})`];
  if (/HTTP|^Invalid|^Unrequested|Header/.test(code))
    return ["bad_response", `not an HTTP response (${code})`];
  return ["closed", `closed the connection (${code})`];
}
