// The windows that a text is judged by: the whole of a short one, and pieces of two lengths that overlap, so that a few words in the
// middle of a long document are seen as they would be alone.

/** Words of a long window. */
export const LONG = 400;
/** Words from one long window to the next. */
export const LONG_STEP = 100;
/** Words of a short window for each source: an order hidden in a document is a sentence, an attack by a user is longer. */
export const SHORT: { readonly user: number; readonly tool: number } = { user: 40, tool: 12 };
/** Into how many steps a short window is cut: the next one begins a step later. */
const SHORT_STEPS = 4;
/** A window of fewer words is divided by no less than one of so many. */
const FEW = 8;

/**
 * What is taken off for each factor e by which a text is longer than a long window: the heaviest of many harmless windows weighs
 * more than one does.
 */
export const LENGTH_PRICE = 0.4;

/** Sums of the last words, as many as a long window needs, in a ring of a power of two. */
const RING = 512;

/** What the sum over a window of so many words is divided by. */
export function divisorOf(words: number): number {
  return Math.sqrt(Math.max(FEW, words));
}

const LONG_DIVISOR = divisorOf(LONG);

/** Finds the window that weighs most, from the weights of the words one after another. */
export class Windows {
  /** What the heaviest window so far weighs, and its words: the first, and the one after the last. */
  best = Number.NEGATIVE_INFINITY;
  best_from = 0;
  best_to = 0;
  is_best_long = true;
  /** Words that were added. */
  count = 0;
  #sum = 0;
  #long_bias = 0;
  #short_bias = 0;
  #short = SHORT.user;
  #short_step = SHORT.user / SHORT_STEPS;
  #short_divisor = 1;
  readonly #sums = new Float64Array(RING);

  /** Begins a text with short windows of so many words, a multiple of four. */
  begin(short: number, long_bias: number, short_bias: number): void {
    this.#short = short;
    this.#short_step = short / SHORT_STEPS;
    this.#short_divisor = divisorOf(short);
    this.#long_bias = long_bias;
    this.#short_bias = short_bias;
    this.best = Number.NEGATIVE_INFINITY;
    this.count = 0;
    this.#sum = 0;
    this.#sums[0] = 0;
  }

  /** Adds a word. */
  add(weight: number): void {
    this.#sum += weight;
    const count = ++this.count;
    this.#sums[count & (RING - 1)] = this.#sum;
    if (count % this.#short_step === 0 && count >= this.#short) {
      this.#consider(count - this.#short, this.#short_divisor, this.#short_bias, false);
    }
    if (count % LONG_STEP === 0 && count >= LONG) {
      this.#consider(count - LONG, LONG_DIVISOR, this.#long_bias, true);
    }
  }

  /** Ends the text: its last windows are those that end with it. Gives the weight of the heaviest, less the price of length. */
  end(): number {
    const short = Math.min(this.#short, this.count);
    const long = Math.min(LONG, this.count);
    this.#consider(this.count - short, divisorOf(short), this.#short_bias, false);
    this.#consider(this.count - long, divisorOf(long), this.#long_bias, true);
    return this.best - LENGTH_PRICE * Math.log(Math.max(1, this.count / LONG));
  }

  #consider(from: number, divisor: number, bias: number, is_long: boolean): void {
    const weight = (this.#sum - this.#sums[from & (RING - 1)]!) / divisor + bias;
    if (weight <= this.best) return;
    this.best = weight;
    this.best_from = from;
    this.best_to = this.count;
    this.is_best_long = is_long;
  }
}
