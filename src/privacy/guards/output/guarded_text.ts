// A text that grows, under the eyes of guards. It is judged word by word, each with what came before it, so that where its pieces were
// cut changes nothing. What may still become part of a finding is held back.

import { type Finding, findAll, type TextGuard } from "./text_guards.ts";
import { beginsAsJson, endsWord, withoutBreaks } from "./words.ts";

/** The most characters that are held back, and those that went out and are still looked at. */
const HELD_MAX_CHARS = 256;
const SEEN_MAX_CHARS = 256;
/** A word without an end is judged in parts. */
const WORD_MAX_CHARS = 128;

/** What a key is replaced with, that may be longer than all that is held back. */
const PRIVATE_KEY = "[PRIVATE_KEY]";
const KEY_TAIL = /-----END [A-Z0-9 ]{1,40}-----/;
const NO_KEY = /[^A-Za-z0-9+/=\s\\>:,.;()-]/;
const KEY_LINE_MIN_CHARS = 40;
/** The last line of a key, with its tail, is shorter. */
const KEY_REST_MAX_CHARS = 200;
/** What ends a token or an address that is taken out. */
const TOKEN_END = /[\s"'`<>)\]}]/;

/** One growing text. Holds a bounded part of it. */
export class GuardedText {
  readonly #guards: readonly TextGuard[];
  readonly #isAsked: (value: string) => boolean;
  readonly #onFinding: (finding: Finding) => void;
  readonly #holds: boolean;
  /** The end of what is settled. */
  #seen = "";
  /** What is not settled, and where its last word begins. */
  #open = "";
  #word_start = 0;
  #is_json: boolean | null = null;
  /** The guard by which the end of what is settled was taken out: what it finds there on is told by one replacement. */
  #taken_by: Finding["guard"] | null = null;
  /** What goes on with what was taken out is taken out as well: the rest of a token, or the lines of a private key. */
  #swallows: "none" | "token" | "key" = "none";

  /** @param isAsked whether the request has a value */
  constructor(
    guards: readonly TextGuard[],
    isAsked: (value: string) => boolean,
    onFinding: (finding: Finding) => void,
  ) {
    this.#guards = guards;
    this.#isAsked = isAsked;
    this.#onFinding = onFinding;
    this.#holds = guards.some(({ action }) => action === "redact" || action === "block");
  }

  /** How many characters are held back. */
  get held_chars(): number {
    return this.#holds ? this.#open.length : 0;
  }

  /** What can be passed on now that this piece has come. */
  push(piece: string): string {
    let given = "";
    let start = 0;
    for (let at = 0; at < piece.length; at++) {
      const word_chars = this.#open.length - this.#word_start + at + 1 - start;
      if (!endsWord(piece.charCodeAt(at)) && word_chars < WORD_MAX_CHARS) continue;
      this.#open += piece.slice(start, at + 1);
      start = at + 1;
      given += this.#settle(false);
      this.#word_start = this.#open.length;
    }
    this.#open += piece.slice(start);
    return this.#holds ? given : piece;
  }

  /** What was held back, now that no more comes. */
  end(): string {
    const given = this.#settle(true);
    this.#word_start = 0;
    return this.#holds ? given : "";
  }

  /** Judges what is complete. */
  #settle(is_final: boolean): string {
    if (this.#swallows === "key") this.#swallowKey(is_final);
    if (this.#swallows === "token") this.#swallowToken();
    if (this.#swallows !== "none" || this.#open === "") return "";
    this.#is_json ??= beginsAsJson(this.#open);
    const text = this.#seen + this.#open;
    const judged = this.#is_json ? withoutBreaks(text) : text;
    const from = this.#seen.length;
    let upto = is_final ? text.length : this.#settledEnd(judged, from);
    if (upto <= from) return "";
    let given = "";
    let pos = from;
    const taken_by = this.#taken_by;
    this.#taken_by = null;
    for (const finding of findAll(this.#guards, judged, this.#isAsked, from)) {
      const { start, end, action, guard, replacement } = finding;
      if (end <= from || start >= upto) continue;
      this.#onFinding(finding);
      if (action !== "redact" || end <= pos) continue;
      // Of two that overlap, the first one's replacement stands for both.
      const goes_on = start < from && guard === taken_by;
      if (!goes_on && (start >= pos || pos === from))
        given += text.slice(pos, Math.max(pos, start)) + replacement;
      this.#taken_by = guard;
      pos = end;
      upto = Math.max(upto, end);
      if (!is_final) this.#swallows = whatGoesOn(judged, finding);
    }
    given += text.slice(pos, upto);
    if (pos < upto) this.#taken_by = null;
    this.#seen = text.slice(Math.max(0, upto - SEEN_MAX_CHARS), upto);
    this.#open = text.slice(upto);
    return given;
  }

  /** Up to where nothing can change any more; never between the halves of a character. */
  #settledEnd(text: string, from: number): number {
    let upto = text.length;
    for (const guard of this.#guards) {
      if (upto > from) upto = Math.min(upto, guard.openFrom(text, from));
    }
    upto = Math.max(from, upto, text.length - HELD_MAX_CHARS);
    return isHighSurrogate(text.charCodeAt(upto - 1)) ? upto - 1 : upto;
  }

  #swallowToken(): void {
    const end = this.#open.search(TOKEN_END);
    this.#open = end < 0 ? "" : this.#open.slice(end);
    if (end >= 0) this.#swallows = "none";
  }

  #swallowKey(is_final: boolean): void {
    const tail = KEY_TAIL.exec(this.#open);
    if (tail !== null) {
      this.#open = this.#open.slice(tail.index + tail[0].length);
      this.#swallows = "none";
      return;
    }
    this.#open = this.#open.slice(lastLineEnd(this.#open));
    const is_over = is_final || this.#open.length > KEY_REST_MAX_CHARS || NO_KEY.test(this.#open);
    if (is_over) this.#swallows = "none";
  }
}

/** What of a finding may go on behind the text. */
function whatGoesOn(text: string, { end, replacement }: Finding): "none" | "token" | "key" {
  if (replacement === PRIVATE_KEY) return text.startsWith("-----", end - 5) ? "none" : "key";
  return end === text.length ? "token" : "none";
}

/** Where the last line ends that is long enough for a key's. */
function lastLineEnd(text: string): number {
  let line_end = 0;
  let line_start = 0;
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && isBase64(text.charCodeAt(at))) continue;
    if (at - line_start >= KEY_LINE_MIN_CHARS) line_end = at;
    line_start = at + 1;
  }
  return line_end;
}

function isBase64(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (code >= 0x2f && code <= 0x39) || code === 0x2b || code === 0x3d;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
