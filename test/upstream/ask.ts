// Sends requests through a client and keeps what it tells, in the order of telling.
// It also holds every client to the interface: nothing before `exchange` returns, nothing after the end.

import type { Origin, Timeouts } from "../../src/config/plan.ts";
import type {
  Exchange,
  ExchangeHandler,
  UpstreamClient,
  UpstreamError,
  UpstreamHead,
  UpstreamRequest,
} from "../../src/upstream/exchange.ts";

/** No limits at all. */
export const NO_TIMEOUTS: Timeouts = { connect_ms: 0, first_byte_ms: 0, idle_ms: 0, total_ms: 0 };

/** What an exchange has told so far. */
export interface Told {
  head: UpstreamHead | null;
  /** One character per byte. */
  body: string;
  bytes: number;
  end: "open" | "end" | "error";
  error: UpstreamError | null;
}

/** An exchange and what it tells. */
export interface Asked {
  readonly exchange: Exchange;
  readonly told: Told;
  /** Resolves at the end, with an error or without. */
  readonly done: Promise<Told>;
  /** Waits until something is true of what was told. */
  until(is_true: (told: Told) => boolean): Promise<Told>;
}

/** What a test wants to do at a callback; it may throw. */
export interface Reactions {
  readonly onHead?: (exchange: Exchange) => void;
  readonly onData?: (exchange: Exchange, chunk: Uint8Array) => void;
  readonly onEnd?: () => void;
  readonly onError?: () => void;
  /** Keep only the count; for large bodies. */
  readonly count_only?: boolean;
}

/** A request with what a test leaves out filled in. */
export function requestTo(origin: Origin, parts: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return {
    origin,
    pool: "key#0",
    method: parts.body === undefined ? "GET" : "POST",
    path: "/v1/x?y=z",
    headers: [],
    body: null,
    timeouts: NO_TIMEOUTS,
    ...parts,
  };
}

/** Sends a request. */
export function ask(client: UpstreamClient, request: UpstreamRequest, reactions: Reactions = {}): Asked {
  const told: Told = { head: null, body: "", bytes: 0, end: "open", error: null };
  let returned = false;
  const watchers = new Set<() => void>();
  const change = (is_allowed: boolean, what: string): void => {
    if (!returned) throw new Error(`${what} before exchange() returned`);
    if (told.end !== "open" || !is_allowed) throw new Error(`${what} after ${told.end} is not allowed`);
  };
  const wake = (): void => {
    for (const watcher of [...watchers]) watcher();
  };
  const handler: ExchangeHandler = {
    onHead(head) {
      change(told.head === null, "onHead");
      told.head = head;
      wake();
      reactions.onHead?.(exchange);
    },
    onData(chunk) {
      change(told.head !== null && chunk.length > 0, "onData");
      told.bytes += chunk.length;
      if (reactions.count_only !== true) told.body += Buffer.from(chunk).toString("latin1");
      wake();
      reactions.onData?.(exchange, chunk);
    },
    onEnd() {
      change(told.head !== null, "onEnd");
      told.end = "end";
      wake();
      reactions.onEnd?.();
    },
    onError(error) {
      change(true, "onError");
      told.end = "error";
      told.error = error;
      wake();
      reactions.onError?.();
    },
  };
  const exchange = client.exchange(request, handler);
  returned = true;
  const until = async (is_true: (told: Told) => boolean): Promise<Told> => {
    while (!is_true(told)) {
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
      });
    }
    return told;
  };
  return { exchange, told, done: until(({ end }) => end !== "open"), until };
}

/** Lets everything that is due happen: pending I/O callbacks, microtasks, timers of a few milliseconds. */
export async function settle(rounds = 20): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise<void>((resolve) => setTimeout(resolve, 1));
}
