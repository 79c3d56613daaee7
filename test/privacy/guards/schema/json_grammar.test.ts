// What JSON.parse takes is JSON, and nothing else is: however the text is cut, and as early as can be.

import { describe, expect, test } from "vitest";
import { JSON_DEPTH_MAX, JsonGrammar } from "../../../../src/privacy/guards/schema/json_grammar.ts";

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether pieces make up JSON, and the number of characters that had come when it was clear that they do not. */
function follow(pieces: readonly string[]): { readonly is_json: boolean; readonly broken_at: number | null } {
  const grammar = new JsonGrammar();
  let chars = 0;
  for (const piece of pieces) {
    chars += piece.length;
    if (!grammar.push(piece)) return { is_json: false, broken_at: chars };
  }
  return { is_json: grammar.end(), broken_at: null };
}

/** Numbers in [0, 1), the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const TEXTS = [
  ...[
    "",
    " ",
    "0",
    "-0",
    "-",
    "01",
    "1.",
    ".5",
    "1.5e",
    "1e+",
    "1E-07",
    "-1.25e+10",
    "1e5 ",
    "0x1",
    "+1",
    "00",
  ],
  ...[
    "1 2",
    "--1",
    "true",
    "tru",
    "truee",
    "nul",
    "null",
    "False",
    "NaN",
    "Infinity",
    "undefined",
    '"',
    '""',
  ],
  ...[
    '"a',
    '"\\u00e9"',
    '"\\u00g9"',
    '"\\u00"',
    '"\\x"',
    '"\\"',
    '"\\\\"',
    '"\\/\\b\\f\\n\\r\\t"',
    '"\t"',
    '"\n"',
  ],
  ...[
    '"\u007f\u2028\ud800"',
    "'a'",
    "[]",
    "[ ]",
    "[,]",
    "[1,]",
    "[1,,2]",
    "[1 2]",
    "[1,2",
    "]",
    "[[]",
    "[]]",
    "{}",
  ],
  ...[
    "{ }",
    "{,}",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{"a":1 "b":2}',
    "{a:1}",
    "{1:2}",
    '{"a":1,"a":2}',
    '{"a":[}]',
  ],
  ...[
    '{"__proto__":null}',
    '[{"a":[true,false,null,-1.5e-3,"x\\"y"]}]',
    ' \t\r\n{"a" : [ ] } \n',
    "\ufeff{}",
    "\u00a0{}",
  ],
  ...[
    "```json\n{}\n```",
    "{} {}",
    "// no\n{}",
    "{}\u0000",
    "[1e309]",
    "[9007199254740993]",
    '"\ud83d\ude00"',
  ],
];

describe("a text", () => {
  test.each(TEXTS)("is JSON where JSON.parse says so, cut anywhere: %j", (text) => {
    const is_json = isJson(text);
    expect(follow([text]).is_json).toBe(is_json);
    expect(follow([...text]).is_json).toBe(is_json);
    expect(follow(text.split("")).is_json).toBe(is_json);
    for (let cut = 0; cut <= text.length; cut++) {
      expect(follow([text.slice(0, cut), text.slice(cut)]).is_json).toBe(is_json);
    }
  });

  test("is no JSON from the first character on that no JSON has there", () => {
    for (const [text, broken_at] of [
      ["Sure! {}", 1],
      ["```json", 1],
      ['{"a":1,}', 8],
      ['{"a":tru}', 9],
      ["[1,2]]", 6],
      ['{"a":"\n', 7],
      ['{"a":01', 7],
    ] as const) {
      expect([text, follow(text.split("")).broken_at]).toEqual([text, broken_at]);
    }
  });

  test("that may still become JSON is never given up: every beginning of JSON goes on", () => {
    const value = { a: [1, -2.5e-7, true, null, 'é\n"\\ud800', {}, [], { b: [[]] }], "": "x" };
    const text = JSON.stringify(value, null, 2);
    for (let end = 0; end < text.length; end++) {
      expect(follow(text.slice(0, end).split(""))).toEqual({ is_json: false, broken_at: null });
    }
  });

  test("is followed to a depth, and no deeper", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(follow([nested(JSON_DEPTH_MAX)]).is_json).toBe(true);
    expect(follow([nested(JSON_DEPTH_MAX + 1)]).broken_at).not.toBeNull();
  });

  test("made of any characters of JSON's, and JSON with any change, is judged as JSON.parse does", () => {
    const next = random(7);
    const alphabet = '{}[]",:\\/0123456789.-+eEtrufalsn \n\t\u0001abu\u00e9';
    const some = () => alphabet[Math.floor(next() * alphabet.length)]!;
    const seed = JSON.stringify({ a: [1.5e3, "x\\y", { b: null }], c: [[], {}, true, false, ""] });
    let valid = 0;
    for (let round = 0; round < 20_000; round++) {
      let text = Array.from({ length: Math.floor(next() * 8) }, some).join("");
      if (round % 2 === 0) {
        const at = Math.floor(next() * seed.length);
        text = seed.slice(0, at) + text.slice(0, 2) + seed.slice(at + Math.floor(next() * 3));
      }
      const is_json = isJson(text);
      valid += Number(is_json);
      const cut = Math.floor(next() * (text.length + 1));
      const { is_json: found } = follow([text.slice(0, cut), text.slice(cut)]);
      if (found !== is_json) throw new Error(`${JSON.stringify(text)} is JSON: ${is_json}, cut at ${cut}`);
    }
    expect(valid).toBeGreaterThan(500);
  });
});
