// Private keys in blocks: PEM, OpenSSH and PGP; with or without their end, and where line breaks are written as \n.

import { isAlnum } from "./letters.ts";
import type { Recogniser } from "./scan.ts";

const HEAD_MAX_CHARS = 64;
const MARK = "-----";
const DASH = 0x2d;
/** A line of a key is longer than any word; what has none is no key. */
const LINE_MIN_CHARS = 40;

/** Finds private keys. */
export const PRIVATE_KEY: Recogniser = {
  entities: ["PRIVATE_KEY"],
  block(scan, start) {
    const { text } = scan;
    const head = text.slice(start, start + HEAD_MAX_CHARS);
    const label_end = head.indexOf(MARK, MARK.length);
    if (!/^-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?$/.test(head.slice(0, Math.max(0, label_end))))
      return start;
    const body_start = start + label_end + MARK.length;
    const { body_end, line_end } = readBody(text, body_start);
    const tail = /^-----END [A-Z0-9 ]{1,40}-----/.exec(text.slice(body_end, body_end + HEAD_MAX_CHARS));
    if (line_end === body_start) return start;
    const end = tail === null ? line_end : body_end + tail[0].length;
    scan.add("PRIVATE_KEY", start, end, 1);
    return end;
  },
};

/** Reads what stands between the marks: where it ends, and where the last line does that is long enough for a key's. */
function readBody(text: string, start: number): { body_end: number; line_end: number } {
  let at = start;
  let line_start = start;
  let line_end = start;
  for (; isBody(text, at); at++) {
    if (isBase64(text.charCodeAt(at))) continue;
    if (at - line_start >= LINE_MIN_CHARS) line_end = at;
    line_start = at + 1;
  }
  return { body_end: at, line_end: at - line_start >= LINE_MIN_CHARS ? at : line_end };
}

function isBase64(code: number): boolean {
  return isAlnum(code) || BASE64_SIGNS.has(code);
}

/** One dash stands in a header, several begin the end. */
function isBody(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return isBase64(code) || BETWEEN_SIGNS.has(code) || (code === DASH && text.charCodeAt(at + 1) !== DASH);
}

const codes = (signs: string) => new Set(Array.from(signs, (sign) => sign.charCodeAt(0)));
const BASE64_SIGNS = codes("+/=");
/** Line breaks, also written ones, quotations, and the headers of encrypted keys: "DEK-Info: AES-128-CBC,…". */
const BETWEEN_SIGNS = codes(" \t\r\n\\>:,.;()");
