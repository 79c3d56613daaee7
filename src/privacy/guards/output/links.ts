// Links to hosts that are not among the allowed: in Markdown, in HTML, and bare. Read from front to back in one go; what a browser or
// a renderer would make of an address counts, not what the address looks like.

import type { GuardSpan } from "../guard.ts";

/** A scheme has no more letters, and an authority is not read beyond this. */
const SCHEME_MAX = 16;
const AUTHORITY_MAX = 512;
/** An IPv6 address, with a name before it. */
const BRACKETED_MAX = 128;

const COLON = 0x3a;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const PAREN_OPEN = 0x28;
const PAREN_CLOSE = 0x29;

const codes = (signs: string) => new Set(Array.from(signs, (sign) => sign.charCodeAt(0)));
/** What ends an address wherever it stands. */
const HARD_ENDS = codes("<>");
/** What ends it in text, and may be part of the name before an "@". */
const SOFT_ENDS = codes("\"'`]}|^");
const BEHIND_HOST = codes("/\\?#");
const TRAILERS = codes(".,;:!?*_~");
/** What stands before an address without a scheme where it is a link: `(//host`, `="//host`, `<//host`, `]: //host`. */
const BEFORE_RELATIVE = codes("(<\"'=`");

/** Finds addresses of other hosts. */
export class ForeignLinks {
  readonly #hosts: ReadonlySet<string>;

  /** @param hosts their subdomains are allowed as well */
  constructor(hosts: readonly string[]) {
    this.#hosts = new Set(hosts.map((host) => hostOf(host) ?? host.toLowerCase()));
  }

  /** Where addresses of hosts stand that are not allowed. */
  find(text: string): GuardSpan[] {
    const found: GuardSpan[] = [];
    let least = 0;
    for (let at = 0; at < text.length; at++) {
      const address = addressAt(text, at, least);
      if (address === null) continue;
      const { start, authority } = address;
      if (authority.text !== "" && !this.#isAllowed(authority.text)) {
        const end = endOf(text, authority.end);
        found.push({ start, end });
        at = end - 1;
      } else {
        // What is behind an allowed host may hold another address.
        at = Math.max(at, authority.end - 1);
      }
      least = at + 1;
    }
    return found;
  }

  #isAllowed(authority: string): boolean {
    const host = hostOf(authority);
    if (host === null) return false;
    for (let from = 0; from >= 0; ) {
      if (this.#hosts.has(host.slice(from))) return true;
      const dot = host.indexOf(".", from);
      from = dot < 0 ? -1 : dot + 1;
    }
    return false;
  }
}

interface Address {
  readonly start: number;
  readonly authority: { readonly text: string; readonly end: number };
}

/** The address whose first telling mark stands here: a colon with slashes, two slashes behind a bracket, or `www.`. */
function addressAt(text: string, at: number, least: number): Address | null {
  const code = text.charCodeAt(at);
  if (code === COLON) {
    const start = schemeStart(text, at, least);
    if (start === at) return null;
    const from = slashesEnd(text, at + 1);
    const is_web = /^https?$/i.test(text.slice(start, at));
    if (from - at < 3 && !is_web) return null;
    const authority = authorityAt(text, from);
    // Browsers take "https:host" for an address, and a sentence may have "https:" in it.
    if (from === at + 1 && !authority.text.includes(".")) return null;
    return { start, authority };
  }
  if (isSlash(code)) {
    if (!isBeforeRelative(text, at)) return null;
    const from = slashesEnd(text, at);
    if (from - at < 2) return null;
    const authority = authorityAt(text, from);
    return authority.text.includes(".") ? { start: at, authority } : null;
  }
  if ((code === 0x77 || code === 0x57) && /^www\.$/i.test(text.slice(at, at + 4))) {
    if (at > least && isAlnum(text.charCodeAt(at - 1))) return null;
    return { start: at, authority: authorityAt(text, at) };
  }
  return null;
}

function schemeStart(text: string, colon: number, least: number): number {
  let start = colon;
  while (start > least && colon - start < SCHEME_MAX && isScheme(text.charCodeAt(start - 1))) start--;
  while (start < colon && !isLetter(text.charCodeAt(start))) start++;
  return start;
}

function slashesEnd(text: string, from: number): number {
  let at = from;
  while (isSlash(text.charCodeAt(at))) at++;
  return at;
}

function isBeforeRelative(text: string, at: number): boolean {
  if (at === 0) return false;
  if (BEFORE_RELATIVE.has(text.charCodeAt(at - 1))) return true;
  let before = at;
  while (before > 0 && at - before < 8 && isBlank(text.charCodeAt(before - 1))) before--;
  if (before === at) return false;
  const code = text.charCodeAt(before - 1);
  return code === PAREN_OPEN || (code === COLON && text[before - 2] === "]") || text[before - 1] === "=";
}

/** The name, the host and the port that begin here. */
function authorityAt(text: string, from: number): { text: string; end: number } {
  let soft_end = -1;
  let at_sign = -1;
  let at = from;
  for (; at < text.length && at - from < AUTHORITY_MAX; at++) {
    const code = text.charCodeAt(at);
    if (isBlank(code) || HARD_ENDS.has(code) || BEHIND_HOST.has(code)) break;
    if (code === 0x40) at_sign = at;
    else if (soft_end < 0 && (SOFT_ENDS.has(code) || code === PAREN_CLOSE) && !isBracketed(text, from, at)) {
      soft_end = at;
    }
  }
  // What looks like the end is part of a name where an "@" comes behind it.
  let end = soft_end >= 0 && at_sign < soft_end ? soft_end : at;
  while (end > from && TRAILERS.has(text.charCodeAt(end - 1))) end--;
  return { text: text.slice(from, end), end };
}

/** Whether a bracket closes an IPv6 address: "[::1]". */
function isBracketed(text: string, from: number, at: number): boolean {
  if (text[at] !== "]" || at - from > BRACKETED_MAX) return false;
  const host = text.slice(from, at);
  return host.startsWith("[", host.lastIndexOf("@") + 1);
}

/** Where an address ends, whose authority ends here. Brackets count as its own where it opened them. */
function endOf(text: string, authority_end: number): number {
  let at = authority_end;
  let open = 0;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isBlank(code) || HARD_ENDS.has(code) || SOFT_ENDS.has(code) || isWide(code)) break;
    if (code === PAREN_OPEN) open++;
    else if (code === PAREN_CLOSE && --open < 0) break;
  }
  while (at > authority_end && TRAILERS.has(text.charCodeAt(at - 1))) at--;
  return at;
}

/** The host of an authority as browsers read it; null where they would not. */
function hostOf(authority: string): string | null {
  try {
    const { hostname } = new URL(`https://${authority}/`);
    return hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
  } catch {
    return null;
  }
}

function isSlash(code: number): boolean {
  return code === SLASH || code === BACKSLASH;
}

function isBlank(code: number): boolean {
  return code <= 0x20 || code === 0xa0 || code === 0x3000;
}

/** Marks of scripts that put no space behind an address. */
function isWide(code: number): boolean {
  return (code >= 0x3000 && code <= 0x303f) || (code >= 0xff00 && code <= 0xff65);
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isAlnum(code: number): boolean {
  return isLetter(code) || (code >= 0x30 && code <= 0x39);
}

function isScheme(code: number): boolean {
  return isAlnum(code) || code === 0x2b || code === 0x2d || code === 0x2e;
}
