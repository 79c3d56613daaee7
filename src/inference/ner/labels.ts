// What the labels of token-classification models say: those of CoNLL and OntoNotes, and those of models for personal data. Other labels
// are no names, or are found by recognisers better.

import { ENTITIES } from "./chain.ts";

const WORDS: Readonly<Record<string, string>> = {
  PERSON:
    "PER PERS PERSON PERSONS PEOPLE NAME FULLNAME FULL_NAME FIRSTNAME FIRST_NAME MIDDLENAME MIDDLE_NAME LASTNAME LAST_NAME GIVENNAME GIVEN_NAME " +
    "SURNAME FAMILY_NAME PRIVATE_PERSON PATIENT DOCTOR STAFF",
  LOCATION:
    "LOC LOCATION LOCATIONS GPE GEO GEOPOLITICAL FAC FACILITY PLACE CITY TOWN STATE COUNTY COUNTRY REGION PROVINCE PRIVATE_LOCATION",
  ORGANIZATION:
    "ORG ORGANIZATION ORGANISATION ORGANIZATIONS CORP CORPORATION COMPANY COMPANYNAME COMPANY_NAME COM INSTITUTION HOSPITAL",
};

const NUMBERED: readonly string[] = ENTITIES;

const ENTITY_OF: ReadonlyMap<string, number> = new Map(
  Object.entries(WORDS).flatMap(([entity, words]) =>
    words.split(" ").map((word): [string, number] => [word, NUMBERED.indexOf(entity)]),
  ),
);

/** What a label says of a token. */
export interface Label {
  /** The number of the entity in `ENTITIES`. */
  readonly entity: number;
  /** Whether a name begins here, beside another of the kind. */
  readonly is_begin: boolean;
  /** What the model calls the kind: a given name and a surname are both a person's, and one name. */
  readonly kind: string;
}

/** What is before a kind: `B-`, `I_`; and of other schemes, inner, last and single tokens. */
const PREFIX = /^([BILUSE])[-_]/;

/** Reads a model's labels, by their numbers; null for what is no name. Null altogether where the model knows no names. */
export function readLabels(id2label: unknown): readonly (Label | null)[] | null {
  if (typeof id2label !== "object" || id2label === null) return null;
  const labels: (Label | null)[] = [];
  for (const [id, name] of Object.entries(id2label)) {
    const index = Number(id);
    if (!Number.isInteger(index) || index < 0 || index > LABELS_MAX || typeof name !== "string") return null;
    labels[index] = readLabel(name);
  }
  for (let index = 0; index < labels.length; index++) labels[index] ??= null;
  return labels.some((label) => label !== null) ? labels : null;
}

const LABELS_MAX = 10_000;

function readLabel(written: string): Label | null {
  const name = written.trim().toUpperCase();
  const prefix = PREFIX.exec(name)?.[1] ?? "";
  const kind = prefix === "" ? name : name.slice(2);
  const entity = ENTITY_OF.get(kind.replaceAll(/[ -]/g, "_"));
  if (entity === undefined || entity < 0) return null;
  return { entity, is_begin: prefix === "B" || prefix === "U" || prefix === "S", kind };
}
