// Names by a model that labels tokens: texts are cut into words, words into the model's tokens, and long texts into windows that overlap;
// what the model says of the first token of a word holds for the word, and words of one entity in a row are a name.

import { ENTITIES } from "./chain.ts";
import type { Label } from "./labels.ts";
import { type Found, SCORE_MIN } from "./ner.ts";
import { type Word, wordsOf } from "./words.ts";

/** Tokens that two windows of a text share: each word is judged in the one that shows more around it. */
const OVERLAP_TOKENS = 48;
/** Windows that are judged at once. */
const BATCH_MAX = 8;
/** Words whose tokens are remembered. */
const KNOWN_WORDS_MAX = 20_000;
/** What stands between two parts of one name. */
const JOINTS: ReadonlySet<string> = new Set(["-", "\u2010", "\u2011", "'", "\u2019", "."]);

/** A model that labels tokens, and its tokenizer. */
export interface TokenModel {
  /** The tokens of a word that has a blank before it, or none. */
  tokensOf(word: string, is_apart: boolean): readonly number[];
  /** How likely each label is for each token of some texts, all of them one after another: text by text, token by token. */
  classify(texts: readonly (readonly number[])[]): Promise<readonly Float32Array[]>;
  /** What its labels say, by their numbers; null for what is no name. */
  readonly labels: readonly (Label | null)[];
  /** The most tokens of a text that it sees at once. */
  readonly tokens_max: number;
}

/** A part of a text that is judged at once. */
interface Window {
  readonly text: TextUnderWay;
  /** Its first word, and the one behind its last. */
  readonly from: number;
  readonly to: number;
  readonly tokens: readonly number[];
  /** Where the first token of each word is. */
  readonly firsts: readonly number[];
}

/** A text while its windows are judged. */
interface TextUnderWay {
  readonly words: readonly Word[];
  /** How likely each word is each entity, and how likely a name begins with it; and by how much around it that was judged. */
  readonly likely: Float32Array;
  readonly begins: Float32Array;
  readonly kinds: (string | null)[];
  readonly shown: Int32Array;
  windows_left: number;
}

/** Finds names by a model. */
export class TokenClassifier {
  readonly #model: TokenModel;
  readonly #known = new Map<string, readonly number[]>();

  constructor(model: TokenModel) {
    this.#model = model;
  }

  /** The names in texts, text by text; null for texts that could not be judged before `isLate` said that the time is over. */
  async find(texts: readonly string[], isLate: () => boolean): Promise<(Found[] | null)[]> {
    const under_way: TextUnderWay[] = [];
    const windows: Window[] = [];
    for (const text of texts) {
      const begun = begin(text);
      under_way.push(begun);
      windows.push(...this.#windowsOf(text, begun, isLate));
    }
    // Windows of one length take the least time together.
    windows.sort((one, other) => one.tokens.length - other.tokens.length);
    for (let at = 0; at < windows.length && !isLate(); at += BATCH_MAX) {
      const batch = windows.slice(at, at + BATCH_MAX);
      const judged = await this.#model.classify(batch.map(({ tokens }) => tokens));
      for (const [index, window] of batch.entries()) this.#note(window, judged[index]!);
    }
    return under_way.map((text, index) => (text.windows_left > 0 ? null : namesOf(text, texts[index]!)));
  }

  #windowsOf(text: string, under_way: TextUnderWay, isLate: () => boolean): Window[] {
    const { words } = under_way;
    const windows: Window[] = [];
    const { tokens_max } = this.#model;
    const overlap = Math.min(OVERLAP_TOKENS, tokens_max >> 2);
    for (let from = 0; from < words.length; ) {
      if (isLate()) {
        under_way.windows_left = Number.POSITIVE_INFINITY;
        return [];
      }
      const tokens: number[] = [];
      const firsts: number[] = [];
      let to = from;
      for (; to < words.length; to++) {
        const own = this.#tokensOf(text, words[to]!);
        if (tokens.length + own.length > tokens_max && to > from) break;
        firsts.push(tokens.length);
        tokens.push(...own.slice(0, tokens_max));
      }
      windows.push({ text: under_way, from, to, tokens, firsts });
      if (to === words.length) break;
      let next = to;
      while (next > from + 1 && tokens.length - firsts[next - 1 - from]! < overlap) next--;
      from = next;
    }
    under_way.windows_left = windows.length;
    return windows;
  }

  #tokensOf(text: string, { start, end, is_apart }: Word): readonly number[] {
    const word = text.slice(start, end);
    const key = is_apart ? ` ${word}` : word;
    let tokens = this.#known.get(key);
    if (tokens === undefined) {
      tokens = this.#model.tokensOf(word, is_apart);
      if (this.#known.size >= KNOWN_WORDS_MAX) this.#known.clear();
      this.#known.set(key, tokens);
    }
    return tokens;
  }

  /** What the model said of a window's words, where no other window shows more around them. */
  #note({ text, from, to, tokens, firsts }: Window, likely: Float32Array): void {
    const { labels } = this.#model;
    text.windows_left -= 1;
    for (let word = from; word < to; word++) {
      const first = firsts[word - from]!;
      const shown =
        1 +
        Math.min(
          from === 0 ? tokens.length : first,
          to === text.words.length ? tokens.length : tokens.length - first,
        );
      // What no token stands for is no name.
      if (first >= tokens.length || firsts[word - from + 1] === first || shown <= text.shown[word]!) continue;
      text.shown[word] = shown;
      const row = first * labels.length;
      const own = text.likely.fill(0, word * ENTITIES.length, (word + 1) * ENTITIES.length);
      let begins = 0;
      let most = 0;
      for (let label = 0; label < labels.length; label++) {
        const said = labels[label];
        if (said === null || said === undefined) continue;
        const chance = likely[row + label]!;
        own[word * ENTITIES.length + said.entity]! += chance;
        if (said.is_begin) begins += chance;
        if (chance > most) {
          most = chance;
          text.kinds[word] = said.kind;
        }
      }
      text.begins[word] = begins;
    }
  }
}

function begin(text: string): TextUnderWay {
  const words = wordsOf(text);
  return {
    words,
    likely: new Float32Array(words.length * ENTITIES.length),
    begins: new Float32Array(words.length),
    kinds: new Array<string | null>(words.length).fill(null),
    shown: new Int32Array(words.length),
    windows_left: 0,
  };
}

/** Words of one entity in a row, without the signs around them, as names. */
function namesOf(under_way: TextUnderWay, text: string): Found[] {
  const { words, likely } = under_way;
  const found: Found[] = [];
  for (let first = 0; first < words.length; ) {
    const entity = words[first]!.is_sign ? -1 : entityAt(under_way, first);
    if (entity < 0) {
      first++;
      continue;
    }
    let after = first + 1;
    let sum = likely[first * ENTITIES.length + entity]!;
    let count = 1;
    for (let next = after; next < words.length && goesOn(under_way, text, next, entity); next++) {
      if (words[next]!.is_sign) continue;
      sum += likely[next * ENTITIES.length + entity]!;
      count += 1;
      after = next + 1;
    }
    found.push({
      start: words[first]!.start,
      end: words[after - 1]!.end,
      entity: ENTITIES[entity]!,
      score: Math.min(1, sum / count),
    });
    first = after;
  }
  return found;
}

/** The likeliest entity of a word that is likely enough; -1 for none. */
function entityAt({ likely }: TextUnderWay, word: number): number {
  let best = -1;
  let most = SCORE_MIN;
  for (let entity = 0; entity < ENTITIES.length; entity++) {
    const chance = likely[word * ENTITIES.length + entity]!;
    if (chance < most) continue;
    best = entity;
    most = chance;
  }
  return best;
}

/** Whether a word belongs to the name before it: a sign only where it joins two words, a word where no other name begins with it. */
function goesOn(under_way: TextUnderWay, text: string, at: number, entity: number): boolean {
  const { words, begins, kinds, likely } = under_way;
  const { start, end, is_apart, is_on_new_line, is_sign } = words[at]!;
  if (is_on_new_line) return false;
  if (is_sign)
    return (
      !is_apart && JOINTS.has(text.slice(start, end)) && at + 1 < words.length && !words[at + 1]!.is_sign
    );
  if (entityAt(under_way, at) !== entity) return false;
  if (!is_apart) return true;
  const is_new = begins[at]! > likely[at * ENTITIES.length + entity]! / 2;
  return !(is_new && kinds[at] === kinds[at - 1]);
}
