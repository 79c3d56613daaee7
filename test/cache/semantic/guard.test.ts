import { describe, expect, test } from "vitest";
import { ANTONYM_PAIRS } from "../../../src/cache/semantic/antonyms.ts";
import { guard } from "../../../src/cache/semantic/guard.ts";
import { GUARDED_LENGTH_MAX, guardText } from "../../../src/cache/semantic/guard_text.ts";
import { canonicalOf } from "../../../src/cache/semantic/lexicon.ts";
import { randomIntegers } from "../../memory/random.ts";
import { PASSED, STOPPED } from "./pairs.ts";

const stopped = Object.entries(STOPPED).flatMap(([reason, pairs]) =>
  pairs.map((pair) => [reason, ...pair] as const),
);
const passed = Object.entries(PASSED).flatMap(([edit, pairs]) =>
  pairs.map((pair) => [edit, ...pair] as const),
);

describe("the guard", () => {
  test("stops what disagrees", () => {
    expect(stopped.filter(([, one, other]) => guard(one, other).ok)).toEqual([]);
  });

  test("says what disagrees", () => {
    // Some pairs disagree on more than one thing; the table names the one that a reader would.
    const named = stopped.filter(([reason, one, other]) => {
      const verdict = guard(one, other);
      return !verdict.ok && verdict.reason === reason;
    });
    const others = stopped
      .filter((row) => !named.includes(row))
      .map(([reason, one, other]) => [reason, guard(one, other), one, other]);
    expect(named.length / stopped.length, JSON.stringify(others, null, 1)).toBeGreaterThan(0.9);
  });

  test("lets pass what only says it in another way", () => {
    const wrong = passed.map(([edit, one, other]) => [edit, guard(one, other), one, other] as const);
    expect(wrong.filter(([, verdict]) => !verdict.ok)).toEqual([]);
  });

  test("does not mind which text was kept", () => {
    for (const [, one, other] of [...stopped, ...passed])
      expect(guard(other, one)).toEqual(guard(one, other));
    const texts = [...stopped, ...passed].flatMap(([, ...pair]) => pair);
    const random = randomIntegers(5);
    for (let i = 0; i < 5000; i += 1) {
      const [one, other] = [texts[random(texts.length)]!, texts[random(texts.length)]!];
      expect(guard(other, one).ok, `${one} | ${other}`).toBe(guard(one, other).ok);
    }
  });

  test("lets a text pass with itself, whatever it is made of, also when the two only look the same", () => {
    const random = randomIntegers(6);
    const alphabets = [
      "abc de'f ",
      "0123456789.,:-/ ",
      "aβжش的ก한😀\u0301\u200d ",
      "\"'`“”«»()[]{} a",
      "@:/\\.=#_~ab1 ",
      "$€%°+*<>^&| 5",
    ];
    for (let i = 0; i < 3000; i += 1) {
      const alphabet = [...alphabets.join("")].slice(random(20));
      const text = Array.from({ length: random(60) }, () => alphabet[random(alphabet.length)]!).join("");
      expect(guard(text, text).ok).toBe(true);
      // Another string of the same words: equal strings are not looked into.
      expect(guard(text, ` ${text}`).ok, JSON.stringify(text)).toBe(true);
    }
    for (let i = 0; i < 2000; i += 1) {
      const text = String.fromCharCode(...Array.from({ length: random(40) }, () => random(65_536)));
      expect(guard(text, ` ${text}`).ok, JSON.stringify(text)).toBe(true);
    }
  });

  test("compares no text that is too long, unless the two are equal", () => {
    const text = "a ".repeat(GUARDED_LENGTH_MAX);
    expect(guard(text, text).ok).toBe(true);
    expect(guard(text, `${text} `)).toEqual({ ok: false, reason: "length" });
  });

  test("takes time in proportion to a text's length, whatever the text", () => {
    const pieces = [
      "a",
      "a-",
      "a.",
      "a/",
      "'a",
      '"',
      "1",
      "1,",
      "1:",
      "1-",
      "$",
      "not ",
      "to a ",
      "5 ",
      "twenty ",
      "how to ",
      "x@",
      "ab cd ",
      "的",
      "😀",
      "https://a",
      "one hundred and ",
    ];
    const timeOf = (length: number, piece: string): number => {
      const text = piece.repeat(Math.ceil(length / piece.length)).slice(0, length - 2);
      let best_ms = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 7; round += 1) {
        const began_ms = performance.now();
        for (let i = 0; i < 3; i += 1) guard(`${text} a`, `b ${text}`);
        guard(text, text.replaceAll("a", "ä").replaceAll("1", "7"));
        best_ms = Math.min(best_ms, performance.now() - began_ms);
      }
      return best_ms;
    };
    for (const piece of pieces) {
      timeOf(512, piece);
      const short_ms = timeOf(512, piece);
      const long_ms = timeOf(4096, piece);
      // Three comparisons of eight times the length: quadratic work would take 64 times as long, and a quarter of a second.
      expect(long_ms, piece).toBeLessThan(Math.max(24 * short_ms, 100));
    }
  });

  test("no antonym is a synonym, and none opposes itself", () => {
    const same = ANTONYM_PAIRS.filter(([one, other]) => canonicalOf(one) === canonicalOf(other));
    expect(same).toEqual([]);
  });

  test("every antonym alone makes two texts differ", () => {
    const pass = ANTONYM_PAIRS.filter(([one, other]) => guard(`the ${one} zebra`, `the ${other} zebra`).ok);
    expect(pass).toEqual([]);
  });

  test("reads a text once for many comparisons", () => {
    expect(guardText("turn on 2 lights").marks.map(({ key }) => key)).toEqual([
      "turn",
      "turn on",
      "2",
      "light",
    ]);
  });
});
