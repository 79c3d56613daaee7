// Secrets: the key formats that providers of clouds, code and models have made known, blocks of private keys, JWTs, and what is
// assigned to a name that says so, if it is as random as a secret.

import { SUBJECT } from "./context.ts";
import { goesOn, isAlnum, isAsciiLetter, isDigit, isEscape, isHex, isLetter, isUpper } from "./letters.ts";
import type { Recogniser, Scan } from "./scan.ts";

/** A format of keys: how they begin, and how long the rest of the token is. */
interface KeyFormat {
  readonly prefix: string;
  readonly min: number;
  readonly max: number;
  /** What the rest consists of; letters, digits, "-" and "_" if not given. */
  readonly of?: "hex" | "alnum" | "upper";
  /** Whether the key may have further parts behind dots. */
  readonly has_parts?: boolean;
}

function formats(prefixes: string, min: number, max: number, more: Partial<KeyFormat> = {}): KeyFormat[] {
  return prefixes.split(" ").map((prefix) => ({ prefix, min, max, ...more }));
}

const FORMATS: readonly KeyFormat[] = [
  // Clouds: AWS access keys, Google, Azure's storage and DevOps, DigitalOcean, Cloudflare's origin CA, Alibaba, Tencent.
  ...formats("AKIA ASIA ABIA ACCA AROA AIDA AGPA ANPA", 16, 16, { of: "upper" }),
  ...formats("AIza", 35, 35),
  ...formats("GOCSPX-", 28, 28),
  ...formats("ya29", 20, 400, { has_parts: true }),
  ...formats("dop_v1_ doo_v1_ dor_v1_", 64, 64, { of: "hex" }),
  ...formats("LTAI", 12, 24, { of: "alnum" }),
  ...formats("AKID", 32, 32, { of: "alnum" }),
  // Code: GitHub, GitLab, Bitbucket, Atlassian, npm, PyPI, RubyGems, Docker, Vault, Doppler, Postman, Sentry, Linear, Notion.
  ...formats("ghp_ gho_ ghu_ ghs_ ghr_", 36, 251, { of: "alnum" }),
  ...formats("github_pat_", 22, 251),
  ...formats("glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glimt- glagent-", 20, 300, { has_parts: true }),
  ...formats("ATATT3 ATCTT3 ATBB", 24, 300),
  ...formats("npm_", 36, 36, { of: "alnum" }),
  ...formats("pypi-AgEI", 50, 400),
  ...formats("rubygems_", 48, 48, { of: "hex" }),
  ...formats("dckr_pat_ dckr_oat_", 20, 64),
  ...formats("hvs. hvb. hvr. dp.pt.", 24, 300),
  ...formats("PMAK-", 50, 64),
  ...formats("sntrys_ sntryu_", 40, 400),
  ...formats("lin_api_ lin_oauth_", 32, 64, { of: "alnum" }),
  ...formats("ntn_ secret_", 40, 50, { of: "alnum" }),
  // Models: OpenAI, Anthropic and OpenRouter (sk-), Hugging Face, Groq, xAI, Replicate, Perplexity, Fireworks, NVIDIA, LangSmith, Tavily.
  ...formats("sk-", 20, 260),
  ...formats("hf_ api_org_", 34, 40, { of: "alnum" }),
  ...formats("gsk_", 40, 64, { of: "alnum" }),
  ...formats("xai-", 60, 100),
  ...formats("r8_", 36, 40),
  ...formats("pplx-", 40, 64, { of: "alnum" }),
  ...formats("fw_", 20, 40, { of: "alnum" }),
  ...formats("nvapi-", 60, 80),
  ...formats("lsv2_pt_ lsv2_sk_", 32, 64),
  ...formats("tvly-", 28, 64),
  ...formats("pcsk_", 60, 80),
  // Payments and messages: Stripe, Square, PayPal's Braintree, Shopify, Twilio, SendGrid, Mailgun, Mailchimp, Slack, Telegram, Discord.
  ...formats("sk_live_ sk_test_ rk_live_ rk_test_ whsec_", 16, 128, { of: "alnum" }),
  ...formats("sq0atp- sq0csp-", 22, 43),
  ...formats("shpat_ shpca_ shppa_ shpss_", 32, 32, { of: "hex" }),
  ...formats("SK", 32, 32, { of: "hex" }),
  ...formats("SG.", 22, 22, { has_parts: true }),
  ...formats("key-", 32, 32, { of: "hex" }),
  ...formats("xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xapp-", 20, 300, { has_parts: true }),
  ...formats("dapi dkea", 32, 32, { of: "hex" }),
  ...formats("dt0c01.", 24, 24, { has_parts: true }),
  ...formats("glsa_ glc_", 32, 200),
  ...formats("NRAK- NRJS- NRII-", 19, 42),
  ...formats("EAAA", 60, 64),
  ...formats("AGE-SECRET-KEY-1", 58, 58, { of: "upper" }),
  ...formats("shippo_live_ shippo_test_ figd_ fo1_ phx_ phc_ sbp_ vercel_ re_", 24, 80),
];

/** Formats by the first character of a token. A prefix that goes on behind a dot is looked for behind that dot's token. */
const FORMATS_OF = new Map<number, KeyFormat[]>();
for (const format of FORMATS) {
  const first = format.prefix.charCodeAt(0);
  FORMATS_OF.set(first, [...(FORMATS_OF.get(first) ?? []), format]);
}

const DOT = 0x2e;
const DASH = 0x2d;
const UNDERSCORE = 0x5f;
const BACKSLASH = 0x5c;
const PLUS = 0x2b;
const SLASH = 0x2f;
const EQUALS = 0x3d;
const SPACE = 0x20;
const LINE_FEED = 0x0a;

function isToken(code: number): boolean {
  return isAlnum(code) || code === DASH || code === UNDERSCORE;
}

const CLASSES = {
  hex: isHex,
  alnum: isAlnum,
  upper: (code: number) => isUpper(code) || isDigit(code),
} as const;

/** The longest of prefixes with dots. */
const DOTTED_MAX = 8;
/** Parts that a key may have behind dots: so long at most. */
const PARTS_MAX_CHARS = 2048;

/** Finds keys of the known formats. */
export const API_KEY: Recogniser = {
  entities: ["API_KEY"],
  token(scan, start, end) {
    const { text } = scan;
    const from = dottedStart(text, start);
    for (const begin of from < start ? [start, from] : [start]) {
      for (const format of FORMATS_OF.get(text.charCodeAt(begin)) ?? []) {
        if (!text.startsWith(format.prefix, begin) || begin + format.prefix.length > end) continue;
        const rest = begin + format.prefix.length;
        if (rest < start || !fits(text, rest, end, format)) continue;
        const key_end = format.has_parts === true ? partsEnd(text, end) : end;
        scan.add("API_KEY", begin, key_end, 0.97);
        return;
      }
    }
    addBotToken(scan, start, end);
  },
};

const TELEGRAM_MAX_CHARS = 46;
const DISCORD_MAX_CHARS = 80;

/** Tokens of bots are of several parts: Telegram's have the bot's number before a colon, Discord's three parts with dots. */
function addBotToken(scan: Scan, start: number, end: number): void {
  const { text } = scan;
  const telegram = /[0-9]{8,10}:AA[\w-]{33}$/.exec(text.slice(Math.max(0, end - TELEGRAM_MAX_CHARS), end));
  if (telegram !== null && !goesOn(text, end - telegram[0].length))
    scan.add("API_KEY", end - telegram[0].length, end, 0.97);
  const discord = /^[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}(?![\w-])/.exec(
    text.slice(start, start + DISCORD_MAX_CHARS),
  );
  if (discord !== null) scan.add("API_KEY", start, start + discord[0].length, 0.95);
}

/** Where the word before a token's dot starts: "SG." and "hvs." end before the token proper. */
function dottedStart(text: string, start: number): number {
  let from = start;
  while (
    start - from < DOTTED_MAX &&
    (isAsciiLetter(text.charCodeAt(from - 1)) || text.charCodeAt(from - 1) === DOT)
  ) {
    if (isEscape(text, from - 1)) break;
    from--;
  }
  return from;
}

function fits(text: string, rest: number, end: number, { min, max, of }: KeyFormat): boolean {
  if (end - rest < min || end - rest > max) return false;
  if (of === undefined) return isMixed(text.slice(rest, end));
  for (let at = rest; at < end; at++) if (!CLASSES[of](text.charCodeAt(at))) return false;
  return entropy(text.slice(rest, end)) > 2;
}

/** Whether letters and digits are mixed as chance mixes them: words that are joined by dashes, and end in a number, are not. */
function isMixed(token: string): boolean {
  let digits = 0;
  let turns = 0;
  let was_digit = false;
  let was_letter = false;
  for (let at = 0; at < token.length; at++) {
    const code = token.charCodeAt(at);
    const is_digit = isDigit(code);
    const is_letter = isAsciiLetter(code);
    if (is_digit) digits++;
    if ((is_digit && was_letter) || (is_letter && was_digit)) turns++;
    was_digit = is_digit;
    was_letter = is_letter;
  }
  return turns >= 3 && digits >= 3 && entropy(token) >= KEY_ENTROPY_MIN;
}

/** Where the dotted parts behind a token end. */
function partsEnd(text: string, end: number): number {
  const most = Math.min(text.length, end + PARTS_MAX_CHARS);
  let last = end;
  while (last < most && text.charCodeAt(last) === DOT && isToken(text.charCodeAt(last + 1))) {
    last++;
    while (last < most && isToken(text.charCodeAt(last))) last++;
  }
  return last;
}

/** Finds JSON Web Tokens: three parts, the first of which is JSON that names an algorithm. */
export const JWT: Recogniser = {
  entities: ["JWT"],
  token(scan, start, end) {
    const { text } = scan;
    if (!text.startsWith("eyJ", start) || text.charCodeAt(end) !== DOT) return;
    const header = Buffer.from(
      text.slice(start, Math.min(end, start + PARTS_MAX_CHARS)),
      "base64url",
    ).toString("latin1");
    if (!header.includes('"alg"')) return;
    let last = end;
    for (let part = 0; part < 4 && text.charCodeAt(last) === DOT; part++) {
      last++;
      while (isToken(text.charCodeAt(last))) last++;
    }
    if (text.charCodeAt(last - 1) === DOT) last--;
    if (last > end) scan.add("JWT", start, last, 0.99);
  },
};

/** Finds private keys in PEM and PGP blocks, with or without their end, also where line breaks are written as \n. */
export const PRIVATE_KEY: Recogniser = {
  entities: ["PRIVATE_KEY"],
  block(scan, start) {
    const { text } = scan;
    const head = text.slice(start, start + 64);
    const label_end = head.indexOf("-----", 11);
    if (label_end < 0 || !/^-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?$/.test(head.slice(0, label_end)))
      return start;
    let end = start + label_end + 5;
    while (isBlock(text.charCodeAt(end))) end++;
    while (text.charCodeAt(end - 1) === SPACE || text.charCodeAt(end - 1) === 0x0a) end--;
    const tail = text.slice(end, end + 66).match(/^(?:[\s\\nr]{0,4})-----END [A-Z0-9 ]{1,40}-----/);
    if (tail !== null) end += tail[0].length;
    scan.add("PRIVATE_KEY", start, end, 1);
    return end;
  },
};

/** What stands between the ends of a block: Base64, line breaks, headers. */
function isBlock(code: number): boolean {
  if (isAlnum(code)) return true;
  return (
    code === 0x2b ||
    code === 0x2f ||
    code === 0x3d ||
    code === BACKSLASH ||
    code === SPACE ||
    code === 0x0a ||
    code === 0x0d ||
    code === 0x09 ||
    code === 0x3a ||
    code === 0x2c ||
    code === 0x3e
  );
}

/** Bits of a character, by the frequencies of characters in the text. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Last parts of names that passwords are assigned to, and those of longer secrets. */
const PASSWORD_NAMES = new Set(
  "password passwd pwd pass passphrase passcode kennwort passwort contraseña contrasena senha passe secret".split(
    " ",
  ),
);
const KEY_NAMES = new Set(
  "token key apikey secret secretkey accesskey authkey privatekey credential credentials bearer authorization auth sig".split(
    " ",
  ),
);
const NAME_MAX = 40;
const VALUE_MAX = 256;
const TOKEN_MIN = 20;
const PASSWORD_MIN = 5;
const KEY_MIN = 16;
const KEY_ENTROPY_MIN = 3;
/** What stands before a password that a sentence tells, how far before its word may stand, and how long it may be. */
const TOLD = /\s(?:is|be|to|ist|lautet|es|est|è|é)[ :]{1,2}["'`]?$/i;
const TOLD_BEFORE_CHARS = 40;
const TOLD_MAX = 64;

/** Finds what is assigned to names such as `password` and `api_key`, and passwords that a sentence tells. */
export const SECRET: Recogniser = {
  entities: ["SECRET"],
  assignment(scan, sign) {
    const { text } = scan;
    const name = nameBefore(text, sign);
    if (name === "") return;
    const is_password = PASSWORD_NAMES.has(name);
    if (!is_password && !KEY_NAMES.has(name)) return;
    const value_start = valueStart(text, sign + 1);
    const value_end = valueEnd(text, value_start);
    const value = text.slice(value_start, value_end);
    if (isPlaceholder(value)) return;
    const is_quoted = QUOTES.has(text.charCodeAt(value_start - 1));
    if (is_password && isPassword(value, is_quoted)) scan.add("SECRET", value_start, value_end, 0.85);
    else if (isRandom(value)) scan.add("SECRET", value_start, value_end, 0.85);
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
const BEHIND_NAME = codes(" \"'\\]?:");
const AMPERSAND = 0x26;
const PARAMETER = /^&(?:amp;|[A-Za-z_][\w.-]*=)/;
const QUOTES = codes("\"'`");
/** What ends a value without quotes, and what does not belong to its end. */
const VALUE_ENDS = codes(" \t\r\n\"'`,;)}]<>\\");
const VALUE_TRAILERS = codes(".,;?:");

/** The last part of the name before a sign, in lower case: "key" of `OPENAI_API_KEY =` and of `"apiKey":`; empty for none. */
function nameBefore(text: string, sign: number): string {
  let end = sign;
  while (end > 0 && sign - end < 3 && BEHIND_NAME.has(text.charCodeAt(end - 1))) end--;
  let start = end;
  const least = Math.max(0, end - NAME_MAX);
  while (start > least && isLetter(text.charCodeAt(start - 1))) {
    start--;
    if (start < end - 1 && isUpper(text.charCodeAt(start)) && !isUpper(text.charCodeAt(start + 1))) break;
  }
  return text.slice(start, end).toLowerCase();
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

function isRandom(value: string): boolean {
  return value.length >= KEY_MIN && /^[A-Za-z0-9+/=_.~-]+$/.test(value) && isMixed(value);
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
