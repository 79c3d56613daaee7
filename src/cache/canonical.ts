// One spelling for each JSON value: members in order of their names, no white space, numbers as doubles. Two texts of one spelling
// say the same; where that is not certain, the text says so, and its bytes have to stand for it.

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** The canonical spelling of a parsed value. Half surrogates stay apart, as their escapes. */
export function canonicalText(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) {
    let text = "[";
    for (let index = 0; index < value.length; index++) {
      if (index > 0) text += ",";
      text += canonicalText(value[index]);
    }
    return `${text}]`;
  }
  return canonicalMembers(value as Readonly<Record<string, unknown>>, Object.keys(value));
}

/** The same of an object with some of its members alone. */
export function canonicalMembers(object: Readonly<Record<string, unknown>>, names: string[]): string {
  names.sort();
  let text = "{";
  for (let index = 0; index < names.length; index++) {
    const name = names[index]!;
    if (index > 0) text += ",";
    text += `${JSON.stringify(name)}:${canonicalText(object[name])}`;
  }
  return `${text}}`;
}

/**
 * Whether a value says all that its text does, so that another text of this value must mean the same. It does not where the text
 * has a member twice, a number that no double holds, or bytes that are no UTF-8: whoever reads it may read something else.
 * @param text what `value` was parsed from
 */
export function isFaithful(text: string, value: unknown): boolean {
  // Texts that a program has written compactly are nearly all; anything that was lost would show.
  if (text.includes("\ufffd")) return false;
  return JSON.stringify(value) === text || countNames(text) === namesIn(value);
}

/** How many members a valid JSON text has, in objects of any depth: each has one colon outside of strings. */
function countNames(text: string): number {
  let names = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === COLON) names++;
    else if (code === QUOTE) {
      at++;
      while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
    }
  }
  return names;
}

/** How many members a value has; NaN where it holds a number that its text may have said more exactly. */
function namesIn(value: unknown): number {
  if (typeof value === "number") return isExact(value) ? 0 : Number.NaN;
  if (typeof value !== "object" || value === null) return 0;
  let names = Array.isArray(value) ? 0 : Object.keys(value).length;
  for (const item of Object.values(value)) names += namesIn(item);
  return names;
}

/** A fraction is cut to a double by everybody who reads it; whole numbers are not. */
function isExact(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}
