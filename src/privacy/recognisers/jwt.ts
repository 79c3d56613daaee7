// JSON Web Tokens (RFC 7519, and encrypted ones of RFC 7516).

import { isToken } from "./letters.ts";
import type { Recogniser } from "./scan.ts";

const DOT = 0x2e;
/** A header that does not name its algorithm so early is none. */
const HEADER_MAX_CHARS = 2048;
/** An encrypted token has five parts. */
const PARTS_MAX = 5;

/** Finds JSON Web Tokens: three parts, the first of which is JSON that names an algorithm. */
export const JWT: Recogniser = {
  entities: ["JWT"],
  token(scan, start, end) {
    const { text } = scan;
    if (!text.startsWith("eyJ", start) || text.charCodeAt(end) !== DOT) return;
    const header = Buffer.from(
      text.slice(start, Math.min(end, start + HEADER_MAX_CHARS)),
      "base64url",
    ).toString("latin1");
    if (!header.includes('"alg"')) return;
    let last = end;
    for (let part = 0; part < PARTS_MAX - 1 && text.charCodeAt(last) === DOT; part++) {
      last++;
      while (isToken(text.charCodeAt(last))) last++;
    }
    if (text.charCodeAt(last - 1) === DOT) last--;
    if (last > end) scan.add("JWT", start, last, 0.99);
  },
};
