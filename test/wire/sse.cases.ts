// What every SSE framer must do, as one suite that is run against each of them.
// The law: however a stream is cut, the same events come out, and their bytes with the rest are the stream.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { SseEvent } from "../../src/wire/sse.ts";
import { seededRandom } from "./json.cases.ts";

/** What a framer is to these tests. */
export interface Framer {
  readonly overflowed: boolean;
  readonly held_bytes: number;
  feed(chunk: Uint8Array): Uint8Array | null;
  end(): SseEvent | null;
}

/** Makes a framer. */
export type MakeFramer = (limit_bytes: number, onEvent: (event: SseEvent) => void) => Framer;

/** Data, name and id of an event, as text of which each character is a byte. */
export type Said = readonly [data: string | null, name: string | null, id: string | null];

/** Streams with what they say: the complete blocks, and what an unfinished block would say at the end. */
export const STREAMS: readonly {
  readonly name: string;
  readonly stream: string;
  readonly said: readonly Said[];
  readonly rest?: Said;
}[] = [
  { name: "an empty stream", stream: "", said: [] },
  { name: "lines that end with LF", stream: "data: a\n\ndata: b\n\n", said: [said("a"), said("b")] },
  {
    name: "lines that end with CRLF",
    stream: "data: a\r\n\r\ndata: b\r\n\r\n",
    said: [said("a"), said("b")],
  },
  { name: "lines that end with CR", stream: "data: a\r\rdata: b\r\r", said: [said("a"), said("b")] },
  {
    name: "line ends of every kind in one stream",
    stream: "data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\rdata: e\r\n\rdata: f\r\r\n",
    said: [said("a\nb\nc"), said("d"), said("e"), said("f")],
  },
  { name: "a byte order mark at the start", stream: "\xef\xbb\xbfdata: a\n\n", said: [said("a")] },
  {
    name: "a second byte order mark, which names no field",
    stream: "\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n",
    said: [said(null)],
  },
  {
    name: "a byte order mark in the middle",
    stream: "data: a\n\n\xef\xbb\xbfdata: b\n\n",
    said: [said("a"), said(null)],
  },
  { name: "a byte order mark and nothing else", stream: "\xef\xbb\xbf", said: [] },
  { name: "half a byte order mark", stream: "\xef\xbbdata: a\n\n", said: [said(null)] },
  { name: "no space behind the colon", stream: "data:a\n\n", said: [said("a")] },
  { name: "two spaces behind the colon", stream: "data:  a \n\n", said: [said(" a ")] },
  { name: "a field without a colon", stream: "data\n\n", said: [said("")] },
  { name: "a field without a value", stream: "data:\n\n", said: [said("")] },
  {
    name: "empty lines of data",
    stream: "data\ndata\n\ndata:\ndata: x\ndata:\n\n",
    said: [said("\n"), said("\nx\n")],
  },
  { name: "a name and an id", stream: "event: ping\nid: 7\ndata: {}\n\n", said: [said("{}", "ping", "7")] },
  {
    name: "fields in any order, the last of each",
    stream: "id: 1\ndata: a\nevent: x\nid: 2\nevent: y\n\n",
    said: [said("a", "y", "2")],
  },
  {
    name: "an empty name and an empty id",
    stream: "event: x\nevent\nid\ndata: a\n\n",
    said: [said("a", null, "")],
  },
  {
    name: "an id with a null, which is ignored",
    stream: "id: 1\nid: 2\x003\ndata: a\n\n",
    said: [said("a", null, "1")],
  },
  {
    name: "a name without data",
    stream: "event: ping\n\ndata: a\n\n",
    said: [said(null, "ping"), said("a")],
  },
  {
    name: "comments alone and between fields",
    stream: ": hello\n\n:\n:x\ndata: a\n: no\ndata: b\n\n",
    said: [said(null), said("a\nb")],
  },
  {
    name: "unknown fields",
    stream: "retry: 10\ndatum: x\ndat: y\nData: z\n data: w\ndata : v\n\n",
    said: [said(null)],
  },
  {
    name: "blank lines between and before",
    stream: "\n\r\n\rdata: a\n\n\n\n\ndata: b\n\n",
    said: [said("a"), said("b")],
  },
  { name: "blank lines at the end", stream: "data: a\n\n\n\r\n", said: [said("a")] },
  {
    name: "an unfinished block",
    stream: "data: a\n\nevent: x\ndata: b\n",
    said: [said("a")],
    rest: said("b", "x"),
  },
  {
    name: "an unfinished line",
    stream: 'data: a\n\nevent: x\ndata: {"b',
    said: [said("a")],
    rest: said('{"b', "x"),
  },
  { name: "an unfinished line that might be anything", stream: "da", said: [] },
  {
    name: "text beyond ASCII",
    stream: utf8("data: 東京 – ß 😀\n\ndata: é\n\n"),
    said: [said(utf8("東京 – ß 😀")), said(utf8("é"))],
  },
  {
    name: "what only looks like a line end in Unicode",
    stream: utf8("data: a\u2028b\u0085c\v\fd\n\n"),
    said: [said(utf8("a\u2028b\u0085c\v\fd"))],
  },
  {
    name: "a chat stream",
    stream: 'data: {"a":1}\n\ndata: {"a":2}\n\ndata: [DONE]\n\n',
    said: [said('{"a":1}'), said('{"a":2}'), said("[DONE]")],
  },
];

const NO_LIMIT_BYTES = 1 << 30;
const SILENCE: Said = [null, null, null];

/** Runs all cases that any framer must pass. */
export function describeSseFramer(name: string, makeFramer: MakeFramer): void {
  describe(`${name}: what is found`, () => {
    test.each(STREAMS)(
      "$name, cut at every position or three, and byte by byte",
      ({ stream, said, rest }) => {
        const bytes = Buffer.from(stream, "latin1");
        const expected = { said, rest: rest ?? SILENCE };
        expect(reference(bytes)).toEqual(expected);
        expect(frame(makeFramer, [bytes])).toEqual(expected);
        expect(frame(makeFramer, bytewise(bytes))).toEqual(expected);
        for (let i = 0; i <= bytes.length; i++) {
          expect(frame(makeFramer, [bytes.subarray(0, i), bytes.subarray(i)])).toEqual(expected);
          for (let k = i; k <= bytes.length; k++) {
            const cuts = [bytes.subarray(0, i), bytes.subarray(i, k), bytes.subarray(k)];
            const result = frame(makeFramer, cuts);
            if (!same(result, expected)) expect(result, `cut at ${i} and ${k}`).toEqual(expected);
          }
        }
      },
    );

    test("random streams give the events of the reference, and no byte is lost", () => {
      const random = seededRandom(1_109);
      const pieces = [
        "\n",
        "\n",
        "\r\n",
        "\r",
        "data",
        "data:",
        "data: ",
        "event: ",
        "id:",
        ":",
        " ",
        "\xef\xbb\xbf",
        "x",
        "\0",
        "é",
      ];
      for (let round = 0; round < 30_000; round++) {
        let stream = "";
        const count = Math.floor(random() * 24);
        for (let i = 0; i < count; i++) {
          stream +=
            random() < 0.9
              ? pieces[Math.floor(random() * pieces.length)]
              : String.fromCharCode(random() * 256);
        }
        const bytes = Buffer.from(stream, "latin1");
        const chunks: Buffer[] = [];
        for (let pos = 0; pos < bytes.length; ) {
          const next = pos + Math.floor(random() * 9);
          chunks.push(bytes.subarray(pos, next));
          pos = next;
        }
        const result = frame(makeFramer, chunks);
        const expected = reference(bytes);
        if (!same(result, expected)) expect(result, JSON.stringify(stream)).toEqual(expected);
      }
    });

    test("a megabyte that drips in byte by byte takes linear time", () => {
      const bytes = Buffer.from(`data: ${"x".repeat(1_000_000)}\n\n`);
      let data_bytes = 0;
      const framer = makeFramer(NO_LIMIT_BYTES, (event) => {
        data_bytes += event.data!.length;
      });
      for (let i = 0; i < bytes.length; i++) framer.feed(bytes.subarray(i, i + 1));
      expect(data_bytes).toBe(1_000_000);
      expect(framer.held_bytes).toBe(0);
    });
  });

  describe(`${name}: when and in whose memory`, () => {
    test("an event is complete at the CR of its blank line, and the LF opens the next", () => {
      const events: SseEvent[] = [];
      const framer = makeFramer(NO_LIMIT_BYTES, (event) => events.push(event));
      framer.feed(Buffer.from("data: a\r\n\r"));
      expect(events.map((event) => text(event.raw))).toEqual(["data: a\r\n\r"]);
      framer.feed(Buffer.from("\ndata: b\r\n\r\n"));
      expect(events.map((event) => text(event.raw))).toEqual(["data: a\r\n\r", "\ndata: b\r\n\r\n"]);
    });

    test("the bytes of an event hold the blank lines, comments and line ends around it", () => {
      const raws: (string | null)[] = [];
      const framer = makeFramer(NO_LIMIT_BYTES, (event) => raws.push(text(event.raw)));
      framer.feed(Buffer.from("\n: c\n\n\nid: 1\ndata: a\n\ndata: b\r\n\r\n\r\n"));
      expect(raws).toEqual(["\n: c\n\n", "\nid: 1\ndata: a\n\n", "data: b\r\n\r\n"]);
      expect(framer.held_bytes).toBe(2);
    });

    test("an event within one chunk is a view of the chunk", () => {
      const chunk = Buffer.from("event: x\nid: 1\ndata: abc\n\ndata: d\n\n");
      const framer = makeFramer(NO_LIMIT_BYTES, (event) => {
        for (const view of [event.raw, event.data, event.name, event.id]) {
          if (view !== null) expect(view.buffer).toBe(chunk.buffer);
        }
      });
      framer.feed(chunk);
      expect.assertions(6);
    });

    test("a chunk may be overwritten when its events have been taken, and events stay what they are", () => {
      const stream = Buffer.from(
        "event: x\ndata: first\ndata: line\nid: 9\n\n: c\n\ndata: second\n\ndata: rest",
      );
      for (let size = 1; size < stream.length; size++) {
        const memory = Buffer.alloc(size);
        const kept: { data: Uint8Array | null; text: string }[] = [];
        const seen: Said[] = [];
        const framer = makeFramer(NO_LIMIT_BYTES, (event) => {
          seen.push(sayingOf(event));
          // An event that was cut owns its memory, so it outlives every chunk.
          if (event.raw.buffer !== memory.buffer)
            kept.push({ data: event.data, text: text(event.data) ?? "" });
        });
        for (let pos = 0; pos < stream.length; pos += size) {
          const length = stream.copy(memory, 0, pos, pos + size);
          framer.feed(memory.subarray(0, length));
          memory.fill(0x0a);
        }
        expect(seen).toEqual([said("first\nline", "x", "9"), said(null), said("second")]);
        for (const { data, text: before } of kept) expect(text(data) ?? "").toBe(before);
        expect(text(framer.end()!.data)).toBe("rest");
      }
    });
  });

  describe(`${name}: the limit`, () => {
    const small = "data: a\n\n";
    const exact = `data: ${"x".repeat(24)}\n\n`;
    const stream = Buffer.from(`${small}${exact}data: ${"y".repeat(25)}\n\n${small}`);

    test("a block of exactly the limit passes, and one byte more ends the framing, however it is cut", () => {
      for (let size = 1; size <= stream.length; size++) {
        const out: Uint8Array[] = [];
        const framer = makeFramer(32, (event) => out.push(event.raw));
        let given_up = 0;
        for (let pos = 0; pos < stream.length; pos += size) {
          const was_overflowed = framer.overflowed;
          const rest = framer.feed(stream.subarray(pos, pos + size));
          if (rest !== null) out.push(rest);
          expect(rest !== null).toBe(framer.overflowed);
          if (framer.overflowed && !was_overflowed) given_up++;
        }
        expect(given_up).toBe(1);
        expect(framer.held_bytes).toBe(0);
        expect(framer.end()).toBe(null);
        expect(out.slice(0, 2).map(text)).toEqual([small, exact]);
        expect(Buffer.concat(out).equals(stream)).toBe(true);
      }
    });

    test("what is held never exceeds the limit, and no byte of a random stream is lost", () => {
      const random = seededRandom(5);
      const alphabet = Buffer.from("\n\n\r:dat x");
      for (let round = 0; round < 5_000; round++) {
        const bytes = Buffer.alloc(Math.floor(random() * 200));
        for (let i = 0; i < bytes.length; i++) bytes[i] = alphabet[Math.floor(random() * alphabet.length)]!;
        const out: Uint8Array[] = [];
        const limit_bytes = Math.floor(random() * 24);
        const framer = makeFramer(limit_bytes, (event) => out.push(event.raw));
        for (let pos = 0; pos < bytes.length; ) {
          const next = pos + 1 + Math.floor(random() * 20);
          const rest = framer.feed(bytes.subarray(pos, next));
          if (rest !== null) out.push(rest);
          if (framer.held_bytes > limit_bytes) expect.fail("more is held than the limit");
          pos = next;
        }
        const last = framer.end();
        if (last !== null) out.push(last.raw);
        if (!Buffer.concat(out).equals(bytes))
          expect.fail(`bytes lost: ${JSON.stringify(bytes.toString("latin1"))}`);
      }
    });
  });

  describeRecordings(name, makeFramer);
}

const fixtures = fileURLToPath(new URL("../../../shared/fixtures/", import.meta.url));

/**
 * Every recorded stream of a provider, at every cut position if it is short, else at some hundreds spread
 * over it.
 */
function describeRecordings(name: string, makeFramer: MakeFramer): void {
  const is_here = existsSync(`${fixtures}index.jsonl`);
  const note = is_here ? "" : " (the recorded fixtures are not here)";
  test.skipIf(!is_here)(`${name}: recorded streams give the same events at every cut${note}`, () => {
    const cases = readFileSync(`${fixtures}index.jsonl`, "utf8").trim().split("\n");
    const recorded = cases.map((line) => JSON.parse(line) as { case: string; kind: string });
    const streams = recorded.filter((entry) => entry.kind === "sse");
    expect(streams.length).toBe(215);
    let events = 0;
    for (const entry of streams) {
      const bytes = readFileSync(`${fixtures}${entry.case}/response.body`);
      const expected = reference(bytes);
      events += expected.said.length;
      expect(frame(makeFramer, [bytes]), entry.case).toEqual(expected);
      const check = (chunks: Uint8Array[], how: string) => {
        if (!same(frame(makeFramer, chunks), expected)) expect.fail(`${entry.case} ${how}`);
      };
      check(bytewise(bytes), "byte by byte");
      const step = bytes.length <= 4096 ? 1 : Math.ceil(bytes.length / 200);
      for (let i = 1; i < bytes.length; i += step) {
        check([bytes.subarray(0, i), bytes.subarray(i)], `cut at ${i}`);
      }
    }
    expect(events).toBeGreaterThan(5_000);
  });
}

/**
 * All that a framer says about these chunks. Fails if the bytes of the events and the rest are not the input.
 */
function frame(makeFramer: MakeFramer, chunks: readonly Uint8Array[]): { said: Said[]; rest: Said } {
  const raws: Uint8Array[] = [];
  const all: Said[] = [];
  const framer = makeFramer(NO_LIMIT_BYTES, (event) => {
    raws.push(event.raw);
    all.push(sayingOf(event));
  });
  for (const chunk of chunks) {
    if (framer.feed(chunk) !== null) expect.fail("given up without a limit");
  }
  const last = framer.end();
  if (last !== null) raws.push(last.raw);
  if (!Buffer.concat(raws).equals(Buffer.concat(chunks)))
    expect.fail("the bytes of the events are not the input");
  return { said: all, rest: last === null ? SILENCE : sayingOf(last) };
}

/** The standard word for word: slow, on the whole text, one line after the other. */
function reference(bytes: Buffer): { said: Said[]; rest: Said } {
  const lines = bytes
    .toString("latin1")
    .replace(/^\xef\xbb\xbf/, "")
    .split(/\r\n|\n|\r/);
  const unfinished = lines.pop()!;
  const all: Said[] = [];
  let block: string[] = [];
  for (const line of lines) {
    if (line !== "") block.push(line);
    else if (block.length > 0) {
      all.push(interpret(block));
      block = [];
    }
  }
  return { said: all, rest: interpret([...block, unfinished]) };
}

function interpret(lines: readonly string[]): Said {
  let data: string | null = null;
  let name = "";
  let id: string | null = null;
  for (const line of lines) {
    const [, field, value] = /^([^:]*)(?:: ?)?(.*)$/s.exec(line)!;
    if (field === "data") data = data === null ? value! : `${data}\n${value}`;
    if (field === "event") name = value!;
    if (field === "id" && !value!.includes("\0")) id = value!;
  }
  return [data, name === "" ? null : name, id];
}

function same(left: { said: Said[]; rest: Said }, right: { said: readonly Said[]; rest: Said }): boolean {
  if (left.said.length !== right.said.length) return false;
  return (
    left.said.every((one, i) => one.every((part, k) => part === right.said[i]![k])) &&
    left.rest.every((part, k) => part === right.rest[k])
  );
}

function said(data: string | null, name: string | null = null, id: string | null = null): Said {
  return [data, name, id];
}

function sayingOf(event: SseEvent): Said {
  return [text(event.data), text(event.name), text(event.id)];
}

function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function utf8(characters: string): string {
  return Buffer.from(characters).toString("latin1");
}

function bytewise(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}
