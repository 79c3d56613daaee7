// The response parser: each case as a whole, cut everywhere, byte by byte, and mutated at random.
// The law: what comes out does not depend on where the bytes were cut.

import { describe, expect, test } from "vitest";
import { TEXT, TOKEN } from "../../src/upstream/http1/grammar.ts";
import { DEFAULT_PARSER_LIMITS } from "../../src/upstream/http1/parser_limits.ts";
import { ResponseParser } from "../../src/upstream/http1/response_parser.ts";
import { has_recorded_cases, type Outcome, OWN_CASES, recordedCases } from "./http1_parser.cases.ts";

interface Read extends Outcome {
  readonly error: string;
  readonly keep_alive: boolean;
  readonly excess: number;
}

const PREFIXES = ["content-", "x"];

/** All fields, among which those are found by how their names begin. */
function fieldsOf({ headers }: ResponseParser): NonNullable<Outcome["head"]>["fields"] {
  const { fields } = headers;
  const begun = fields.filter(([name]) => PREFIXES.some((prefix) => name.startsWith(prefix)));
  if (!Bun.deepEquals(headers.startingWith(PREFIXES), begun))
    throw new Error("fields are not found by prefix");
  return fields;
}

/** Feeds pieces, each in a buffer of its own, as sockets do. */
function read(pieces: Iterable<Uint8Array>, no_body = false, parser = new ResponseParser()): Read {
  parser.begin(no_body);
  let head: Outcome["head"] = null;
  let body = "";
  let end: Outcome["end"] = "more";
  let excess = 0;
  for (const piece of pieces) {
    if (end === "error") break;
    if (end === "end") {
      excess += piece.length;
      continue;
    }
    parser.feed(piece.slice());
    for (let event = parser.next(); event !== "more"; event = parser.next()) {
      if (event === "head") head = { status: parser.status, fields: fieldsOf(parser) };
      else if (event === "data") body += Buffer.from(parser.data).toString("latin1");
      if (event !== "end" && event !== "error") continue;
      end = event;
      if (event === "end") excess += parser.excess_bytes;
      break;
    }
    // As connections do with what is used up.
    if (end === "more") parser.release();
  }
  if (end === "more" && parser.ends_at_close) end = "until_close";
  return { head, body, end, error: parser.error, keep_alive: head !== null && parser.keep_alive, excess };
}

function* cut(bytes: Uint8Array, ...at: number[]): Generator<Uint8Array> {
  let from = 0;
  for (const to of [...at, bytes.length]) {
    yield bytes.subarray(from, to);
    from = to;
  }
}

function* single(bytes: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i++) yield bytes.subarray(i, i + 1);
}

/** mulberry32: the same numbers each run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function outcome(result: Read): Outcome {
  return { head: result.head, body: result.body, end: result.end };
}

const recorded = recordedCases();
const cases = [...OWN_CASES, ...recorded];

test.skipIf(!has_recorded_cases)("llhttp's cases are beside the checkout, all of them", () => {
  expect(recorded.length).toBe(85);
  const differences = recorded.filter((one) => one.difference !== undefined && one.difference !== "lenient");
  expect(differences.length).toBe(10);
});

describe("a response", () => {
  test.each(cases)("$name", ({ bytes, no_body, expected, difference }) => {
    const result = outcome(read([bytes], no_body));
    // Where llhttp goes on, how far we come is not compared.
    if (difference !== undefined) expect(result.end).toBe(expected.end);
    else if (expected.end === "error" && expected.head === null)
      expect({ ...result, head: null }).toEqual(expected);
    else expect(result).toEqual(expected);
  });

  test.each(cases)("$name: cut anywhere", ({ bytes, no_body }) => {
    const whole = read([bytes], no_body);
    for (let i = 0; i <= bytes.length; i++) expect(read(cut(bytes, i), no_body)).toEqual(whole);
    expect(read(single(bytes), no_body)).toEqual(whole);
  });
});

test("mutated responses never throw, never yield what the grammar forbids, and do not depend on cuts", () => {
  const next = random(20_260_101);
  const pick = (n: number): number => Math.floor(next() * n);
  const alphabet = Buffer.from('\r\n\0 \t:;=,"0123456789abcdefxHTP/chunked\x7f\xff', "latin1");
  const parser = new ResponseParser();
  for (let round = 0; round < 20_000; round++) {
    const { bytes, no_body } = cases[pick(cases.length)]!;
    const mutated = [...bytes];
    for (let changes = 1 + pick(3); changes > 0; changes--) {
      const at = pick(mutated.length);
      const byte = alphabet[pick(alphabet.length)]!;
      mutated.splice(at, pick(2), ...(pick(3) === 0 ? [] : [byte]));
    }
    const input = Uint8Array.from(mutated);
    const whole = read([input], no_body);
    const cuts = [pick(input.length), pick(input.length), pick(input.length)].sort((a, b) => a - b);
    // One parser for all rounds: nothing of a response may survive into the next.
    expect(read(cut(input, ...cuts), no_body, parser)).toMatchObject(outcome(whole));
    for (const [name, value] of whole.head?.fields ?? []) {
      expect([...Buffer.from(name, "latin1")].every((byte) => TOKEN[byte] === 1)).toBe(true);
      expect([...Buffer.from(value, "latin1")].every((byte) => TEXT[byte] === 1)).toBe(true);
    }
    expect(whole.body.length).toBeLessThanOrEqual(input.length);
  }
});

test("random bytes never throw", () => {
  const next = random(7);
  for (let round = 0; round < 2_000; round++) {
    const bytes = Uint8Array.from({ length: 1 + Math.floor(next() * 200) }, () => Math.floor(next() * 256));
    expect(read(single(bytes)).end).toBe(read([bytes]).end);
  }
});

describe("a connection may be kept", () => {
  const kept = (text: string): boolean => read([Buffer.from(text, "latin1")]).keep_alive;
  test.each([
    ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", true],
    ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n", true],
    ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", false],
    ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: Keep-Alive, Close\r\n\r\n", false],
    ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\nconnection: keep-alive\r\n\r\n", false],
    ["HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", false],
    ["HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n", true],
    ["HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\nconnection: close\r\n\r\n", false],
    ["HTTP/1.1 200 OK\r\n\r\n", false],
  ])("%j: %s", (text, expected) => {
    expect(kept(text)).toBe(expected);
  });

  test("as long as keep-alive says", () => {
    const parser = new ResponseParser();
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n";
    read([Buffer.from(`${head}keep-alive: timeout=5, max=100\r\n\r\n`)], false, parser);
    expect(parser.keep_alive_s).toBe(5);
    read([Buffer.from(`${head}keep-alive: max=100, timeout=7\r\n\r\n`)], false, parser);
    expect(parser.keep_alive_s).toBe(7);
    read([Buffer.from(`${head}\r\n`)], false, parser);
    expect(parser.keep_alive_s).toBe(-1);
  });

  test("unless bytes follow the response", () => {
    expect(read([Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxy")]).excess).toBe(1);
  });
});

describe("limits", () => {
  const limits = { ...DEFAULT_PARSER_LIMITS, max_head_bytes: 100, max_fields: 3, max_trailer_bytes: 40 };
  const ends = (text: string): string => {
    const bytes = Buffer.from(text, "latin1");
    const whole = read([bytes], false, new ResponseParser(limits));
    expect(read(single(bytes), false, new ResponseParser(limits))).toEqual(whole);
    return whole.end === "error" ? whole.error : whole.end;
  };
  const head = (length: number): string => {
    const start = "HTTP/1.1 204 OK\r\nx: ";
    return `${start}${"a".repeat(length - start.length - 4)}\r\n\r\n`;
  };
  const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

  test("a head", () => {
    expect(ends(head(100))).toBe("end");
    expect(ends(head(101))).toBe("the head is over 100 bytes");
    expect(ends(head(5_000).slice(0, 4_000))).toBe("the head is over 100 bytes");
  });
  test("fields", () => {
    expect(ends("HTTP/1.1 204 OK\r\na:\r\nb:\r\nc:\r\n\r\n")).toBe("end");
    expect(ends("HTTP/1.1 204 OK\r\na:\r\nb:\r\nc:\r\nd:\r\n\r\n")).toBe("too many fields");
  });
  test("interim responses", () => {
    const interim = "HTTP/1.1 102 Processing\r\n\r\n";
    expect(ends(`${interim.repeat(16)}HTTP/1.1 204 OK\r\n\r\n`)).toBe("end");
    expect(ends(interim.repeat(17))).toBe("too many interim responses");
  });
  test("trailers", () => {
    expect(ends(`${chunked}0\r\na: ${"b".repeat(33)}\r\n\r\n`)).toBe("end");
    expect(ends(`${chunked}0\r\na: ${"b".repeat(34)}\r\n\r\n`)).toBe("the trailers are over 40 bytes");
    expect(ends(`${chunked}0\r\na:\r\nb:\r\nc:\r\nd:\r\n\r\n`)).toBe("too many fields");
  });
  test("extensions of a chunk", () => {
    expect(ends(`${chunked}0;${"b".repeat(1_020)}\r\n\r\n`)).toBe("end");
    expect(ends(`${chunked}0;${"b".repeat(1_024)}\r\n\r\n`)).toBe("the line before a chunk is too long");
  });
});

test("data is told without copying", () => {
  const parser = new ResponseParser();
  parser.begin(false);
  const bytes = Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
  parser.feed(bytes);
  expect(parser.next()).toBe("head");
  expect(parser.next()).toBe("data");
  expect(parser.data.buffer).toBe(bytes.buffer);
});
