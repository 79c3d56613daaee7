// Where placeholders stand in a whole text: the quick search finds what looking at every character finds.

import { expect, test } from "vitest";
import { Mapping } from "../../src/privacy/mapping.ts";
import {
  eachPlaceholder,
  isWord,
  mayHoldPlaceholder,
  PlaceholderMatcher,
} from "../../src/privacy/placeholder.ts";
import { finish } from "../../src/privacy/steps.ts";
import { randomIntegers } from "../memory/random.ts";

const ENTITIES = ["EMAIL", "US_SSN", "PHONE", "E"];
const PIECES = [
  ..."[]【】［］_＿\\＼ -*`'s1290１０aE",
  "EMAIL",
  "email",
  "US",
  "SSN",
  "ＥＭＡＩＬ",
  "PHONE_",
  "[EMAIL_1]",
  "US_SSN_2",
  "\\[EMAIL\\_1\\]",
  "US\\_SSN\\_12",
  "E_1",
];

function matcher(): PlaceholderMatcher {
  const mapping = new Mapping();
  mapping.admit(ENTITIES);
  return new PlaceholderMatcher(mapping.labels, true);
}

/** By trying every place. */
function everyPlace(text: string): string[] {
  const tried = matcher();
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = tried.match(text, at, false, true, at > 0 && isWord(text.charCodeAt(at - 1)));
    if (end > 0) found.push(`${at}-${end} ${tried.label} ${tried.number}`);
    at = end > 0 ? end : at + 1;
  }
  return found;
}

test("all are found, and nothing else, in texts of chance", () => {
  const random = randomIntegers(14);
  let count = 0;
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: random(16) }, () => PIECES[random(PIECES.length)]!).join("");
    const found: string[] = [];
    finish(
      eachPlaceholder(text, matcher, (start, end, { label, number }) => {
        found.push(`${start}-${end} ${label} ${number}`);
      }),
    );
    expect(found, text).toEqual(everyPlace(text));
    if (found.length > 0) expect(mayHoldPlaceholder(text)).toBe(true);
    count += found.length;
  }
  expect(count).toBeGreaterThan(2_000);
});
