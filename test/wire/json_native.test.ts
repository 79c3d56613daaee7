// Every implementation of the request scan against the cases of every scanner, and all against each other.
// Where the native part was not built, only TypeScript is there to be tested, and a skipped test says so.

import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { scanElements, scanMembers } from "../../src/wire/json.ts";
import { fastest, implementations, type Kernels, typescript } from "../../src/wire/kernels.ts";
import { ARRAYS, describeJsonScanner, FAULTS, mutate, OBJECTS, seededRandom } from "./json.cases.ts";

const native = implementations.slice(1);
const is_built = existsSync(new URL("../../native/build/venturi.node", import.meta.url));

test.skipIf(!is_built)("the native part is loaded (skipped where it was not built)", () => {
  expect(implementations[0]).toBe(typescript);
  expect(native.map(({ level }) => level)).toContain("plain");
  expect(fastest.level).toBe(native.at(-1)!.level);
});

for (const kernels of native) {
  describeJsonScanner(
    `the scanner at level ${kernels.level}`,
    {
      scanMembers: (bytes, start, end) => scanMembers(bytes, start, end, kernels),
      scanElements: (bytes, start, end) => scanElements(bytes, start, end, kernels),
    },
    30_000,
  );
}

/** What a scan says, in a form that is equal for equal results. */
function said(kernels: Kernels, bytes: Uint8Array, start = 0, end = bytes.length): string {
  const found = kernels.scanText(bytes, start, end);
  return found.fault === null ? `${found.root}: ${Array.from(found.members)}` : JSON.stringify(found);
}

function expectSame(bytes: Uint8Array, start = 0, end = bytes.length): void {
  const expected = said(typescript, bytes, start, end);
  for (const kernels of native) {
    const got = said(kernels, bytes, start, end);
    if (got !== expected) {
      const text = Buffer.from(bytes.subarray(start, end)).toString("latin1");
      expect.fail(`${kernels.level} says ${got}, not ${expected}: ${JSON.stringify(text)}`);
    }
  }
}

test("every level finds the same at each distance of a token from the end and from a block's end", () => {
  const tokens = [...OBJECTS, ...FAULTS.map(([text]) => text), '{"s":"\\u00e9\\\\\\""}', '{"s":"\\\\'];
  for (const token of tokens) {
    for (let padding = 0; padding < 70; padding++) {
      for (const before of [`{"${"k".repeat(padding)}":`, " ".repeat(padding)]) {
        for (const behind of ["", "}", " ".repeat(70)]) expectSame(Buffer.from(before + token + behind));
      }
    }
  }
});

test("every level scans what lies in a view, and nothing around it", () => {
  const bytes = Buffer.from(`"""{{{${OBJECTS[6]}\\\\"""`);
  for (let start = 0; start <= bytes.length; start++) {
    for (let end = start; end <= bytes.length; end++) expectSame(bytes, start, end);
  }
});

test("texts with more members than the shared memory has room for are scanned whole, and so is the next", () => {
  const many = Array.from({ length: 5000 }, (_, index) => index);
  expectSame(Buffer.from(JSON.stringify(many)));
  expectSame(Buffer.from(JSON.stringify(Object.fromEntries(many.map((index) => [`key${index}`, index])))));
  expectSame(Buffer.from('{"a":1}'));
});

/** Text as chats hold it: prose, code full of escapes, other scripts, with and without \u escapes. */
function chat(random: () => number, messages: number): Buffer {
  const texts = [
    "The quick brown fox jumps over the lazy dog. ",
    'if (a["b"] !== "c\\n") {\n\treturn x * 2;\n}\n',
    "Быстрая лиса прыгает через ленивую собаку. ",
    "敏捷的棕色狐狸跳过懒狗。😀",
  ];
  const body = {
    model: "gpt-4o",
    messages: Array.from({ length: messages }, () => ({
      role: random() < 0.5 ? "user" : "assistant",
      content: texts[Math.floor(random() * texts.length)]!.repeat(Math.floor(random() * 40)),
      scores: [random(), -random() * 1e9, 1e300, null, true, false],
    })),
  };
  const text = JSON.stringify(body, null, Math.floor(random() * 3) * 4);
  if (random() < 0.5) return Buffer.from(text);
  return Buffer.from(
    text.replace(/[^\x00-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`),
  );
}

test("every level agrees on generated chats and on mutations of them, for a second", () => {
  const random = seededRandom(5);
  const until = performance.now() + 1000;
  for (let round = 0; round < 20 || performance.now() < until; round++) {
    let bytes: Buffer = chat(random, Math.floor(random() * 12));
    expectSame(bytes);
    for (let i = 0; i < 5; i++) {
      bytes = mutate(bytes, random);
      expectSame(bytes);
    }
  }
});

test("every level agrees on random bytes of JSON, for a second", () => {
  const random = seededRandom(6);
  const alphabet = Buffer.from('{}[]",:\\\\""ub/nt0123-.eE truefalsn\n\x00\x1f\x7f\x80\xff', "latin1");
  const seeds = [...OBJECTS, ...ARRAYS].map((text) => Buffer.from(text));
  const until = performance.now() + 1000;
  for (let round = 0; round < 1000 || performance.now() < until; round++) {
    const tail = Uint8Array.from({ length: Math.floor(random() * 150) }, () => {
      return alphabet[Math.floor(random() * alphabet.length)]!;
    });
    expectSame(tail);
    const seed = seeds[Math.floor(random() * seeds.length)]!;
    expectSame(Buffer.concat([Buffer.from('{"k":'), seed, tail]));
    expectSame(Buffer.concat([Buffer.from('["'), tail, Buffer.from('"]')]));
  }
});
