// Counts tokens exactly where a provider does not tell them, in a thread that is started when it is first needed. Nobody waits for
// it: a call is answered and settled by estimate before, and what is over its bounds stays estimated.

import { threadUrl } from "../program/parts.ts";
import type { CountOrder, CountReport } from "./token_thread.ts";

/** A call whose texts are longer is not counted, but estimated; bytes. */
const TEXTS_MAX_BYTES = 1024 * 1024;
/** Calls that wait to be counted; further ones are estimated. */
const WAITING_MAX = 64;
/** How long a count may take, the thread's start included, in milliseconds. */
const COUNT_MAX_MS = 15_000;

/** Tokens that were counted. */
export type Counts = NonNullable<CountReport["counts"]>;

/** What was asked and answered, as JSON. */
export type Texts = Pick<CountOrder, "request" | "answer">;

/** The counter of a process. */
export class TokenCounter {
  readonly #waiting = new Map<number, (counts: Counts | null) => void>();
  #thread: Worker | null = null;
  #last_number = 0;

  /** The tokens of a call; null where they are too many to count, or too many wait. */
  async count({ request, answer }: Texts): Promise<Counts | null> {
    const bytes = answer.reduce((sum, { length }) => sum + length, request.length);
    if (bytes > TEXTS_MAX_BYTES || this.#waiting.size >= WAITING_MAX) return null;
    this.#thread ??= this.#start();
    this.#last_number += 1;
    const number = this.#last_number;
    const { promise, resolve } = Promise.withResolvers<Counts | null>();
    const timer = setTimeout(() => resolve(null), COUNT_MAX_MS);
    this.#waiting.set(number, resolve);
    this.#thread.postMessage({ number, request, answer } satisfies CountOrder);
    const counts = await promise;
    clearTimeout(timer);
    this.#waiting.delete(number);
    return counts;
  }

  #start(): Worker {
    const thread = new Worker(threadUrl("gateway/token_thread.ts"));
    thread.onmessage = ({ data }: MessageEvent<CountReport>) => this.#waiting.get(data.number)?.(data.counts);
    // It cannot be started, or died: what waits is estimated, and the next call tries again.
    thread.onerror = () => {
      this.#thread = null;
      for (const resolve of this.#waiting.values()) resolve(null);
    };
    thread.unref();
    return thread;
  }
}
