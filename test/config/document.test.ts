// YAML that is none: each slip has its place and a message in the words of someone who writes a configuration.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these texts are configurations, not templates.
import { expect, test } from "vitest";
import { problems } from "./loading.ts";

const CASES: readonly (readonly [name: string, text: string, ...messages: string[]])[] = [
  [
    "a tab in the indentation",
    "listen:\n\tport: 1",
    "venturi.yaml:2:1: a tab in the indentation; YAML is indented with spaces",
  ],
  ["a key twice", "data: a\ndata: b", "venturi.yaml:2:1: the key data is here for the second time"],
  [
    "two keys twice, said both",
    "data: a\ndata: b\nlisten: { port: 1, port: 2 }",
    "venturi.yaml:2:1: the key data is here for the second time",
    "venturi.yaml:3:20: the key port is here for the second time",
  ],
  [
    "nothing",
    "",
    'venturi.yaml:1:1: the file is empty; expected a map with keys such as "providers" and "models"',
  ],
  [
    "comments alone",
    "# a\n",
    'venturi.yaml:1:1: the file is empty; expected a map with keys such as "providers" and "models"',
  ],
  [
    "a list",
    "\n- a",
    'venturi.yaml:2:1: the top level is a list; expected a map with keys such as "providers" and "models"',
  ],
  [
    "a word",
    "hello",
    'venturi.yaml:1:1: the top level is a single value; expected a map with keys such as "providers" and "models"',
  ],
  [
    "two documents",
    "data: a\n---\ndata: b",
    'venturi.yaml:2:1: a second document ("---"); a configuration is one document',
  ],
  [
    "a second colon",
    "data: a: b",
    'venturi.yaml:1:7: a second ": " on one line; put the value in quotes if it contains one',
  ],
  [
    "a bracket left open",
    "data: a\nkeys: [",
    "venturi.yaml:2:8: the indentation does not fit, or a bracket is not closed",
  ],
  [
    "a reference without quotes in a list",
    "providers: { a: { kind: openai, api_keys: [${KEY}] } }",
    'venturi.yaml:1:45: a character is missing: a comma, a colon or a closing quote or bracket; inside [ ] and { } a reference needs quotes: "${NAME}"',
  ],
];

for (const [name, text, ...messages] of CASES)
  test(`refused: ${name}`, () => {
    expect(problems(text)).toEqual(messages);
  });

test("refused: bytes that are not UTF-8, at the first of them", () => {
  const bytes = new Uint8Array([...new TextEncoder().encode("data: a\n# é"), 0xe9, 0x20]);
  expect(problems(bytes)).toEqual(["venturi.yaml:2:4: the file is not UTF-8 text; save it as UTF-8"]);
});

test("a byte order mark and CRLF are no fault, and do not move places", () => {
  expect(problems("\ufeffdata: a\r\nlisten:\r\n  port: 1\r\n")).toEqual([]);
  expect(problems("data: a\r\nlisten:\r\n  prot: 1\r\n")).toEqual([
    'venturi.yaml:3:3: unknown key "prot" in listen; did you mean "port"?',
  ]);
});

test("aliases work, and problems inside what they repeat point to the original", () => {
  const text = "models:\n  a: &m { targets: [sim/echo] }\n  b: *m\n  c:\n    <<: *m\n    deadline_ms: 5";
  expect(problems(text)).toEqual([]);
  expect(problems("models:\n  a: &m { targets: [nope/x] }\n  b: *m")).toEqual([
    'venturi.yaml:2:21: there is no provider "nope"; known are sim',
    'venturi.yaml:2:21: there is no provider "nope"; known are sim',
  ]);
});

test("refused: aliases that multiply, an alias inside its own anchor, and depth", () => {
  let bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (let i = 1; i < 9; i++)
    bomb += `a${i}: &a${i} [${Array(10)
      .fill(`*a${i - 1}`)
      .join(", ")}]\n`;
  expect(problems(bomb)).toEqual([
    "venturi.yaml:1:1: the file stands for more than 100000 values; YAML aliases multiply what they repeat",
  ]);
  expect(problems("a: &x { b: *x }")).toEqual([
    "venturi.yaml:1:1: the file stands for more than 100000 values; YAML aliases multiply what they repeat",
  ]);
  expect(problems(`a: ${"[".repeat(40)}${"]".repeat(40)}`)).toEqual([
    "venturi.yaml:1:1: the file is nested more than 32 levels deep",
  ]);
  expect(problems("[".repeat(100_000))).toHaveLength(1);
  expect(problems("a: *nothing")).toEqual([
    "venturi.yaml:1:4: the alias *nothing has no anchor &nothing before it",
  ]);
});

test("refused: a key that would change objects themselves", () => {
  expect(problems("__proto__: { data: x }")).toEqual([
    'venturi.yaml:1:1: the key "__proto__" is not allowed',
  ]);
});
