// Phrases that must not occur. A text is read as words and single marks, and these are followed through a tree of the phrases: the work
// grows with the text and the longest phrase, and not with how many phrases there are.

import type { GuardSpan } from "./guard.ts";

/** Scripts that are written without spaces, or that put endings onto any word: each of their letters stands for itself. */
const UNSPACED = String.raw`\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}`;
/** What is not seen: it may stand within a word and is no part of it. */
const UNSEEN = String.raw`\p{Cf}`;
/** One letter of an unspaced script; a word; any other mark. Each way is told by its first character, and none goes back. */
const PART = new RegExp(
  String.raw`[[\p{L}]&&[${UNSPACED}]]|[[\p{L}\p{N}\p{M}${UNSEEN}_]--[[\p{L}]&&[${UNSPACED}]]]+|[^\s]`,
  "gv",
);
const UNSEEN_ALL = new RegExp(UNSEEN, "gu");
const ASCII = /^[\0-\x7f]*$/;

/** What phrases have in common that begin alike. */
interface Branch {
  readonly next: Map<string, Branch>;
  is_end: boolean;
}

/** Finds any of many phrases: in any case, with any white space between their words, and never within a longer word. */
export class DeniedWords {
  readonly #root: Branch = { next: new Map(), is_end: false };
  #longest = 0;

  constructor(words: readonly string[]) {
    for (const phrase of words) this.#add(phrase);
  }

  /** How many words and marks the longest phrase has. */
  get longest_parts(): number {
    return this.#longest;
  }

  /** Where phrases stand, in order; of those that overlap the one that begins first, and of these the longest. */
  find(text: string): GuardSpan[] {
    const found: GuardSpan[] = [];
    if (this.#longest === 0) return found;
    const parts = partsOf(text);
    for (let first = 0; first < parts.length; first++) {
      const last = this.#follow(parts, first);
      if (last < 0) continue;
      found.push({ start: parts[first]!.start, end: parts[last]!.end });
      first = last;
    }
    return found;
  }

  /** Where a phrase may have begun that what comes next could complete, or change; the text's length if nowhere. */
  openFrom(text: string): number {
    const parts = partsOf(text);
    for (let first = Math.max(0, parts.length - this.#longest); first < parts.length; first++) {
      if (this.#isOpen(parts, first, text.length)) return parts[first]!.start;
    }
    return text.length;
  }

  #add(phrase: string): void {
    let branch = this.#root;
    const parts = partsOf(phrase);
    for (let position = 0; position < parts.length; position++) {
      const key = keyOf(parts[position]!, position === 0);
      let next = branch.next.get(key);
      if (next === undefined) {
        next = { next: new Map(), is_end: false };
        branch.next.set(key, next);
      }
      branch = next;
    }
    if (parts.length > 0) branch.is_end = true;
    this.#longest = Math.max(this.#longest, parts.length);
  }

  /** The last part of the longest phrase that begins at a part, or -1. */
  #follow(parts: readonly Part[], first: number): number {
    let branch = this.#root;
    let last = -1;
    for (let position = first; position < parts.length; position++) {
      const next = branch.next.get(keyOf(parts[position]!, position === first));
      if (next === undefined) break;
      branch = next;
      if (branch.is_end) last = position;
    }
    return last;
  }

  #isOpen(parts: readonly Part[], first: number, length: number): boolean {
    let branch = this.#root;
    for (let position = first; position < parts.length; position++) {
      const part = parts[position]!;
      // The last word may go on.
      if (part.end === length) return true;
      const next = branch.next.get(keyOf(part, position === first));
      if (next === undefined) return false;
      branch = next;
    }
    return branch.next.size > 0;
  }
}

interface Part extends GuardSpan {
  /** As it is compared. */
  readonly word: string;
  readonly is_spaced: boolean;
}

function keyOf({ word, is_spaced }: Part, is_first: boolean): string {
  return is_spaced && !is_first ? ` ${word}` : word;
}

function partsOf(text: string): Part[] {
  if (ASCII.test(text)) return asciiPartsOf(text.toLowerCase());
  const parts: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(PART)) {
    const word = compared(match[0]);
    const is_spaced = match.index > end || end === 0;
    if (word === "") {
      if (!is_spaced) end = match.index + match[0].length;
      continue;
    }
    end = match.index + match[0].length;
    parts.push({ start: match.index, end, word, is_spaced });
  }
  return parts;
}

/** The same for most texts, and faster. */
function asciiPartsOf(text: string): Part[] {
  const parts: Part[] = [];
  let behind = -1;
  for (let at = 0; at < text.length; ) {
    const start = at++;
    const code = text.charCodeAt(start);
    if (isAsciiBlank(code)) continue;
    if (isAsciiWord(code)) while (at < text.length && isAsciiWord(text.charCodeAt(at))) at++;
    parts.push({ start, end: at, word: text.slice(start, at), is_spaced: start !== behind });
    behind = at;
  }
  return parts;
}

function isAsciiBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** A small letter, a digit or a low line. */
function isAsciiWord(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x5f;
}

/** A word in the one form in which it is compared. */
function compared(word: string): string {
  if (ASCII.test(word)) return word.toLowerCase();
  return word.replace(UNSEEN_ALL, "").normalize("NFKC").toLowerCase();
}
