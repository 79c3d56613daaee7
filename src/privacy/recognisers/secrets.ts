// Secrets without a format of their own: what is assigned to a name that says so, or told as a password in a sentence, and random
// tokens where the words around speak of a secret.

import { SUBJECT } from "./context.ts";
import { goesOn, isLetter, isToken, isUpper } from "./letters.ts";
import { isRandom } from "./randomness.ts";
import type { Recogniser } from "./scan.ts";
import { wordSet } from "./word_map.ts";

const BACKSLASH = 0x5c;
const PLUS = 0x2b;
const SLASH = 0x2f;
const EQUALS = 0x3d;
const SPACE = 0x20;
const HASH = 0x23;
const COLON = 0x3a;
const LINE_FEED = 0x0a;

/** Last parts of names that passwords are assigned to, and those of longer secrets. */
const PASSWORD_NAMES = new Set(
  "password passwd pwd pw pass passphrase passcode kennwort passwort contraseña contrasena senha passe secret".split(
    " ",
  ),
);
const KEY_NAMES = new Set(
  "token key apikey secret secretkey accesskey authkey privatekey credential credentials bearer authorization auth sig".split(
    " ",
  ),
);
const PASSWORDS = wordSet(PASSWORD_NAMES);
const KEYS = wordSet(KEY_NAMES);
const NAME_MAX = 40;
const VALUE_MAX = 256;
const TOKEN_MIN = 20;
const PASSWORD_MIN = 5;
/** What stands before a password that a sentence tells, how far before its word may stand, and how long it may be. */
const TOLD = /\s(?:is|be|to|ist|lautet|es|est|è|é)[ :]{1,2}["'`]?$/i;
const TOLD_BEFORE_CHARS = 40;
const TOLD_MAX = 64;
/** What stands before numbers that open something. */
const PIN =
  /\b(?:pin|passcode|password|pwd|passwort|kennwort|contraseña|senha|mot de passe)(?: code| number)?(?: (?:is|ist|es|est|è|é)|[:=#])? ?$/i;
/** How what stands there ends, signs apart: most words before numbers are told from it by this alone. */
const PIN_ENDINGS = new Set(
  ["pin", "ode", "ord", "pwd", "ort", "eña", "nha", "sse", "ber", "ist", "est", " is", " es"].map((ending) =>
    endingOf(ending, ending.length),
  ),
);
const E_GRAVE = 0xe8;
const E_ACUTE = 0xe9;
const PIN_MIN = 4;
const PIN_MAX = 12;
/** Schemes of HTTP's Authorization, which what follows is as secret as a password for. */
const SCHEME = /(?:Bearer|Basic|Token) $/i;
const SCHEME_MAX = 7;
const CREDENTIALS_MIN = 12;
const USER_OPTION_MAX = 44;
const USER_OPTION = /(?:^|\s)(?:-u|--user)[ =]["']?[\w.@-]{1,32}$/;

/** Finds what is assigned to names such as `password` and `api_key`, and passwords that a sentence tells. */
export const SECRET: Recogniser = {
  entities: ["SECRET"],
  takes_short: true,
  assignment(scan, sign) {
    const { text } = scan;
    const name_end = nameEnd(text, sign);
    const name_start = nameStart(text, name_end);
    if (name_start === name_end) return;
    const is_password = PASSWORDS.findFolded(text, name_start, name_end) === true || isUserOption(text, sign);
    if (!is_password && KEYS.findFolded(text, name_start, name_end) === undefined) return;
    const value_start = valueStart(text, sign + 1);
    const value_end = valueEnd(text, value_start);
    const value = text.slice(value_start, value_end);
    if (isPlaceholder(value)) return;
    const is_quoted = QUOTES.has(text.charCodeAt(value_start - 1));
    const has_scheme = SCHEME.test(text.slice(Math.max(0, value_start - SCHEME_MAX), value_start));
    const is_secret = (is_password && isPassword(value, is_quoted)) || (has_scheme && isCredentials(value));
    if (is_secret || isRandom(value)) scan.add("SECRET", value_start, value_end, 0.85);
  },
  numbers(scan, numbers) {
    const length = numbers.length(0);
    if (numbers.count > 1 || length < PIN_MIN || length > PIN_MAX || !numbers.begins(0)) return;
    const start = numbers.starts[0]!;
    if (!mayBePinBefore(scan.text, start)) return;
    if (!PIN.test(scan.text.slice(Math.max(0, start - TOLD_BEFORE_CHARS), start))) return;
    if (numbers.finishes(0)) scan.add("SECRET", start, numbers.end, 0.7);
  },
  code(scan, start, end) {
    const { text } = scan;
    if (end - start < PASSWORD_MIN || end - start > TOLD_MAX || goesOn(text, start)) return;
    const before = text.slice(Math.max(0, start - TOLD_BEFORE_CHARS), start);
    if (!TOLD.test(before) || !wordsOf(before).some((word) => PASSWORD_NAMES.has(word))) return;
    let value_end = end;
    while (value_end - start < TOLD_MAX && isPasswordChar(text.charCodeAt(value_end))) value_end++;
    while (VALUE_TRAILERS.has(text.charCodeAt(value_end - 1))) value_end--;
    const value = text.slice(start, value_end);
    if (isPlaceholder(value) || /^[0-9]+[a-z]{1,2}$/i.test(value)) return;
    scan.add("SECRET", start, value_end, 0.7);
  },
  token(scan, start, end) {
    const { text } = scan;
    const value_start = base64Start(text, start);
    const value_end = base64End(text, end);
    // What is longer than any secret is a picture or a sound.
    if (value_end - value_start < TOKEN_MIN || value_end - value_start > VALUE_MAX) return;
    const value = text.slice(value_start, value_end);
    if (!isRandom(value) || isUuid(value)) return;
    if ((scan.context(value_start, value_end).nearest & SUBJECT.secret) === 0) return;
    scan.add("SECRET", value_start, value_end, 0.65);
  },
};

/** Whether what stands before a number ends as `PIN` does. */
function mayBePinBefore(text: string, start: number): boolean {
  const end = text.charCodeAt(start - 1) === SPACE ? start - 1 : start;
  const last = text.charCodeAt(end - 1);
  if (last === COLON || last === EQUALS || last === HASH) return true;
  const lower = last | 0x20;
  return lower === E_GRAVE || lower === E_ACUTE || PIN_ENDINGS.has(endingOf(text, end));
}

/** The last three characters before `end` as one number, letters in lower case. */
function endingOf(text: string, end: number): number {
  return (
    (((text.charCodeAt(end - 3) | 0x20) & 0xff) << 16) |
    (((text.charCodeAt(end - 2) | 0x20) & 0xff) << 8) |
    ((text.charCodeAt(end - 1) | 0x20) & 0xff)
  );
}

/** Whether a colon stands between a user and a password as commands take them: curl -u jo:secret. */
function isUserOption(text: string, colon: number): boolean {
  const next = text.charCodeAt(colon + 1);
  if (!(next > SPACE) || next === SLASH) return false;
  return USER_OPTION.test(text.slice(Math.max(0, colon - USER_OPTION_MAX), colon));
}

function isCredentials(value: string): boolean {
  return value.length >= CREDENTIALS_MIN && /^[\w+/=.~-]+$/.test(value) && /[A-Z0-9]/.test(value);
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().split(/[^\p{L}]+/u);
}

function isPasswordChar(code: number): boolean {
  return (
    code > SPACE &&
    code !== 0x22 &&
    code !== 0x27 &&
    code !== 0x60 &&
    code !== 0x3c &&
    code !== 0x3e &&
    code < 0x2000
  );
}

const codes = (signs: string) => new Set(Array.from(signs, (sign) => sign.charCodeAt(0)));
/** What may stand between a name and its sign. */
const BEHIND_NAME = new Uint8Array(128);
for (const sign of " \"'\\]?:") BEHIND_NAME[sign.charCodeAt(0)] = 1;
const AMPERSAND = 0x26;
const PARAMETER = /^&(?:amp;|[A-Za-z_][\w.-]*=)/;
const QUOTES = codes("\"'`");
/** What ends a value without quotes, and what does not belong to its end. */
const VALUE_ENDS = codes(" \t\r\n\"'`,;)}]<>\\");
const VALUE_TRAILERS = codes(".,;?:");

/** Where the name before a sign ends. */
function nameEnd(text: string, sign: number): number {
  let end = sign;
  while (end > 0 && sign - end < 3 && BEHIND_NAME[text.charCodeAt(end - 1)] === 1) end--;
  return end;
}

/** Where the last part of a name starts: "key" of `OPENAI_API_KEY =` and of `"apiKey":`. */
function nameStart(text: string, end: number): number {
  let start = end;
  const least = Math.max(0, end - NAME_MAX);
  while (start > least && isLetter(text.charCodeAt(start - 1))) {
    start--;
    if (start < end - 1 && isUpper(text.charCodeAt(start)) && !isUpper(text.charCodeAt(start + 1))) break;
  }
  return start;
}

function valueStart(text: string, from: number): number {
  let at = from;
  while (at - from < 4 && text.charCodeAt(at) === SPACE) at++;
  if (text.startsWith('\\"', at)) return at + 2;
  if (/["'`]/.test(text[at] ?? "")) return at + 1;
  const scheme = /^(?:Bearer|Basic|Token) /i.exec(text.slice(at, at + 7));
  return scheme === null ? at : at + scheme[0].length;
}

function valueEnd(text: string, start: number): number {
  const opening = text.charCodeAt(start - 1);
  const is_quoted = QUOTES.has(opening);
  const most = Math.min(text.length, start + VALUE_MAX);
  let end = start;
  while (end < most && !(is_quoted ? endsQuoted(text, end, opening) : endsBare(text, end))) end++;
  if (!is_quoted) while (end > start && VALUE_TRAILERS.has(text.charCodeAt(end - 1))) end--;
  return end;
}

/** "&" is a character of passwords, but ends a value where another name follows, as in URLs. */
function endsBare(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === AMPERSAND ? PARAMETER.test(text.slice(at, at + NAME_MAX)) : VALUE_ENDS.has(code);
}

function endsQuoted(text: string, at: number, opening: number): boolean {
  const code = text.charCodeAt(at);
  return (
    code === opening || code === LINE_FEED || (code === BACKSLASH && text.charCodeAt(at + 1) === opening)
  );
}

/** Whether a value stands for another: an example, a variable, a call, a type. */
function isPlaceholder(value: string): boolean {
  if (/^(?:[$%<{[(]|process\.|os\.|env[.[]|import\.|config\.|self\.|this\.|https?:)/i.test(value))
    return true;
  if (/^[*.x•_#-]+$/i.test(value) || /^[A-Za-z_.]+\(|\.\.\.|…/.test(value)) return true;
  if (/your|example|placeholder|changeme|change_me|redacted|dummy|xxxx|\*\*\*|insert|<|here$/i.test(value))
    return true;
  return /^(?:null|none|nil|true|false|undefined|string|str|text|bytes|int|number|any|optional|required|unknown|empty|password|secret|token|key)$/i.test(
    value,
  );
}

/** A password has more than letters, or is in quotes and has letters of both cases: words of a sentence and names in code are none. */
function isPassword(value: string, is_quoted: boolean): boolean {
  if (value.length < PASSWORD_MIN || /\s/.test(value)) return false;
  if (/[0-9]/.test(value) || /[^A-Za-z0-9_.'-]/.test(value)) return true;
  return is_quoted && /[a-z][A-Z]|[a-z][_.-][a-z]/.test(value);
}

function isUuid(value: string): boolean {
  return value.length === 36 && /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value);
}

/** Where Base64 starts that a token stands in: it may have "+" and "/" before. */
function base64Start(text: string, start: number): number {
  let at = start;
  while (start - at <= VALUE_MAX && isBase64(text.charCodeAt(at - 1))) at--;
  return text.charCodeAt(start - 1) === SLASH && at === start - 1 ? start : at;
}

/** Where it ends. */
function base64End(text: string, end: number): number {
  let at = end;
  while (at - end <= VALUE_MAX && isBase64(text.charCodeAt(at))) at++;
  while (at - end <= VALUE_MAX && text.charCodeAt(at) === EQUALS) at++;
  return at;
}

function isBase64(code: number): boolean {
  return isToken(code) || code === PLUS || code === SLASH;
}
