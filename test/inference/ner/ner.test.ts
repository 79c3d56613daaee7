import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Found, loadBuiltinNer } from "../../../src/inference/ner/ner.ts";
import { parseWeights } from "../../../src/inference/ner/weights.ts";
import { randomIntegers } from "../../memory/random.ts";

const WEIGHTS = fileURLToPath(new URL("../../../models/ner/venturi-names.bin", import.meta.url));

function load() {
  const loaded = loadBuiltinNer();
  if ("fault" in loaded) throw new Error(loaded.fault);
  return loaded;
}

const ner = load();

/** What is found, as `PERSON Ada`. */
function namesIn(text: string): string[] {
  return ner.find(text).map(({ start, end, entity }) => `${entity} ${text.slice(start, end)}`);
}

/** Spans are within the text, not empty, in order, apart, and cut no character in two. */
function expectSound(text: string, found: readonly Found[]): void {
  let last = 0;
  for (const { start, end, entity, score } of found) {
    expect(start).toBeGreaterThanOrEqual(last);
    expect(end).toBeGreaterThan(start);
    expect(end).toBeLessThanOrEqual(text.length);
    expect(["PERSON", "LOCATION", "ORGANIZATION"]).toContain(entity);
    expect(score).toBeGreaterThan(0);
    expect(score).toBeLessThanOrEqual(1);
    for (const at of [start, end]) expect(isInsidePair(text, at)).toBe(false);
    last = end;
  }
}

function isInsidePair(text: string, at: number): boolean {
  return /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(at - 1, at + 1));
}

describe("names that are found", () => {
  test.each([
    ["My name is Thabo Nkosi and I need help.", ["PERSON Thabo Nkosi"]],
    ["my name is maria gonzalez", ["PERSON maria gonzalez"]],
    ["Hi, I'm Priya.", ["PERSON Priya"]],
    ["Dear Dr. Lindqvist,", ["PERSON Lindqvist"]],
    ["Best regards,\nHannah Weber", ["PERSON Hannah Weber"]],
    ["Please call Mr. O'Connor on Monday.", ["PERSON O'Connor"]],
    ["Jean-Luc Moreau signed it.", ["PERSON Jean-Luc Moreau"]],
    ["Tell Fatima that the meeting is at noon.", ["PERSON Fatima"]],
    ["From: Ana Sousa <a@example.com>", ["PERSON Ana Sousa"]],
    ['{"name": "Kenji Watanabe", "age": 41}', ["PERSON Kenji Watanabe"]],
    ["MY NAME IS JOHN SMITH", ["PERSON JOHN SMITH"]],
    ["Mein Name ist Jürgen Krüger.", ["PERSON Jürgen Krüger"]],
    ["Je m'appelle Amélie Dubois.", ["PERSON Amélie Dubois"]],
  ])("people: %s", (text, expected) => {
    expect(namesIn(text)).toEqual(expected);
  });

  test.each([
    ["I live in Oslo.", ["LOCATION Oslo"]],
    ["what is the weather in new york", ["LOCATION new york"]],
    ["We flew from Nairobi to Kuala Lumpur.", ["LOCATION Nairobi", "LOCATION Kuala Lumpur"]],
    ["She moved to Brazil last year.", ["LOCATION Brazil"]],
    ['{"city": "Leipzig"}', ["LOCATION Leipzig"]],
    ["He was born in Minnesota.", ["LOCATION Minnesota"]],
  ])("places: %s", (text, expected) => {
    expect(namesIn(text)).toEqual(expected);
  });

  test.each([
    ["I work for Contoso Ltd.", ["ORGANIZATION Contoso Ltd"]],
    ["The contract with Northwind Insurance ends in May.", ["ORGANIZATION Northwind Insurance"]],
    ["She studied at the University of Manchester.", ["ORGANIZATION University of Manchester"]],
    ["Deutsche Bank called me.", ["ORGANIZATION Deutsche Bank"]],
  ])("organizations: %s", (text, expected) => {
    expect(namesIn(text)).toEqual(expected);
  });

  test.each([
    "May I ask you a question?",
    "Will you help me with my homework?",
    "Mark the date in your calendar.",
    "Apple pie is my favourite dessert.",
    "I will mark it as done in June.",
    "Hello World",
    "Dear Sir or Madam,",
    "Thanks in advance",
    "How do I reset my password?",
    "Explain the difference between TCP and UDP.",
    "const result = await fetch(url, { method: 'POST' });",
    "TypeError: Cannot read properties of undefined",
    "Der Hund schläft unter dem Tisch.",
    '{"type": "object", "properties": {"name": {"type": "string"}}}',
    "On Monday we have pasta, on Tuesday rice.",
    "I am happy and I am tired.",
  ])("none: %s", (text) => {
    expect(namesIn(text)).toEqual([]);
  });
});

describe("offsets", () => {
  test.each([
    ["👩‍👩‍👧 my name is Anna Kowalska 🎉", "Anna Kowalska"],
    ["𝒳𝒳 Dear Mr. Petersen,", "Petersen"],
    ["你好，my name is Julia Roth。", "Julia Roth"],
    ["e\u0301te\u0301: my name is Rene\u0301 Dupont.", "Rene\u0301 Dupont"],
    ["\r\n\r\n\tMy name is Olga Novak\r\n", "Olga Novak"],
  ])("count UTF-16 units: %s", (text, name) => {
    const start = text.indexOf(name);
    const found = ner.find(text);
    expectSound(text, found);
    expect(found).toContainEqual(
      expect.objectContaining({ start, end: start + name.length, entity: "PERSON" }),
    );
  });

  test("are sound in texts of any make", () => {
    const random = randomIntegers(61);
    const pieces = [
      ..."Anna Smith in Paris for Acme Ltd , . \n \t \" ' @ # ( ) 9 42 — 👍 é e\u0301 東京 \uD83D \uDC4D \u200D İ ß ﷺ \0 O'Neil".split(
        " ",
      ),
      " ",
      "  ",
      "\r\n",
    ];
    for (let turn = 0; turn < 400; turn++) {
      const text = Array.from({ length: random(60) }, () => pieces[random(pieces.length)]).join(
        random(2) === 0 ? " " : "",
      );
      expectSound(text, ner.find(text));
    }
  });

  test("do not depend on what was looked at before, and are the same each time", () => {
    const text = "Hi Maria,\n\nplease send it to Acme Corp. in Berlin.\n\nThanks,\nPeter Schmidt";
    const first = ner.find(text);
    expect(first.length).toBeGreaterThanOrEqual(4);
    ner.find("SOMETHING ELSE ".repeat(3_000));
    expect(ner.find(text)).toEqual(first);
    expect(load().find(text)).toEqual(first);
  });

  test("are right behind long texts too", () => {
    const filler = "this is only a line of words that says nothing at all\n".repeat(500);
    const text = `${filler}My name is Olga Novak.`;
    const found = ner.find(text);
    expect(found.map(({ start, end }) => text.slice(start, end))).toEqual(["Olga Novak"]);
  });

  test("a higher score gives fewer names, all of them so sure", () => {
    const text =
      "Kim met Jordan and Paris in Austin. Chase called Virginia about the Orange deal with Penn Foster.";
    const [all, sure] = [ner.find(text, 0.1), ner.find(text, 0.8)];
    expect(all.length).toBeGreaterThan(sure.length);
    for (const { score } of sure) expect(score).toBeGreaterThanOrEqual(0.8);
  });
});

describe("texts that mean harm", () => {
  const random = randomIntegers(7);
  const SIZE = 1 << 20;
  const garbage = () => {
    let text = "";
    while (text.length < SIZE) text += String.fromCharCode(random(0x10000));
    return text;
  };
  test.each([
    ["garbage", garbage()],
    ["one word", "a".repeat(SIZE)],
    ["one word of marks", `a${"\u0301".repeat(SIZE)}`],
    ["signs", "@".repeat(SIZE)],
    ["letters apart", "A ".repeat(SIZE / 2)],
    ["addresses", "a@a".repeat(SIZE / 3)],
    ["line ends", "\n".repeat(SIZE)],
    ["names", "New York ".repeat(SIZE / 9)],
  ])("a megabyte of %s takes time that grows with its length only", (_what, text) => {
    const timed = (part: string) => {
      const from_ms = performance.now();
      const found = ner.find(part);
      const took_ms = performance.now() - from_ms;
      expectEnds(part, found);
      return took_ms;
    };
    timed(text.slice(0, SIZE / 16));
    const quarter_ms = Math.min(timed(text.slice(0, SIZE / 4)), timed(text.slice(0, SIZE / 4)));
    // Four times as much; what is quadratic takes sixteen times as long. Small times are mostly noise.
    const limit_ms = Math.max(10 * quarter_ms, 300);
    const whole_ms = timed(text);
    expect(whole_ms < limit_ms ? whole_ms : timed(text)).toBeLessThan(limit_ms);
  });

  function expectEnds(text: string, found: readonly Found[]): void {
    let last = 0;
    let is_sound = true;
    for (const { start, end } of found) {
      is_sound &&= start >= last && end > start && end <= text.length;
      last = end;
    }
    expect(is_sound).toBe(true);
  }

  test("nothing at all", () => {
    expect(ner.find("")).toEqual([]);
    expect(ner.find(" \n\t ")).toEqual([]);
  });
});

describe("weights", () => {
  const file = readFileSync(WEIGHTS);

  test("a file that is not there is a fault", () => {
    expect(loadBuiltinNer("/nowhere/at/all.bin")).toEqual({
      fault: "the weights for names cannot be read",
    });
  });

  test("are at most 4 MiB", () => {
    expect(file.length).toBeLessThanOrEqual(4 * 1024 * 1024);
  });

  test.each([
    ["empty", () => file.subarray(0, 0), "cut short"],
    ["cut", () => file.subarray(0, file.length - 1), "cut short"],
    ["too long", () => Buffer.concat([file, Buffer.alloc(1)]), "cut short"],
    ["of another kind", () => Buffer.concat([Buffer.from("GIF89a.."), file.subarray(8)]), "is not one of"],
    ["of a later format", () => changed(8, 9), "format"],
    ["with a size that no table has", () => changed(20, 255), "header"],
    ["with a broken scale", () => changed(18, 0xff, 0xff), "header"],
    ["with a changed byte", () => changed(file.length - 5_000, file.at(-5_000)! ^ 1), "checksum"],
  ])("a file that is %s is a fault", (_what, make, fault) => {
    const parsed = parseWeights(make());
    expect("fault" in parsed ? parsed.fault : "no fault").toContain(fault);
  });

  test("a damaged file on disk is a fault", () => {
    const folder = mkdtempSync(join(tmpdir(), "venturi-ner-"));
    try {
      const path = join(folder, "weights.bin");
      writeFileSync(path, changed(40_000, file[40_000]! ^ 0xff));
      expect(loadBuiltinNer(path)).toEqual({ fault: "the weights for names do not fit their checksum" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("bytes may lie anywhere", () => {
    const moved = Buffer.concat([Buffer.alloc(1), file]).subarray(1);
    expect("fault" in parseWeights(moved)).toBe(false);
  });

  function changed(at: number, ...bytes: number[]): Buffer {
    const copy = Buffer.from(file);
    copy.set(bytes, at);
    return copy;
  }
});
