// What every JSON scanner must do, as one suite that is run against each of them.
// The yardstick is the runtime's JSON.parse; published parsing cases and seeded mutations decide what is tried.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { JsonArrayScan, JsonObjectScan, JsonSpan } from "../../src/wire/json.ts";
import type { JsonFault } from "../../src/wire/json_fault.ts";

/** The two functions that a scanner consists of. */
export interface JsonScanner {
  scanMembers(bytes: Uint8Array, start: number, end: number): JsonObjectScan | JsonFault;
  scanElements(bytes: Uint8Array, start: number, end: number): JsonArrayScan | JsonFault;
}

/** Objects of every shape that matters; also what the mutations start from. */
export const OBJECTS: readonly string[] = [
  "{}",
  " {\t}\r\n",
  '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}],"stream":true}',
  '\n{ "a" : 1 , "b" : [ ] , "c" : { } , "d" : [ { "e" : [ [ null ] , { } ] } ] }\n',
  '{"a":-0,"b":-0.0e-0,"c":1E+2,"d":0.5,"e":123456789012345678901234567890,"f":1e999,"g":10}',
  '{"t":true,"f":false,"n":null,"":"empty key"}',
  '{"s":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\uDEAD","long":"0123456789abcdef\\n0123456789abcdef\\\\"}',
  '{"ключ":"знач","鍵":"値","😀":"\u007f\u0080\u2028"}',
  '{"a":1,"b":2,"a":3,"\\u0061":4}',
  '{"__proto__":{"x":1},"constructor":2,"toString":3,"length":4}',
  '{"\\u006dodel":"x","a\\\\b":1,"c\\"d":2}',
  `{"deep":${"[".repeat(20)}${"]".repeat(20)},"text":"${"lorem ipsum ".repeat(12)}"}`,
];

/** Arrays, which are scanned for their elements. */
export const ARRAYS: readonly string[] = [
  "[]",
  "[ 1 ,\t-2.5e+3,[],{},null]",
  '["a",{"b":["c"]},"\\"",[[1],[2]],true]\n',
];

/** Texts that are refused: what they are, where the fault lies, and what it is said to be. */
export const FAULTS: readonly (readonly [text: string, offset: number, reason: string])[] = [
  ["", 0, "expected a value, found the end"],
  ["  ", 2, "expected a value, found the end"],
  ["\ufeff{}", 0, "expected a value, found a byte order mark"],
  ["{", 1, "expected a key in double quotes, found the end"],
  ["{a:1}", 1, 'expected a key in double quotes, found "a"'],
  ["{'a':1}", 1, `expected a key in double quotes, found "'"`],
  ['{"a":1,}', 7, 'expected a key in double quotes, found "}"'],
  ['{,"a":1}', 1, 'expected a key in double quotes, found ","'],
  ['{"a" 1}', 5, 'expected a colon after the key, found "1"'],
  ['{"a"', 4, "expected a colon after the key, found the end"],
  ['{"a":}', 5, 'expected a value, found "}"'],
  ['{"a":1 "b":2}', 7, 'expected a comma or "}", found a double quote'],
  ['{"a":[1 2]}', 8, 'expected a comma or "]", found "2"'],
  ['{"a":[1}', 7, 'expected a comma or "]", found "}"'],
  ['{"a":[1,]}', 8, 'expected a value, found "]"'],
  ['{"a":1', 6, 'expected a comma or "}", found the end'],
  ['{"a":01}', 6, 'expected a comma or "}", found "1"'],
  ['{"a":-}', 6, 'expected a digit of a number, found "}"'],
  ['{"a":1.}', 7, 'expected a digit of a number, found "}"'],
  ['{"a":1e+}', 8, 'expected a digit of a number, found "}"'],
  ['{"a":.5}', 5, 'expected a value, found "."'],
  ['{"a":+5}', 5, 'expected a value, found "+"'],
  ['{"a":NaN}', 5, 'expected a value, found "N"'],
  ['{"a":nul}', 8, 'expected "null", found "}"'],
  ['{"a":tru', 8, 'expected "true", found the end'],
  ['{"a":falsey}', 10, 'expected a comma or "}", found "y"'],
  ['{"a":"b', 7, "the string has no closing quote"],
  ['{"a":"b\\', 7, "the string ends within an escape"],
  ['{"a":"b\nc"}', 7, "control character in a string, found byte 0x0a"],
  ['{"a":"0123456789\u0000"}', 16, "control character in a string, found byte 0x00"],
  ['{"a":"\\x"}', 6, 'unknown escape in a string, found a backslash and then "x"'],
  ['{"a":"\\u12g4"}', 6, "\\u in a string must be followed by four hexadecimal digits"],
  ['{"a":"\\u12', 6, "\\u in a string must be followed by four hexadecimal digits"],
  ["{}{}", 2, 'expected nothing behind the value, found "{"'],
  ["{}\u0000", 2, "expected nothing behind the value, found byte 0x00"],
  ['{"a":1}\u00a0', 7, "expected nothing behind the value, found byte 0xc2"],
];

/** Runs all cases that any scanner must pass, and as many mutations of them. */
export function describeJsonScanner(name: string, scanner: JsonScanner, mutations = 300_000): void {
  const scanObject = (bytes: Uint8Array) => scanner.scanMembers(bytes, 0, bytes.length);

  describe(`${name}: what is found`, () => {
    test.each(OBJECTS)("the members of %j are those that JSON.parse sees", (text) => {
      expect(complaint(scanner, Buffer.from(text))).toBe(null);
      expect(scanObject(Buffer.from(text)).fault).toBe(null);
    });

    test("spans count in the scanned bytes, hold the quotes and end behind the value", () => {
      const scan = valid(scanObject(Buffer.from('{ "a" : "x" , "b":12 }')));
      expect(scan.count).toBe(2);
      expect([...scan]).toEqual([
        { key_start: 2, key_end: 5, start: 8, end: 11, kind: "string" },
        { key_start: 14, key_end: 17, start: 18, end: 20, kind: "number" },
      ]);
      expect(scan.find("b")).toEqual(scan.at(1));
    });

    test("every kind of value is told", () => {
      const scan = valid(
        scanObject(Buffer.from('{"s":"","n":-1,"o":{},"a":[],"t":true,"f":false,"z":null}')),
      );
      expect([...scan].map((member) => member.kind)).toEqual([
        "string",
        "number",
        "object",
        "array",
        "true",
        "false",
        "null",
      ]);
    });

    test("of equal keys the last is found, and all are listed in order", () => {
      const scan = valid(scanObject(Buffer.from('{"a":1,"b":2,"a":3,"\\u0061":4}')));
      expect(scan.find("a")?.start).toBe(28);
      expect(scan.all("a").map((member) => member.start)).toEqual([5, 17, 28]);
      expect(scan.all("c")).toEqual([]);
    });

    test("a key is found by its text, escaped or not", () => {
      const scan = valid(scanObject(Buffer.from('{"\\u006dodel":1,"gr\\u00f6ße":2,"a\\"b":3,"größer":4}')));
      expect(scan.find("model")?.end).toBe(15);
      for (const key of ["model", "größe", 'a"b', "größer"]) expect(scan.find(key)).not.toBe(null);
      for (const key of ["\\u006dodel", "mode", "models", "", "größ"]) expect(scan.find(key)).toBe(null);
    });

    test("the names of what every object inherits are no members", () => {
      const scan = valid(scanObject(Buffer.from('{"a":1}')));
      for (const key of ["__proto__", "constructor", "toString", "length"]) expect(scan.find(key)).toBe(null);
    });

    test("a name that goes on like the text behind the key is no key", () => {
      const scan = valid(scanObject(Buffer.from('{"a":1,"b":2}')));
      for (const key of ['a"', 'a":1', '"a"', 'a":1,"b']) expect(scan.find(key)).toBe(null);
    });

    test("a key that is ill-formed UTF-8 is found as JSON.parse decodes it", () => {
      const scan = valid(scanObject(Buffer.from('{"\xe9":1}', "latin1")));
      expect(scan.find("\ufffd")?.kind).toBe("number");
      expect(scan.find("\xe9")).toBe(null);
    });

    test("a nested object and a nested array are scanned in place", () => {
      const bytes = Buffer.from('{"o":{"x":{"y":1},"z":2},"l":[1,"two",[3],{}]}');
      const outer = valid(scanObject(bytes));
      const { start, end } = outer.find("o")!;
      const inner = valid(scanner.scanMembers(bytes, start, end));
      expect(parsed(bytes, inner.find("x")!)).toEqual({ y: 1 });
      const list = outer.find("l")!;
      const elements = valid(scanner.scanElements(bytes, list.start, list.end));
      expect([...elements].map((element) => parsed(bytes, element))).toEqual([1, "two", [3], {}]);
      expect(elements.count).toBe(4);
    });
  });

  describe(`${name}: what is refused`, () => {
    test.each(FAULTS)("%j fails at byte %d: %s", (text, offset, reason) => {
      expect(() => JSON.parse(text)).toThrow();
      const bytes = Buffer.from(text);
      expect(scanObject(bytes)).toEqual({ fault: "syntax", offset, reason });
      // The same with bytes behind it that would set it right.
      for (const behind of ["0000", "l", "}", '"}', " "]) {
        const longer = Buffer.from(text + behind);
        expect(scanner.scanMembers(longer, 0, bytes.length)).toEqual({ fault: "syntax", offset, reason });
      }
    });

    test.each([
      ["[]", "expected an object, found an array"],
      [' "x"', "expected an object, found a string"],
      ["-1", "expected an object, found a number"],
      ["null", "expected an object, found null"],
      ["true", "expected an object, found true"],
    ])("%s is JSON, but of the wrong kind", (text, reason) => {
      expect(scanObject(Buffer.from(text))).toEqual({
        fault: "wrong_kind",
        offset: text.search(/\S/),
        reason,
      });
    });

    test("an object is the wrong kind where an array is asked for", () => {
      const reason = "expected an array, found an object";
      expect(scanner.scanElements(Buffer.from("{}"), 0, 2)).toEqual({
        fault: "wrong_kind",
        offset: 0,
        reason,
      });
    });

    test("1024 levels are accepted, and the 1025th is refused where it opens", () => {
      const nested = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`;
      const mixed = (levels: number) => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
      for (const text of [nested(1024), mixed(1024)]) expect(scanObject(Buffer.from(text)).fault).toBe(null);
      const reason = "nested deeper than 1024 levels";
      expect(scanObject(Buffer.from(nested(1025)))).toEqual({ fault: "too_deep", offset: 5 * 1024, reason });
      expect(scanObject(Buffer.from(mixed(1025)))).toEqual({ fault: "too_deep", offset: 5 + 1023, reason });
      expect(scanObject(Buffer.from("[".repeat(1_000_000))).fault).toBe("too_deep");
    });

    test("nothing outside the given span is read", () => {
      for (const text of OBJECTS) {
        const inner = Buffer.from(text.trim());
        for (const around of ['"', "\\", "}", "0", " ", "\u0000"]) {
          const bytes = Buffer.concat([Buffer.from(around), inner, Buffer.from(around)]);
          expect(scanner.scanMembers(bytes, 1, 1 + inner.length).fault).toBe(null);
        }
        // The rest of the text stands behind each cut, so whoever reads on finds it whole.
        for (let end = 0; end < inner.length; end++) {
          const fault = scanner.scanMembers(inner, 0, end);
          if (fault.fault !== "syntax" || fault.offset > end) expect.fail(`${text} cut at ${end} passes`);
        }
      }
    });
  });

  describeParsingCases(name, scanner);

  test(`${name}: ${mutations} mutations get the verdict of JSON.parse, and the same members`, () => {
    const random = seededRandom(20_240_229);
    const seeds = [...OBJECTS, ...ARRAYS].map((text) => Buffer.from(text));
    let accepted = 0;
    for (let round = 0; round < mutations; round++) {
      const mutant = mutate(seeds[Math.floor(random() * seeds.length)]!, random);
      const message = complaint(scanner, mutant);
      if (message !== null) expect.fail(`round ${round}: ${message}: ${mutant.toString("latin1")}`);
      if (!isRefused(scanObject(mutant))) accepted++;
    }
    // Both verdicts must be common, or one of them is hardly tested.
    expect(accepted).toBeGreaterThan(mutations / 10);
    expect(accepted).toBeLessThan(mutations * 0.9);
  });
}

// A path, because names of these files hold characters that mean something in a URL.
const parsing_cases = fileURLToPath(new URL("../../../shared/fixtures/_json/test_parsing/", import.meta.url));

/** The 318 files of JSONTestSuite: y_ must pass, n_ must fail, i_ is up to the parser, here to JSON.parse. */
function describeParsingCases(name: string, scanner: JsonScanner): void {
  const is_here = existsSync(parsing_cases);
  const note = is_here ? "" : " (the recorded fixtures are not here)";
  test.skipIf(!is_here)(`${name}: every published parsing case gets its verdict${note}`, () => {
    const files = readdirSync(parsing_cases);
    expect(files.length).toBe(318);
    const wrong: string[] = [];
    for (const file of files) {
      const bytes = readFileSync(parsing_cases + file);
      const message = complaint(scanner, bytes);
      if (message !== null) wrong.push(`${file}: ${message}`);
      const is_accepted = !isRefused(scanner.scanMembers(bytes, 0, bytes.length));
      if (file.startsWith("y_") && !is_accepted) wrong.push(`${file}: refused`);
      if (file.startsWith("n_") && is_accepted) wrong.push(`${file}: accepted`);
    }
    expect(wrong).toEqual([]);
  });
}

/** Whether the text itself is refused; one of the wrong kind is JSON none the less. */
function isRefused(result: JsonObjectScan | JsonArrayScan | JsonFault): boolean {
  return result.fault === "syntax" || result.fault === "too_deep";
}

/** What the scanner gets wrong about these bytes, by JSON.parse; null if nothing. */
function complaint(scanner: JsonScanner, bytes: Buffer): string | null {
  const as_object = scanner.scanMembers(bytes, 0, bytes.length);
  const as_array = scanner.scanElements(bytes, 0, bytes.length);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return isRefused(as_object) && isRefused(as_array) ? null : "accepted, but JSON.parse refuses it";
  }
  if (as_object.fault === "syntax") return `refused at ${as_object.offset}: ${as_object.reason}`;
  const is_array = Array.isArray(value);
  const is_object = typeof value === "object" && value !== null && !is_array;
  if ((as_object.fault === null) !== is_object) return "wrong about being an object";
  if ((as_array.fault === null) !== is_array) return "wrong about being an array";
  if (as_object.fault === null) return objectComplaint(bytes, as_object, value as Record<string, unknown>);
  if (as_array.fault === null) {
    const elements = [...as_array].map((element) => parsed(bytes, element));
    if (JSON.stringify(elements) !== JSON.stringify(value)) return "other elements";
  }
  return null;
}

function objectComplaint(bytes: Buffer, scan: JsonObjectScan, value: Record<string, unknown>): string | null {
  const keys = new Set<string>();
  for (let index = 0; index < scan.count; index++) keys.add(scan.keyAt(index));
  if (JSON.stringify([...keys].sort()) !== JSON.stringify(Object.keys(value).sort())) return "other keys";
  for (const key of keys) {
    const member = scan.find(key);
    if (member === null) return `key ${key} is not found`;
    if (JSON.parse(bytes.toString("utf8", member.key_start, member.key_end)) !== key)
      return `key ${key} lies elsewhere`;
    if (JSON.stringify(parsed(bytes, member)) !== JSON.stringify(value[key]))
      return `${key} has another value`;
    const span = bytes.toString("latin1", member.start, member.end);
    if (/^[ \t\r\n]|[ \t\r\n]$/.test(span)) return `${key} has white space around its value`;
  }
  return null;
}

function parsed(bytes: Buffer, span: JsonSpan): unknown {
  return JSON.parse(bytes.toString("utf8", span.start, span.end));
}

/** Takes the scan out of a result that must not be a fault. */
export function valid<Scan extends { fault: null }>(result: Scan | JsonFault): Scan {
  if (result.fault !== null) expect.fail(result.reason);
  return result as Scan;
}

/** Numbers in [0, 1) that are the same in each run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const TELLING = Buffer.from(
  '{}[]",:\\u0019-+.eE tfnrl\t\n\r\x00\x1f\x7f\xc3\xa9\xe2\xff\xef\xbb\xbf',
  "latin1",
);

/** The bytes with one to three changes, most of them to bytes that mean something in JSON. */
export function mutate(seed: Buffer, random: () => number): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  const edits = 1 + Math.floor(random() * 3);
  for (let i = 0; i < edits; i++) {
    const at = Math.floor(random() * (bytes.length + 1));
    const byte =
      random() < 0.9 ? TELLING[Math.floor(random() * TELLING.length)]! : Math.floor(random() * 256);
    const action = random();
    if (action < 0.35) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at)]);
    else if (action < 0.6) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    else if (action < 0.85 && at < bytes.length) bytes[at] = byte;
    else if (action < 0.95) {
      const from = Math.floor(random() * bytes.length);
      const piece = bytes.subarray(from, from + Math.floor(random() * 12));
      bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    } else bytes = bytes.subarray(0, at);
  }
  return bytes;
}
