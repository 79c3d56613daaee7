// Log probabilities are of an answer as a whole; some formats and all streams tell them text by text.

import type { TokenLogprob } from "./answer.ts";

/** Deals out an answer's tokens to its texts, in their order. */
export class LogprobsByText {
  readonly #tokens: readonly TokenLogprob[];
  #texts: number;
  #dealt = 0;

  /** @param texts how many texts there are: the last gets all that is left */
  constructor(tokens: readonly TokenLogprob[], texts: number) {
    this.#tokens = tokens;
    this.#texts = texts;
  }

  /** The tokens of the next text: as many as are as long as it. */
  next(text: string): readonly TokenLogprob[] {
    const start = this.#dealt;
    this.#texts -= 1;
    if (this.#texts <= 0) this.#dealt = this.#tokens.length;
    else
      for (let length = 0; length < text.length && this.#dealt < this.#tokens.length; this.#dealt++)
        length += this.#tokens[this.#dealt]!.token.length;
    return this.#tokens.slice(start, this.#dealt);
  }

  /** Those that no text was given. */
  rest(): readonly TokenLogprob[] {
    return this.#tokens.slice(this.#dealt);
  }
}
