// A stream's events as one JSON array: valid however the stream is cut, and at every comma what has come is whole.

import { describe, expect, test } from "vitest";
import { SseArray } from "../../src/wire/sse_array.ts";

const EVENTS = [{ a: "ü😀" }, { b: [1, { c: "]" }] }, { d: "x\n\ny" }];
const STREAM = Buffer.from(
  `: hello\n\ndata: ${JSON.stringify(EVENTS[0])}\r\n\r\n: keep-alive\n\nevent: x\ndata: ${JSON.stringify(EVENTS[1])}\n\ndata: {"d":\ndata: "x\\n\\ny"}\n\n`,
);

function text(...pieces: readonly Uint8Array[]): string {
  return Buffer.concat(pieces).toString();
}

describe("an array of events", () => {
  test("is one, however the stream is cut", () => {
    for (let at = 0; at <= STREAM.length; at++) {
      const array = new SseArray();
      const given = text(array.feed(STREAM.subarray(0, at)), array.feed(STREAM.subarray(at)), array.close());
      expect(JSON.parse(given)).toEqual(EVENTS);
      expect(array.is_broken).toBe(false);
    }
  });

  test("can be read as far as it has come", () => {
    const array = new SseArray();
    let given = "";
    for (const byte of STREAM) {
      given += text(array.feed(Uint8Array.of(byte)));
      const whole: unknown = JSON.parse(given.trim() === "" ? "[]" : `${given}]`);
      expect(EVENTS.slice(0, (whole as unknown[]).length)).toEqual(whole);
    }
  });

  test("of no events is empty", () => {
    const array = new SseArray();
    expect(JSON.parse(text(array.feed(Buffer.from(": quiet\n\n")), array.close()))).toEqual([]);
  });

  test("holds a picture, and says where an event is too long", () => {
    const picture = `data: "${"A".repeat(20_000_000)}"\n\n`;
    const large = new SseArray();
    expect(text(large.feed(Buffer.from(picture)), large.close()).length).toBe(20_000_004);
    const small = new SseArray(1_000);
    small.feed(Buffer.from(`data: 1\n\ndata: "${"A".repeat(500)}`));
    expect(small.is_broken).toBe(false);
    small.feed(Buffer.from("A".repeat(1_000)));
    expect(small.is_broken).toBe(true);
  });
});
