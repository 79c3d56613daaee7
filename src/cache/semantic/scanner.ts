// A text as words, numbers, signs and literals (addresses, paths, identifiers), in one pass and by character class, so that it
// works in every script. What a word means is looked up later.

/** What a token is: `break` ends a sentence or a line, `comma` divides a list. */
export type TokenKind = "word" | "number" | "sign" | "literal" | "comma" | "break";

/** One token. */
export interface Token {
  readonly kind: TokenKind;
  /** Lower case; a number in ASCII digits, without signs that group its digits. */
  readonly text: string;
  /** Whether it stood between quotation marks or backticks, where every word counts as it is. */
  readonly is_quoted: boolean;
  /** Whether it began with a capital letter, and whether it was nothing but capitals. */
  readonly is_capital: boolean;
  readonly is_upper: boolean;
  /** Whether nothing stood between it and the token before it. */
  readonly is_glued: boolean;
  /** Whether it is part of a contraction that was written out. */
  readonly is_expanded: boolean;
}

const OTHER = 0;
const SPACE = 1;
const LETTER = 2;
const DIGIT = 3;

const LETTERS = /^[\p{L}\p{M}]$/u;
const DIGITS = /^\p{Nd}$/u;
const SPACES = /^[\s\p{Z}\p{Cc}\p{Cf}]$/u;
/** Signs that mean nothing between words. */
const SILENT = new Set("()[]{}*~|/\"'`´…-–—_•·¿¡‚‘’“”«»„");
/** Signs that make a run without spaces an address, a path or an identifier when they stand inside it. */
const GLUE = new Set("@_\\/.:#=~");
const QUOTES = new Map([
  ['"', '"'],
  ["`", "`"],
  ["'", "'"],
  ["“", "”"],
  ["„", "“"],
  ["«", "»"],
  ["‘", "’"],
]);

/** Whether a sign ends a run that an address or identifier could be. */
const RUN_ENDS = ",;!?()[]{}<>";
const CLASS_BITS = 3;
const GLUE_BIT = 4;
const END_BIT = 8;

/** For each ASCII character its class, and whether it glues or ends a run. */
const ASCII = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  const ends = SPACES.test(char) || QUOTES.has(char) || RUN_ENDS.includes(char);
  return wideClassOf(char) | (GLUE.has(char) ? GLUE_BIT : 0) | (ends ? END_BIT : 0);
});

function wideClassOf(char: string): number {
  if (LETTERS.test(char)) return LETTER;
  if (DIGITS.test(char)) return DIGIT;
  return SPACES.test(char) ? SPACE : OTHER;
}

/** The value of a decimal digit of any script: its block of ten begins at a zero. */
function digitValue(char: string): string {
  const code = char.codePointAt(0)!;
  if (code < 128) return char;
  let zero = code;
  while (code - zero < 9 && DIGITS.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String(code - zero);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** One spelling for what looks the same: full width, ligatures, composed letters, apostrophes. */
function normalized(text: string): string {
  return isAscii(text) ? text : text.normalize("NFKC").replaceAll("’", "'").replaceAll("‘", "'");
}

/** The tokens of a text, in order. Takes time in proportion to its length. */
export function scan(text: string): Token[] {
  return new Scanner(normalized(text)).run();
}

class Scanner {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #end_of_last = -1;
  /** Up to where it is known that no literal begins, so that no run is looked through twice. */
  #plain_until = 0;
  /** The sign that closes the quotation under way, or empty. */
  #closing = "";
  /** Where each sign that can close a quotation stands last. */
  readonly #last_quote = new Map<string, number>();

  constructor(text: string) {
    this.#text = text;
    for (const closing of new Set(QUOTES.values())) {
      let at = text.lastIndexOf(closing);
      // An apostrophe closes a quotation only where no letter follows it.
      while (closing === "'" && at >= 0 && this.#isWordAt(at + 1))
        at = at === 0 ? -1 : text.lastIndexOf(closing, at - 1);
      if (at >= 0) this.#last_quote.set(closing, at);
    }
  }

  run(): Token[] {
    while (this.#at < this.#text.length) this.#step();
    return this.#tokens;
  }

  #flagsAt(at: number): number {
    const code = this.#text.charCodeAt(at);
    if (code < 128) return ASCII[code]!;
    // Beyond the end there is no code.
    if (!(code >= 0)) return SPACE | END_BIT;
    const char = this.#charAt(at);
    const kind = wideClassOf(char);
    return kind === SPACE || QUOTES.has(char) ? kind | END_BIT : kind;
  }

  /** The character that the code unit at `at` belongs to. */
  #charAt(at: number): string {
    const start = this.#isSecondHalf(at) ? at - 1 : at;
    return String.fromCodePoint(this.#text.codePointAt(start) ?? 0);
  }

  /** Whether a code unit is the second one of a character; one that stands alone is none. */
  #isSecondHalf(at: number): boolean {
    const code = this.#text.charCodeAt(at);
    if (!(code >= 0xdc00 && code < 0xe000)) return false;
    const before = this.#text.charCodeAt(at - 1);
    return before >= 0xd800 && before < 0xdc00;
  }

  #classAt(at: number): number {
    return this.#flagsAt(at) & CLASS_BITS;
  }

  #isWordAt(at: number): boolean {
    return this.#classAt(at) >= LETTER;
  }

  #step(): void {
    const char = this.#text[this.#at]!;
    const kind = this.#classAt(this.#at);
    if (kind === SPACE) {
      if (char === "\n") this.#add("break", "\n", this.#at + 1);
      this.#at += 1;
      return;
    }
    if (this.#startsRun() && this.#takeLiteral()) return;
    if (kind === LETTER) this.#takeWord();
    else if (kind === DIGIT) this.#takeNumber("");
    else this.#takeSign(char);
  }

  /** Whether a run without spaces begins here. */
  #startsRun(): boolean {
    return this.#at >= this.#plain_until && (this.#at === 0 || !this.#isWordAt(this.#at - 1));
  }

  #add(kind: TokenKind, text: string, end: number, raw = text): void {
    const lower = text.toLowerCase();
    this.#tokens.push({
      kind,
      text: lower,
      is_quoted: this.#closing !== "",
      is_capital: raw !== lower && raw[0] !== lower[0],
      is_upper: raw.length > 1 && raw !== lower && raw === raw.toUpperCase(),
      is_glued: this.#at === this.#end_of_last,
      is_expanded: false,
    });
    this.#at = end;
    this.#end_of_last = end;
  }

  /** Takes `a@b.c`, `https://…`, `src/x.ts`, `snake_case`, `std::map`, `~/x`; leaves `and/or`, `12/5`, `10:30`, `end.Next` and `U.S.`. */
  #takeLiteral(): boolean {
    let end = this.#at;
    let glue = 0;
    let slashes = 0;
    let is_strong = false;
    let letters = 0;
    for (; end < this.#text.length; end += 1) {
      const flags = this.#flagsAt(end);
      if ((flags & END_BIT) !== 0) break;
      if ((flags & CLASS_BITS) === LETTER) letters += 1;
      if ((flags & GLUE_BIT) === 0) continue;
      const char = this.#text[end]!;
      if (!this.#isWordAt(end + 1)) {
        // `::` and `://` are glue although no word follows their first sign.
        if (char === ":" && /[:/]/.test(this.#text[end + 1] ?? "")) is_strong = true;
        continue;
      }
      glue += 1;
      if (char === "/") slashes += 1;
      else if (char === ".") is_strong ||= this.#isDottedName(end);
      else if (char !== ":" && char !== "=" && char !== "#") is_strong = true;
    }
    while (end > this.#at && ".:-".includes(this.#text[end - 1]!)) end -= 1;
    if (glue === 0 || letters === 0 || !(is_strong || slashes > 1)) {
      this.#plain_until = Math.max(end, this.#at + 1);
      return false;
    }
    this.#add("literal", this.#text.slice(this.#at, end), end);
    return true;
  }

  /** Whether a dot joins a name (`x.ts`, `node.js`, `1.2.3-beta`) and neither ends a sentence nor an initial. */
  #isDottedName(at: number): boolean {
    const before = this.#text[at - 1] ?? " ";
    const after = this.#text[at + 1] ?? " ";
    if (this.#classAt(at - 1) === DIGIT && this.#classAt(at + 1) === DIGIT) return false;
    if (this.#classAt(at - 1) < LETTER) return true;
    const is_initial = !this.#isWordAt(at - 2) && (!this.#isWordAt(at + 2) || this.#text[at - 2] === ".");
    const is_sentence = after !== after.toLowerCase() && before === before.toLowerCase();
    return !is_initial && !is_sentence;
  }

  #takeWord(): void {
    let end = this.#at + 1;
    let dots = false;
    for (; end < this.#text.length; end += 1) {
      if (this.#classAt(end) === LETTER) continue;
      const char = this.#text[end]!;
      // don't; but not the mark that closes a quotation
      if (char === "'" && this.#classAt(end + 1) === LETTER) continue;
      // U.S., e.g., a.m.
      if (char === "." && this.#isInitial(end)) {
        dots = true;
        continue;
      }
      break;
    }
    // C++, C#, F#
    while (end < this.#text.length && "+#".includes(this.#text[end]!) && end - this.#at <= 2) end += 1;
    if (this.#text[end - 1] === "+" && this.#isWordAt(end)) end -= 1;
    const raw = this.#text.slice(this.#at, end);
    this.#add("word", dots ? raw.replaceAll(".", "") : raw, end, raw);
  }

  /** Whether a dot follows a single letter, which a letter, or another dot before, marks as an initial. */
  #isInitial(at: number): boolean {
    if (this.#classAt(at - 1) !== LETTER || (at >= 2 && this.#isWordAt(at - 2))) return false;
    if (this.#text[at - 2] === ".") return true;
    return this.#classAt(at + 1) === LETTER && !this.#isWordAt(at + 2);
  }

  /** `1,000`, `1'000`, `3.5`, `10:30`, `007`; a group of digits after a comma is of three, else the comma stands for itself. */
  #takeNumber(sign: string): void {
    let digits = sign;
    let end = this.#at;
    for (; end < this.#text.length; end += 1) {
      const char = this.#text[end]!;
      if (this.#classAt(end) === DIGIT)
        digits += this.#isSecondHalf(end) ? "" : digitValue(this.#charAt(end));
      else if (this.#classAt(end + 1) !== DIGIT) break;
      else if (char === "," || char === "'") {
        if (!this.#isGroup(end + 1)) break;
      } else if (char === "." || char === ":" || char === "٫") digits += char === "٫" ? "." : char;
      else break;
    }
    const dashed = this.#dashedEnd(end);
    if (dashed > 0) this.#add("literal", this.#text.slice(this.#at, dashed), dashed);
    else this.#add("number", digits, end);
  }

  /** Where a date or another number of three or more dashed or slashed parts ends; 0 where there is none. */
  #dashedEnd(end: number): number {
    const dash = this.#text[end] ?? "";
    if (dash !== "-" && dash !== "/") return 0;
    let parts = 1;
    let at = end;
    while (this.#text[at] === dash && this.#classAt(at + 1) === DIGIT) {
      parts += 1;
      at += 1;
      while (this.#classAt(at) === DIGIT) at += 1;
    }
    return parts > 2 ? at : 0;
  }

  #isGroup(at: number): boolean {
    for (let i = at; i < at + 3; i += 1) if (this.#classAt(i) !== DIGIT) return false;
    return this.#classAt(at + 3) !== DIGIT;
  }

  #takeSign(char: string): void {
    const start = this.#at;
    if (this.#takeQuote(char)) return;
    const is_after_word = start > 0 && this.#isWordAt(start - 1);
    if (char === "-" && !is_after_word && this.#classAt(start + 1) === DIGIT && !this.#isCalculation()) {
      this.#at += 1;
      this.#takeNumber("-");
    } else if (char === "!" && !is_after_word && this.#isWordAt(start + 1))
      this.#add("sign", char, start + 1);
    else if (".!?;:\u3002\uff01\uff1f".includes(char)) this.#add("break", char, start + 1);
    else if (char === "," || char === "\u3001") this.#add("comma", ",", start + 1);
    else if (this.#isOperator(char) || !SILENT.has(char)) {
      const whole = this.#charAt(start);
      this.#add("sign", whole, start + whole.length);
    } else this.#at += 1;
  }

  /** Opens or closes a quotation; an apostrophe only at the edge of a word, and only if another one closes it. */
  #takeQuote(char: string): boolean {
    if (char === this.#closing) {
      this.#closing = "";
      this.#at += 1;
      return true;
    }
    const closing = QUOTES.get(char);
    if (closing === undefined || this.#closing !== "") return false;
    if ((this.#last_quote.get(closing) ?? -1) <= this.#at) return false;
    if (char === "'" && (this.#isWordAt(this.#at - 1) || !this.#isWordAt(this.#at + 1))) return false;
    this.#closing = closing;
    this.#at += 1;
    return true;
  }

  /** Between numbers, - and * and ( mean something. */
  #isCalculation(): boolean {
    return this.#tokens.at(-1)?.kind === "number";
  }

  #isOperator(char: string): boolean {
    if (!this.#isCalculation()) return false;
    // "10/2", but "5-10" is a range.
    return char === "/"
      ? this.#classAt(this.#at + 1) === DIGIT
      : "-–*".includes(char) && !this.#isWordAt(this.#at - 1);
  }
}
