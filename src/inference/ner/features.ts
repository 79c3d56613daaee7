// What the model sees of a token: hashes of its word, shape and affixes, of its neighbours, and of the lists that they stand in.
// Training and finding use the same code, so that both see the same.

import { type Gazetteer, hashOfPhrase, PHRASE_MAX } from "./gazetteer.ts";
import {
  AFFIX_MAX,
  CAPITALISED,
  CAPITALS,
  hashOfSign,
  INITIAL,
  MIXED,
  SIGN,
  SMALL,
  TOKENS_MAX,
  type Tokens,
} from "./tokens.ts";

/** Features of a token at most. */
export const FEATURES_MAX = 52;

/** How the words of a line are written. */
const ALL_SMALL = 0;
const USUAL = 1;
const MOSTLY_CAPITALISED = 2;
const ALL_CAPITALS = 3;

const NOWHERE = 0x5bd1e995 | 0;
const FULL_STOP = hashOfSign(".");
/** Signs that a sentence ends with. */
const ENDS: ReadonlySet<number> = new Set([".", "!", "?", "\u3002"].map(hashOfSign));
/** Tokens of a line that are told how it begins. */
const LINE_LABEL_REACH = 12;

/** What is known of tokens beyond themselves. Columns beside those of `Tokens`. */
export class Surroundings {
  /** The lists that the word stands in. */
  readonly lists = new Uint8Array(TOKENS_MAX);
  /** The lists that a phrase of two words and more stands in that the token begins, or goes on with. */
  readonly begins_phrase = new Uint8Array(TOKENS_MAX);
  readonly continues_phrase = new Uint8Array(TOKENS_MAX);
  /** How the line is written. */
  readonly line_case = new Uint8Array(TOKENS_MAX);
  /** The first token of the line. */
  readonly line_start = new Uint16Array(TOKENS_MAX);
  readonly begins_sentence = new Uint8Array(TOKENS_MAX);
  /** The next tokens to the left and right that are not signs; -1 where there is none. */
  readonly word_before = new Int16Array(TOKENS_MAX);
  readonly word_after = new Int16Array(TOKENS_MAX);

  /** Looks at the tokens of the text. */
  fill(tokens: Tokens, gazetteer: Gazetteer): void {
    this.#lookUp(tokens, gazetteer);
    this.#lines(tokens);
    this.#sentences(tokens);
    this.#words(tokens);
  }

  #lookUp({ count, word, style }: Tokens, gazetteer: Gazetteer): void {
    this.begins_phrase.fill(0, 0, count);
    this.continues_phrase.fill(0, 0, count);
    for (let token = 0; token < count; token++) {
      let phrase = word[token]!;
      this.lists[token] = style[token] === SIGN ? 0 : gazetteer.lists(phrase);
      if (style[token] === SIGN) continue;
      for (let length = 2; length <= PHRASE_MAX && token + length <= count; length++) {
        phrase = hashOfPhrase(phrase, word[token + length - 1]!);
        const lists = gazetteer.lists(phrase);
        if (lists === 0) continue;
        this.begins_phrase[token]! |= lists;
        for (let next = token + 1; next < token + length; next++) this.continues_phrase[next]! |= lists;
      }
    }
  }

  #lines({ count, style, begins_line, letters }: Tokens): void {
    for (let from = 0; from < count; ) {
      let end = from + 1;
      while (end < count && begins_line[end] === 0) end++;
      let small = 0;
      let capitalised = 0;
      let capitals = 0;
      for (let token = from; token < end; token++) {
        const how = style[token]!;
        if (how === SMALL) small += letters[token]! > 3 ? 1 : 0.25;
        else if (how === CAPITALISED || how === MIXED) capitalised++;
        else if (how === CAPITALS && letters[token]! > 2) capitals++;
      }
      const line_case = caseOf(small, capitalised, capitals);
      this.line_case.fill(line_case, from, end);
      this.line_start.fill(from, from, end);
      from = end;
    }
  }

  #sentences(tokens: Tokens): void {
    const { count, start, begins_line, style } = tokens;
    let begins = true;
    for (let token = 0; token < count; token++) {
      if (begins_line[token] === 1 || start[token] === 0) begins = true;
      this.begins_sentence[token] = begins ? 1 : 0;
      if (style[token] !== SIGN) begins = false;
      else if (endsSentence(tokens, token)) begins = true;
    }
  }

  #words({ count, style }: Tokens): void {
    let before = -1;
    for (let token = 0; token < count; token++) {
      this.word_before[token] = before;
      if (style[token] !== SIGN) before = token;
    }
    let after = -1;
    for (let token = count - 1; token >= 0; token--) {
      this.word_after[token] = after;
      if (style[token] !== SIGN) after = token;
    }
  }
}

/** A stop behind a short word with a capital, such as "Dr." or "J.", ends no sentence. */
function endsSentence({ word, style, letters, is_joined }: Tokens, token: number): boolean {
  if (!ENDS.has(word[token]!)) return false;
  if (word[token] !== FULL_STOP || is_joined[token] === 0) return true;
  const before = style[token - 1];
  return letters[token - 1]! > 3 || (before !== CAPITALISED && before !== INITIAL);
}

/** How a line is written, by how many of its words are written how. */
function caseOf(small: number, capitalised: number, capitals: number): number {
  const words = small + capitalised + capitals;
  if (capitalised + capitals === 0) return ALL_SMALL;
  if (capitals > 1 && capitals >= 0.7 * words) return ALL_CAPITALS;
  return words > 2 && capitalised >= 0.7 * words ? MOSTLY_CAPITALISED : USUAL;
}

/** Writes the features of a token, and gives how many they are. */
export function featuresOf(
  tokens: Tokens,
  around: Surroundings,
  token: number,
  features: Int32Array,
): number {
  const { count, word, style, shape, front, back, letters } = tokens;
  const { lists, begins_phrase, continues_phrase, line_case, line_start, word_before, word_after } = around;
  let last = 0;
  const add = (template: number, value: number) => {
    features[last++] = mixed(template, value);
  };
  const at = (column: Int32Array | Uint8Array, place: number) =>
    place >= 0 && place < count ? column[place]! : NOWHERE;

  const how = style[token]!;
  const is_first = around.begins_sentence[token]!;
  const [known, known_before, known_after] = [lists[token]!, at(lists, token - 1), at(lists, token + 1)];
  const [this_word, before, after] = [word[token]!, at(word, token - 1), at(word, token + 1)];
  const [far_before, far_after] = [at(word, token - 2), at(word, token + 2)];
  add(1, 0);
  add(2, this_word);
  add(3, before);
  add(4, after);
  add(5, far_before);
  add(6, far_after);
  add(7, mixed(before, this_word));
  add(8, mixed(this_word, after));
  add(9, mixed(far_before, before));
  add(10, mixed(after, far_after));

  // Neighbours that are words: quotes, colons and brackets stand between a label and its value.
  const [left, right] = [word_before[token]!, word_after[token]!];
  const [word_left, word_right] = [at(word, left), at(word, right)];
  add(11, word_left);
  add(12, word_right);
  add(13, mixed(word_left, left < 0 ? NOWHERE : at(word, word_before[left]!)));
  add(14, mixed(word_right, right < 0 ? NOWHERE : at(word, word_after[right]!)));
  add(15, mixed(how, word_left));
  add(16, mixed(how, word_right));
  add(17, mixed(known, word_left));
  add(18, mixed(mixed(known, how), word_right));

  for (let length = 0; length < AFFIX_MAX; length++) {
    const [first, end] = [front[token * AFFIX_MAX + length]!, back[token * AFFIX_MAX + length]!];
    if (first !== 0) add(20 + length, first);
    if (end !== 0) add(24 + length, end);
  }
  add(28, token > 0 ? back[(token - 1) * AFFIX_MAX + 2]! : NOWHERE);
  add(29, token + 1 < count ? back[(token + 1) * AFFIX_MAX + 2]! : NOWHERE);

  const [shape_here, shape_before, shape_after] = [shape[token]!, at(shape, token - 1), at(shape, token + 1)];
  add(30, shape_here);
  add(31, mixed(shape_before, shape_here));
  add(32, mixed(shape_here, shape_after));
  add(33, mixed(mixed(shape_before, shape_here), shape_after));
  add(34, mixed(mixed(how, line_case[token]!), is_first));
  add(35, mixed(how, Math.min(letters[token]!, 12)));
  const [how_before, how_after] = [at(style, token - 1), at(style, token + 1)];
  const three = mixed(mixed(how_before, how), how_after);
  add(36, mixed(mixed(at(style, token - 2), three), at(style, token + 2)));

  add(37, known);
  add(38, mixed(mixed(known, how), line_case[token]!));
  add(39, mixed(known_before, known));
  add(40, mixed(known, known_after));
  add(41, known_before);
  add(42, known_after);
  add(43, mixed(mixed(known, how), is_first));
  add(44, mixed(mixed(mixed(known_before, known), known_after), three));
  const phrase = mixed(begins_phrase[token]!, continues_phrase[token]!);
  add(45, phrase);
  add(46, mixed(phrase, how));

  // How a line begins says what stands in it: "From: …", "Name: …".
  const line = line_start[token]!;
  if (token > line && token - line < LINE_LABEL_REACH)
    add(47, mixed(mixed(word[line]!, how), line_case[line]!));
  return last;
}

/** One number of two, spread over 32 bits. */
function mixed(one: number, other: number): number {
  let hash = Math.imul(one ^ 0x27d4eb2f, 0x165667b1) ^ other;
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
