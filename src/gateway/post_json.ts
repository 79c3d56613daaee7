// One small exchange beside a call: JSON goes out, and a bounded answer comes back in time, or a word on why not.

import type { HeaderFields, Origin, Timeouts } from "../config/plan.ts";
import type { ExchangeHandler, UpstreamClient, UpstreamError, UpstreamHead } from "../upstream/exchange.ts";
import { decode } from "../wire/content_coding.ts";

/** Longer answers are not read; bytes. */
const ANSWER_MAX_BYTES = 1024 * 1024;
/** The whole exchange has one limit, which is kept here. */
const NO_TIMEOUTS: Timeouts = { connect_ms: 0, first_byte_ms: 0, idle_ms: 0, total_ms: 0 };

/** What is posted, and where. */
export interface Post {
  readonly origin: Origin;
  readonly pool: string;
  readonly path: string;
  readonly headers: HeaderFields;
  readonly body: Uint8Array;
}

/** What came back. */
export interface PostAnswer {
  readonly head: UpstreamHead;
  readonly body: Uint8Array;
}

/** Posts JSON. A fault's words hold no address and nothing of what was sent. */
export function postJson(
  client: UpstreamClient,
  { body, ...post }: Post,
  timeout_ms: number,
  signal: AbortSignal,
): Promise<PostAnswer | { readonly fault: string }> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(STOPPED);
    const finish = (result: PostAnswer | { readonly fault: string }) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      resolve(result);
    };
    const giveUp = (fault: { readonly fault: string }) => {
      exchange.abort();
      finish(fault);
    };
    const stop = () => giveUp(STOPPED);
    const collector = new AnswerCollector(finish, giveUp);
    const request = { ...post, method: "POST", body: [body], timeouts: NO_TIMEOUTS };
    const exchange = client.exchange(request, collector);
    const late = () => giveUp({ fault: `it did not answer within ${timeout_ms} ms` });
    const timer = setTimeout(late, timeout_ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

const STOPPED = { fault: "the call ended" };

class AnswerCollector implements ExchangeHandler {
  readonly #finish: (result: PostAnswer | { readonly fault: string }) => void;
  readonly #giveUp: (fault: { readonly fault: string }) => void;
  readonly #pieces: Uint8Array[] = [];
  #size = 0;
  #head: UpstreamHead | null = null;

  constructor(
    finish: (result: PostAnswer | { readonly fault: string }) => void,
    giveUp: (fault: { readonly fault: string }) => void,
  ) {
    this.#finish = finish;
    this.#giveUp = giveUp;
  }

  onHead(head: UpstreamHead): void {
    this.#head = head;
  }

  onData(chunk: Uint8Array): void {
    this.#pieces.push(chunk);
    this.#size += chunk.length;
    if (this.#size > ANSWER_MAX_BYTES) this.#giveUp(TOO_LONG);
  }

  onEnd(): void {
    const head = this.#head!;
    const coding = head.headers.get("content-encoding");
    const collected = Buffer.concat(this.#pieces);
    const body = coding === null ? collected : decode(collected, coding, ANSWER_MAX_BYTES);
    this.#finish(body === null ? { fault: `its answer is coded (content-encoding)` } : { head, body });
  }

  onError(error: UpstreamError): void {
    this.#finish({ fault: `it could not be reached, or broke off (${error.failure})` });
  }
}

const TOO_LONG = { fault: `its answer has more than ${ANSWER_MAX_BYTES} bytes` };
