// Messages that held nothing are not looked through again; all others are, and what comes of a request does not depend on it.

import { describe, expect, test } from "vitest";
import { Mapping } from "../../src/privacy/mapping.ts";
import { PlainMessages, wayKey } from "../../src/privacy/plain_messages.ts";
import { makeRecogniser, RECOGNISED } from "../../src/privacy/recognisers/recognisers.ts";
import { type RequestRedaction, redactRequest } from "../../src/privacy/redact_request.ts";
import { randomIntegers } from "../memory/random.ts";
import { PIECES, textOfPieces } from "./recognisers/pieces.ts";

const all = makeRecogniser();
const KEY = wayKey();
const PLAIN = "At 14:30 the build [of part 2] took 9 minutes, and nobody was there to see it. ".repeat(3);
const PERSONAL = `${PLAIN}Write to ada@example.com.`;
const LOOKALIKE = `${PLAIN}What does [EMAIL_1] mean?`;

/** What comes of a request, and the texts that were recognised for it. */
function redacted(
  contents: readonly string[],
  known: RequestRedaction["known"],
  mode: RequestRedaction["mode"] = "redact",
) {
  const read: string[] = [];
  const bytes = Buffer.from(
    JSON.stringify({ messages: contents.map((content) => ({ role: "user", content })) }),
  );
  const mapping = new Mapping();
  const result = redactRequest(bytes, {
    endpoint: "/chat/completions",
    recognise: (text) => {
      read.push(text);
      return all(text);
    },
    mapping,
    mode,
    entities: RECOGNISED,
    secret: new Uint8Array(32),
    known,
  });
  const text = "bytes" in result ? Buffer.from(result.bytes).toString() : result.fault;
  return { result: { ...result, bytes: null }, text, values: [...mapping], read };
}

describe("a history that is sent again", () => {
  test("is not looked through again where it held nothing", () => {
    const known = new PlainMessages().under(KEY, "acme", "redact");
    const first = redacted([PLAIN, PERSONAL], known);
    expect(first.read).toEqual([PLAIN, PERSONAL]);
    const second = redacted([PLAIN, PERSONAL, `${PLAIN}More.`], known);
    expect(second.read).toEqual([PERSONAL, `${PLAIN}More.`]);
    expect(second.values.map(({ value }) => value)).toEqual(["ada@example.com"]);
    expect(second.text).toContain("[EMAIL_1]");
    expect(redacted([PLAIN, PERSONAL, `${PLAIN}More.`], known).read).toEqual([PERSONAL]);
  });

  test("is looked through again where it holds what looks like a placeholder, whose number no value may take", () => {
    const known = new PlainMessages().under(KEY, "acme", "redact");
    redacted([LOOKALIKE], known);
    const second = redacted([LOOKALIKE, PERSONAL], known);
    expect(second.read).toEqual([LOOKALIKE, PERSONAL]);
    expect(second.values.map(({ value, number }) => [value, number])).toEqual([
      ["[EMAIL_1]", 1],
      ["ada@example.com", 2],
    ]);
  });

  test("is looked through for each tenant, each mode and each way", () => {
    const messages = new PlainMessages();
    const known = messages.under(KEY, "acme", "redact");
    redacted([PLAIN], known);
    expect(redacted([PLAIN], known).read).toEqual([]);
    expect(redacted([PLAIN], messages.under(KEY, "globex", "redact")).read).toEqual([PLAIN]);
    expect(redacted([PLAIN], messages.under(KEY, "acme", "audit"), "audit").read).toEqual([PLAIN]);
    expect(redacted([PLAIN], messages.under(wayKey(), "acme", "redact")).read).toEqual([PLAIN]);
    expect(messages.size).toBe(4);
  });

  test("is remembered by as many messages as there is room for, those met last", () => {
    const messages = new PlainMessages(2);
    const known = messages.under(KEY, "acme", "redact");
    const [one, two, three] = ["1", "2", "3"].map((sign) => `${PLAIN}${sign}`) as [string, string, string];
    redacted([one, two], known);
    redacted([one], known);
    redacted([three], known);
    expect(messages.size).toBe(2);
    expect(redacted([one, three], known).read).toEqual([]);
    expect(redacted([two], known).read).toEqual([two]);
  });

  test("comes to the same in whatever order messages of chance are met", () => {
    const random = randomIntegers(15);
    const pieces = [...PIECES, "[EMAIL_1]", "PHONE_2", "[IBAN 3]", " in the ", " of words "];
    const pool = Array.from(
      { length: 60 },
      () => textOfPieces(random, 40, pieces) + (random(2) ? PLAIN : ""),
    );
    const known = new PlainMessages(30).under(KEY, "acme", "redact");
    let skipped = 0;
    for (let round = 0; round < 400; round++) {
      const contents = Array.from({ length: random(8) }, () => pool[random(pool.length)]!);
      const { read, ...rest } = redacted(contents, known);
      const { read: read_all, ...rest_all } = redacted(contents, undefined);
      expect(rest).toEqual(rest_all);
      skipped += read_all.length - read.length;
    }
    expect(skipped).toBeGreaterThan(100);
  });
});
