import { Packr } from "msgpackr";
import { describe, expect, test } from "vitest";
import { BROKEN, FRAME_MAX_BYTES, FrameReader, frameOf } from "../../src/inference/frames.ts";
import { type Request, type Response, readRequest, readResponse } from "../../src/inference/messages.ts";
import { randomIntegers } from "../memory/random.ts";

const VALUES: readonly unknown[] = [
  { id: 1, asked: "cancel" },
  null,
  "x".repeat(300),
  [1, -2, 3.5, { deep: [new Uint8Array([1, 2, 3])] }],
  0,
  new Uint8Array(3_000).fill(7),
];

function framesOf(values: readonly unknown[]): Buffer {
  return Buffer.concat(values.map((value) => frameOf(value)!));
}

/** Bytes as plain lists, so that two kinds of arrays of bytes compare. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
}

/** A length, and what stands behind it. */
function rawFrame(length: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(length);
  return Buffer.concat([head, payload]);
}

describe("frames", () => {
  test("come out as they went in, wherever the bytes are cut", () => {
    const values = VALUES.slice(0, 5);
    const bytes = framesOf(values);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const reader = new FrameReader();
      const found = [...reader.push(bytes.subarray(0, cut)), ...reader.push(bytes.subarray(cut))];
      expect(found.map(plain), `cut at ${cut}`).toEqual(values.map(plain));
    }
  });

  test("come out byte by byte, and in pieces of any length", () => {
    const bytes = framesOf(VALUES);
    const reader = new FrameReader();
    const found = [...bytes].flatMap((byte) => [...reader.push(Uint8Array.of(byte))]);
    expect(found.map(plain)).toEqual(VALUES.map(plain));
    const random = randomIntegers(5);
    for (let round = 0; round < 50; round++) {
      const pieces = new FrameReader();
      const out: unknown[] = [];
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + random(round < 25 ? 40 : 2_000);
        out.push(...pieces.push(bytes.subarray(at, at + size)));
        at += size;
      }
      expect(out.map(plain)).toEqual(VALUES.map(plain));
    }
  });

  test("of a length that cannot be are broken, before any memory is taken for them", () => {
    for (const length of [0, FRAME_MAX_BYTES + 1, 0xffff_ffff]) {
      expect([...new FrameReader().push(rawFrame(length, Buffer.alloc(8)))]).toEqual([BROKEN]);
      const reader = new FrameReader();
      const found = [...rawFrame(length, Buffer.alloc(8))].map((byte) => [
        ...reader.push(Uint8Array.of(byte)),
      ]);
      expect(found[3]).toEqual([BROKEN]);
    }
    expect([...new FrameReader().push(rawFrame(FRAME_MAX_BYTES))]).toEqual([]);
  });

  test("whose content is cut off or is nothing at all are broken", () => {
    const payload = new Packr({ useRecords: false }).pack({ id: 1, text: "some words" });
    for (let size = 1; size < payload.length; size++) {
      expect([...new FrameReader().push(rawFrame(size, payload.subarray(0, size)))]).toEqual([BROKEN]);
    }
  });

  test("that would be too long, or cannot be written, are not made", () => {
    expect(frameOf(new Uint8Array(FRAME_MAX_BYTES + 1))).toBeNull();
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    expect(frameOf(circle)).toBeNull();
  });
});

const bytes = new Uint8Array([1, 2]);
const REQUESTS: readonly Request[] = [
  { id: 3, asked: "cancel" },
  ...(
    [
      { kind: "search", partition: bytes, embedder: "e", text: "t", limit: 3, min_similarity: 0.5 },
      {
        kind: "add",
        partition: bytes,
        embedder: "e",
        id: bytes,
        text: "t",
        model: "m",
        tags: ["a"],
        expires_ms: 9,
      },
      { kind: "observe", partition: bytes, embedder: "e", id: bytes, similarity: 0.9, is_right: false },
      { kind: "remove", filter: { by: "id", id: bytes } },
      { kind: "remove", filter: { by: "partition", partition: bytes } },
      { kind: "remove", filter: { by: "prefix", prefix: bytes } },
      { kind: "remove", filter: { by: "model", model: "m" } },
      { kind: "remove", filter: { by: "tag", tag: "a" } },
      { kind: "block", id: bytes, until_ms: 7 },
      { kind: "embed", embedder: "e", texts: ["a", "b"] },
      { kind: "stats" },
    ] as const
  ).map((asked) => ({ id: 5, deadline_ms: 12, asked })),
];

const RESPONSES: readonly Response[] = [
  { id: 1, fault: "full" },
  { id: 1, answer: { kind: "done", count: 4 } },
  { id: 1, answer: { kind: "vectors", vectors: [bytes] } },
  {
    id: 1,
    answer: {
      kind: "candidates",
      candidates: [
        {
          id: bytes,
          text: "t",
          similarity: 0.7,
          observations: [[0.8, true]],
          created_ms: 1,
          expires_ms: 2,
        },
      ],
    },
  },
];

/** Every value in it in turn replaced by something of another kind. */
function* damaged(value: unknown): Generator<unknown> {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
  for (const [name, part] of Object.entries(value)) {
    const wrongs = typeof part === "string" ? [5, null] : ["wrong", null];
    for (const wrong of wrongs) {
      const copy: Record<string, unknown> = { ...value };
      copy[name] = wrong;
      yield Array.isArray(value) ? Object.values(copy) : copy;
    }
    for (const inner of damaged(part)) {
      const copy: Record<string, unknown> = { ...value, [name]: inner };
      yield Array.isArray(value) ? Object.values(copy) : copy;
    }
  }
}

describe("messages", () => {
  test("are read as they were sent", () => {
    for (const request of REQUESTS) {
      const [value] = new FrameReader().push(frameOf(request)!);
      expect(plain(readRequest(value))).toEqual(plain(request));
    }
    for (const response of RESPONSES) {
      const [value] = new FrameReader().push(frameOf(response)!);
      expect(plain(readResponse(value))).toEqual(plain(response));
    }
  });

  test("with any field of another kind are none", () => {
    let tried = 0;
    for (const request of REQUESTS) {
      for (const wrong of damaged(request)) {
        expect(readRequest(wrong), JSON.stringify(wrong)).toBeNull();
        tried += 1;
      }
    }
    for (const response of RESPONSES) {
      for (const wrong of damaged(response)) {
        expect(readResponse(wrong), JSON.stringify(wrong)).toBeNull();
        tried += 1;
      }
    }
    expect(tried).toBeGreaterThan(100);
    for (const value of [null, undefined, 5, "x", [], {}, { id: 1 }, { id: 1, asked: {} }]) {
      expect(readRequest(value)).toBeNull();
      expect(readResponse(value)).toBeNull();
    }
  });
});
