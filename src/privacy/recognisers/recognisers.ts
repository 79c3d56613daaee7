// All recognisers together: one walk over the text for those that are built in, and a search for each that the configuration adds.

import type { Entity, Found, Recognise } from "../entity.ts";
import { finish, type Steps } from "../steps.ts";
import { ACCOUNT_RULES, CONTEXT_CODES } from "./accounts.ts";
import { STREET_ADDRESS } from "./addresses.ts";
import { API_KEY } from "./api_keys.ts";
import { CREDIT_CARD_RULES } from "./credit_card.ts";
import { type CustomRecogniser, customSearch } from "./custom.ts";
import { DATE_OF_BIRTH_RULES, WRITTEN_DATE_OF_BIRTH } from "./dates.ts";
import { EMAIL } from "./email.ts";
import { IBAN } from "./iban.ts";
import { JWT } from "./jwt.ts";
import { NATIONAL_CODES, NATIONAL_RULES } from "./national_ids.ts";
import { IP_ADDRESS, MAC_ADDRESS } from "./network.ts";
import { type NumberRule, numberRecogniser } from "./numbers.ts";
import { withoutOverlaps } from "./overlaps.ts";
import { phoneRecogniser } from "./phone.ts";
import { PRIVATE_KEY } from "./private_keys.ts";
import { lookersOf, needsOf, type Recogniser, Scan, Walk } from "./scan.ts";
import { SECRET } from "./secrets.ts";
import { URL_CREDENTIALS } from "./urls.ts";
import { CRYPTO_WALLET } from "./wallets.ts";

const RULES: readonly NumberRule[] = [
  ...CREDIT_CARD_RULES,
  ...NATIONAL_RULES,
  ...ACCOUNT_RULES,
  ...DATE_OF_BIRTH_RULES,
];

const RECOGNISERS: readonly Recogniser[] = [
  EMAIL,
  IBAN,
  NATIONAL_CODES,
  CONTEXT_CODES,
  IP_ADDRESS,
  MAC_ADDRESS,
  URL_CREDENTIALS,
  WRITTEN_DATE_OF_BIRTH,
  STREET_ADDRESS,
  CRYPTO_WALLET,
  API_KEY,
  PRIVATE_KEY,
  JWT,
  SECRET,
];

/** The entities that can be recognised without a model. */
export const RECOGNISED: readonly Entity[] = [
  ...new Set([
    "PHONE",
    ...RECOGNISERS.flatMap(({ entities }) => entities),
    ...RULES.map(({ entity }) => entity),
  ]),
].sort();

/** Characters of a step: where all of them are numbers that are looked up, about a millisecond. */
const STEP_CHARS = 1024;

/** What counts as found where nothing else is asked for. */
export const THRESHOLD = 0.5;

/** What to recognise. */
export interface RecogniserOptions {
  /** All, if not given. Those of custom recognisers are always among them. Names that are not recognised are left to others. */
  readonly entities?: readonly Entity[] | undefined;
  /** From how sure on a finding counts, by entity; `THRESHOLD` if not given. */
  readonly thresholds?: Readonly<Record<Entity, number>> | undefined;
  /** They must be without fault: see `checkCustom`. */
  readonly custom?: readonly CustomRecogniser[] | undefined;
}

/** What finds personal data, at once or in steps. */
export type Recognisers = Recognise & Required<Pick<Recognise, "inSteps">>;

/** Makes what finds personal data and secrets in texts. Its time is linear in the text's length, whatever the text. */
export function makeRecogniser({
  entities,
  thresholds = {},
  custom = [],
}: RecogniserOptions = {}): Recognisers {
  const wanted = new Map<Entity, number>();
  for (const entity of entities ?? RECOGNISED) wanted.set(entity, thresholds[entity] ?? THRESHOLD);
  for (const { name } of custom) wanted.set(name, thresholds[name] ?? THRESHOLD);
  const lookers = lookersOf(builtIn(wanted));
  const walk = new Walk(lookers);
  const searches = custom.map(customSearch);
  const recognise = (text: string, holds?: number) => {
    const scan = new Scan(text, wanted);
    walk.begin(scan, holds);
    walk.goOn(text.length);
    for (const search of searches) addFound(scan, finish(search(scan.text)));
    return withoutOverlaps(scan.found);
  };
  function* inSteps(text: string, holds?: number): Steps<readonly Found[]> {
    const scan = new Scan(text, wanted);
    // Other texts are recognised between the steps.
    const own_walk = new Walk(lookers);
    own_walk.begin(scan, holds);
    while (!own_walk.goOn(STEP_CHARS)) yield;
    for (const search of searches) addFound(scan, yield* search(scan.text));
    return withoutOverlaps(scan.found);
  }
  // A pattern may match anything.
  const needs = searches.length > 0 ? undefined : needsOf(lookers);
  return Object.assign(recognise, { inSteps, needs });
}

function builtIn(wanted: ReadonlyMap<Entity, number>): readonly Recogniser[] {
  const recognisers = RECOGNISERS.filter(({ entities }) => entities.some((entity) => wanted.has(entity)));
  const rules = RULES.filter(({ entity }) => wanted.has(entity));
  return [
    ...recognisers,
    ...(rules.length > 0 ? [numberRecogniser(rules)] : []),
    ...(wanted.has("PHONE") ? [phoneRecogniser()] : []),
  ];
}

function addFound(scan: Scan, found: readonly Found[]): void {
  for (const { entity, start, end, score } of found) scan.add(entity, start, end, score);
}
