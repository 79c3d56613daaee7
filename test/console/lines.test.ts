// What the dashboard shows as text: configurations as YAML, their differences, tables as CSV.

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { diffLines } from "../../src/console/text_diff.ts";
import { csvText } from "../../src/console/ui/csv_text.ts";
import { yamlLines } from "../../src/console/ui/yaml_text.ts";

describe("YAML", () => {
  test("says what the value is, to whoever reads it and to a parser", () => {
    const value = {
      listen: { host: "127.0.0.1", port: 8080 },
      models: {
        "gpt-5:chat": { targets: ["openai/gpt-5", { provider: "groq", model: "llama", tags: { a: "yes" } }] },
      },
      routes: [{ when: { prompt_tokens: ">200" }, use: "chat" }, { use: "true" }],
      note: "it's: a #note",
      weights: [1, 2.5],
    };
    expect(parse(yamlLines(value).join("\n"))).toEqual(value);
  });

  test("leaves out what is empty", () => {
    expect(yamlLines({ a: null, b: {}, c: [], d: { e: { f: [] } }, g: 0, h: false })).toEqual([
      "g: 0",
      "h: false",
    ]);
  });
});

describe("differences", () => {
  const lines = (text: string) => text.split("");

  test("are none between equal texts", () => {
    expect(diffLines(lines("abc"), lines("abc"))).toEqual([]);
  });

  test("make the one text of the other, with the fewest lines", () => {
    for (const [before, after, changed] of [
      ["abcdefgh", "abXdefgh", 2],
      ["abc", "", 3],
      ["", "abc", 3],
      ["abcabba", "cbabac", 5],
      ["kitten", "sitting", 5],
    ] as const) {
      const found = diffLines(lines(before), lines(after));
      const text = (kind: string) =>
        found
          .map((line) => (line.kind === "same" || line.kind === kind ? (line as { text: string }).text : ""))
          .join("");
      if (!found.some(({ kind }) => kind === "gap")) {
        expect(text("removed")).toBe(before);
        expect(text("added")).toBe(after);
      }
      expect(found.filter(({ kind }) => kind === "removed" || kind === "added")).toHaveLength(changed);
    }
  });

  test("leave out what is far from them, and say how much", () => {
    const before = Array.from({ length: 40 }, (_, line) => `line ${line}`);
    const after = before.with(20, "another");
    const found = diffLines(before, after);
    expect(found.at(0)).toEqual({ kind: "gap", lines: 17 });
    expect(found.at(-1)).toEqual({ kind: "gap", lines: 16 });
    expect(found).toHaveLength(10);
  });
});

test("CSV holds quotes, commas and line ends, and no formula", () => {
  expect(
    csvText([
      ["a", 'say "x"', 1.5, null],
      ["=SUM(A1)", "b,c", "d\ne", "-x"],
    ]),
  ).toBe(`a,"say ""x""",1.5,\r\n'=SUM(A1),"b,c","d\ne",'-x\r\n`);
});
