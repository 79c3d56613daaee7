// A linear-chain conditional random field: how likely each tag is at each token, given how well each fits there and how well it
// follows the one before. Training and finding use the same code.

import { TOKENS_MAX } from "./tokens.ts";

/** How many tags there are: outside; a name begins; a name goes on. By kind: person, location, organization. */
export const TAG_COUNT = 7;
/** The tag of what is no name. */
export const OUTSIDE = 0;
/** What names can be; a kind is known by its place here. */
export const ENTITIES = ["PERSON", "LOCATION", "ORGANIZATION"] as const;

/** The tag of a name's first token, or of a further one. */
export function tagOf(entity: number, is_first: boolean): number {
  return 1 + 2 * entity + (is_first ? 0 : 1);
}

/** Whether a tag may follow another; a text begins as if `OUTSIDE` came before. */
export function mayFollow(before: number, tag: number): boolean {
  const continues = tag > 0 && tag % 2 === 0;
  return !continues || before === tag || before === tag - 1;
}

/** The chain over a text's tokens. All arrays have a row of `TAG_COUNT` numbers for each token. */
export class Chain {
  /** How well each tag fits each token. Filled by the caller. */
  readonly fits = new Float64Array(TOKENS_MAX * TAG_COUNT);
  /** How likely each tag is. */
  readonly likely = new Float64Array(TOKENS_MAX * TAG_COUNT);
  /** How well a tag (column) follows another (row), as a factor; 0 where it may not. */
  readonly factors = new Float64Array(TAG_COUNT * TAG_COUNT);

  /** What comes before and after, and how well it fits, as factors; each row scaled to a sum of 1. */
  readonly before = new Float64Array(TOKENS_MAX * TAG_COUNT);
  readonly after = new Float64Array(TOKENS_MAX * TAG_COUNT);
  readonly fit_factors = new Float64Array(TOKENS_MAX * TAG_COUNT);

  /** Takes how well tags follow each other, in logarithms. */
  follow(logs: ArrayLike<number>): void {
    for (let before = 0; before < TAG_COUNT; before++) {
      for (let tag = 0; tag < TAG_COUNT; tag++) {
        const place = before * TAG_COUNT + tag;
        this.factors[place] = mayFollow(before, tag) ? Math.exp(logs[place]!) : 0;
      }
    }
  }

  /** Works out how likely the tags of so many tokens are. */
  weigh(count: number): void {
    this.#factorise(count);
    this.#goForth(count);
    this.#goBack(count);
    for (let token = 0; token < count; token++) {
      const row = token * TAG_COUNT;
      let sum = 0;
      for (let tag = 0; tag < TAG_COUNT; tag++) {
        const weight = this.before[row + tag]! * this.after[row + tag]!;
        this.likely[row + tag] = weight;
        sum += weight;
      }
      for (let tag = 0; tag < TAG_COUNT; tag++) {
        this.likely[row + tag] = sum > 0 ? this.likely[row + tag]! / sum : tag === OUTSIDE ? 1 : 0;
      }
    }
  }

  #factorise(count: number): void {
    const { fits, fit_factors } = this;
    for (let row = 0; row < count * TAG_COUNT; row += TAG_COUNT) {
      let most = fits[row]!;
      for (let tag = 1; tag < TAG_COUNT; tag++) if (fits[row + tag]! > most) most = fits[row + tag]!;
      for (let tag = 0; tag < TAG_COUNT; tag++) fit_factors[row + tag] = Math.exp(fits[row + tag]! - most);
    }
  }

  #goForth(count: number): void {
    const { before, factors, fit_factors } = this;
    for (let token = 0; token < count; token++) {
      const row = token * TAG_COUNT;
      for (let tag = 0; tag < TAG_COUNT; tag++) {
        let sum = token === 0 ? factors[tag]! : 0;
        if (token > 0) {
          for (let from = 0; from < TAG_COUNT; from++) {
            sum += before[row - TAG_COUNT + from]! * factors[from * TAG_COUNT + tag]!;
          }
        }
        before[row + tag] = sum * fit_factors[row + tag]!;
      }
      scale(before, row);
    }
  }

  #goBack(count: number): void {
    const { after, factors, fit_factors } = this;
    for (let token = count - 1; token >= 0; token--) {
      const row = token * TAG_COUNT;
      for (let tag = 0; tag < TAG_COUNT; tag++) {
        let sum = token === count - 1 ? 1 : 0;
        if (token < count - 1) {
          for (let to = 0; to < TAG_COUNT; to++) {
            const next = row + TAG_COUNT + to;
            sum += factors[tag * TAG_COUNT + to]! * fit_factors[next]! * after[next]!;
          }
        }
        after[row + tag] = sum;
      }
      scale(after, row);
    }
  }
}

function scale(numbers: Float64Array, row: number): void {
  let sum = 0;
  for (let tag = 0; tag < TAG_COUNT; tag++) sum += numbers[row + tag]!;
  if (sum === 0) return;
  for (let tag = 0; tag < TAG_COUNT; tag++) numbers[row + tag]! /= sum;
}
