// Which classes of candidates a string holds, in every implementation: cases of each class, and the law behind them all.
// The law: each class is there exactly if its regular expression matches, wherever it lies and whatever is around it.

import { describe, expect, test } from "vitest";
import { CANDIDATES } from "../../src/wire/candidates.ts";
import { implementations } from "../../src/wire/kernels.ts";
import { seededRandom } from "./json.cases.ts";

type Class = keyof typeof CANDIDATES;

/** Each class as a regular expression over text of which each character is a byte. */
const LAW: Readonly<Record<Class, RegExp>> = {
  at: /@|%40/,
  scheme: /:\\*\//,
  digit: /[0-9]/,
  colons: /[0-9a-fA-F]:[0-9a-fA-F]|::/,
  assignment:
    /(?:ord|swd|pwd|pw|ass|ase|ode|ort|[\xc3\xe3][\x91\xb1]a|ena|nha|sse|ret|ken|key|ial|als|rer|ion|uth|sig)[ "'\\\]?:]{0,6}[:=]|[ "'\\\]?:]{7}[:=]|(?-i:-u)/i,
  token_run: /[A-Za-z0-9_-]{16}/,
  dashes: /-----/,
  folded: /[\xd9\xdb\xdf\xe0\xe1\xef]/,
  escape: /\\u/,
  bracket: /\[|\xe3|_[1-9]/,
  backslash: /\\/,
};

const CASES: readonly (readonly [text: string, ...classes: Class[]])[] = [
  [""],
  ["Nothing to see here: it's seven o'clock (really); Größe - “quoted”, café."],
  ["mail me: jane@example.com", "at"],
  ["jane%40example.com", "at", "digit"],
  ["see https://example.com/a", "scheme"],
  ["https:\\/\\/example.com", "scheme", "backslash"],
  ["at 10 now", "digit"],
  ["fe:ab", "colons"],
  ["std::string", "colons"],
  ["password: x", "assignment"],
  ['\\"apiKey\\" = x', "assignment", "backslash"],
  ["PW=x", "assignment"],
  ["Contraseña: x", "assignment"],
  ["curl -u jo:x", "assignment"],
  ["order: x"],
  ["a key, and sentence: x"],
  ["sk-abcdefghijklm", "token_run"],
  ["sk-abcdefghijkl"],
  ["-----BEGIN", "dashes"],
  ["----"],
  ["１", "folded"],
  ["٣", "folded"],
  ["\\u0040", "escape", "digit", "backslash"],
  ["[EMAIL", "bracket"],
  ["【EMAIL", "bracket"],
  ["EMAIL_1", "bracket", "digit"],
  ["call_01", "digit"],
];

function sum(classes: readonly Class[]): number {
  return classes.reduce((bits, name) => bits | CANDIDATES[name], 0);
}

function byLaw(bytes: Uint8Array): number {
  const text = Buffer.from(bytes).toString("latin1");
  return sum((Object.keys(LAW) as Class[]).filter((name) => LAW[name].test(text)));
}

for (const kernels of implementations) {
  const classesOf = (bytes: Uint8Array) => kernels.candidates(bytes, 0, bytes.length);

  describe(`candidates at level ${kernels.level}`, () => {
    test.each(CASES.map(([text, ...classes]) => ({ text, classes })))("$text", ({ text, classes }) => {
      for (const length of [0, 1, 30, 60, 61, 62, 63, 64, 100, 128]) {
        expect(classesOf(Buffer.from("~".repeat(length) + text))).toBe(sum(classes));
        expect(classesOf(Buffer.from(`${"~".repeat(length)}${text}${"~".repeat(70)}`))).toBe(sum(classes));
      }
    });

    test("nothing outside the range counts", () => {
      const bytes = Buffer.from('key:@1a x: o-u%40_1:/ key" =');
      expect(kernels.candidates(bytes, 7, 11)).toBe(0);
      expect(kernels.candidates(bytes, 8, 13)).toBe(0);
      expect(kernels.candidates(bytes, 14, 15)).toBe(0);
      expect(kernels.candidates(bytes, 24, 28)).toBe(0);
    });

    test("as by law, in random texts", () => {
      const random = seededRandom(21);
      const alphabets = [
        "0123456789abcdefABCDEF:",
        "Aa1:/@\\u-_[%40\xe9\xd9\xe3\xef",
        "abcXYZ019_-= ",
        "pwPWdsr:='\" \\]?-u\xc3\xb1a",
      ];
      for (let round = 0; round < 4000; round++) {
        const alphabet = Buffer.from(alphabets[Math.floor(random() * alphabets.length)]!, "latin1");
        // Few of the letters at a time, so that long runs come about.
        const few = 1 + Math.floor(random() * alphabet.length);
        const bytes = Uint8Array.from({ length: Math.floor(random() * 200) }, () =>
          random() < 0.04 ? 0x7e : alphabet[Math.floor(random() * few)]!,
        );
        const got = classesOf(bytes);
        if (got !== byLaw(bytes))
          expect.fail(`${got}, not ${byLaw(bytes)}: ${Buffer.from(bytes).toString()}`);
      }
    });
  });
}
