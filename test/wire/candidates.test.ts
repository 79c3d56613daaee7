// Which classes of candidates a text holds, in every implementation: cases of each class, and the law behind them all.
// The law: each class is there exactly if its regular expression matches, wherever it lies and whatever is around it.

import { describe, expect, test } from "vitest";
import { CANDIDATES } from "../../src/wire/candidates.ts";
import { implementations } from "../../src/wire/kernels.ts";
import { seededRandom } from "./json.cases.ts";

type Class = keyof typeof CANDIDATES;

/** Each class as a regular expression over text of which each character is a byte. */
const LAW: Readonly<Record<Class, RegExp>> = {
  at: /@/,
  scheme: /:\/\//,
  digits: /(?:[0-9][ ()+\-./]*){7}/,
  dotted: /[0-9]\.[0-9]/,
  colons: /[0-9a-fA-F]:[0-9a-fA-F]|::/,
  code: /[A-Z]{2}[0-9]{2}/,
  hex_run: /[0-9a-fA-F]{32}/,
  token_run: /[A-Za-z0-9+/_-]{20}/,
  dashes: /-----/,
  escape: /\\u/,
  non_ascii: /[\x80-\xff]/,
};

const CASES: readonly (readonly [text: string, ...classes: Class[]])[] = [
  [""],
  ["Nothing to see here, 123 of 456; or so: it's 7 o'clock (really)."],
  ["mail me: jane@example.com", "at"],
  ["see https://example.com/a", "scheme"],
  ["call +49 (0)30 / 12 34-56", "digits"],
  ["06 12 34 56 78", "digits"],
  ["078-05-1120", "digits"],
  ["4111 1111 1111 1111", "digits"],
  ["at 10.0.0.1 now", "dotted"],
  ["fe80::1 and 00:1a:2b", "colons"],
  ["DE89 3704 0044 0532 0130 00", "code", "digits"],
  ["GB82WEST", "code"],
  ["d41d8cd98f00b204e980a998ecf8427e", "hex_run", "token_run"],
  ["key sk-abcdefghijklmnopqrst", "token_run"],
  ["AKIAIOSFODNN7EXAMPLE", "token_run"],
  ["-----BEGIN", "dashes"],
  ["\\u0040", "escape"],
  ["Zoë", "non_ascii"],
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
      const bytes = Buffer.from("@1.2.3.4@ x @::://");
      expect(kernels.candidates(bytes, 9, 12)).toBe(0);
    });

    test("as by law, in random texts", () => {
      const random = seededRandom(21);
      const alphabets = [
        "0123456789 ()+-./,",
        "0123456789abcdefABCDEF:",
        "Aa1:/@\\u-._+\xe9",
        "abcXYZ019+/_-= ",
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
