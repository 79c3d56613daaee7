// The search for markers, in every implementation: cases, and the law that it agrees with looking at every place.
// In a stream: whatever is passed on before a marker is complete never holds the beginning of one.

import { describe, expect, test } from "vitest";
import { implementations } from "../../src/wire/kernels.ts";
import { MARKERS_MAX, type MarkerSet, markerSet } from "../../src/wire/markers.ts";
import { seededRandom } from "./json.cases.ts";

const PLACEHOLDERS = ["[EMAIL_", "[PHONE_", "[PERSON_", "[IP_"];

const CASES: readonly (readonly [text: string, markers: readonly string[], found: number])[] = [
  ["", PLACEHOLDERS, ~0],
  ["nothing here", PLACEHOLDERS, ~12],
  ["write to [EMAIL_1], please", PLACEHOLDERS, 9],
  ["[EMAIL_", PLACEHOLDERS, 0],
  ["ends with [", PLACEHOLDERS, ~10],
  ["ends with [PERS", PLACEHOLDERS, ~10],
  ["[[[EMAIL_1]", PLACEHOLDERS, 2],
  ["a [link](x) and [PHONIC] [IP", PLACEHOLDERS, ~25],
  ["a list [1] [2] [x]", PLACEHOLDERS, ~18],
  ["[email_1]", PLACEHOLDERS, ~9],
  ["abc", ["abcd", "bc"], ~0],
  ["abce", ["abcd", "bc"], 1],
  ["xa", ["a"], 1],
  ["x", ["a"], ~1],
];

/** The same by definition: every place is looked at, every marker is compared. */
function byDefinition(bytes: Uint8Array, from: number, markers: readonly string[]): number {
  const text = Buffer.from(bytes).toString("latin1");
  for (let at = from; at < text.length; at++) {
    const rest = text.slice(at);
    if (markers.some((marker) => rest.startsWith(marker))) return at;
    if (markers.some((marker) => marker.startsWith(rest))) return ~at;
  }
  return ~text.length;
}

for (const kernels of implementations) {
  const find = (text: string, set: MarkerSet, from = 0) => kernels.findMarker(Buffer.from(text), from, set);

  describe(`finding markers at level ${kernels.level}`, () => {
    test.each(CASES)("in %j for %j: %d", (text, markers, found) => {
      const set = markerSet(markers);
      expect(find(text, set)).toBe(found);
      for (const length of [1, 50, 63, 64, 65, 127, 128, 200]) {
        const padding = "-".repeat(length);
        expect(find(padding + text, set)).toBe(found < 0 ? found - length : found + length);
        expect(find(padding + text, set, length)).toBe(found < 0 ? found - length : found + length);
      }
    });

    test("in either case when case is ignored, and nothing but letters is folded", () => {
      const set = markerSet(["[Email_", "@{"], true);
      for (const text of ["[email_", "[EMAIL_", "[eMaIl_", "@{"]) expect(find(`so: ${text}1]`, set)).toBe(4);
      for (const text of ["[email\x7f", "{email_", "`{", "@["])
        expect(find(`${text}1!`, set)).toBeLessThan(0);
    });

    test("as by definition, in random text of few letters, with any markers", () => {
      const random = seededRandom(11);
      const word = (letters: string, length: number) =>
        Array.from({ length }, () => letters[Math.floor(random() * letters.length)]).join("");
      for (let round = 0; round < 3000; round++) {
        const letters = random() < 0.5 ? "[ab" : "abcdefghijklmnopqrstuvwxyz";
        const markers = Array.from({ length: 1 + Math.floor(random() * 12) }, () =>
          word(letters, 1 + Math.floor(random() * 6)),
        );
        if (random() < 0.5) markers.splice(1);
        const set = markerSet(markers);
        const bytes = Buffer.from(word(letters, Math.floor(random() * 160)));
        const from = Math.floor(random() * (bytes.length + 1));
        expect(kernels.findMarker(bytes, from, set)).toBe(byDefinition(bytes, from, markers));
      }
    });

    test("what a stream may pass on is found the same however it is cut", () => {
      const text = "To [EMAIL_1] and [PHONE_2][IP_3] or [nobody], [";
      const set = markerSet(PLACEHOLDERS);
      for (let cut = 0; cut <= text.length; cut++) {
        const found = find(text.slice(0, cut), set);
        const is_whole = found >= 0;
        const passed = text.slice(0, is_whole ? found : ~found);
        expect(text.indexOf("[EMAIL_")).toBeGreaterThanOrEqual(passed.length);
        if (cut >= 10) expect(is_whole).toBe(true);
      }
    });
  });
}

test("what is no set of markers is refused", () => {
  const wrong = [[], [""], ["é"], ["x".repeat(256)], Array.from({ length: MARKERS_MAX + 1 }, String)];
  for (const markers of wrong) expect(() => markerSet(markers)).toThrow(RangeError);
});
