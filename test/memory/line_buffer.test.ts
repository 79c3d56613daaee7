import { describe, expect, test } from "vitest";
import { LineBuffer } from "../../src/memory/line_buffer.ts";
import { randomIntegers } from "./random.ts";

describe("a line that is written byte by byte", () => {
  test("is what its parts are one after another, whatever they are", () => {
    const random = randomIntegers(23);
    const line = new LineBuffer();
    for (let round = 0; round < 500; round++) {
      line.begin();
      let text = "";
      for (let parts = random(30); parts >= 0; parts--) {
        const kind = random(6);
        const word = kind === 0 ? "äöü €😀"[random(6)]!.toWellFormed() : "abcdefgh".slice(random(8));
        const part = word.repeat(random(random(20) === 0 ? 2_000 : 20));
        const number = kind === 1 ? random(10) ** random(16) : random(1_000_000);
        if (kind < 2) line.number(number);
        else if (kind < 4) line.text(part);
        else line.part(Buffer.from(part));
        text += kind < 2 ? `${number}` : part;
        line.byte(44);
        text += ",";
      }
      expect(line.toString()).toBe(text);
      expect(line.length).toBe(Buffer.byteLength(text));
      line.end();
      const padded = Buffer.from(line.words.buffer, 0, (line.length + 8) & ~7).toString("utf8");
      expect(padded.startsWith(`${text}\n`)).toBe(true);
      expect(padded.slice(text.length)).toMatch(/^\n{1,8}$/);
    }
  });

  test.each([
    ...[0, 9, 10, 99, 100, 999_999_999, 1_000_000_000, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 1_795_681_110_616],
    ...[1e15, Number.MAX_SAFE_INTEGER, 2 ** 53, -1, 0.5, 1e300, Number.NaN],
  ])("has the number %d as it is written", (number) => {
    const line = new LineBuffer();
    line.number(number);
    expect(line.toString()).toBe(String(number));
  });

  test("of any length finds room, and its memory is given back before the next", () => {
    const line = new LineBuffer();
    const long = "x".repeat(5_000_000);
    line.text("a");
    line.text(long);
    line.end();
    expect(line.toString()).toBe(`a${long}`);
    line.begin();
    expect(line.bytes.length).toBeLessThan(100_000);
    line.text("next");
    expect(line.toString()).toBe("next");
  });
});
