// Several requests as one exchange, for providers that take one thing at a time: their answers come as one list of JSON, in the requests' order.

import {
  type Exchange,
  type ExchangeHandler,
  type ExchangeTimes,
  type UpstreamClient,
  UpstreamError,
  type UpstreamHead,
  type UpstreamRequest,
} from "./exchange.ts";

/** Requests under way at a time. */
const AT_ONCE = 8;
/** The most that all answers together may have. */
const BYTES_MAX = 64 * 1024 * 1024;

const COMMA = Buffer.from(",");

/** Sends requests, some at a time. The first answer that is no success, or the first fault, is told in place of all. */
export class SeveralExchanges implements Exchange {
  readonly times: ExchangeTimes;
  readonly reused = false;
  readonly #client: UpstreamClient;
  readonly #requests: readonly UpstreamRequest[];
  readonly #handler: ExchangeHandler;
  readonly #running = new Set<Exchange>();
  readonly #answers: Uint8Array[][];
  #size = 0;
  #sent = 0;
  #answered = 0;
  #head: UpstreamHead | null = null;
  #is_over = false;

  /** @param requests at least one */
  constructor(client: UpstreamClient, requests: readonly UpstreamRequest[], handler: ExchangeHandler) {
    this.#client = client;
    this.#requests = requests;
    this.#handler = handler;
    this.#answers = requests.map(() => []);
    this.times = this.#sendNext().times;
    while (this.#running.size < AT_ONCE && this.#sent < requests.length) this.#sendNext();
  }

  abort(): void {
    this.#is_over = true;
    for (const exchange of this.#running) exchange.abort();
    this.#running.clear();
  }

  pause(): void {
    for (const exchange of this.#running) exchange.pause();
  }

  resume(): void {
    for (const exchange of this.#running) exchange.resume();
  }

  #sendNext(): Exchange {
    const index = this.#sent++;
    let head: UpstreamHead | null = null;
    const pieces = this.#answers[index]!;
    const exchange = this.#client.exchange(this.#requests[index]!, {
      onHead: (came) => {
        head = came;
      },
      onData: (chunk) => {
        pieces.push(chunk);
        this.#size += chunk.length;
        if (this.#size > BYTES_MAX) this.#fail(new UpstreamError("bad_response", "the answers are too long"));
      },
      onEnd: () => {
        this.#running.delete(exchange);
        this.#ended(head!, pieces);
      },
      onError: (error) => {
        this.#running.delete(exchange);
        this.#fail(error);
      },
    });
    this.#running.add(exchange);
    return exchange;
  }

  #ended(head: UpstreamHead, pieces: readonly Uint8Array[]): void {
    if (this.#is_over) return;
    if (head.status < 200 || head.status >= 300) {
      this.abort();
      this.#tell(head, pieces);
      return;
    }
    this.#head ??= head;
    this.#answered += 1;
    if (this.#sent < this.#requests.length) this.#sendNext();
    else if (this.#answered === this.#requests.length) {
      this.#is_over = true;
      const list = this.#answers.flatMap((answer, index) => (index === 0 ? answer : [COMMA, ...answer]));
      this.#tell(this.#head, [Buffer.from("["), ...list, Buffer.from("]")]);
    }
  }

  #tell(head: UpstreamHead, pieces: readonly Uint8Array[]): void {
    this.#handler.onHead(head);
    for (const piece of pieces) this.#handler.onData(piece);
    this.#handler.onEnd();
  }

  #fail(error: UpstreamError): void {
    if (this.#is_over) return;
    this.abort();
    this.#handler.onError(error);
  }
}
