// What a string of a JSON text can hold at all: one pass over its bytes, as they are written, that says what recognisers of personal
// data could look at. A text without candidates need not be decoded.

/**
 * The classes, each a bit. A class that is not reported is not there; one that is may turn out to be nothing. Digits and letters are
 * ASCII.
 */
export const CANDIDATES = {
  /** "@" or "%40": addresses of mail, credentials in URLs. */
  at: 1,
  /** A colon and a slash, which may be escaped: URLs, connection strings. */
  scheme: 2,
  /** A digit: numbers of all kinds, codes. */
  digit: 4,
  /** A colon between two hexadecimal digits, or two colons: IPv6 and MAC addresses. */
  colons: 8,
  /** A colon or "=" behind a word that ends like a secret's name, or "-u", the option of commands for a user and a password. */
  assignment: 16,
  /** 16 of the letters, digits, - and _ that keys of every provider are written in. */
  token_run: 32,
  /** Five dashes: -----BEGIN PRIVATE KEY-----. */
  dashes: 64,
  /** A byte that begins digits of other scripts or full-width forms, which are read as ASCII. */
  folded: 128,
  /** A backslash and "u": this may be any character; the decoded text has to be looked at. */
  escape: 256,
  /** "[", a byte that may begin "【", or "_" before a digit from 1 to 9: what a placeholder cannot do without. */
  bracket: 512,
  /** A backslash: the text is not simply what is written. */
  backslash: 1024,
} as const;

const ALL = 2047;
const TOKEN_RUN_MIN = 16;
const DASHES_MIN = 5;

/**
 * How names end that secrets are assigned to (`password:`, `API_KEY=`): their last three letters, of `pw` all two, of `contraseña` the
 * last three bytes.
 */
export const SECRET_NAME_ENDINGS =
  "ord swd pwd pw ass ase ode ort ña ena nha sse ret ken key ial als rer ion uth sig";
const ENDINGS_LONG = new Set<number>();
const ENDINGS_SHORT = new Set<number>();
for (const ending of SECRET_NAME_ENDINGS.split(" ")) {
  const [last, before, first] = [...Buffer.from(ending)].reverse().map((byte) => byte | 0x20);
  if (first === undefined) ENDINGS_SHORT.add(before! * 256 + last!);
  else ENDINGS_LONG.add((first * 256 + before!) * 256 + last!);
}

/** The signs that may stand between a name and what assigns to it, and as how many bytes: three, each escaped. */
const IS_BETWEEN = new Uint8Array(256);
for (const byte of Buffer.from(" \"'\\]?:")) IS_BETWEEN[byte] = 1;
const BETWEEN_MAX = 6;

/** Goes on a token and is no candidate by itself. */
const LETTER = 0;
/** Ends a token, and is nothing else. */
const BREAK = 1;
const DIGIT = 2;
/** "-", which goes on a token. */
const HYPHEN = 3;
/** Ends a token and is looked at. */
const SIGN = 4;

const KINDS = new Uint8Array(256).fill(BREAK);
for (const byte of Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")) KINDS[byte] = LETTER;
for (const byte of Buffer.from("0123456789")) KINDS[byte] = DIGIT;
for (const byte of Buffer.from("@%:=\\[")) KINDS[byte] = SIGN;
/** First bytes in UTF-8 of characters that are read as ASCII digits, letters and signs (see `FOLDS` in the recognisers). */
const FOLDED = [0xd9, 0xdb, 0xdf, 0xe0, 0xe1, 0xef];
const LENTICULAR = 0xe3;
for (const byte of [...FOLDED, LENTICULAR]) KINDS[byte] = SIGN;
const DASH = 0x2d;
KINDS[DASH] = HYPHEN;

const IS_HEX = new Uint8Array(256);
for (const byte of Buffer.from("0123456789abcdefABCDEF")) IS_HEX[byte] = 1;

const PERCENT = 0x25;
const SLASH = 0x2f;
const ZERO = 0x30;
const FOUR = 0x34;
const COLON = 0x3a;
const EQUALS = 0x3d;
const AT = 0x40;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;
const LOWER_U = 0x75;

/** The classes of `CANDIDATES` that the inside of a JSON string in `bytes[start..end)` may hold, as the sum of their bits. */
export function candidates(bytes: Uint8Array, start: number, end: number): number {
  let found = 0;
  let token_start = start;
  for (let pos = start; pos < end; pos++) {
    const kind = KINDS[bytes[pos]!]!;
    if (kind === LETTER) continue;
    if (kind === DIGIT) {
      found |= CANDIDATES.digit;
      if (pos > start && bytes[pos - 1] === UNDERSCORE && bytes[pos] !== ZERO) found |= CANDIDATES.bracket;
    } else if (kind === HYPHEN) {
      found |= atHyphen(bytes, pos, end);
    } else {
      if (pos - token_start >= TOKEN_RUN_MIN) found |= CANDIDATES.token_run;
      token_start = pos + 1;
      if (kind === SIGN) found |= atSign(bytes, start, pos, end);
    }
    if (found === ALL) return ALL;
  }
  return end - token_start >= TOKEN_RUN_MIN ? found | CANDIDATES.token_run : found;
}

function atHyphen(bytes: Uint8Array, pos: number, end: number): number {
  if (pos + 1 >= end) return 0;
  if (bytes[pos + 1] === LOWER_U) return CANDIDATES.assignment;
  if (pos + DASHES_MIN > end) return 0;
  for (let at = pos + 1; at < pos + DASHES_MIN; at++) if (bytes[at] !== DASH) return 0;
  return CANDIDATES.dashes;
}

function atSign(bytes: Uint8Array, start: number, pos: number, end: number): number {
  const byte = bytes[pos]!;
  // Reading behind the last byte of an array would slow down every read of it.
  const next = pos + 1 < end ? bytes[pos + 1]! : 0;
  switch (byte) {
    case AT:
      return CANDIDATES.at;
    case PERCENT:
      return next === FOUR && pos + 2 < end && bytes[pos + 2] === ZERO ? CANDIDATES.at : 0;
    case BACKSLASH:
      return next === LOWER_U ? CANDIDATES.escape | CANDIDATES.backslash : CANDIDATES.backslash;
    case BRACKET_OPEN:
    case LENTICULAR:
      return CANDIDATES.bracket;
    case EQUALS:
      return isAssignment(bytes, start, pos) ? CANDIDATES.assignment : 0;
    case COLON: {
      let found = isAssignment(bytes, start, pos) ? CANDIDATES.assignment : 0;
      if ((next === SLASH || next === BACKSLASH) && isScheme(bytes, pos, end)) found |= CANDIDATES.scheme;
      if (next === COLON || (pos > start && IS_HEX[bytes[pos - 1]!] === 1 && IS_HEX[next] === 1))
        found |= CANDIDATES.colons;
      return found;
    }
    default:
      return CANDIDATES.folded;
  }
}

/** Whether a slash follows a colon: "\/" is "/", in a string within a string "\\/" is. */
function isScheme(bytes: Uint8Array, colon: number, end: number): boolean {
  let at = colon + 1;
  while (at < end && bytes[at] === BACKSLASH) at++;
  return at < end && bytes[at] === SLASH;
}

/** Whether a secret's name may stand before a sign. Behind more signs than are looked through, one may. */
function isAssignment(bytes: Uint8Array, start: number, sign: number): boolean {
  let end = sign;
  while (end > start && IS_BETWEEN[bytes[end - 1]!] === 1) {
    if (sign - end === BETWEEN_MAX) return true;
    end--;
  }
  if (end - start < 2) return false;
  const last = (bytes[end - 2]! | 0x20) * 256 + (bytes[end - 1]! | 0x20);
  if (ENDINGS_SHORT.has(last)) return true;
  return end - start > 2 && ENDINGS_LONG.has((bytes[end - 3]! | 0x20) * 65536 + last);
}
