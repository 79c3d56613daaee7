// How many tokens of a streamed answer have gone by, about, and whether there is money for more. Counted from the bytes of its
// events: an event is a token at least, and what it has beyond the smallest of them is text.

import type { Usage } from "../dialects/usage.ts";

/** Bytes of text that make a token, at a cautious guess. */
const BYTES_PER_TOKEN = 4;

/** Longer answers are estimated. A chunk more is kept, so that whoever counts sees that it is too long; bytes. */
const KEPT_MAX_BYTES = 1024 * 1024;

/** What a meter asks its call's account. */
export interface MeteredAccount {
  /** So many tokens have come; false: the budget has no money for more. */
  progressed(tokens: number): boolean;
  /** What a usage costs, in dollars as text; null where nobody knows. */
  costText(usage: Usage): string | null;
  /** The usage by the gateway's own count. */
  countedUsage(output_tokens: number): Usage;
}

/** What feeds a stream. */
export interface MeteredUpstream {
  /** No more of it is wanted. */
  stopExchange(): void;
}

/** Watches how long a streamed answer becomes. */
export class StreamMeter {
  tokens = 0;
  /** The chunks, to be counted when the stream is over; null where they will not be, because usage will be told. */
  readonly chunks: Uint8Array[] | null;
  readonly #account: MeteredAccount;
  readonly #upstream: MeteredUpstream | null;
  #chunk_bytes = 0;
  #smallest = Number.POSITIVE_INFINITY;
  #events = 0;
  #bytes = 0;

  /**
   * @param is_kept keep the chunks, up to a bound, to count their tokens later
   * @param upstream what feeds the stream; null: nothing that could be ended
   */
  constructor(account: MeteredAccount, is_kept: boolean, upstream: MeteredUpstream | null) {
    this.chunks = is_kept ? [] : null;
    this.#account = account;
    this.#upstream = upstream;
  }

  /** A chunk went by. False: the answer has to end before it. */
  count(chunk: Uint8Array): boolean {
    const bytes = chunk.length;
    if (this.chunks !== null && this.#chunk_bytes <= KEPT_MAX_BYTES) {
      this.#chunk_bytes += bytes;
      this.chunks.push(chunk);
    }
    this.#events += 1;
    this.#bytes += bytes;
    if (bytes < this.#smallest) this.#smallest = bytes;
    const text = (this.#bytes - this.#smallest * this.#events) / BYTES_PER_TOKEN;
    this.tokens = Math.max(this.#events, Math.round(text));
    return this.#account.progressed(this.tokens);
  }

  usage(): Usage {
    return this.#account.countedUsage(this.tokens);
  }

  costOf(usage: Usage | null): string | null {
    return usage === null ? null : this.#account.costText(usage);
  }

  stopUpstream(): void {
    this.#upstream?.stopExchange();
  }
}
