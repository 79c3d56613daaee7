// Which answers are looked at to tell how models do: so many a second and no more, so that a call costs a comparison of two numbers, and
// one of some hundred or thousand a look. What looks is loaded by the first of them.

import type { QualityPlan } from "../config/plan.ts";
import { OPEN } from "../privacy/discretion.ts";
import type { AnswerLooks } from "./answer_look.ts";
import type { Books } from "./books.ts";
import type { Call } from "./call.ts";
import type { Lazy } from "./lazy.ts";
import type { Prepared } from "./prepare.ts";
import type { Witness } from "./witness.ts";

/** Longer requests are not looked at: they would have to be read again. */
const REQUEST_MAX_BYTES = 64 * 1024;
/** Requests that are remembered to have come: a power of two. */
const SEEN = 8_192;
/** Answers to requests that came before are compared so often, at most. */
const COMPARE_EVERY_MS = 250;

/** Chooses them. */
export class QualityWatch {
  readonly #looks: Lazy<AnswerLooks>;
  readonly #books: Books;
  /** No answer is looked at before. */
  #due_ms = 0;
  #compare_due_ms = 0;
  /** Hashes of requests that have come, at places that are parts of the hashes. */
  #seen: Int32Array | null = null;

  constructor(looks: Lazy<AnswerLooks>, books: Books) {
    this.#looks = looks;
    this.#books = books;
  }

  /** Who looks at the answer of a call; null for most. */
  draw(
    call: Call,
    { read_body, choices }: Prepared,
    { look_every_ms, is_compared }: QualityPlan,
  ): Witness | null {
    const now_ms = call.arrived_ms;
    const is_due = Number.isFinite(look_every_ms) && now_ms >= this.#due_ms;
    if (!is_due && (!is_compared || now_ms < this.#compare_due_ms)) return null;
    if (read_body === null || read_body.length > REQUEST_MAX_BYTES) return null;
    // What must not be kept is not compared with anything later.
    const may_compare = is_compared && call.may_be_kept && call.discreet === OPEN;
    const is_repeated = may_compare && this.#hasCome(read_body) && now_ms >= this.#compare_due_ms;
    if (!is_due && !is_repeated) return null;
    const looks = this.#looks.value;
    if (looks === null) {
      this.#looks
        .get()
        .catch((fault: unknown) => this.#books.tell(`answers are not looked at: ${String(fault)}`));
      return null;
    }
    const look = looks.of(call, { request: read_body, choices, is_compared: is_repeated });
    if (look === null) return null;
    if (is_due) this.#due_ms = now_ms + look_every_ms;
    if (is_repeated) this.#compare_due_ms = now_ms + COMPARE_EVERY_MS;
    return look;
  }

  /** Whether a request has come before, as far as that is remembered; it is from now on. */
  #hasCome(request: Uint8Array): boolean {
    this.#seen ??= new Int32Array(SEEN);
    const hash = Bun.hash.xxHash32(request) | 0;
    const place = hash & (SEEN - 1);
    const has_come = this.#seen[place] === hash;
    this.#seen[place] = hash;
    return has_come;
  }
}
