// Whether a text is JSON so far, told while it comes in (RFC 8259, and exactly what JSON.parse takes): the character that ends all hope
// is known when it is there, and nothing of the text is kept.

/** What may come next. */
type Place =
  | "value"
  | "first element"
  | "first member"
  | "member"
  | "colon"
  | "behind a value"
  | "string"
  | "escape"
  | "hex"
  | "literal"
  | "minus"
  | "zero"
  | "whole"
  | "point"
  | "fraction"
  | "exponent"
  | "exponent sign"
  | "exponent digits";

/** What is nested more deeply is taken for no JSON. */
export const JSON_DEPTH_MAX = 256;

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LETTER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** `"\/bfnrt` */
const ESCAPED: ReadonlySet<number> = new Set([0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74]);
const LITERALS: ReadonlyMap<number, string> = new Map(
  ["true", "false", "null"].map((word) => [word.charCodeAt(0), word]),
);
/** Where a number may end. */
const NUMBER_ENDS: ReadonlySet<Place> = new Set<Place>(["zero", "whole", "fraction", "exponent digits"]);

/** Follows one text. */
export class JsonGrammar {
  #place: Place = "value";
  /** What is open, the innermost last: true for an object. */
  readonly #open: boolean[] = [];
  /** Whether the string that is read names a member. */
  #is_name = false;
  /** What is to come of a literal, and how many digits of an escape. */
  #rest = "";
  #hex_left = 0;
  #is_broken = false;

  /** Takes a piece of the text; false: it is not JSON, and no more can make it. */
  push(piece: string): boolean {
    for (let at = 0; at < piece.length && !this.#is_broken; at++) {
      if (this.#place === "string") at = skipPlain(piece, at);
      if (at < piece.length && !this.#take(piece.charCodeAt(at))) this.#is_broken = true;
    }
    return !this.#is_broken;
  }

  /** Whether the text is complete, now that no more comes. */
  end(): boolean {
    if (this.#is_broken || this.#open.length > 0) return false;
    return this.#place === "behind a value" || NUMBER_ENDS.has(this.#place);
  }

  #take(code: number): boolean {
    switch (this.#place) {
      case "string":
        return this.#takeInString(code);
      case "escape":
        if (code === LETTER_U) return this.#go("hex", 4);
        return ESCAPED.has(code) && this.#go("string");
      case "hex":
        if (!isHex(code)) return false;
        return this.#hex_left === 1 ? this.#go("string") : this.#go("hex", this.#hex_left - 1);
      case "literal":
        if (code !== this.#rest.charCodeAt(0)) return false;
        this.#rest = this.#rest.slice(1);
        return this.#go(this.#rest === "" ? "behind a value" : "literal");
      case "minus":
        return code === ZERO ? this.#go("zero") : isDigit(code) && this.#go("whole");
      case "zero":
      case "whole":
        if (this.#place === "whole" && isDigit(code)) return true;
        if (code === POINT) return this.#go("point");
        return isExponent(code) ? this.#go("exponent") : this.#takeBehind(code);
      case "point":
        return isDigit(code) && this.#go("fraction");
      case "fraction":
        if (isDigit(code)) return true;
        return isExponent(code) ? this.#go("exponent") : this.#takeBehind(code);
      case "exponent":
        if (code === PLUS || code === MINUS) return this.#go("exponent sign");
        return isDigit(code) && this.#go("exponent digits");
      case "exponent sign":
        return isDigit(code) && this.#go("exponent digits");
      case "exponent digits":
        return isDigit(code) || this.#takeBehind(code);
    }
    if (isBlank(code)) return true;
    switch (this.#place) {
      case "behind a value":
        return this.#takeBehind(code);
      case "colon":
        return code === COLON && this.#go("value");
      case "first member":
        if (code === CLOSE_BRACE) return this.#close();
        return code === QUOTE && this.#beginString(true);
      case "member":
        return code === QUOTE && this.#beginString(true);
      case "first element":
        return code === CLOSE_BRACKET ? this.#close() : this.#takeValue(code);
      case "value":
        return this.#takeValue(code);
    }
  }

  #takeInString(code: number): boolean {
    if (code === QUOTE) return this.#go(this.#is_name ? "colon" : "behind a value");
    if (code === BACKSLASH) return this.#go("escape");
    return code >= 0x20;
  }

  #takeValue(code: number): boolean {
    if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      const is_object = code === OPEN_BRACE;
      this.#open.push(is_object);
      return this.#open.length <= JSON_DEPTH_MAX && this.#go(is_object ? "first member" : "first element");
    }
    if (code === QUOTE) return this.#beginString(false);
    if (code === MINUS) return this.#go("minus");
    if (code === ZERO) return this.#go("zero");
    if (isDigit(code)) return this.#go("whole");
    this.#rest = LITERALS.get(code)?.slice(1) ?? "";
    return this.#rest !== "" && this.#go("literal");
  }

  /** What may follow a value: another one, the end of what it lies in, or white space. */
  #takeBehind(code: number): boolean {
    if (isBlank(code)) return this.#go("behind a value");
    const is_in_object = this.#open.at(-1);
    if (is_in_object === undefined) return false;
    if (code === COMMA) return this.#go(is_in_object ? "member" : "value");
    return code === (is_in_object ? CLOSE_BRACE : CLOSE_BRACKET) && this.#close();
  }

  #beginString(is_name: boolean): boolean {
    this.#is_name = is_name;
    return this.#go("string");
  }

  #close(): boolean {
    this.#open.pop();
    return this.#go("behind a value");
  }

  #go(place: Place, hex_left = 0): true {
    this.#place = place;
    this.#hex_left = hex_left;
    return true;
  }
}

/** The next character of a string that is not simply itself. */
function skipPlain(text: string, at: number): number {
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE || code === BACKSLASH || code < 0x20) break;
  }
  return at;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isHex(code: number): boolean {
  const small = code | 0x20;
  return isDigit(code) || (small >= 0x61 && small <= 0x66);
}

function isExponent(code: number): boolean {
  return (code | 0x20) === 0x65;
}
