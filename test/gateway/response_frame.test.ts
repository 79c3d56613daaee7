// The frame of a kept response's stream: what the client is told is written in, and everything else goes by as it came, however it is cut.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ResponseFrame } from "../../src/gateway/response_turn.ts";
import { randomIntegers } from "../memory/random.ts";

const VIEW = { id: null, previous_response_id: "resp_before", store: true, repeated: {} };

function framed(pieces: readonly Uint8Array[]): { out: string; last: Record<string, unknown> | null } {
  let last: Record<string, unknown> | null = null;
  const frame = new ResponseFrame(VIEW, (response) => {
    last = JSON.parse(Buffer.from(response).toString()) as Record<string, unknown>;
  });
  const out = pieces.map((piece) => Buffer.from(frame.feed(piece)));
  return { out: Buffer.concat([...out, Buffer.from(frame.close())]).toString("latin1"), last };
}

const response = (status: string) => ({
  ...{
    id: "resp_1",
    status,
    previous_response_id: null,
    store: false,
    output: [{ text: 'a "response" \u{1f600}' }],
  },
});
const event = (data: unknown) => `event: x\ndata: ${JSON.stringify(data)}\n\n`;
const STREAM = [
  event({ type: "response.created", response: response("in_progress") }),
  ": keep-alive\n\n",
  event({ type: "response.output_text.delta", delta: 'the "response" is' }),
  event({ type: "response.output_text.delta", delta: "fine" }),
  event({ type: "response.completed", response: response("completed"), sequence_number: 3 }),
].join("");

describe("a framed stream", () => {
  test("says the same wherever it is cut", () => {
    const bytes = Buffer.from(STREAM);
    const whole = framed([bytes]);
    expect(whole.last).toEqual({
      ...response("completed"),
      previous_response_id: "resp_before",
      store: true,
    });
    expect(whole.out.match(/"previous_response_id":"resp_before","store":true/g)).toHaveLength(2);
    expect(whole.out).toContain(': keep-alive\n\nevent: x\ndata: {"type":"response.output_text.delta"');
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(framed([bytes.subarray(0, cut), bytes.subarray(cut)]), `cut at ${cut}`).toEqual(whole);
    }
    expect(framed(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  test("of anything else is what came", () => {
    const random = randomIntegers(7);
    const words = [
      "data: ",
      "{",
      "}",
      '"response"',
      ":",
      "\n",
      "\n\n",
      "\r\n",
      "event: x\n",
      "é",
      "[1]",
      '"',
    ];
    for (let round = 0; round < 2_000; round++) {
      const text = Array.from({ length: random(30) }, () => words[random(words.length)]!).join("");
      const { out, last } = framed([Buffer.from(text)]);
      expect(last).toBe(null);
      expect(out).toBe(Buffer.from(text).toString("latin1"));
    }
  });

  test("with an event that is too long goes by as it came, and is not kept", () => {
    const long = `data: ${JSON.stringify({ response: { text: "x".repeat(17 * 1024 * 1024) } })}\n\n`;
    const { out, last } = framed([
      Buffer.from(long.slice(0, 100)),
      Buffer.from(long.slice(100)),
      Buffer.from(STREAM),
    ]);
    expect(last).toBe(null);
    expect(out.length).toBe(long.length + Buffer.from(STREAM).length);
  });
});

const FIXTURES = new URL("../../../shared/fixtures/openai/", import.meta.url).pathname;
const there = existsSync(FIXTURES);
if (!there) console.warn("skipped: the recorded traffic (../shared/fixtures) is not here");

test.runIf(there)("recorded streams keep all but what is written in", () => {
  let seen = 0;
  for (const name of readdirSync(FIXTURES, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith("response.body")) continue;
    const body = readFileSync(FIXTURES + name);
    if (!body.includes("event: response.completed")) continue;
    seen += 1;
    const { out, last } = framed([body]);
    const datas = (text: string) =>
      [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as Record<string, unknown>);
    const before = datas(body.toString("latin1")).map((data) =>
      typeof data["response"] === "object"
        ? { ...data, response: { ...data["response"], previous_response_id: "resp_before", store: true } }
        : data,
    );
    expect(datas(out), name).toEqual(before);
    expect(last?.["status"], name).toBe("completed");
  }
  expect(seen).toBeGreaterThan(10);
});
