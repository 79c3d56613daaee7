import { describe, expect, test } from "vitest";

import { DeniedWords } from "../../../src/privacy/guards/denied_words.ts";

function found(words: readonly string[], text: string): string[] {
  return new DeniedWords(words).find(text).map(({ start, end }) => text.slice(start, end));
}

describe("denied words", () => {
  test("are found in any case and spacing", () => {
    expect(found(["project Falcon"], "The PROJECT \n\t falcon flies.")).toEqual(["PROJECT \n\t falcon"]);
    expect(found(["Grüße"], "GRÜSSE, grüße, GRU\u0308\u00dfE")).toEqual(["grüße", "GRU\u0308\u00dfE"]);
  });

  test("are found in other forms of the same letters, and with unseen ones between", () => {
    expect(found(["falcon"], "ｆａｌｃｏｎ and fal\u200bcon and fal\u00adcon")).toHaveLength(3);
  });

  test("are not found within longer words", () => {
    expect(found(["ass", "cat dog"], "class assess ass_1 ass1 éass cat dogs concat dog catdog")).toEqual([]);
    expect(found(["ass"], "(ass) ass.")).toEqual(["ass", "ass"]);
  });

  test("are found anywhere in scripts that have no spaces", () => {
    expect(found(["机密"], "这是机密文件")).toEqual(["机密"]);
    expect(found(["ひみつ"], "これはひみつです")).toEqual(["ひみつ"]);
    expect(found(["비밀"], "그것은비밀이다")).toEqual(["비밀"]);
  });

  test("may have marks", () => {
    expect(found(["c++", "foo-bar", ".net"], "C++ and Foo-Bar, .NET")).toEqual(["C++", "Foo-Bar", ".NET"]);
  });

  test("the first and longest of those that overlap is told", () => {
    expect(found(["a b", "a b c d", "b c"], "a b c; a b c d")).toEqual(["a b", "a b c d"]);
    expect(found(["a b c", "b d"], "a b d")).toEqual(["b d"]);
  });

  test("none and empty ones find nothing", () => {
    expect(found([], "anything")).toEqual([]);
    expect(found(["", "  "], "anything  at all")).toEqual([]);
  });

  test("are found the same where other letters stand near", () => {
    const words = ["a b", "b_c", "c++", "a\tb c", "1.2", "\x1f", "-"];
    let seed = 3;
    for (let round = 0; round < 500; round++) {
      const text = Array.from({ length: 30 }, () => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        return "aBb_c+ \t\n1.2-\x1f"[(seed >>> 8) % 14]!;
      }).join("");
      expect(found(words, `${text} é`)).toEqual(found(words, text));
    }
  });

  test("ten thousand phrases find what one does", () => {
    const many = Array.from({ length: 10_000 }, (_, at) => `word${at} of ${at}`);
    expect(found(many, "word77 of 78, word9999  OF 9999")).toEqual(["word9999  OF 9999"]);
  });

  test("tells where a phrase may have begun that is not complete", () => {
    const words = new DeniedWords(["project falcon", "x"]);
    const openIn = (text: string) => text.slice(words.openFrom(text));
    expect(openIn("the project ")).toBe("project ");
    expect(openIn("the project fal")).toBe("project fal");
    expect(openIn("the projects ")).toBe("");
    expect(openIn("a wor")).toBe("wor");
    expect(openIn("project falcon.")).toBe(".");
  });
});
