// Names by models of transformers.js: labels, words and windows by themselves; and, where the package is installed, all of it with a
// real runtime.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type Label, readLabels } from "../../../src/inference/ner/labels.ts";
import { NameSet } from "../../../src/inference/ner/name_set.ts";
import type { Found } from "../../../src/inference/ner/ner.ts";
import { TokenClassifier, type TokenModel } from "../../../src/inference/ner/token_classifier.ts";
import { type DistantNer, transformersNer } from "../../../src/inference/ner/transformers_ner.ts";
import { wordsOf } from "../../../src/inference/ner/words.ts";
import { writeTinyNer } from "./tiny_ner.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const shown = (text: string, names: readonly Found[] | null | undefined) =>
  names?.map(({ start, end, entity }) => `${entity} ${text.slice(start, end)}`) ?? null;

describe("labels", () => {
  const entityOf = (name: string) => {
    const entity = readLabels({ 0: "O", 1: "B-PER", 2: name })?.[2]?.entity;
    return entity === undefined ? null : ["PERSON", "LOCATION", "ORGANIZATION"][entity];
  };

  test.each([
    ...[
      "B-PER",
      "I-PERSON",
      "PERSON",
      "E-PER",
      "per",
      "B-GIVEN_NAME",
      "I-SURNAME",
      "FIRSTNAME",
      "B_PER",
      "private_person",
    ].map((name) => [name, "PERSON"]),
    ...["B-LOC", "I-GPE", "FAC", "S-LOC", "B-CITY", "STATE", "location"].map((name) => [name, "LOCATION"]),
    ...["B-ORG", "I-ORGANISATION", "COMPANY", "U-ORG", "B-company-name"].map((name) => [
      name,
      "ORGANIZATION",
    ]),
    ...["O", "B-MISC", "I-DATE", "NORP", "LABEL_1", "B-EMAIL", "ZIP_CODE", "", "B-"].map((name) => [
      name,
      null,
    ]),
  ])("%s is %s", (name, entity) => {
    expect(entityOf(name!)).toBe(entity);
  });

  test("that name nothing, or are none, make no model for names", () => {
    for (const labels of [
      null,
      7,
      {},
      { 0: "O", 1: "LABEL_1" },
      { 0: 1 },
      { a: "PER" },
      { 99999999: "PER" },
      { "-1": "PER" },
    ]) {
      expect(readLabels(labels)).toBeNull();
    }
  });
});

test("words have their places, whatever the text", () => {
  const of = (text: string) => wordsOf(text).map(({ start, end }) => text.slice(start, end));
  expect(of("Ada O'Neill-Smith, 42!")).toEqual(["Ada", "O", "'", "Neill", "-", "Smith", ",", "42", "!"]);
  expect(of("我叫张伟 and ひら")).toEqual(["我", "叫", "张", "伟", "and", "ひ", "ら"]);
  expect(of("e\u0301a 👍 x")).toEqual(["e\u0301a", "👍", "x"]);
  expect(of("a".repeat(150)).map(({ length }) => length)).toEqual([64, 64, 22]);
  for (const text of ["", " \n ", "\ud800", "a\ud800b", "\u200b"]) {
    for (const { start, end } of wordsOf(text)) expect(end).toBeGreaterThan(start);
  }
});

test("words of any characters are in order, apart, and all that is no blank", () => {
  let seed = 7;
  const random = (limit: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % limit;
  };
  const alphabet = [
    "a",
    "Z",
    "é",
    "e\u0301",
    "1",
    "-",
    "'",
    ".",
    " ",
    "\n",
    "\u00a0",
    "张",
    "ひ",
    "ก",
    "👍",
    "\ud83d",
    "\u200b",
    "ß",
  ];
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: random(80) }, () => alphabet[random(alphabet.length)]!).join("");
    let last = 0;
    let left = "";
    for (const { start, end } of wordsOf(text)) {
      expect(start).toBeGreaterThanOrEqual(last);
      expect(end).toBeGreaterThan(start);
      left += text.slice(last, start);
      last = end;
    }
    expect(`${left}${text.slice(last)}`.trim()).toBe("");
  }
});

/** A model whose tokens are two letters each, and which says of each word what its first token means: P, L and O begin names. */
function letters(tokens_max: number, seen: number[][] = []): TokenModel {
  const labels: readonly (Label | null)[] = [
    null,
    { entity: 0, is_begin: true, kind: "PER" },
    { entity: 0, is_begin: false, kind: "PER" },
    { entity: 1, is_begin: true, kind: "LOC" },
    { entity: 1, is_begin: false, kind: "LOC" },
  ];
  const first: Readonly<Record<string, number>> = { P: 1, p: 2, L: 3, l: 4 };
  return {
    labels,
    tokens_max,
    tokensOf: (word) => (word.match(/.{1,2}/gsu) ?? []).map((pair) => pair.codePointAt(0)!),
    classify: async (texts) => {
      seen.push(texts.map(({ length }) => length));
      return texts.map((tokens) => {
        const chances = new Float32Array(tokens.length * labels.length);
        for (const [at, token] of tokens.entries())
          chances[at * labels.length + (first[String.fromCodePoint(token)] ?? 0)] = 0.9;
        return chances;
      });
    },
  };
}

const never = () => false;

describe("a model that labels tokens", () => {
  test.each([
    ["x Pada pbyron, x", ["PERSON Pada pbyron"]],
    ["Pada Pgrace", ["PERSON Pada", "PERSON Pgrace"]],
    ["Pada-pbyron (Loslo)", ["PERSON Pada-pbyron", "LOCATION Loslo"]],
    ["p'pa x", ["PERSON p'pa"]],
    ["Pada\npbyron", ["PERSON Pada", "PERSON pbyron"]],
    ["Pada, pbyron", ["PERSON Pada", "PERSON pbyron"]],
    ["Pada.", ["PERSON Pada"]],
    ["Pj. pbyron", ["PERSON Pj. pbyron"]],
    ["Pada Loslo", ["PERSON Pada", "LOCATION Loslo"]],
    ["- , x", []],
    ["", []],
  ])("finds in %j: %j", async (text, names) => {
    const [found] = await new TokenClassifier(letters(64)).find([text], never);
    expect(shown(text, found)).toEqual(names);
    for (const { score } of found ?? []) expect(score).toBeCloseTo(0.9);
  });

  test("finds the same in long texts, window by window, and asks for several at once", async () => {
    const seen: number[][] = [];
    const text = Array.from({ length: 300 }, (_, index) =>
      index % 7 === 0 ? "Pada pbyron" : "xxxx yy",
    ).join(" ");
    const whole = await new TokenClassifier(letters(10_000)).find([text], never);
    const parts = await new TokenClassifier(letters(40, seen)).find([text, "Pada", text], never);
    expect(parts).toEqual([whole[0], expect.anything(), whole[0]]);
    expect(whole[0]!.length).toBe(43);
    expect(seen.length).toBeLessThan(20);
    for (const sizes of seen) for (const size of sizes) expect(size).toBeLessThanOrEqual(40);
  });

  test("takes words that are longer than a window", async () => {
    const text = `Pada ${"x".repeat(1_000)} Loslo`;
    const [found] = await new TokenClassifier(letters(8)).find([text], never);
    expect(shown(text, found)).toEqual(["PERSON Pada", "LOCATION Loslo"]);
  });

  test("gives what it has when the time is over, and nothing for the rest", async () => {
    let left = 3;
    const text = "Pada xx ".repeat(400);
    const found = await new TokenClassifier(letters(64)).find(["Loslo", text, "Pada"], () => left-- <= 0);
    expect(found.some((names) => names === null)).toBe(true);
  });
});

describe("a set of models for names", () => {
  const none = () => ({ fault: "not loaded" });

  function distant(
    answer: (texts: readonly string[]) => readonly (readonly Found[] | null)[] | { readonly fault: string },
  ) {
    const asked: (readonly string[])[] = [];
    let closed = 0;
    const make = (model: string): DistantNer => ({
      name: `transformers:${model}`,
      async find(texts) {
        asked.push(texts);
        return answer(texts);
      },
      close: async () => void closed++,
    });
    return { asked, make, closed: () => closed };
  }

  const name = { start: 0, end: 3, entity: "PERSON", score: 1 };

  test("asks a model for what it has not seen, and remembers what came in time", async () => {
    const said: string[] = [];
    let is_late = true;
    const model = distant((texts) => texts.map((_, index) => (is_late && index > 0 ? null : [name])));
    const set = new NameSet(none, (line) => said.push(line), model.make);
    set.configure(["transformers:a/b"]);
    expect(await set.find("transformers:a/b", ["one", "two"])).toEqual({
      fault: "there was no time for all texts",
    });
    is_late = false;
    expect(await set.find("transformers:a/b", ["one", "two", "two"])).toEqual([[name], [name], [name]]);
    expect(model.asked).toEqual([["one", "two"], ["two"]]);
    expect(await set.find("transformers:c/d", ["one"])).toHaveProperty("fault");
    set.configure([]);
    expect(model.closed()).toBe(1);
    expect(await set.find("transformers:a/b", ["one"])).toHaveProperty("fault");
    expect(said).toEqual([]);
  });

  test("says once what is wrong with a model, and when it works again", async () => {
    const said: string[] = [];
    let fault: string | null = "it is broken";
    const model = distant((texts) => (fault === null ? texts.map(() => []) : { fault }));
    const set = new NameSet(none, (line) => said.push(line), model.make);
    set.configure(["transformers:a/b"]);
    for (let time = 0; time < 3; time++) expect(await set.find("transformers:a/b", ["x"])).toEqual({ fault });
    fault = null;
    expect(await set.find("transformers:a/b", ["x"])).toEqual([[]]);
    expect(said).toEqual([
      "no names are found by transformers:a/b: it is broken",
      "names are found by transformers:a/b again",
    ]);
  });
});

const has_transformers = (() => {
  try {
    Bun.resolveSync("@huggingface/transformers", import.meta.dirname);
    return true;
  } catch {
    return false;
  }
})();

describe("a model of transformers.js", () => {
  function kept(model: string): DistantNer {
    const ner = transformersNer({ model, threads: 1 });
    ends.push(() => ner.close());
    return ner;
  }

  function folder(): string {
    const path = mkdtempSync(join(tmpdir(), "venturi-ner-"));
    ends.push(() => rmSync(path, { recursive: true }));
    return path;
  }

  const later = () => Date.now() + 60_000;

  test.skipIf(has_transformers)("without the package is a fault that says what to install", async () => {
    const fault = expect.stringContaining("install @huggingface/transformers to use this model");
    expect(await kept("any/model").find(["a"], later())).toEqual({ fault });
  });

  test.skipIf(!has_transformers)("finds names where they stand", { timeout: 60_000 }, async () => {
    const path = join(folder(), "tiny");
    writeTinyNer(path);
    const ner = kept(path);
    const texts = [
      "I am Ada Lovelace, in Oslo.",
      "👍 Grace Hopper and Ada, in New-York and Contoso Ltd. In summer.",
      "",
      `${"in and in ".repeat(500)}I am ADA`,
    ];
    const found = await ner.find(texts, later());
    if ("fault" in found) throw new Error(found.fault);
    expect(texts.map((text, index) => shown(text, found[index]))).toEqual([
      ["PERSON Ada Lovelace", "LOCATION Oslo"],
      ["PERSON Grace Hopper", "PERSON Ada", "LOCATION New-York", "ORGANIZATION Contoso Ltd"],
      [],
      ["PERSON ADA"],
    ]);
    expect(await ner.find(["Ada"], Date.now() - 1)).toEqual([null]);
  });

  test.skipIf(!has_transformers)("that is not there is a fault", { timeout: 60_000 }, async () => {
    expect(await kept(folder()).find(["a"], later())).toEqual({
      fault: expect.stringContaining("the model cannot be loaded"),
    });
  });
});
