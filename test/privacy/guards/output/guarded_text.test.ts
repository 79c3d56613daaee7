// Texts that are judged while they grow: what is found, what is held back, and that pieces make no difference.

import { describe, expect, test } from "vitest";
import { AnswerGuard } from "../../../../src/privacy/guards/output/answer_guard.ts";
import {
  askedIn,
  type CommonGuardPlan,
  makeTextGuards,
  type PersonalKnowledge,
} from "../../../../src/privacy/guards/output/text_guards.ts";

/** Neither kinds of a configuration's own nor names. */
const KNOWS_NOTHING: PersonalKnowledge = { custom: [], findNames: () => null };

const KEY = "sk-proj-Zk3vQ9xLm2TyR8wNp5BsH7dJc4FgA6eUoV1iXqKzMnYtWbPr";
const PEM_LINE = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
const PEM = `-----BEGIN PRIVATE KEY-----\n${`${PEM_LINE}\n`.repeat(24)}MzEfYyjiWA4R4\n-----END PRIVATE KEY-----`;

const ALL: readonly CommonGuardPlan[] = [
  { guard: "denied_words", action: "redact", words: ["project falcon", "机密"] },
  { guard: "secrets", action: "redact" },
  { guard: "personal_data", action: "redact", entities: ["EMAIL", "PHONE", "IBAN", "CREDIT_CARD"] },
  { guard: "links", action: "redact", hosts: ["example.com"] },
];

interface Judged {
  readonly text: string;
  readonly found: readonly string[];
  readonly is_blocked: boolean;
  /** The most that was held back. */
  readonly held: number;
}

function judge(plans: readonly CommonGuardPlan[], pieces: readonly string[], request = "{}"): Judged {
  const found = new Set<string>();
  const isAsked = askedIn(Buffer.from(request));
  const guard = new AnswerGuard(
    plans.flatMap((plan) => makeTextGuards(plan, KNOWS_NOTHING)),
    isAsked,
    (finding) => {
      found.add(`${finding.guard} ${finding.action}`);
    },
  );
  const growing = guard.begin();
  let text = "";
  let held = 0;
  for (const piece of pieces) {
    text += growing.push(piece);
    held = Math.max(held, growing.held_chars);
  }
  text += growing.end();
  return { text, found: [...found].sort(), is_blocked: guard.is_blocked, held };
}

function whole(plans: readonly CommonGuardPlan[], text: string, request = "{}"): string {
  return new AnswerGuard(
    plans.flatMap((plan) => makeTextGuards(plan, KNOWS_NOTHING)),
    askedIn(Buffer.from(request)),
    () => {},
  ).judge(text);
}

const TEXTS: readonly [string, string][] = [
  [
    "Nothing is in this text, and nothing is taken out of it.",
    "Nothing is in this text, and nothing is taken out of it.",
  ],
  ["We call it Project\n Falcon, and the projects go on.", "We call it [removed], and the projects go on."],
  ["这是机密文件，没有别的。", "这是[removed]文件，没有别的。"],
  [`The key is ${KEY} today.`, "The key is [API_KEY] today."],
  ["Write to jo.doe@evil.test or call +49 30 90 18 20 now.", "Write to [EMAIL] or call [PHONE] now."],
  ["Pay to DE89 3704 0044 0532 0130 00, please.", "Pay to [IBAN], please."],
  [
    "![x](https://evil.test/i?q=1) and https://example.com/a",
    "![x]([link removed]) and https://example.com/a",
  ],
  [`See https://evil.test/${"a".repeat(1_000)} there.`, "See [link removed] there."],
  [`Here: ${PEM}\nThat was it.`, "Here: [PRIVATE_KEY]\nThat was it."],
  [
    '{"a":"x\\nproject\\nfalcon","u":"https:\\/\\/evil.test\\/x"}',
    '{"a":"x\\n[removed]","u":"[link removed]"}',
  ],
  ["Smile 😀😀😀 https://evil.test/😀 😀", "Smile 😀😀😀 [link removed] 😀"],
];

describe("what is found is taken out", () => {
  test.each(TEXTS)("of a whole text (%#)", (text, wanted) => {
    expect(whole(ALL, text)).toBe(wanted);
  });

  test.each(TEXTS)("of a stream, wherever it is cut (%#)", (text, wanted) => {
    const letters = [...text];
    expect(judge(ALL, [text]).text).toBe(wanted);
    expect(judge(ALL, letters).text).toBe(wanted);
    const first = judge(ALL, [text]);
    for (let cut = 0; cut <= text.length; cut++) {
      const { text: given, found } = judge(ALL, [text.slice(0, cut), text.slice(cut)]);
      expect(given).toBe(wanted);
      expect(found).toEqual(first.found);
    }
  });

  test("of a stream of any texts together, in pieces of any length", () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    const parts = [
      ...TEXTS.map(([text]) => text),
      " ",
      "\n\n",
      "://",
      "-----",
      "@",
      "a".repeat(300),
      "\ud83d",
      "12 ",
    ];
    for (let round = 0; round < 60; round++) {
      const text = Array.from({ length: 5 }, () => {
        const part = parts[random(parts.length)]!;
        return random(3) === 0 ? part.slice(random(part.length)) : part;
      }).join("");
      const pieces: string[] = [];
      for (let at = 0; at < text.length; ) {
        const length = 1 + random(40);
        pieces.push(text.slice(at, at + length));
        at += length;
      }
      const { text: given, found } = judge(ALL, pieces);
      const in_one = judge(ALL, [text]);
      expect(given).toBe(in_one.text);
      expect(found).toEqual(in_one.found);
    }
  });
});

test("any characters come out the same, wherever they are cut, and as they were where there is no finding", () => {
  let seed = 11;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let round = 0; round < 100; round++) {
    const below = [0x80, 0x3000, 0x10000][round % 3]!;
    const text = String.fromCharCode(...Array.from({ length: 600 }, () => random(below)));
    const in_one = judge(ALL, [text]);
    if (in_one.found.length === 0) expect(in_one.text).toBe(text);
    expect(judge(ALL, text.split("")).text).toBe(in_one.text);
    expect(judge(ALL, text.match(/.{1,7}/gs)!).text).toBe(in_one.text);
  }
});

describe("what is held back", () => {
  test("is the last words of prose, and no more", () => {
    const words = "The quick brown fox jumps over the lazy dog and goes home. ".repeat(50).split(/(?<= )/);
    const only_words: CommonGuardPlan[] = [
      { guard: "denied_words", action: "redact", words: ["project falcon"] },
    ];
    expect(judge(only_words, words).held).toBe(0);
    expect(judge(ALL, words).held).toBeLessThan(40);
  });

  test("is bounded, whatever comes, and nothing is lost of what is no finding", () => {
    for (const part of ["1 ", "project ", "a", "a:", "-", "[", "字"]) {
      const text = part.repeat(5_000);
      const only: CommonGuardPlan[] = [
        { guard: "denied_words", action: "redact", words: [`${"project ".repeat(500)} falcon`] },
        { guard: "links", action: "redact", hosts: [] },
      ];
      const { text: given, held } = judge(only, [...text]);
      expect(given).toBe(text);
      expect(held).toBeLessThan(512);
    }
  });

  test("is nothing where nothing is taken out", () => {
    const plans = ALL.map((plan) => ({ ...plan, action: "flag" as const }));
    for (const [text] of TEXTS) {
      const { text: given, held, found } = judge(plans, [...text]);
      expect(given).toBe(text);
      expect(held).toBe(0);
      if (text !== TEXTS[0]![0]) expect(found).not.toEqual([]);
    }
  });
});

test("nothing that blocks goes out, wherever a stream is cut", () => {
  const plans = ALL.map((plan) => ({ ...plan, action: "block" as const }));
  for (const [text, wanted] of TEXTS.slice(1)) {
    const before = wanted.slice(0, wanted.indexOf("["));
    for (let cut = 0; cut <= text.length; cut++) {
      const { text: given, is_blocked } = judge(plans, [text.slice(0, cut), text.slice(cut)]);
      expect(is_blocked).toBe(true);
      if (!text.startsWith("![")) expect(before.startsWith(given)).toBe(true);
    }
  }
});

test("a key without an end is taken out to the end of its lines, and what follows goes on", () => {
  const cut = PEM.slice(0, PEM.indexOf("MzEf"));
  const { text } = judge(ALL, [...`${cut}\nThat's all, "folks"! ${"And more words. ".repeat(30)}`]);
  expect(text).toMatch(/^\[PRIVATE_KEY\]\s+That's all, "folks"! And more/);
});

test("what the request had is no finding, in whatever spelling", () => {
  const request = JSON.stringify({
    messages: [{ role: "user", content: "I am Jo.Doe@evil.test, 030/901820" }],
  });
  const text = "jo.doe@evil.test, ann@evil.test";
  expect(whole(ALL, text, request)).toBe("jo.doe@evil.test, [EMAIL]");
  expect(judge(ALL, [...text], request).text).toBe("jo.doe@evil.test, [EMAIL]");
});

test("what fails blocks", () => {
  const fails = () => {
    throw new Error("at fault");
  };
  const guard = new AnswerGuard(
    [{ action: "flag", find: fails, openFrom: () => 0 }],
    () => false,
    () => {},
  );
  expect(guard.judge("text")).toBe("");
  expect(guard.is_blocked).toBe(true);
  expect(guard.begin().push("more ")).toBe("");
});
