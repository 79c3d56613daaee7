// Frames: whatever the cuts, the same messages; what is against the rules is a fault.

import { describe, expect, test } from "vitest";
import {
  closeFrame,
  type FrameListener,
  FrameReader,
  messageFrame,
  shortReason,
} from "../../../src/upstream/websocket/frames.ts";

/** A server's frame, written by hand. */
function serverFrame(first: number, payload: Uint8Array | string): Buffer {
  const bytes = Buffer.from(payload);
  const { length } = bytes;
  if (length < 126) return Buffer.concat([Buffer.from([first, length]), bytes]);
  if (length < 65_536) return Buffer.concat([Buffer.from([first, 126, length >> 8, length & 255]), bytes]);
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, bytes]);
}

/** What a reader tells of bytes that come in pieces. */
function read(pieces: readonly Uint8Array[], max_bytes = 1_000_000): string[] {
  const told: string[] = [];
  const listener: FrameListener = {
    onMessage: (is_text, payload) =>
      told.push(`${is_text ? "text" : "binary"} ${Buffer.from(payload).toString("latin1")}`),
    onPing: (payload) => told.push(`ping ${Buffer.from(payload)}`),
    onPong: () => told.push("pong"),
    onClose: (code, reason) => told.push(`close ${code} ${reason}`),
  };
  const reader = new FrameReader(max_bytes);
  for (const piece of pieces) {
    const fault = reader.read(piece, listener);
    if (fault !== null) told.push(`fault ${fault.code}`);
  }
  return told;
}

const STREAM = Buffer.concat([
  serverFrame(0x81, "hello"),
  serverFrame(0x02, "one "),
  serverFrame(0x89, "are you there"),
  serverFrame(0x00, "two "),
  serverFrame(0x8a, ""),
  serverFrame(0x80, "three"),
  serverFrame(0x82, "x".repeat(300)),
  serverFrame(0x81, ""),
  serverFrame(0x88, Buffer.concat([Buffer.from([0x0f, 0xa1]), Buffer.from("bye")])),
]);
const TOLD = [
  "text hello",
  "ping are you there",
  "pong",
  "binary one two three",
  `binary ${"x".repeat(300)}`,
  "text ",
  "close 4001 bye",
];

describe("a server's frames", () => {
  test("are read the same at every cut, and byte by byte", () => {
    for (let cut = 0; cut <= STREAM.length; cut++) {
      expect(read([STREAM.subarray(0, cut), STREAM.subarray(cut)]), `cut at ${cut}`).toEqual(TOLD);
    }
    expect(read(Array.from(STREAM, (_, at) => STREAM.subarray(at, at + 1)))).toEqual(TOLD);
  });

  test("of 64 KiB and more have long lengths", () => {
    const long = "y".repeat(70_000);
    expect(read([serverFrame(0x81, long)])).toEqual([`text ${long}`]);
    expect(read([serverFrame(0x81, "z".repeat(65_535))])).toEqual([`text ${"z".repeat(65_535)}`]);
  });

  test.each([
    ["a reserved bit", Buffer.from([0xc1, 0])],
    ["a mask", Buffer.from([0x81, 0x80, 1, 2, 3, 4])],
    ["an unknown opcode", Buffer.from([0x83, 0])],
    ["an unknown control opcode", Buffer.from([0x8b, 0])],
    ["a control frame in pieces", Buffer.from([0x09, 0])],
    ["a long control frame", serverFrame(0x89, "p".repeat(126))],
    ["a continuation of nothing", Buffer.from([0x80, 0])],
    ["a message within a message", Buffer.concat([serverFrame(0x01, "a"), serverFrame(0x81, "b")])],
    ["a close of one byte", serverFrame(0x88, "x")],
    ["a close code that is never sent", serverFrame(0x88, Buffer.from([0x03, 0xee]))],
  ])("with %s are a fault, and nothing is read behind it", (_, bytes) => {
    const told = read([bytes, serverFrame(0x81, "more")]);
    expect(told.at(-1)).toBe("fault 1002");
    expect(told).not.toContain("text more");
  });

  test("of more than a message may have are refused at their head, over all pieces of a message", () => {
    expect(read([serverFrame(0x81, "x".repeat(11)).subarray(0, 2)], 10)).toEqual(["fault 1009"]);
    expect(read([serverFrame(0x01, "x".repeat(6)), serverFrame(0x80, "x".repeat(5))], 10)).toEqual([
      "fault 1009",
    ]);
    expect(read([Buffer.from([0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255])])).toEqual(["fault 1009"]);
    expect(read([serverFrame(0x01, "12345"), serverFrame(0x80, "67890")], 10)).toEqual(["text 1234567890"]);
  });

  test("of random bytes end in a fault or in messages, and never throw", () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
      return seed / 0x7fff_ffff;
    };
    for (let round = 0; round < 2_000; round++) {
      const bytes = Buffer.from(Array.from({ length: 40 }, () => Math.floor(random() * 256)));
      const cut = Math.floor(random() * 40);
      expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(read([bytes]));
    }
  });
});

describe("a client's frames", () => {
  test.each([0, 1, 2, 3, 4, 5, 125, 126, 127, 65_535, 65_536, 70_001])("of %i bytes are masked", (length) => {
    const payload = Buffer.alloc(length, "abcdefg");
    const frame = Buffer.from(messageFrame(true, payload));
    const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
    expect(frame[0]).toBe(0x81);
    expect(frame[1]! & 0x80).toBe(0x80);
    expect(frame.length).toBe(head + 4 + length);
    const mask = frame.subarray(head, head + 4);
    const plain = frame.subarray(head + 4).map((byte, at) => byte ^ mask[at % 4]!);
    expect(Buffer.from(plain).equals(payload)).toBe(true);
  });

  test("that close carry no code that is never sent, and as much of a reason as fits", () => {
    expect(closeFrame(1006, "broken")).toHaveLength(6);
    expect(closeFrame(1000, "é".repeat(100))).toHaveLength(6 + 2 + 122);
    expect(shortReason("é".repeat(100))).toBe("é".repeat(61));
    expect(shortReason("\ud800")).toBe("\ufffd");
  });
});
