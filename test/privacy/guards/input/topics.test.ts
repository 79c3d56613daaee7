// Texts cut into pieces, and how near they are to topics.

import { describe, expect, test } from "vitest";
import { nearness, piecesOf, topicAmong, topicOf } from "../../../../src/privacy/guards/input/topics.ts";

describe("the pieces of texts", () => {
  test("are their sentences, and a short text itself as well", () => {
    expect(piecesOf(["One. Two! Three?\nFour"])).toEqual([
      "One. Two! Three?\nFour",
      "One.",
      "Two!",
      "Three?",
      "Four",
    ]);
    expect(piecesOf(["3.14 is pi", "", "  \n ", "二。三！"])).toEqual([
      "3.14 is pi",
      "二。三！",
      "二。",
      "三！",
    ]);
  });

  test("are no longer than they may be, and lose nothing", () => {
    const text = "word ".repeat(500);
    const pieces = piecesOf([text, "x".repeat(1_000)])!;
    expect(pieces.join("")).toBe(text + "x".repeat(1_000));
    for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(300);
  });

  test("are never more than 128: of many, neighbours are joined", () => {
    for (const count of [100, 128, 129, 300, 5_000]) {
      const sentences = Array.from({ length: count }, (_, index) => `Say ${index}.`);
      const pieces = piecesOf([sentences.join("\n")])!;
      expect(pieces.length).toBeLessThanOrEqual(128);
      expect(pieces.join(" ")).toBe(sentences.join(" "));
    }
    expect(piecesOf(["x".repeat(65_537)])).toBeNull();
  });

  test("are found in time that grows with the text, whatever it is", () => {
    const began_ms = performance.now();
    for (const text of [" ".repeat(65_000), ". ".repeat(32_000), ".".repeat(65_000), "\n".repeat(65_000)])
      piecesOf([text]);
    expect(performance.now() - began_ms).toBeLessThan(2_000);
  });
});

describe("a topic", () => {
  const vector = (...values: number[]) => new Float32Array(values);
  const plan = { name: "x", threshold: 0.9, examples: ["a", "b"] };

  test("is near by its nearest example and by the middle of them", () => {
    const topic = topicOf(plan, [vector(1, 0), vector(0, 1)])!;
    expect(topic.middle[0]).toBeCloseTo(Math.SQRT1_2);
    expect(nearness(topic, vector(1, 0))).toBeCloseTo((1 + Math.SQRT1_2) / 2);
    expect(nearness(topic, vector(-1, 0))).toBeCloseTo((0 - Math.SQRT1_2) / 2);
  });

  test("is found where any text reaches its threshold, and never by vectors of another space", () => {
    const one = topicOf(plan, [vector(1, 0)])!;
    const two = topicOf({ ...plan, name: "y" }, [vector(0, 1)])!;
    expect(topicAmong([one, two], [vector(0.6, 0.8), vector(0, 1)])?.name).toBe("y");
    expect(topicAmong([one, two], [vector(0.6, 0.8)])).toBeNull();
    expect(topicAmong([one], [vector(1, 0, 0)])).toBeNull();
    expect(topicOf(plan, [vector(1), vector(1, 0)])).toBeNull();
    expect(topicOf(plan, [])).toBeNull();
  });
});
