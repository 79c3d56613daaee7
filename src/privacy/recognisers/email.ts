// Addresses of mail: looked for to both sides of every "@" (or "%40", as URLs write it).

import { isAlnum, isEscape, isLetter } from "./letters.ts";
import type { Recogniser, Scan } from "./scan.ts";

/** RFC 5321, 4.5.3.1. */
const LOCAL_MAX = 64;
const DOMAIN_MAX = 253;
const LABEL_MAX = 63;

const LOCAL_SIGNS = new Set(Array.from("._+-'", (sign) => sign.charCodeAt(0)));
/** Endings of files' names that are no top level domain: icon@2x.png. */
const FILE_ENDINGS = new Set(
  "png jpg jpeg gif svg webp css js mjs tsx jsx json html txt yml yaml lock".split(" "),
);
const DOT = 0x2e;
const DASH = 0x2d;
const DOLLAR = 0x24;
const BACKSLASH = 0x5c;
/** Of "u003c". */
const UNICODE_ESCAPE_CHARS = 5;

/** Finds addresses of mail. */
export const EMAIL: Recogniser = {
  entities: ["EMAIL"],
  at(scan, start, end) {
    const local_start = localStart(scan, start);
    if (local_start === start) return;
    const domain_end = domainEnd(scan.text, end);
    if (domain_end === 0) return;
    const { text } = scan;
    // git@host:path and ssh's user@host are no one's address; git is nobody's name.
    if (start - local_start === 3 && text.startsWith("git", local_start)) return;
    // "$PASS@host" is a variable before a host.
    if (text.charCodeAt(local_start - 1) === DOLLAR) return;
    scan.add("EMAIL", local_start, domain_end, 0.97);
  },
};

function localStart({ text }: Scan, at: number): number {
  let start = at;
  const least = Math.max(0, at - LOCAL_MAX);
  while (start > least) {
    const code = text.charCodeAt(start - 1);
    if (!isAlnum(code) && !LOCAL_SIGNS.has(code) && !isLetter(code)) break;
    if (code === DOT && text.charCodeAt(start) === DOT) break;
    start--;
  }
  // A longer run than an address can have is none.
  if (start === least && start > 0 && isAlnum(text.charCodeAt(start - 1))) return at;
  if (start < at && isEscape(text, start)) start++;
  // "\u003cjo@…": so do encoders of JSON that fear for HTML write "<".
  else if (text.charCodeAt(start) === 0x75 && text.charCodeAt(start - 1) === BACKSLASH)
    start += UNICODE_ESCAPE_CHARS;
  while (start < at && LOCAL_SIGNS.has(text.charCodeAt(start)) && text.charCodeAt(start) !== 0x5f) start++;
  return start > at || text.charCodeAt(at - 1) === DOT ? at : start;
}

/** Where the domain that begins at `from` ends; 0 if there is none with a top level of letters. */
function domainEnd(text: string, from: number): number {
  const most = Math.min(text.length, from + DOMAIN_MAX);
  let end = 0;
  let label_start = from;
  let labels = 0;
  while (label_start < most) {
    let at = label_start;
    while (at < most && isLabel(text.charCodeAt(at))) at++;
    while (at > label_start && text.charCodeAt(at - 1) === DASH) at--;
    if (at === label_start || at - label_start > LABEL_MAX || text.charCodeAt(label_start) === DASH) break;
    labels++;
    if (labels > 1 && isTop(text, label_start, at)) end = at;
    if (text.charCodeAt(at) !== DOT) break;
    label_start = at + 1;
  }
  return end;
}

function isLabel(code: number): boolean {
  return isAlnum(code) || code === DASH || isLetter(code);
}

function isTop(text: string, start: number, end: number): boolean {
  if (end - start < 2) return false;
  if (text.startsWith("xn--", start)) return true;
  for (let at = start; at < end; at++) if (!isLetter(text.charCodeAt(at))) return false;
  return !FILE_ENDINGS.has(text.slice(start, end).toLowerCase());
}
