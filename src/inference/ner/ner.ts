// Finds names of people, places and organizations without a download: a linear-chain model over hashed features of words
// (models/ner/README.md).

import { partPath } from "../../program/parts.ts";
import { Chain, ENTITIES, mayFollow, OUTSIDE, TAG_COUNT } from "./chain.ts";
import { findFeature } from "./feature_table.ts";
import { FEATURES_MAX, featuresOf, Surroundings } from "./features.ts";
import { Gazetteer } from "./gazetteer.ts";
import { SIGN, TOKENS_MAX, Tokens } from "./tokens.ts";
import { readWeights, type Weights } from "./weights.ts";

/** The weights that come with Venturi. */
const WEIGHTS = "models/ner/venturi-names.bin";

/** How sure a name must be if nothing else is said; who wants fewer and surer ones takes those of a higher score. */
export const SCORE_MIN = 0.2;
/** A score that is asked for is taken for no more than this. */
const SCORE_MIN_MOST = 0.99;

/** What can stand between two parts of one name. */
const JOINTS: ReadonlySet<string> = new Set(["-", "\u2010", "\u2011", "'", "\u2019"]);

/** A name in a text. Offsets are those of JavaScript strings (UTF-16); `end` is exclusive. */
export interface Found {
  readonly start: number;
  readonly end: number;
  /** `PERSON`, `LOCATION` or `ORGANIZATION`. */
  readonly entity: string;
  /** How sure it is, from 0 to 1. */
  readonly score: number;
}

/** Finds names, in time linear in the text's length. Not shared between threads; each call is done when it returns. */
export class BuiltinNer {
  /** Name and version: findings of different names may differ. */
  readonly name: string;
  readonly #weights: Weights;
  readonly #gazetteer: Gazetteer;
  readonly #tokens = new Tokens();
  readonly #around = new Surroundings();
  readonly #chain = new Chain();
  readonly #features = new Int32Array(FEATURES_MAX);
  /** For the best path: where each tag was come to from, and how good the paths to each tag are. */
  readonly #from = new Uint8Array(TOKENS_MAX * TAG_COUNT);
  readonly #good = new Float64Array(TAG_COUNT);
  readonly #better = new Float64Array(TAG_COUNT);

  constructor(weights: Weights) {
    this.name = `builtin-${weights.version}`;
    this.#weights = weights;
    this.#gazetteer = new Gazetteer(weights.hashes, weights.lists);
    this.#chain.follow(weights.follows);
  }

  /** The names of a text, in order and without overlaps, each at least so sure. */
  find(text: string, score_min = SCORE_MIN): Found[] {
    return Array.from(this.findByAndBy(text, score_min)).filter((name) => name !== null);
  }

  /** The same, with a null after every few hundred words, where other work may be done. */
  *findByAndBy(text: string, score_min = SCORE_MIN): Generator<Found | null> {
    for (let at = 0; at < text.length; ) {
      at = this.#tokens.fill(text, at);
      this.#around.fill(this.#tokens, this.#gazetteer);
      this.#fit();
      this.#chain.weigh(this.#tokens.count);
      // A list, because the buffers are filled anew before the next call goes on.
      yield* joined(this.#collect(this.#bestPath(score_min), score_min), text);
      yield null;
    }
  }

  /** How well each tag fits each token. */
  #fit(): void {
    const { features: table, scale } = this.#weights;
    const { fits } = this.#chain;
    for (let token = 0; token < this.#tokens.count; token++) {
      const row = token * TAG_COUNT;
      fits.fill(0, row, row + TAG_COUNT);
      const count = featuresOf(this.#tokens, this.#around, token, this.#features);
      for (let index = 0; index < count; index++) {
        const place = findFeature(table, this.#features[index]!);
        if (place < 0) continue;
        for (let tag = 0; tag < TAG_COUNT; tag++) fits[row + tag]! += table[place + 1 + tag]!;
      }
      for (let tag = 0; tag < TAG_COUNT; tag++) fits[row + tag]! *= scale;
    }
  }

  /**
   * The tags that are right most often together. To be no name counts less the smaller the score that is asked for, so that
   * names are found even where it is more likely that they are none.
   */
  #bestPath(score_min: number): Uint8Array {
    const { count } = this.#tokens;
    const { likely } = this.#chain;
    const sure = Math.min(score_min, SCORE_MIN_MOST);
    const outside_factor = sure / (1 - sure);
    let [good, better] = [this.#good.fill(0), this.#better];
    for (let token = 0; token < count; token++) {
      for (let tag = 0; tag < TAG_COUNT; tag++) {
        let most = -1;
        let most_from = OUTSIDE;
        for (let from = 0; from < TAG_COUNT; from++) {
          if (!mayFollow(token === 0 ? OUTSIDE : from, tag) || good[from]! <= most) continue;
          most = good[from]!;
          most_from = from;
        }
        const gain = likely[token * TAG_COUNT + tag]! * (tag === OUTSIDE ? outside_factor : 1);
        better[tag] = most < 0 ? -1 : most + gain;
        this.#from[token * TAG_COUNT + tag] = most_from;
      }
      [good, better] = [better, good];
    }
    const path = new Uint8Array(count);
    let tag = 0;
    for (let other = 1; other < TAG_COUNT; other++) if (good[other]! > good[tag]!) tag = other;
    for (let token = count - 1; token >= 0; token--) {
      path[token] = tag;
      tag = this.#from[token * TAG_COUNT + tag]!;
    }
    return path;
  }

  /** The names of a path of tags. */
  #collect(path: Uint8Array, score_min: number): Found[] {
    const found: Found[] = [];
    const { start, end, style } = this.#tokens;
    for (let first = 0; first < path.length; ) {
      const tag = path[first]!;
      if (tag === OUTSIDE) {
        first++;
        continue;
      }
      const entity = (tag - 1) >> 1;
      let after = first + 1;
      while (after < path.length && path[after] === 2 + 2 * entity) after++;
      const next = after;
      // Quotes, brackets and stops around a name are none of it.
      while (after > first && style[after - 1] === SIGN) after--;
      while (first < after && style[first] === SIGN) first++;
      const score = this.#score(first, after, entity);
      if (first < after && score >= score_min) {
        found.push({ start: start[first]!, end: end[after - 1]!, entity: ENTITIES[entity]!, score });
      }
      first = next;
    }
    return found;
  }

  /** How likely its tokens are a name of this kind, on average. */
  #score(first: number, after: number, entity: number): number {
    const { likely } = this.#chain;
    let sum = 0;
    for (let token = first; token < after; token++) {
      const row = token * TAG_COUNT + 1 + 2 * entity;
      sum += likely[row]! + likely[row + 1]!;
    }
    return Math.min(1, sum / (after - first));
  }
}

/** The names with those made one that only a hyphen or an apostrophe parts. */
function joined(names: readonly Found[], text: string): Found[] {
  const whole: Found[] = [];
  for (const name of names) {
    const last = whole.at(-1);
    const gap = last?.entity === name.entity ? text.slice(last.end, name.start) : "";
    if (last === undefined || !JOINTS.has(gap)) whole.push(name);
    else whole[whole.length - 1] = { ...last, end: name.end, score: Math.min(last.score, name.score) };
  }
  return whole;
}

/** Loads the weights that come with Venturi, or those at a path; a fault says why there are none. */
export function loadBuiltinNer(path = partPath(WEIGHTS)): BuiltinNer | { readonly fault: string } {
  const weights = readWeights(path);
  return "fault" in weights ? weights : new BuiltinNer(weights);
}
