// International bank account numbers: length by country, and mod 97. In one word, or in groups with single spaces or dashes.

import { isIbanCheck } from "./checksums.ts";
import { SUBJECT } from "./context.ts";
import { endsWord, goesOn, isAlnum, isAsciiLetter, isDigit } from "./letters.ts";
import type { Recogniser } from "./scan.ts";

/** Lengths in the registry of ISO 13616, release of 2024. */
const LENGTHS = new Map(
  (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 " +
    "FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 " +
    "MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 " +
    "SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
  )
    .split(" ")
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const SPACE = 0x20;
const DASH = 0x2d;

/** Finds IBANs. */
export const IBAN: Recogniser = {
  entities: ["IBAN"],
  code(scan, start, end) {
    const { text } = scan;
    if (
      end - start < 4 ||
      !isAsciiLetter(text.charCodeAt(start)) ||
      !isAsciiLetter(text.charCodeAt(start + 1))
    )
      return;
    if (!isDigit(text.charCodeAt(start + 2)) || !isDigit(text.charCodeAt(start + 3))) return;
    const length = LENGTHS.get(text.slice(start, start + 2).toUpperCase());
    if (length === undefined || goesOn(text, start)) return;
    const { value, value_end } = readGroups(text, start, length);
    if (value.length !== length || !endsWord(text, value_end)) return;
    if (isIbanCheck(value)) scan.add("IBAN", start, value_end, 0.99);
    // A slip of the pen does not make it anybody else's.
    else scan.add("IBAN", start, value_end, scan.isNear(SUBJECT.account, start, value_end) ? 0.5 : 0.1);
  },
};

/** The `length` letters and digits from `start` on, over single spaces or dashes. */
function readGroups(text: string, start: number, length: number): { value: string; value_end: number } {
  let value = "";
  let at = start;
  while (value.length < length) {
    const code = text.charCodeAt(at);
    if (isAlnum(code)) value += text[at];
    else if ((code !== SPACE && code !== DASH) || !isAlnum(text.charCodeAt(at + 1))) break;
    at++;
  }
  return { value, value_end: at };
}
