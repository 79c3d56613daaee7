// Every entity in every form and surrounding: what is found, where it stands, and what is left alone.

import { describe, expect, test } from "vitest";
import { makeRecogniser, RECOGNISED } from "../../../src/privacy/recognisers/recognisers.ts";
import { NOTHING, TOLD_BY_CONTEXT, TOLD_BY_THEMSELVES } from "./values.cases.ts";

const recognise = makeRecogniser();

/** What is found, as "ENTITY value". */
function found(text: string): string[] {
  return recognise(text).map(({ entity, start, end }) => `${entity} ${text.slice(start, end)}`);
}

const rows = TOLD_BY_THEMSELVES.flatMap(([entity, values]) =>
  values.map((value) => [entity, value] as const),
);

/** Surroundings that a value must not be lost in: `%` stands for it. */
const SURROUNDINGS = [
  "%",
  "It is %, I think.",
  "(%)",
  '"%"',
  "'%'",
  "**%**",
  "`%`",
  "<b>%</b>",
  "|%|",
  "- %\n- more",
  '{"value":"%","n":1}',
  '{\\"value\\":\\"%\\"}',
  "line\\n%\\nline",
  "line\n%\nline",
  "x = '%';",
  "[%](about)",
  "他的是%，谢谢。",
  "これは「%」です",
];

describe("a value that tells itself", () => {
  test.each(rows)("%s: %s is found in all surroundings", (entity, value) => {
    for (const surrounding of SURROUNDINGS) {
      const text = surrounding.replace("%", () => value);
      expect(found(text), JSON.stringify(text)).toEqual([`${entity} ${value}`]);
    }
  });

  test.each(rows.filter(([, value]) => /^[\d .-]+$/.test(value)))(
    "%s: %s is found in full width",
    (entity, value) => {
      const wide = value.replace(/\d/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0));
      expect(found(`他的是${wide}。`)).toEqual([`${entity} ${wide}`]);
    },
  );

  test("is found with typographic dashes and spaces, and in digits of other scripts", () => {
    expect(found("card 4556\u20119174\u20110029\u20117557")).toEqual([
      "CREDIT_CARD 4556\u20119174\u20110029\u20117557",
    ]);
    expect(found("card 4556\u00a09174\u00a00029\u00a07557")).toEqual([
      "CREDIT_CARD 4556\u00a09174\u00a00029\u00a07557",
    ]);
    expect(found("\u202a+1 212-555-2368\u202c")).toEqual(["PHONE +1 212-555-2368"]);
    expect(found("٤٥٥٦٩١٧٤٠٠٢٩٧٥٥٧")).toEqual(["CREDIT_CARD ٤٥٥٦٩١٧٤٠٠٢٩٧٥٥٧"]);
  });
});

test("of two addresses that run into each other neither is lost", () => {
  const text = "I live at Møllebakken 35\n\nAv. Paulista 1578";
  expect(found(text)).toEqual(["STREET_ADDRESS Møllebakken 35\n\n", "STREET_ADDRESS Av. Paulista 1578"]);
});

test.each(TOLD_BY_CONTEXT)("%j: %s", (text, entity, value) => {
  expect(found(text)).toContain(`${entity} ${value}`);
});

test.each(NOTHING)("nothing is found in %j", (text) => {
  expect(found(text)).toEqual([]);
});

test("there are the entities that configurations may name", () => {
  expect(RECOGNISED.join(" ")).toBe(
    "API_KEY BANK_ACCOUNT BR_CNPJ BR_CPF CA_SIN CN_RESIDENT_ID CREDIT_CARD CRYPTO_WALLET DATE_OF_BIRTH DE_TAX_ID DRIVING_LICENCE EMAIL " +
      "ES_DNI ES_NIE FR_NIR IBAN IN_AADHAAR IN_PAN IP_ADDRESS IT_CODICE_FISCALE JWT MAC_ADDRESS MEDICAL_RECORD PASSPORT PHONE " +
      "PRIVATE_KEY SECRET STREET_ADDRESS UK_NHS UK_NINO URL_CREDENTIALS US_ITIN US_SSN",
  );
});

test("every entity is in the tables", () => {
  const tested = new Set([...rows.map(([entity]) => entity), ...TOLD_BY_CONTEXT.map(([, entity]) => entity)]);
  expect(RECOGNISED.filter((entity) => !tested.has(entity))).toEqual([]);
});

test("several values of one text are found in order", () => {
  const text = "Ada (ada@example.com, +1 212-555-2368) paid with 4556 9174 0029 7557 from 203.0.113.77.";
  expect(found(text)).toEqual([
    "EMAIL ada@example.com",
    "PHONE +1 212-555-2368",
    "CREDIT_CARD 4556 9174 0029 7557",
    "IP_ADDRESS 203.0.113.77",
  ]);
});

test("numbers that stand side by side are told apart", () => {
  expect(found("212-555-2368 646-555-0143")).toEqual(["PHONE 212-555-2368", "PHONE 646-555-0143"]);
  expect(found("4556 9174 0029 7557 5412 0473 6881 3988")).toEqual([
    "CREDIT_CARD 4556 9174 0029 7557",
    "CREDIT_CARD 5412 0473 6881 3988",
  ]);
  expect(found("4556 9174 0029 7557 12/27 123")).toEqual(["CREDIT_CARD 4556 9174 0029 7557"]);
});
