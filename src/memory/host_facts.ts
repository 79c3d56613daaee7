// What the supervisor knows and gateway processes tell of: words of the header's page, each written by it alone.

import { OTLP_DROPPED_WORD, STARTED_WORD } from "./layout.ts";

/** What is known of the gateway as a whole. */
export class HostFacts {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** When the supervisor started, in seconds since 1970; 0 where none has. */
  get started_s(): number {
    return Atomics.load(this.#words, STARTED_WORD) >>> 0;
  }

  set started_s(started_s: number) {
    Atomics.store(this.#words, STARTED_WORD, started_s | 0);
  }

  /** Spans that no collector got, since the file was made. */
  get otlp_dropped(): number {
    return Atomics.load(this.#words, OTLP_DROPPED_WORD) >>> 0;
  }

  addOtlpDropped(spans: number): void {
    Atomics.add(this.#words, OTLP_DROPPED_WORD, spans | 0);
  }
}
