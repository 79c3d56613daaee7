// The rest of an answer whose client has left: read for its usage alone, at providers that bill what they have begun, and only for so
// long and so far.

import type { DrainPlan } from "../config/plan.ts";
import type { Call } from "./call.ts";

/** What became of the rest of an answer: it was read, or more of it would have come than is read. */
export type Rest = "drained" | "drain_cut";

/** The bounds of one rest. */
export class RestReader {
  readonly #call: Call;
  readonly #timer: ReturnType<typeof setTimeout>;
  #left_bytes: number;

  constructor(call: Call, { max_ms, max_bytes }: DrainPlan) {
    this.#call = call;
    this.#left_bytes = max_bytes;
    this.#timer = setTimeout(() => this.#cut(), max_ms);
    call.rest = "drained";
  }

  /** So much more of it has come. */
  take(bytes: number): void {
    this.#left_bytes -= bytes;
    if (this.#left_bytes < 0) this.#cut();
  }

  /** It has ended. */
  end(): void {
    clearTimeout(this.#timer);
  }

  /** It is ended from here. */
  cut(): void {
    this.end();
    this.#call.rest = "drain_cut";
  }

  /** Whoever hears of the call's end ends what still comes. */
  #cut(): void {
    this.#call.stop("draining");
  }
}
