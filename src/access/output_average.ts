// How many tokens a model's answers have, on average: what is reserved for a call that sets no bound itself.

/** What is expected of a model that has not answered yet. */
const FIRST_GUESS = 256;
/** The weight of the newest answer. */
const WEIGHT = 1 / 32;
/** Models that are remembered; clients can name any. */
const MODELS_MAX = 2_000;

/** Running averages by model. */
export class OutputAverages {
  readonly #averages = new Map<string, number>();

  /** Tokens to expect of the next answer. */
  expect(model: string): number {
    return Math.ceil(this.#averages.get(model) ?? FIRST_GUESS);
  }

  /** An answer had so many. */
  learn(model: string, output_tokens: number): void {
    const known = this.#averages.get(model);
    if (known === undefined && this.#averages.size >= MODELS_MAX) this.#averages.clear();
    this.#averages.set(model, (known ?? FIRST_GUESS) * (1 - WEIGHT) + output_tokens * WEIGHT);
  }
}
