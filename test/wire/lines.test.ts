import { expect, test } from "vitest";
import { LineFramer } from "../../src/wire/lines.ts";

function linesOf(chunks: readonly Uint8Array[], limit = 1000): { lines: string[]; fits: boolean } {
  const lines: string[] = [];
  const framer = new LineFramer(limit, (line) => lines.push(Buffer.from(line).toString()));
  let fits = true;
  for (const chunk of chunks) fits = framer.feed(chunk);
  framer.end();
  return { lines, fits };
}

const TEXT = Buffer.from('{"a":1}\n\r\n\n{"b":"é😀"}\r\n{"c":"\\n"}\n{"last":true}');
const LINES = ['{"a":1}', '{"b":"é😀"}', '{"c":"\\n"}', '{"last":true}'];

test("lines, however the bytes are cut", () => {
  expect(linesOf([TEXT]).lines).toEqual(LINES);
  expect(linesOf(Array.from(TEXT, (byte) => Uint8Array.of(byte))).lines).toEqual(LINES);
  for (let one = 0; one <= TEXT.length; one++)
    for (let two = one; two <= TEXT.length; two++)
      expect(linesOf([TEXT.subarray(0, one), TEXT.subarray(one, two), TEXT.subarray(two)]).lines).toEqual(
        LINES,
      );
});

test("a line that is too long ends the framing, in one chunk or in many", () => {
  const long = Buffer.from(`ok\n${"x".repeat(11)}\nlater\n`);
  expect(linesOf([long], 10)).toEqual({ lines: ["ok"], fits: false });
  expect(
    linesOf(
      Array.from(long, (byte) => Uint8Array.of(byte)),
      10,
    ),
  ).toEqual({ lines: ["ok"], fits: false });
  expect(linesOf([Buffer.from(`${"x".repeat(10)}\n`)], 10)).toEqual({ lines: ["x".repeat(10)], fits: true });
});

test("many pieces of one line cost no more than the line", () => {
  const piece = Buffer.from("x".repeat(100));
  let length = 0;
  const framer = new LineFramer(2_000_000, (line) => {
    length = line.length;
  });
  for (let count = 0; count < 10_000; count++) framer.feed(piece);
  framer.feed(Buffer.from("\n"));
  expect(length).toBe(1_000_000);
});
