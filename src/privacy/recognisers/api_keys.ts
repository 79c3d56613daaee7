// Keys by their formats: providers of clouds, code, models, payments and messages have given theirs a beginning and a length, so
// that they can be found.

import { goesOn, isAlnum, isAsciiLetter, isDigit, isEscape, isHex, isToken, isUpper } from "./letters.ts";
import { entropy, isMixed } from "./randomness.ts";
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

const CLASSES = {
  hex: isHex,
  alnum: isAlnum,
  upper: (code: number) => isUpper(code) || isDigit(code),
} as const;

/** The longest of prefixes with dots. */
const DOTTED_MAX = 8;
/** Less is one digit over and over, which stands for a key. */
const ENTROPY_MIN_BITS = 2;
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
  return entropy(text.slice(rest, end)) > ENTROPY_MIN_BITS;
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
