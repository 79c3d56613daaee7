// What the bytes of a string say of what can be found in it: a string without what recognisers need holds nothing, and those that are
// told what it may hold find in it what they find without being told.

import { describe, expect, test } from "vitest";
import { makeRecogniser, RECOGNISED } from "../../../src/privacy/recognisers/recognisers.ts";
import { CANDIDATES, candidates, SECRET_NAME_ENDINGS } from "../../../src/wire/candidates.ts";
import { randomIntegers } from "../../memory/random.ts";
import { PIECES, textOfPieces, VALUES } from "./pieces.ts";

const all = makeRecogniser();
const alone = RECOGNISED.map((entity) => makeRecogniser({ entities: [entity] }));

/** Pieces that lead near to a value without the usual signs of one: no digit, an escape, an unusual way to write it. */
const NEAR_PIECES = [
  ...PIECES,
  ..."ABCDEF",
  "pw",
  "contraseña",
  "CONTRASEÑA",
  "apiKey",
  "Bearer ",
  "hunter!",
  "'HunterTwo'",
  "curl -u ",
  "jo:",
  "ab:cd:ef:ab:cd:ef",
  "ab-cd-ef-ab-cd-ef",
  "abcd:ef:ab:cd:ef:ab:cd:ef",
  "fe80::a",
  "ghp_abcdefghijklmnopqrstuvwxyzABCDEFGHIJ",
  "https://hooks.slack.com/services/",
  "jo:password@host",
  "ｐassword",
];

/** A string of JSON, sometimes with escapes where none are needed. */
function written(text: string, random: ReturnType<typeof randomIntegers>): Uint8Array {
  let json = JSON.stringify(text);
  if (random(3) === 0) json = json.replaceAll("/", "\\/");
  if (random(3) === 0) {
    json = json.replace(/(?<!\\)[a-z0-9@:]/gi, (char) =>
      random(20) > 0 ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  }
  return Buffer.from(json);
}

function classesOf(json: Uint8Array): number {
  return candidates(json, 1, json.length - 1);
}

function expectTold(json: Uint8Array): void {
  const holds = classesOf(json);
  const text = JSON.parse(Buffer.from(json).toString()) as string;
  const found = all(text);
  expect(all(text, holds)).toEqual(found);
  if ((holds & all.needs!) === 0) expect(found).toEqual([]);
  for (const one of alone) if ((holds & one.needs!) === 0) expect(one(text)).toEqual([]);
}

describe("in strings of JSON", () => {
  test.each(VALUES)("%j is found where its classes are told", (value) => {
    expectTold(Buffer.from(JSON.stringify(value)));
  });

  test("what is not needed by any recogniser holds nothing, in texts of chance", () => {
    const random = randomIntegers(11);
    for (let round = 0; round < 3_000; round++) {
      expectTold(written(textOfPieces(random, 1 + random(30), NEAR_PIECES), random));
    }
  });

  test("a string within a string is told by the outer one's bytes", () => {
    const random = randomIntegers(12);
    for (let round = 0; round < 1_000; round++) {
      const inner = textOfPieces(random, 12, NEAR_PIECES);
      const outer = Buffer.from(JSON.stringify(Buffer.from(written(inner, random)).toString()));
      const holds = classesOf(outer);
      expect(all(inner, holds)).toEqual(all(inner));
      if ((holds & all.needs!) === 0) expect(all(inner)).toEqual([]);
    }
  });

  test("every name that secrets are assigned to ends as the classes have it", () => {
    const names =
      "password passwd pwd pw pass passphrase passcode kennwort passwort contraseña contrasena senha passe secret token key apikey " +
      "secretkey accesskey authkey privatekey credential credentials bearer authorization auth sig";
    const endings = SECRET_NAME_ENDINGS.split(" ");
    for (const name of names.split(" ")) {
      expect(endings.some((ending) => name.endsWith(ending))).toBe(true);
      expect(classesOf(Buffer.from(`"${name}: x"`)) & CANDIDATES.assignment).toBe(CANDIDATES.assignment);
      expect(
        all(`${name} = "q7Zp-2Rk9x-Lm4Tw8"`).map(({ entity }) => entity),
        name,
      ).toContain("SECRET");
    }
  });
});
