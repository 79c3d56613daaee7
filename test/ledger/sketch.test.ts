// Sketches: as alike as the vectors that they are of, and lines that are told from those of rows.

import { describe, expect, test } from "vitest";
import { readRow } from "../../src/ledger/row_reader.ts";
import {
  PROMPT_BYTES,
  readSketch,
  SKETCH_BITS,
  sketchOf,
  sketchSimilarity,
  writeSketch,
} from "../../src/ledger/sketch.ts";
import { randomFrom } from "./store/rows.ts";

const DIMS = 128;

function unit(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / length);
}

describe("the similarity of two sketches", () => {
  test("is that of their vectors, about", () => {
    const random = randomFrom(3);
    const normal = () => random() + random() + random() + random() - 2;
    const vector = () => Array.from({ length: DIMS }, normal);
    for (const share of [0, 0.3, 0.6, 0.9, 0.99]) {
      let difference = 0;
      const rounds = 60;
      for (let round = 0; round < rounds; round++) {
        const [one, noise] = [unit(vector()), unit(vector())];
        const other = unit(
          Array.from(one, (value, at) => share * value + Math.sqrt(1 - share * share) * noise[at]!),
        );
        const cosine = one.reduce((sum, value, at) => sum + value * other[at]!, 0);
        difference += sketchSimilarity(sketchOf(one), sketchOf(other)) - cosine;
      }
      expect(Math.abs(difference / rounds), `at ${share}`).toBeLessThan(0.04);
    }
  });

  test("is 1 for the same, and -1 for the opposite", () => {
    const vector = unit(Array.from({ length: DIMS }, (_, at) => Math.sin(at + 1)));
    const opposite = vector.map((value) => -value);
    expect(sketchOf(vector)).toHaveLength(SKETCH_BITS / 8);
    expect(sketchSimilarity(sketchOf(vector), sketchOf(vector))).toBe(1);
    expect(sketchSimilarity(sketchOf(vector), sketchOf(opposite))).toBeCloseTo(-1);
  });
});

describe("a line of a sketch", () => {
  const sketch = {
    ...{ time: 1_795_674_319_637, provider: "openai", model: 'odd "name\t' },
    prompt: Buffer.alloc(PROMPT_BYTES, 7),
    sketch: Buffer.alloc(SKETCH_BITS / 8, 0xa5),
  };
  const line = writeSketch(sketch);

  test("comes back, and is no row", () => {
    expect(readSketch(line)).toEqual(sketch);
    expect(readRow(line)).toBe(null);
  });

  test("is none where anything of it is missing or wrong", () => {
    for (let cut = 0; cut < line.length; cut++) expect(readSketch(line.slice(0, cut))).toBe(null);
    for (const wrong of [line.replace("sketch", "x"), line.replace("1795674319637", "-1")])
      expect(readSketch(wrong)).toBe(null);
    expect(readSketch(line.replace('["openai"', '{"openai"'))).toBe(null);
    expect(readSketch(line.replace('"openai"', "1"))).toBe(null);
  });
});
