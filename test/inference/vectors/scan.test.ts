import { describe, expect, test } from "vitest";
import { ExactSet } from "../../../src/inference/vectors/exact_set.ts";
import { Nearest } from "../../../src/inference/vectors/nearest.ts";
import {
  DIMS_MAX,
  packVector,
  SCAN_BATCH,
  VectorMemory,
} from "../../../src/inference/vectors/vector_memory.ts";
import { randomIntegers } from "../../memory/random.ts";
import { clusteredVectors, cosine } from "./random_vectors.ts";

describe("the scan", () => {
  test("has the machine's instructions, and its twin gives the same numbers for any size", () => {
    const random = randomIntegers(11);
    for (const dims of [1, 3, 15, 16, 17, 64, 255, 256, 384, 1536, DIMS_MAX]) {
      const [fast, plain] = [new VectorMemory(dims), new VectorMemory(dims, true)];
      expect([fast.is_fast, plain.is_fast]).toEqual([true, false]);
      const addresses = [fast, plain].map(() => new Uint32Array(40));
      for (let index = 0; index < 40; index++) {
        const packed = new Int8Array(dims).map(() => random(255) - 127);
        addresses[0]![index] = fast.add(packed)!;
        addresses[1]![index] = plain.add(packed)!;
        expect(fast.at(addresses[0]![index]!)).toEqual(packed);
      }
      const query = new Float32Array(dims).map(() => random(2000) - 1000);
      query[0] = 1000;
      expect(fast.setQuery(query)).toBe(true);
      expect(plain.setQuery(query)).toBe(true);
      const scores = [fast.scan(addresses[0]!).slice(), plain.scan(addresses[1]!).slice()];
      expect(scores[0]).toEqual(scores[1]);
      expect(scores[0]!.some((score) => score !== 0)).toBe(true);
    }
  });

  test("does not overflow with the largest numbers that there can be", () => {
    for (const is_plain of [false, true]) {
      const memory = new VectorMemory(DIMS_MAX, is_plain);
      const ones = new Float32Array(DIMS_MAX).fill(1);
      const list = Uint32Array.of(
        memory.add(packVector(ones)!)!,
        memory.add(packVector(ones.map(() => -1))!)!,
      );
      memory.setQuery(ones);
      expect([...memory.scan(list)]).toEqual([2047 * 127 * DIMS_MAX, -2047 * 127 * DIMS_MAX]);
    }
  });

  test("takes nothing that has no direction", () => {
    const memory = new VectorMemory(4);
    for (const vector of [
      [0, 0, 0, 0],
      [Number.NaN, 1, 1, 1],
      [1, Number.POSITIVE_INFINITY, 0, 0],
    ]) {
      expect(packVector(Float32Array.from(vector))).toBeNull();
      expect(memory.setQuery(Float32Array.from(vector))).toBe(false);
    }
  });

  test("the memory grows, and uses again what was given back", () => {
    const memory = new VectorMemory(256);
    const packed = packVector(new Float32Array(256).fill(1))!;
    const addresses = Array.from({ length: 5_000 }, () => memory.add(packed)!);
    const { size_bytes } = memory;
    expect(size_bytes).toBeGreaterThan(5_000 * 256);
    expect(size_bytes).toBeLessThan(5_000 * 256 * 1.6);
    expect(new Set(addresses).size).toBe(5_000);
    for (const address of addresses) memory.remove(address);
    for (let index = 0; index < 5_000; index++) memory.add(packed);
    expect(memory.size_bytes).toBe(size_bytes);
  });
});

describe("an exact set", () => {
  test("finds what a comparison of all with all finds, while vectors come, go and expire", () => {
    const dims = 96;
    const next = clusteredVectors(3, dims, 40);
    const random = randomIntegers(4);
    const set = new ExactSet(new VectorMemory(dims));
    const memory = new VectorMemory(dims);
    const model = new Map<number, { vector: Float32Array; expires_ms: number }>();
    const tested = new ExactSet(memory);
    for (let number = 1; number <= SCAN_BATCH + 900; number++) {
      const vector = next();
      const expires_ms = random(4) === 0 ? 500 : 5_000;
      tested.add(number, packVector(vector)!, expires_ms);
      model.set(number, { vector, expires_ms });
      const gone = 1 + random(number);
      if (random(3) === 0) expect(tested.remove(gone)).toBe(model.delete(gone));
    }
    expect(tested.size).toBe(model.size);
    expect(set.size).toBe(0);
    let best_differs = 0;
    for (let round = 0; round < 100; round++) {
      const query = next();
      memory.setQuery(query);
      const nearest = new Nearest(8, 0.2);
      tested.search(nearest, 1_000, Number.POSITIVE_INFINITY);
      const expected = [...model]
        .filter(([, { expires_ms }]) => expires_ms > 1_000)
        .map(([number, { vector }]) => ({ number, similarity: cosine(query, vector) }))
        .toSorted((a, b) => b.similarity - a.similarity)
        .slice(0, 8);
      for (const [at, { number, similarity }] of nearest.found.entries()) {
        // What a byte loses.
        expect(similarity).toBeCloseTo(cosine(query, model.get(number)!.vector), 2);
        expect(similarity).toBeCloseTo(expected[at]!.similarity, 2);
      }
      if (nearest.found[0]!.number !== expected[0]!.number) best_differs += 1;
    }
    expect(best_differs).toBeLessThanOrEqual(3);
    tested.clear();
    expect(tested.size).toBe(0);
  });

  test("looks at the newest only, if there are more than it may look at", () => {
    const memory = new VectorMemory(16);
    const set = new ExactSet(memory);
    const vector = new Float32Array(16).fill(1);
    for (let number = 1; number <= 100; number++) set.add(number, packVector(vector)!, 10);
    memory.setQuery(vector);
    const nearest = new Nearest(64, 0.5);
    set.search(nearest, 0, 10);
    expect(nearest.found.map(({ number }) => number)).toEqual([91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
  });
});

describe("the nearest", () => {
  test("are the best of what was offered, in order, and never below what was asked for", () => {
    const random = randomIntegers(8);
    for (let round = 0; round < 200; round++) {
      const limit = 1 + random(6);
      const offers = Array.from({ length: random(30) }, (_, number) => ({
        number,
        similarity: random(20) / 20,
      }));
      const nearest = new Nearest(limit, 0.5);
      for (const { number, similarity } of offers) nearest.offer(number, similarity);
      const expected = offers
        .filter(({ similarity }) => similarity >= 0.5)
        .toSorted((a, b) => b.similarity - a.similarity)
        .slice(0, limit);
      expect(nearest.found).toEqual(expected);
    }
  });
});
