import { describe, expect, test } from "vitest";
import { expandContractions } from "../../../src/cache/semantic/contractions.ts";
import { timeOfDay } from "../../../src/cache/semantic/dates.ts";
import { readNumber } from "../../../src/cache/semantic/numbers.ts";
import { scan } from "../../../src/cache/semantic/scanner.ts";
import { stem } from "../../../src/cache/semantic/stem.ts";
import { areOneWord, isMisspelling } from "../../../src/cache/semantic/typing_error.ts";

describe("numbers", () => {
  test.each([
    ["5", "5"],
    ["1,000", "1000"],
    ["1'000'000", "1000000"],
    ["2.50", "2.5"],
    ["-3", "-3"],
    ["10k", "10000"],
    ["1.5 million", "1500000"],
    ["3M", "3000000"],
    ["2bn", "2000000000"],
    ["twelve", "12"],
    ["twenty one", "21"],
    ["ninety nine point five", "99.5"],
    ["two hundred and five", "205"],
    ["a hundred", null],
    ["hundred", "100"],
    ["three thousand two hundred", "3200"],
    ["nineteen hundred", "1900"],
    ["one million two hundred thousand", "1200000"],
    ["007", "007"],
    ["4111111111111111", "4111111111111111"],
    ["٤٢", "42"],
    ["４２", "42"],
    ["𝟒𝟐", "42"],
    ["word", null],
  ])("%s", (text, value) => {
    const tokens = scan(text);
    expect(readNumber(tokens, 0)?.value ?? null).toBe(value);
  });

  test("are read as far as they go", () => {
    expect(readNumber(scan("five thirty"), 0)).toMatchObject({ value: "5", next: 1 });
    expect(readNumber(scan("twenty first"), 0)).toMatchObject({ value: "21", is_ordinal: true, next: 2 });
    expect(readNumber(scan("22nd"), 0)).toMatchObject({ value: "22", is_ordinal: true });
    expect(readNumber(scan("one"), 0)).toMatchObject({ is_article: true });
    expect(readNumber(scan("hundred and"), 0)).toMatchObject({ value: "100", next: 1 });
  });
});

describe("times of day", () => {
  test.each([
    ["3", "pm", "t900"],
    ["12", "am", "t0"],
    ["12", "pm", "t720"],
    ["15:30", "", "t930"],
    ["7:05", "am", "t425"],
    ["25:00", "", null],
    ["3:75", "", null],
    ["100", "", null],
  ])("%s %s", (digits, half, time) => expect(timeOfDay(digits, half)).toBe(time));
});

describe("words", () => {
  test.each([
    ["cards", "card"],
    ["boxes", "box"],
    ["cities", "city"],
    ["stopped", "stop"],
    ["making", "make"],
    ["bought", "buy"],
    ["children", "child"],
    ["filled", "fill"],
    ["tried", "try"],
  ])("%s has the stem of %s", (one, other) => expect(stem(one)).toBe(stem(other)));

  test.each([
    ["news", "new"],
    ["bus", "bu"],
    ["thing", "th"],
    ["process", "proces"],
    ["big", "bigger"],
  ])("%s has not the stem of %s", (one, other) => expect(stem(one)).not.toBe(stem(other)));

  test("are misspelled by one edit, never of the first letter, never in short words", () => {
    expect(["acount", "accoutn", "acccount", "accounk"].every((word) => isMisspelling(word, "account"))).toBe(
      true,
    );
    expect(["bccount", "accnt", "accountss", "account"].some((word) => isMisspelling(word, "account"))).toBe(
      false,
    );
    expect(isMisspelling("form", "from")).toBe(false);
    expect(areOneWord("disposbale", "disposable")).toBe(true);
    expect(areOneWord("slovakia", "slovenia")).toBe(false);
    expect(areOneWord("marten", "martne")).toBe(false);
  });
});

describe("the scanner", () => {
  const kinds = (text: string): string[] => scan(text).map((token) => `${token.kind}:${token.text}`);

  test.each([
    [
      "see https://a.b/c?d=1.",
      ["word:see", "literal:https://a.b/c", "break:?", "word:d", "sign:=", "number:1", "break:."],
    ],
    ["mail bob@a.org, ok", ["word:mail", "literal:bob@a.org", "comma:,", "word:ok"]],
    ["run src/x.ts or ~/y/z", ["word:run", "literal:src/x.ts", "word:or", "literal:~/y/z"]],
    ["and/or 10/2", ["word:and", "word:or", "number:10", "sign:/", "number:2"]],
    [
      "the U.S. in the end.Next",
      ["word:the", "word:us", "word:in", "word:the", "word:end", "break:.", "word:next"],
    ],
    ["C++ and C#", ["word:c++", "word:and", "word:c#"]],
    ["12/5/2024 10:30", ["literal:12/5/2024", "number:10:30"]],
    ["iphone14 5km", ["word:iphone", "number:14", "number:5", "word:km"]],
    ["don't 'quote' it", ["word:don't", "word:quote", "word:it"]],
  ])("%s", (text, tokens) => expect(kinds(text)).toEqual(tokens));

  test("tells what is quoted, and leaves a mark that is never closed", () => {
    const quoted = (text: string): string[] =>
      scan(text)
        .filter((token) => token.is_quoted)
        .map((token) => token.text);
    expect(quoted('say "good night" now')).toEqual(["good", "night"]);
    expect(quoted("say 'it's on' now")).toEqual(["it's", "on"]);
    expect(quoted("run `ls -l`")).toEqual(["ls", "l"]);
    expect(quoted('a 5" screen')).toEqual([]);
    expect(quoted("the dogs' 'house")).toEqual([]);
  });

  test("contractions are written out", () => {
    const words = expandContractions(scan("I can't, she's, we'll, dont, Bob's")).map((token) => token.text);
    expect(words).toEqual([
      "i",
      "can",
      "not",
      ",",
      "she",
      "is",
      ",",
      "we",
      "will",
      ",",
      "do",
      "not",
      ",",
      "bob",
    ]);
  });
});
