// Values put back into texts: whole and in pieces, however a model spells their placeholders.

import { describe, expect, test } from "vitest";
import { Mapping } from "../../src/privacy/mapping.ts";
import { TextRedaction } from "../../src/privacy/redact_text.ts";
import { Restorer, restoreText } from "../../src/privacy/restore.ts";
import { randomIntegers } from "../memory/random.ts";
import { ENTITIES, NAMES, recognise } from "./hand_made.ts";

function mapped(...values: [string, string][]): Mapping {
  const mapping = new Mapping();
  for (const [entity, value] of values) mapping.placeholderOf(entity, value);
  return mapping;
}

function redact(text: string, mapping: Mapping): string {
  mapping.admit(ENTITIES);
  const redaction = new TextRedaction({
    recognise,
    mode: "redact",
    entities: ENTITIES,
    chars_max: 1_000_000,
  });
  const redacted = redaction.redact(text, mapping) ?? text;
  expect(redaction.fault).toBe(null);
  return redacted;
}

/** The text restored from pieces that end at these offsets, and the most that was held back. */
function inPieces(
  text: string,
  cuts: readonly number[],
  mapping: Mapping,
): { restored: string; held: number } {
  const restorer = new Restorer(mapping);
  let restored = "";
  let held = 0;
  let start = 0;
  for (const cut of [...cuts, text.length]) {
    restored += restorer.push(text.slice(start, cut));
    held = Math.max(held, restorer.held_chars);
    start = cut;
  }
  return { restored: restored + restorer.end(), held };
}

const mapping = mapped(["EMAIL", "ada@example.org"], ["PERSON", "Ada Lovelace"], ["US_SSN", "078-05-1120"]);

describe("a placeholder is restored", () => {
  test.each([
    ["as it was written", "to [EMAIL_1].", "to ada@example.org."],
    ["in lower case", "[email_1]", "ada@example.org"],
    ["in mixed case", "[Email_1]", "ada@example.org"],
    ["with a space", "[EMAIL 1]", "ada@example.org"],
    ["with spaces inside", "[ EMAIL_1 ]", "ada@example.org"],
    ["without an underscore", "[EMAIL1]", "ada@example.org"],
    ["with a dash", "[EMAIL-1]", "ada@example.org"],
    ["with a dash that does not break", "[EMAIL\u20111]", "ada@example.org"],
    ["with a space that does not break", "[EMAIL\u00a01]", "ada@example.org"],
    ["with a colon", "[EMAIL: 1]", "ada@example.org"],
    ["with a number sign", "[EMAIL #1]", "ada@example.org"],
    ["escaped for Markdown", "\\[EMAIL\\_1\\]", "ada@example.org"],
    ["with its underscore escaped alone", "[US\\_SSN\\_1]", "078-05-1120"],
    ["bold", "**[EMAIL_1]**", "**ada@example.org**"],
    ["bold within the brackets", "[**EMAIL_1**]", "ada@example.org"],
    ["as code", "`[EMAIL_1]`", "`ada@example.org`"],
    ["in full-width brackets", "［EMAIL_1］", "ada@example.org"],
    ["in lenticular brackets", "【EMAIL_1】", "ada@example.org"],
    ["in full-width characters", "［ＥＭＡＩＬ＿１］", "ada@example.org"],
    ["with an owner's s behind it", "[PERSON_1]'s", "Ada Lovelace's"],
    ["with an owner's s within it", "[PERSON_1's] and [PERSON_1’s]", "Ada Lovelace's and Ada Lovelace’s"],
    ["within other brackets", "[[EMAIL_1]]", "[ada@example.org]"],
    ["behind a bracket", "[see [EMAIL_1]", "[see ada@example.org"],
    ["twice", "[EMAIL_1][EMAIL_1]", "ada@example.orgada@example.org"],
    ["as a link", "[mail](mailto:[EMAIL_1])", "[mail](mailto:ada@example.org)"],
    ["without brackets", "to EMAIL_1, PERSON_1", "to ada@example.org, Ada Lovelace"],
    ["without brackets, with Markdown", "to EMAIL\\_1", "to ada@example.org"],
    ["two in one pair of brackets", "[EMAIL_1, PERSON_1]", "[ada@example.org, Ada Lovelace]"],
    ["without brackets among characters that are no letters of ours", "给EMAIL_1。", "给ada@example.org。"],
  ])("%s", (_, text, expected) => {
    expect(restoreText(text, mapping)).toBe(expected);
  });
});

describe("nothing is restored", () => {
  test.each([
    ["with a number that nobody has", "[EMAIL_2] [EMAIL_999999] EMAIL_3"],
    ["with a longer number", "[EMAIL_10] [email_1 0] EMAIL_11 [EMAIL_0000001] [EMAIL_01]"],
    ["with a number too long to be one", "[EMAIL_1111111]"],
    ["with another name", "[MAIL_1] [EMAILS_1] [XEMAIL_1]"],
    ["that is not closed", "[email_1 is"],
    ["that is cut short", "the address [EMAIL_"],
    ["within a word", "MY_EMAIL_1 EMAIL_1X xEMAIL_1 EMAIL_1_2"],
    ["without brackets, in another spelling", "email_1 Email_1 EMAIL 1 EMAIL-1"],
    ["with an escape on one side alone", "[email_1\\]"],
    ["an array", "a[1], email[1], [1], [x], [ ]"],
  ])("%s", (_, text) => {
    expect(restoreText(text, mapping)).toBe(text);
  });

  test("with a space within its number, whoever has the number without it", () => {
    const many = mapped(
      ...Array.from({ length: 12 }, (_, at): [string, string] => ["EMAIL", `a${at}@example.org`]),
    );
    expect(restoreText("[email_1 2] [email_12]", many)).toBe("[email_1 2] a11@example.org");
  });

  test("behind a letter that is written as an escape of JSON", () => {
    const text = '{"a":"\\u0041EMAIL_1"}';
    expect(restoreText(text, mapping)).toBe(text);
  });

  test("without brackets, where that is not wanted", () => {
    const strict = new Mapping({ restores_bare: false });
    strict.placeholderOf("EMAIL", "ada@example.org");
    expect(restoreText("EMAIL_1 and [EMAIL_1]", strict)).toBe("EMAIL_1 and ada@example.org");
  });
});

describe("JSON stays JSON", () => {
  const odd = mapped(["PERSON", 'Sean "Doc"\\\n\u0001é'], ["EMAIL", "ada@example.org"]);

  test.each([
    ["in a string", '{"to":"[PERSON_1]"}', { to: 'Sean "Doc"\\\n\u0001é' }],
    ["in a key", '{"[EMAIL_1]":1}', { "ada@example.org": 1 }],
    [
      "with escapes of JSON for its brackets",
      '{"to":"\\u005bEMAIL\\u005f1\\u005D"}',
      { to: "ada@example.org" },
    ],
    ["with Markdown's escapes", '{"to":"\\\\[EMAIL\\\\_1\\\\]"}', { to: "ada@example.org" }],
    ["behind an escape", '{"to":"\\nEMAIL_1\\n"}', { to: "\nada@example.org\n" }],
    ["behind a backslash", '{"to":"\\\\[EMAIL_1]"}', { to: "\\ada@example.org" }],
    [
      "where the model forgot the quotes",
      '{"to":[EMAIL_1],"cc":EMAIL_1}',
      { to: "ada@example.org", cc: "ada@example.org" },
    ],
    ["in an array", '["[PERSON_1]",["[EMAIL_1]"]]', ['Sean "Doc"\\\n\u0001é', ["ada@example.org"]]],
    [
      "in objects of an array",
      ' [ {"a":"[EMAIL_1]"}, {"b":"EMAIL_1"}]',
      [{ a: "ada@example.org" }, { b: "ada@example.org" }],
    ],
  ])("%s", (_, text, expected) => {
    expect(JSON.parse(restoreText(text, odd))).toEqual(expected);
    for (let cut = 0; cut <= text.length; cut++) {
      expect(JSON.parse(inPieces(text, [cut], odd).restored)).toEqual(expected);
    }
  });

  test("text behind the JSON is text again", () => {
    expect(restoreText('{"a":1} [PERSON_1]', odd)).toBe('{"a":1} Sean "Doc"\\\n\u0001é');
  });

  test("what merely begins with a brace is text", () => {
    expect(restoreText("{name}: [PERSON_1]", odd)).toBe('{name}: Sean "Doc"\\\n\u0001é');
  });
});

/** Texts full of values, of placeholders that nobody gave out, and of what is nearly one. */
const FRAGMENTS = [
  ...NAMES,
  "ada@example.org",
  "grace@navy.mil",
  "4111111111111111",
  "078-05-1120",
  ...[
    "[EMAIL_1]",
    "[EMAIL_2]",
    "[PERSON_1]",
    "EMAIL_1",
    "PERSON_2",
    "[email 1]",
    "\\[EMAIL\\_1\\]",
    "［PERSON＿1］",
    "【EMAIL_1】",
  ],
  ...[
    "[PERSON_1's]",
    "[ US SSN - 3 ]",
    "[EMAIL_",
    "[",
    "]",
    "\\",
    "\\[",
    "\\]",
    "EMAIL_",
    "_1",
    "1]",
    "EMAIL",
    "[[",
    "'s]",
    "[**EMAIL_1**]",
  ],
  ...[" ", " ", ", ", "\n", "a", "Z", "_", "0", "é", "😀", "\ud800", '"', "{", "}", '{"', "`", "**"],
];

/** Values of equal identity are spelled the same here, so that they come back as they went. */
function randomText(random: (limit: number) => number): string {
  let text = "";
  for (let count = random(24); count >= 0; count--) text += FRAGMENTS[random(FRAGMENTS.length)]!;
  return text;
}

describe("redacting and restoring is the identity", () => {
  test("for any text, cut anywhere", () => {
    const random = randomIntegers(71);
    let restored_values = 0;
    for (let round = 0; round < 4000; round++) {
      const conversation = new Mapping();
      const texts = [randomText(random), randomText(random)];
      const redacted = texts.map((text) => redact(text, conversation));
      texts.forEach((text, index) => {
        // A text that opens like JSON and is none may get escapes within its strings.
        if (/^\s*[[{]+\s*"/.test(text)) return;
        const sent = redacted[index]!;
        const cuts = Array.from({ length: random(6) }, () => random(sent.length + 1)).sort((a, b) => a - b);
        expect(inPieces(sent, cuts, conversation).restored).toBe(text);
        restored_values += sent === text ? 0 : 1;
      });
    }
    expect(restored_values).toBeGreaterThan(4000);
  });

  test("for a text in single characters", () => {
    const random = randomIntegers(72);
    for (let round = 0; round < 500; round++) {
      const conversation = new Mapping();
      const text = `:${randomText(random)}`;
      const sent = redact(text, conversation);
      const cuts = Array.from(sent, (_, at) => at);
      expect(inPieces(sent, cuts, conversation).restored).toBe(text);
    }
  });

  test("for JSON, as a value", () => {
    const random = randomIntegers(73);
    for (let round = 0; round < 1500; round++) {
      const conversation = new Mapping();
      const value = {
        [randomText(random)]: randomText(random),
        list: [randomText(random), 12, { deep: randomText(random).toWellFormed() }],
      };
      const text = JSON.stringify(value, null, random(2));
      const sent = redact(text, conversation);
      const cuts = Array.from({ length: random(9) }, () => random(sent.length + 1)).sort((a, b) => a - b);
      expect(JSON.parse(inPieces(sent, cuts, conversation).restored)).toEqual(JSON.parse(text));
    }
  });

  test("a whole text and its pieces give the same, whatever they hold", () => {
    const random = randomIntegers(74);
    for (let round = 0; round < 3000; round++) {
      const text = randomText(random);
      const whole = restoreText(text, mapping);
      const cuts = Array.from({ length: random(12) }, () => random(text.length + 1)).sort((a, b) => a - b);
      expect(inPieces(text, cuts, mapping).restored).toBe(whole);
    }
  });
});

describe("what is held back", () => {
  test("is no more than a placeholder", () => {
    const random = randomIntegers(75);
    for (let round = 0; round < 2000; round++) {
      const text = randomText(random);
      expect(
        inPieces(
          text,
          Array.from({ length: text.length }, (_, at) => at),
          mapping,
        ).held,
      ).toBeLessThan(32);
    }
  });

  test("is not all that could stand between its parts", () => {
    for (const flood of [" ", "_", "*", "\u200b"]) {
      const text = `[EMAIL${flood.repeat(1000)}1]`;
      expect(
        inPieces(
          text,
          Array.from({ length: text.length }, (_, at) => at),
          mapping,
        ).held,
      ).toBeLessThan(32);
    }
  });

  test("is nothing of a text that begins no placeholder", () => {
    const text = "The quick brown fox [jumps] over a[0] (lazy) dogs.";
    expect(
      inPieces(
        text,
        Array.from({ length: text.length }, (_, at) => at),
        mapping,
      ).held,
    ).toBeLessThan(2);
  });

  test("a flood of brackets, backslashes and spaces is read in linear time", () => {
    for (const flood of ["[", "\\", "[ ", "[EMAIL ", "\\[", "EMAIL_", '{"', '{"\\', "[EMAIL_1".repeat(2)]) {
      const text = flood.repeat(1_000_000 / flood.length);
      const started_ms = performance.now();
      expect(restoreText(text, mapping).length).toBeGreaterThan(0);
      expect(performance.now() - started_ms).toBeLessThan(3000);
    }
  });
});
