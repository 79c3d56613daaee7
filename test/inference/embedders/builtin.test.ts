// The built-in embedder against vectors of the scripts that made its weights, and against texts made to hurt.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import {
  BuiltinEmbedder,
  loadBuiltinEmbedder,
  MAX_TOKENS,
  similarity,
} from "../../../src/inference/embedders/builtin/embedder.ts";

const REFERENCE = z.object({
  cases: z.array(
    z.object({ text: z.string(), tokens: z.array(z.int()), count: z.int(), vector: z.array(z.number()) }),
  ),
  similar: z.array(z.object({ a: z.int(), b: z.int(), similarity: z.number() })),
});
const reference = REFERENCE.parse(
  JSON.parse(readFileSync(new URL("./builtin_vectors.json", import.meta.url), "utf8")),
);
const weights_path = new URL("../../../models/embedder/venturi-embed.bin", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "venturi-embedder-"));
/** What sums in 32 bits and five decimal places in the reference's file may be off by. */
const TOLERANCE = 2e-5;
let embedder: BuiltinEmbedder;

beforeAll(() => {
  embedder = loaded(loadBuiltinEmbedder());
});

afterAll(() => rmSync(folder, { recursive: true }));

function loaded(embedder: BuiltinEmbedder | { readonly fault: string }): BuiltinEmbedder {
  if (!(embedder instanceof BuiltinEmbedder)) throw new Error(embedder.fault);
  return embedder;
}

function lengthOf(vector: Float32Array): number {
  return Math.sqrt(similarity(vector, vector));
}

describe("the built-in embedder", () => {
  test.each(reference.cases.map((one) => [JSON.stringify(one.text).slice(0, 40), one] as const))(
    "gives the tokens and the vector of the reference for %s",
    (_, { text, tokens, count, vector }) => {
      expect([...embedder.tokens(text).slice(0, tokens.length)]).toEqual(tokens);
      expect(embedder.tokens(text).length).toBe(count);
      const own = embedder.embed(text);
      vector.forEach((number, at) => {
        expect(Math.abs(own[at]! - number)).toBeLessThan(TOLERANCE);
      });
    },
  );

  test("gives the similarities of the reference before its numbers were rounded to eight bits", () => {
    const vectors = reference.cases.map(({ text }) => embedder.embed(text));
    for (const { a, b, similarity: expected } of reference.similar) {
      expect(Math.abs(similarity(vectors[a]!, vectors[b]!) - expected)).toBeLessThan(0.01);
    }
  });

  test("gives vectors of length 1 and of its dimensions, the same ones every time", () => {
    for (const { text, count } of reference.cases) {
      const vector = embedder.embed(text);
      expect(vector.length).toBe(embedder.dims);
      expect(lengthOf(vector)).toBeCloseTo(count === 0 ? 0 : 1, 5);
      expect(embedder.embed(text)).toEqual(vector);
    }
  });

  test("keeps what is asked together and what is not apart", () => {
    const near = (a: string, b: string) => similarity(embedder.embed(a), embedder.embed(b));
    const same = near("how do i reset my password", "how can I change my password?");
    expect(same).toBeGreaterThan(near("how do i reset my password", "how do i bake bread") + 0.3);
    expect(near("turn the lights on", "please turn the lights on!")).toBeGreaterThan(
      near("turn the lights on", "turn the lights off"),
    );
  });

  test("says which vectors are comparable", () => {
    expect(embedder.name).toMatch(/^builtin-\d+$/);
  });
});

describe("texts made to hurt", () => {
  const MILLION = 1_000_000;
  test.each([
    ["nothing but spaces", " ".repeat(MILLION)],
    ["one word of a million letters", "a".repeat(MILLION)],
    ["a million words", "word ".repeat(MILLION)],
    ["a million marks of punctuation", "!?".repeat(MILLION)],
    ["emoji", "😀👩‍👩‍👧".repeat(MILLION / 10)],
    ["marks that combine with one letter", `a${"\u0301\u0316".repeat(MILLION)}`],
    ["marks in an order that must be changed", `a${"\u0301\u0316\u0345\u0327".repeat(MILLION)}`],
    ["syllables that fall into parts", "각".repeat(MILLION)],
    ["ligatures of four characters", "\ufb03\u1f82\ufdfa".repeat(MILLION)],
    ["lone surrogates", "\ud800a\udc00".repeat(MILLION)],
    ["control characters", "\u0000\u0007\u200b".repeat(MILLION)],
    ["pieces that almost fit", "unbelievablyz".repeat(MILLION / 10)],
  ])("%s", (_, text) => {
    const began_ms = performance.now();
    const vector = embedder.embed(text);
    // A bound far above what it takes: time that grew with the text, or with its square, would be seconds.
    expect(performance.now() - began_ms).toBeLessThan(100);
    expect(vector.every(Number.isFinite)).toBe(true);
    expect(embedder.tokens(text).length).toBeLessThanOrEqual(MAX_TOKENS);
  });

  test("random code units give vectors of numbers", () => {
    let state = 12345;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % below;
    };
    for (let round = 0; round < 300; round++) {
      const units = Array.from({ length: random(200) }, () => random(round % 2 ? 0x10000 : 0x250));
      const vector = embedder.embed(String.fromCharCode(...units));
      expect(vector.every(Number.isFinite)).toBe(true);
      const length = lengthOf(vector);
      expect(length === 0 || Math.abs(length - 1) < 1e-4).toBe(true);
    }
  });
});

describe("files of weights that cannot be used", () => {
  const whole = () => readFileSync(weights_path);
  const faultOf = (bytes: Uint8Array) => {
    const path = join(folder, "weights.bin");
    writeFileSync(path, bytes);
    const result = loadBuiltinEmbedder(path);
    return result instanceof BuiltinEmbedder ? "none" : result.fault;
  };
  const changed = (at: number, byte: number) => {
    const bytes = whole();
    bytes[at] = byte;
    return bytes;
  };

  test("none is there", () => {
    expect(loadBuiltinEmbedder(join(folder, "nowhere"))).toEqual({
      fault: "the embedder's weights cannot be read",
    });
  });

  test("a whole one is taken", () => expect(faultOf(whole())).toBe("none"));

  test.each([
    ["empty", () => new Uint8Array(0), "cut short"],
    ["a header and nothing behind", () => whole().subarray(0, 36), "cut short"],
    ["the last byte missing", () => whole().subarray(0, -1), "cut short"],
    ["a byte too many", () => Buffer.concat([whole(), Buffer.from([0])]), "cut short"],
    ["another kind of file", () => changed(0, 0x7f), "not one of"],
    ["another format", () => changed(8, 9), "format"],
    ["no dimensions", () => changed(16, 0).fill(0, 16, 20), "header"],
    ["more pairs than there can be", () => changed(31, 0xff), "header"],
    ["a pair too few", () => changed(28, whole()[28]! ^ 1), "cut short"],
    ["one bit flipped", () => changed(whole().length - 5, whole().at(-5)! ^ 1), "checksum"],
    ["another vocabulary", () => changed(40, 0xff), "checksum"],
  ])("%s", (_, bytes, fault) => expect(faultOf(bytes())).toContain(fault));
});
