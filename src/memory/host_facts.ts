// What the supervisor knows and gateway processes tell of: words of the header's page, written by it alone; and what all of them count together.

import { CONTENT_WORD, OTLP_DROPPED_WORD, STARTED_WORD } from "./layout.ts";

/** What becomes of the content of a call where content is kept: in the order of their words, at most eight. */
export const CONTENT_OUTCOMES = ["kept", "dropped", "too_long", "private"] as const;

/** One of them. */
export type ContentOutcome = (typeof CONTENT_OUTCOMES)[number];

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

  /** Calls of whose content this has become, since the file was made. */
  contentCalls(outcome: ContentOutcome): number {
    return Atomics.load(this.#words, CONTENT_WORD + CONTENT_OUTCOMES.indexOf(outcome)) >>> 0;
  }

  countContent(outcome: ContentOutcome, calls: number): void {
    Atomics.add(this.#words, CONTENT_WORD + CONTENT_OUTCOMES.indexOf(outcome), calls);
  }
}
