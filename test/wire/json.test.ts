// The JSON scanner in TypeScript, the reading of values, and the splicing of what was scanned.
// Laws against JSON.parse: what is read equals what it gives, and what is spliced parses to the changed object.

import { describe, expect, test } from "vitest";
import {
  readInteger,
  readKnownString,
  readNumber,
  readString,
  scanElements,
  scanMembers,
  scanObject,
} from "../../src/wire/json.ts";
import { type Edit, insertMember, splice } from "../../src/wire/splice.ts";
import { describeJsonScanner, OBJECTS, seededRandom, valid } from "./json.cases.ts";

describeJsonScanner("the scanner in TypeScript", { scanMembers, scanElements });

test("scanning works on a view that begins at any offset of its memory", () => {
  const text = '{"model":"gpt-4o-mini","n":[1,2,3],"content":"0123456789 0123456789"}';
  for (let offset = 0; offset < 8; offset++) {
    const memory = new Uint8Array(offset + text.length + 8).fill(0x22);
    memory.set(Buffer.from(text), offset);
    const scan = valid(scanObject(memory.subarray(offset, offset + text.length)));
    expect(readString(scan.bytes, scan.find("model")!)).toBe("gpt-4o-mini");
  }
});

describe("reading values", () => {
  test.each(OBJECTS)("strings and numbers of %j are read as JSON.parse gives them", (text) => {
    const scan = valid(scanObject(Buffer.from(text)));
    for (const [key, value] of Object.entries(JSON.parse(text) as object)) {
      const member = scan.find(key)!;
      expect(readString(scan.bytes, member)).toBe(typeof value === "string" ? value : null);
      expect(readNumber(scan.bytes, member)).toBe(typeof value === "number" ? value : null);
    }
  });

  test("strings of which it is known whether they have escapes are read alike", () => {
    const random = seededRandom(5);
    const pieces = [
      "a",
      "é",
      "中",
      "\\n",
      "\\t",
      '\\"',
      "\\\\",
      "\\/",
      "\\b",
      "\\f",
      "\\r",
      "\\u00e9",
      "\xff",
      "\xe2",
    ];
    for (let round = 0; round < 3_000; round++) {
      const parts = Array.from(
        { length: Math.floor(random() * 20) },
        () => pieces[Math.floor(random() * pieces.length)]!,
      );
      const bytes = Buffer.concat(
        parts.map((part) => Buffer.from(part, part.length === 1 && part >= "\xa0" ? "latin1" : "utf8")),
      );
      const text = Buffer.concat([Buffer.from('{"a":"'), bytes, Buffer.from('"}')]);
      const span = valid(scanObject(text)).find("a")!;
      expect(readKnownString(text, span, bytes.includes("\\"))).toBe(readString(text, span));
    }
    const long = Buffer.from(JSON.stringify({ a: "x\n".repeat(50_000) }));
    const span = valid(scanObject(long)).find("a")!;
    expect(readKnownString(long, span, true)).toBe(readString(long, span));
  });

  test("a byte order mark and ill-formed UTF-8 within a string are read as JSON.parse gives them", () => {
    for (const content of ["\xef\xbb\xbfa", "\xe2\x82", "\xff\\n\xc3", "\xed\xa0\x80"]) {
      const bytes = Buffer.from(`{"a":"${content}"}`, "latin1");
      const scan = valid(scanObject(bytes));
      expect(readString(bytes, scan.find("a")!)).toBe((JSON.parse(bytes.toString()) as { a: string }).a);
    }
  });

  test.each([
    ["2", 2],
    ["2.0", 2],
    ["2e0", 2],
    ["-0", 0],
    ["9007199254740991", 9_007_199_254_740_991],
    ["9007199254740993", null],
    ["2.5", null],
    ["1e999", null],
    ['"2"', null],
    ["null", null],
  ])("%s as an integer is %s", (text, value) => {
    const scan = valid(scanObject(Buffer.from(`{"a":${text}}`)));
    expect(readInteger(scan.bytes, scan.find("a")!)).toBe(value);
  });
});

describe("splicing", () => {
  const text = '{ "model" : "a" , "stream":true,"n":1 }';
  const bytes = Buffer.from(text);
  const scan = valid(scanObject(bytes));
  const joined = (edits: readonly Edit[]) => Buffer.concat(splice(bytes, edits)).toString();
  const replace = (name: string, value: string): Edit => {
    const { start, end } = scan.find(name)!;
    return { start, end, bytes: Buffer.from(value) };
  };

  test("what is not changed stays a view of the original", () => {
    const parts = splice(bytes, [replace("model", '"a longer name"')]);
    expect(parts.map((part) => Buffer.from(part).toString())).toEqual([
      '{ "model" : ',
      '"a longer name"',
      ' , "stream":true,"n":1 }',
    ]);
    expect(parts[0]!.buffer).toBe(bytes.buffer);
    expect(parts[2]!.buffer).toBe(bytes.buffer);
  });

  test("no edit gives the original, and an edit at either end gives no empty part", () => {
    expect(splice(bytes, []).map((part) => Buffer.from(part))).toEqual([Buffer.from(bytes)]);
    const all = { start: 0, end: bytes.length, bytes: Buffer.from("{}") };
    expect(splice(bytes, [all]).map(String)).toEqual(["{}"]);
    expect(splice(bytes, [{ ...all, bytes: Buffer.alloc(0) }])).toEqual([]);
  });

  test("several edits in order give the object with these members changed", () => {
    const result = joined([replace("model", '"b"'), replace("stream", "false"), replace("n", "[2]")]);
    expect(JSON.parse(result)).toEqual({ model: "b", stream: false, n: [2] });
  });

  test("edits that overlap, go backwards or lie outside are refused", () => {
    const wrong = [
      [replace("stream", "1"), replace("model", "1")],
      [replace("model", "1"), replace("model", "1")],
      [{ start: 0, end: bytes.length + 1, bytes }],
      [{ start: 2, end: 1, bytes }],
    ];
    for (const edits of wrong) expect(() => splice(bytes, edits)).toThrow(RangeError);
  });

  test.each(["{}", "{ }", ' {"a":1} ', '{"a":1 }', '{"b":{},"a":[]}\n', '{"a":"}"}'])(
    "a member is added to %j",
    (text) => {
      const original = Buffer.from(text);
      const edit = insertMember(valid(scanObject(original)), 'a"\u00e9', Buffer.from('{"x":true}'));
      const result = Buffer.concat(splice(original, [edit])).toString();
      expect(JSON.parse(result)).toEqual({ ...JSON.parse(text), 'a"\u00e9': { x: true } });
    },
  );

  test("several members may be added, behind one that is replaced", () => {
    const edits = [
      replace("n", "7"),
      insertMember(scan, "x", Buffer.from("1")),
      insertMember(scan, "y", Buffer.from("2")),
    ];
    expect(joined(edits)).toBe('{ "model" : "a" , "stream":true,"n":7,"x":1,"y":2 }');
  });

  test("a member added to a nested object lands within it", () => {
    const outer = Buffer.from('{"stream_options":{ },"n":1}');
    const { start, end } = valid(scanObject(outer)).find("stream_options")!;
    const edit = insertMember(valid(scanMembers(outer, start, end)), "include_usage", Buffer.from("true"));
    expect(Buffer.concat(splice(outer, [edit])).toString()).toBe(
      '{"stream_options":{"include_usage":true },"n":1}',
    );
  });

  test("an added member wins over an equal one before it", () => {
    const edit = insertMember(scan, "model", Buffer.from('"late"'));
    expect(JSON.parse(joined([edit])).model).toBe("late");
  });

  test("replacing any members of random objects changes these and nothing else", () => {
    const random = seededRandom(7);
    for (let round = 0; round < 500; round++) {
      const object: Record<string, unknown> = {};
      const count = Math.floor(random() * 8);
      for (let i = 0; i < count; i++) object[`k${i}\n`] = random() < 0.5 ? [i, { i }] : "text\\".repeat(i);
      const original = Buffer.from(JSON.stringify(object, null, Math.floor(random() * 3)));
      const found = valid(scanObject(original));
      const edits: Edit[] = [];
      for (const key of Object.keys(object)) {
        if (random() < 0.5) continue;
        const { start, end } = found.find(key)!;
        object[key] = round;
        edits.push({ start, end, bytes: Buffer.from(String(round)) });
      }
      object["added"] = null;
      edits.push(insertMember(found, "added", Buffer.from("null")));
      expect(JSON.parse(Buffer.concat(splice(original, edits)).toString())).toEqual(object);
    }
  });
});
