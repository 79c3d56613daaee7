// What a text can hold at all: one pass over its bytes that says which recognisers are worth running on it.
// A class that is not reported is not there, so a regular expression that needs it need not be tried.

/**
 * The classes, each a bit. What a recogniser's pattern cannot match without is its class; patterns are to be
 * written so that they have one. Digits and letters are ASCII.
 */
export const CANDIDATES = {
  /** "@": addresses of mail, handles. */
  at: 1,
  /** "://": URLs, connection strings. */
  scheme: 2,
  /**
   * Seven digits in a stretch of nothing but digits and the separators space ( ) + - . and slash: numbers of
   * phones, cards, accounts and social security.
   */
  digits: 4,
  /** A dot between two digits: IPv4 addresses. */
  dotted: 8,
  /** A colon between two hexadecimal digits, or two colons: IPv6 and MAC addresses. */
  colons: 16,
  /** Two capital letters and then two digits: IBAN, VAT numbers. */
  code: 32,
  /** 32 hexadecimal digits: hashes, keys. */
  hex_run: 64,
  /**
   * 20 of the letters, digits and + / - _ that base64 is written in: keys of every provider, such as sk-…,
   * AKIA…, ghp_… and eyJ…, whose names need no search of their own because so much follows them.
   */
  token_run: 128,
  /** Five dashes: -----BEGIN PRIVATE KEY-----. */
  dashes: 256,
  /** A backslash and "u": in JSON text, this may be any character; the caller should look at the decoded text. */
  escape: 512,
  /** A byte that is not ASCII: names in other scripts, digits of other scripts and full width. */
  non_ascii: 1024,
} as const;

const ALL = 2047;
const DIGITS_MIN = 7;
const HEX_RUN_MIN = 32;
const TOKEN_RUN_MIN = 20;
const DASHES_MIN = 5;

const DIGIT = 1;
const UPPER = 2;
const HEX = 4;
const TOKEN = 8;
/** A digit or a separator. */
const STRETCH = 16;
/** What is looked at for its own sake. */
const SPECIAL = 32;
const HIGH = 64;

const KINDS = new Uint8Array(256).fill(HIGH, 0x80);
for (const byte of Buffer.from("0123456789")) KINDS[byte]! |= DIGIT | HEX | TOKEN | STRETCH;
for (const byte of Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) KINDS[byte]! |= UPPER | TOKEN;
for (const byte of Buffer.from("abcdefghijklmnopqrstuvwxyz+/-_")) KINDS[byte]! |= TOKEN;
for (const byte of Buffer.from("abcdefABCDEF")) KINDS[byte]! |= HEX;
for (const byte of Buffer.from(" ()+-./")) KINDS[byte]! |= STRETCH;
for (const byte of Buffer.from("@:/-u")) KINDS[byte]! |= SPECIAL;

const AT = 0x40;
const COLON = 0x3a;
const SLASH = 0x2f;
const DASH = 0x2d;
const DOT = 0x2e;
const BACKSLASH = 0x5c;

/** The classes of `CANDIDATES` that `bytes[start..end)` may hold, as the sum of their bits. */
export function candidates(bytes: Uint8Array, start: number, end: number): number {
  let found = 0;
  let stretch_digits = 0;
  let hex_run = 0;
  let token_run = 0;
  let dashes = 0;
  // The kinds of the three bytes before, and two of these bytes.
  let kind1 = 0;
  let kind2 = 0;
  let kind3 = 0;
  let byte1 = 0;
  let byte2 = 0;
  for (let pos = start; pos < end; pos++) {
    const byte = bytes[pos]!;
    const kind = KINDS[byte]!;
    token_run = (kind & TOKEN) !== 0 ? token_run + 1 : 0;
    if (token_run === TOKEN_RUN_MIN) found |= CANDIDATES.token_run;
    if ((kind & STRETCH) === 0) stretch_digits = 0;
    if ((kind & HEX) !== 0) {
      hex_run++;
      if (hex_run === HEX_RUN_MIN) found |= CANDIDATES.hex_run;
      if (byte1 === COLON && (kind2 & HEX) !== 0) found |= CANDIDATES.colons;
      if ((kind & DIGIT) !== 0) {
        stretch_digits++;
        if (stretch_digits === DIGITS_MIN) found |= CANDIDATES.digits;
        if (byte1 === DOT && (kind2 & DIGIT) !== 0) found |= CANDIDATES.dotted;
        if ((kind1 & DIGIT) !== 0 && (kind2 & kind3 & UPPER) !== 0) found |= CANDIDATES.code;
      }
    } else {
      hex_run = 0;
    }
    if ((kind & SPECIAL) !== 0) {
      if (byte === AT) found |= CANDIDATES.at;
      else if (byte === COLON) {
        if (byte1 === COLON) found |= CANDIDATES.colons;
      } else if (byte === SLASH) {
        if (byte1 === SLASH && byte2 === COLON) found |= CANDIDATES.scheme;
      } else if (byte === DASH) {
        dashes = byte1 === DASH ? dashes + 1 : 1;
        if (dashes === DASHES_MIN) found |= CANDIDATES.dashes;
      } else if (byte1 === BACKSLASH) found |= CANDIDATES.escape;
    } else if (kind === HIGH) found |= CANDIDATES.non_ascii;
    if (found === ALL) break;
    kind3 = kind2;
    kind2 = kind1;
    kind1 = kind;
    byte2 = byte1;
    byte1 = byte;
  }
  return found;
}
