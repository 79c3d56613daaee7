// Texts cut into pieces: nothing is lost, no character is cut, and there are not too many.

import { expect, test } from "vitest";
import { piecesOf } from "../../../src/dialects/openai/pieces.ts";
import { randomIntegers } from "../../memory/random.ts";
import { randomText } from "./random_answer.ts";

test("words keep the space before them, a few to a piece", () => {
  expect(piecesOf("The quick brown fox jumps over it.\n\nTwice.", 1)).toEqual([
    "The quick brown",
    " fox jumps over",
    " it.\n\nTwice.",
  ]);
  expect(piecesOf("short", 1)).toEqual(["short"]);
  expect(piecesOf("", 1)).toEqual([]);
});

test("together they are the text, and none but the last is short", () => {
  const random = randomIntegers(11);
  for (let turn = 0; turn < 2_000; turn++) {
    const text = randomText(random);
    const least = 1 + random(40);
    const pieces = piecesOf(text, least);
    expect(pieces.join("")).toBe(text);
    for (const piece of pieces.slice(0, -1)) expect(piece.length).toBeGreaterThanOrEqual(Math.max(12, least));
    for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(4 * Math.max(12, least) + 33);
  }
});

test("a character is whole, with its marks", () => {
  for (const character of ["😀", "👍🏽", "👩‍👩‍👧‍👦", "é\u0323", "❤️"]) {
    for (let before = 0; before < 60; before++) {
      const pieces = piecesOf("x".repeat(before) + character.repeat(40), 1);
      expect(pieces.length).toBeGreaterThan(1);
      const segmenter = new Intl.Segmenter();
      const characters = pieces.flatMap((piece) =>
        [...segmenter.segment(piece)].map(({ segment }) => segment),
      );
      expect(characters.filter((it) => it !== "x" && it !== character)).toEqual([]);
    }
  }
});

test("a long text of anything is cut in linear time into as few pieces as asked for", () => {
  for (const unit of ["a", "word ", "\u0301", "😀", " ", "\u200d", "漢"]) {
    const text = unit.repeat(4_000_000 / unit.length);
    const started_ms = performance.now();
    const pieces = piecesOf(text, text.length / 2_000);
    expect(pieces.length).toBeLessThanOrEqual(2_001);
    expect(pieces.join("") === text).toBe(true);
    expect(performance.now() - started_ms).toBeLessThan(2_000);
  }
});
