// Answers are read the same however the network cuts them, and what is no good answer is called so.

import { describe, expect, test } from "vitest";
import { AnswerReader } from "../../bench/answer.ts";

const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\nDate: today\r\n\r\n{"a":"b"}';
const STREAM =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\ndata: {}\n\nd\r\n13;x=y\r\nata: {"b":"\u00e9"}\n\nda\r\n' +
  "e\r\nta: [DONE]\n\n: \r\n1\r\n\n\r\n0\r\nx-trailer: 1\r\n\r\n";

function read(pieces: readonly Buffer[]) {
  const answer = new AnswerReader();
  for (const piece of pieces) answer.push(piece);
  const { status, is_whole, events, body_bytes, tail, fault } = answer;
  return { status, is_whole, events, body_bytes, tail, fault };
}

describe("an answer", () => {
  test.each([
    [PLAIN, { status: 200, is_whole: true, events: 0, body_bytes: 9, tail: '{"a":"b"}', fault: null }],
    [STREAM, { status: 200, is_whole: true, events: 3, fault: null }],
  ])("is read the same at every cut", (text, expected) => {
    const bytes = Buffer.from(text, "latin1");
    const whole = read([bytes]);
    expect(whole).toMatchObject(expected);
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
    }
    expect(read(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual(whole);
  });

  test.each([
    ["is cut short", PLAIN.slice(0, -1), null, false],
    ["is followed by more", `${PLAIN}x`, "bytes came behind the end", true],
    ["has no length", "HTTP/1.1 200 OK\r\n\r\n", "the answer has no length", true],
    ["is no HTTP", "hello\r\n\r\n", 'this is not HTTP: "hello"', true],
    [
      "has a chunk longer than it says",
      STREAM.replace("b\r\n", "a\r\n"),
      "a chunk is longer than it says",
      null,
    ],
    ["has a chunk without a size", STREAM.replace("b\r\n", "z\r\n"), 'this is no chunk: "z"', null],
  ])("that %s is told", (_, text, fault, is_whole) => {
    const answer = read([Buffer.from(text, "latin1")]);
    expect(answer.fault).toBe(fault);
    if (is_whole !== null) expect(answer.is_whole).toBe(is_whole);
  });

  test("can be followed by another in the same reader", () => {
    const answer = new AnswerReader();
    answer.push(Buffer.from(STREAM, "latin1"));
    answer.reset();
    answer.push(Buffer.from(PLAIN));
    expect([answer.is_whole, answer.events, answer.tail]).toEqual([true, 0, '{"a":"b"}']);
  });
});
