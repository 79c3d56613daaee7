// Values put back into a text that comes in pieces. No more is held back than what may still become a placeholder.

import type { Mapping } from "./mapping.ts";
import { escapedCode, escapeEnd, isQuote, isWord, MORE, PlaceholderMatcher } from "./placeholder.ts";

const BLANK = /\s/;
const BACKSLASH = 0x5c;

/**
 * How a text is read. It may be JSON, as the arguments of a tool call are: then values are escaped within its strings, and put into
 * quotes outside of them. `start` and `opened` are where that is not known yet.
 */
type State = "start" | "opened" | "json" | "text";

/** Whether a text begins as JSON that may hold strings: `{"`, `["`, `[{"`. */
export function opensJson(text: string): boolean {
  return /^\s*(?:\[\s*)?(?:\{|\[)\s*"/.test(text);
}

/** A text with its values put back. The text itself where there is nothing to restore. */
export function restoreText(text: string, mapping: Mapping): string {
  const restorer = new Restorer(mapping);
  return restorer.push(text) + restorer.end();
}

/** Restores one text that comes in pieces. Linear: a character is read again at most as often as a placeholder is long. */
export class Restorer {
  readonly #mapping: Mapping;
  readonly #matcher: PlaceholderMatcher;
  #held = "";
  #state: State = "start";
  /** What the text opened with, how many brackets are open, and whether it stands in a string of JSON. */
  #opener = "";
  #depth = 0;
  #in_string = false;
  /** The character before the next one. */
  #previous = 0;

  constructor(mapping: Mapping) {
    this.#mapping = mapping;
    this.#matcher = new PlaceholderMatcher(mapping.used_labels, mapping.restores_bare);
  }

  /** How many characters are held back. */
  get held_chars(): number {
    return this.#held.length;
  }

  /** What can be passed on now that this piece has come. */
  push(text: string): string {
    return this.#run(this.#held + text, false);
  }

  /** What was held back, now that no more comes. */
  end(): string {
    return this.#run(this.#held, true);
  }

  #run(text: string, is_final: boolean): string {
    const labels = this.#mapping.used_labels;
    let restored = "";
    let kept = 0;
    let pos = 0;
    this.#held = "";
    while (pos < text.length) {
      if (this.#state === "text" || this.#in_string) {
        const stop = labels.nextStop(text, pos);
        if (stop > pos) this.#previous = text.charCodeAt(stop - 1);
        pos = stop;
        if (pos === text.length) break;
      }
      const end = this.#matcher.match(text, pos, this.#in_string, is_final, isWord(this.#previous));
      if (end === MORE) {
        this.#held = text.slice(pos);
        return restored + text.slice(kept, pos);
      }
      const value = end > 0 ? this.#value() : null;
      if (value === null) {
        pos = this.#advance(text, pos);
      } else {
        restored += text.slice(kept, pos) + value;
        kept = pos = end;
        this.#previous = 0;
        if (this.#state !== "json") this.#state = "text";
      }
    }
    return restored + text.slice(kept);
  }

  /** What is put in for the placeholder that was just found; null where nobody knows its number. */
  #value(): string | null {
    const { label, number, suffix } = this.#matcher;
    const value = this.#mapping.valueOf(label, number);
    if (value === null) return null;
    const text = value + suffix;
    if (this.#state !== "json") return text;
    const quoted = JSON.stringify(text);
    return this.#in_string ? quoted.slice(1, -1) : quoted;
  }

  /** Passes over one character, or one escape of a JSON string; gives where the next one stands. */
  #advance(text: string, at: number): number {
    const code = text.charCodeAt(at);
    this.#previous = code;
    if (this.#in_string) {
      if (code === BACKSLASH) {
        const end = Math.min(escapeEnd(text, at), text.length);
        this.#previous = escapedCode(text, at, end);
        return end;
      }
      if (isQuote(code)) this.#in_string = false;
    } else if (this.#state !== "text") {
      this.#readOutside(text[at]!);
    }
    return at + 1;
  }

  /** A character outside of strings, of JSON or of what may become JSON. */
  #readOutside(character: string): void {
    if (this.#state === "json") {
      if (character === '"') this.#in_string = true;
      else if (character === "{" || character === "[") this.#depth++;
      else if (character === "}" || character === "]") this.#depth--;
      if (this.#depth === 0) this.#state = "text";
    } else if (!BLANK.test(character)) {
      const opens = character === "{" || character === "[";
      if (this.#state === "opened" && character === '"') {
        this.#state = "json";
        this.#in_string = true;
      } else if (opens && (this.#state === "start" || (this.#opener === "[" && this.#depth === 1))) {
        this.#state = "opened";
        this.#opener = character;
        this.#depth++;
      } else {
        this.#state = "text";
      }
    }
  }
}
