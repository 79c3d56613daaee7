// A stream is judged as the same answer would be that came whole: however it is cut.

import { describe, expect, test } from "vitest";
import { type AskedFormat, misfitOf } from "../../../../src/privacy/guards/schema/asked_format.ts";
import { FormatStream } from "../../../../src/privacy/guards/schema/format_stream.ts";
import { Work } from "../../../../src/privacy/guards/schema/run.ts";
import { readSchema, type Schema } from "../../../../src/privacy/guards/schema/schema.ts";

const schema = readSchema({
  type: "object",
  properties: { a: { type: "integer" } },
  required: ["a"],
}) as Schema;
const FORMAT: AskedFormat = {
  ...{ endpoint: "/chat/completions", schema, schema_fault: null },
  ...{ wants_object: false, has_tools: false },
};

function chunk(choice: Record<string, unknown>): Buffer {
  return Buffer.from(JSON.stringify({ object: "chat.completion.chunk", choices: [{ index: 0, ...choice }] }));
}

/** Whether a text in pieces is a misfit, and after how many pieces that was told. */
function follow(pieces: readonly string[], format = FORMAT, finish_reason = "stop") {
  let told = 0;
  const stream = new FormatStream(format, () => {
    told += 1;
    return "block";
  });
  let seen = 0;
  for (const content of pieces) {
    stream.see(chunk({ delta: { content } }));
    seen += 1;
    if (stream.is_blocked) break;
  }
  stream.see(chunk({ delta: {}, finish_reason }));
  stream.see(Buffer.from("[DONE]"));
  expect(told).toBe(stream.has_misfit ? 1 : 0);
  return { has_misfit: stream.has_misfit, seen };
}

const TEXTS = [
  '{"a":1}',
  ' {"a": 1 } ',
  '{"a":"1"}',
  '{"b":1}',
  "[1]",
  "{",
  "",
  '{"a":1}}',
  'x{"a":1}',
  '{"a":1e0}',
  '{"a":"\\u00e9"}',
];

describe("a stream", () => {
  test.each(TEXTS)("is what its text is, cut anywhere: %j", (text) => {
    const has_misfit = misfitOf(text, FORMAT, new Work()) !== null;
    for (let cut = 0; cut <= text.length; cut++)
      expect(follow([text.slice(0, cut), text.slice(cut)]).has_misfit).toBe(has_misfit);
    expect(follow([...text]).has_misfit).toBe(has_misfit);
  });

  test("is told to be no JSON at once, but where it may become calls of tools", () => {
    expect(follow([..."Sure: {}"]).seen).toBe(1);
    const with_tools = { ...FORMAT, has_tools: true };
    expect(follow([..."Sure: {}"], with_tools)).toEqual({ has_misfit: true, seen: 8 });
    expect(follow([..."Sure: {}"], with_tools, "tool_calls").has_misfit).toBe(false);
  });

  test("that is cut short is none of what was asked for, and neither is one that is too long", () => {
    expect(follow(['{"a":1}'], FORMAT, "length").has_misfit).toBe(true);
    const long = `"${"x".repeat(600_000)}`;
    expect(follow([long, long.slice(1)]).has_misfit).toBe(true);
  });

  test("without an end of its own is judged at its last event", () => {
    const stream = new FormatStream(FORMAT, () => "go on");
    stream.see(chunk({ delta: { content: '{"a":' } }));
    stream.seeEvents(
      Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"tru"}}]}\n\ndata: [DONE]\n\n'),
    );
    expect(stream.has_misfit).toBe(true);
    expect(stream.is_blocked).toBe(false);
  });

  test("that goes on behind its end, or has no choice at all, is not what was asked for", () => {
    const stream = new FormatStream(FORMAT, () => "block");
    stream.see(chunk({ delta: { content: '{"a":1}' }, finish_reason: "stop" }));
    expect(stream.has_misfit).toBe(false);
    stream.see(chunk({ delta: { content: " " } }));
    expect(stream.is_blocked).toBe(true);
    const empty = new FormatStream(FORMAT, () => "block");
    empty.see(Buffer.from('{"choices":[],"usage":null}'));
    empty.see(Buffer.from("[DONE]"));
    expect(empty.is_blocked).toBe(true);
  });

  test("of any bytes is seen without a fault", () => {
    let state = 5;
    const seen = (data: Uint8Array): FormatStream => {
      const stream = new FormatStream(FORMAT, () => "go on");
      stream.see(data);
      stream.seeEvents(data);
      return stream;
    };
    for (let round = 0; round < 2_000; round++) {
      const bytes = Buffer.alloc(round % 40);
      for (let at = 0; at < bytes.length; at++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        bytes[at] = state >>> 24;
      }
      seen(bytes);
    }
    const odd_content = '{"choices":[null,1,{"delta":1},{"delta":{"content":[1,{"text":2}]}}]}';
    for (const odd of ['{"choices":1}', odd_content, "null"])
      expect(seen(Buffer.from(odd)).has_misfit).toBe(false);
    // What is no JSON may mean something to somebody.
    expect(seen(Buffer.from("{")).has_misfit).toBe(true);
  });
});
