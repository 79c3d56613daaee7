// All recognisers together: one walk over the text for those that are built in, and a search for each that the configuration adds.

import type { Entity, Recognise } from "../entity.ts";
import { ACCOUNT_RULES, CONTEXT_CODES } from "./accounts.ts";
import { STREET_ADDRESS } from "./addresses.ts";
import { API_KEY } from "./api_keys.ts";
import { CREDIT_CARD_RULES } from "./credit_card.ts";
import { type CustomRecogniser, type CustomSearch, customSearch } from "./custom.ts";
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

/** Makes what finds personal data and secrets in texts. Its time is linear in the text's length, whatever the text. */
export function makeRecogniser({
  entities,
  thresholds = {},
  custom = [],
}: RecogniserOptions = {}): Recognise {
  const wanted = new Map<Entity, number>();
  for (const entity of entities ?? RECOGNISED) wanted.set(entity, thresholds[entity] ?? THRESHOLD);
  for (const { name } of custom) wanted.set(name, thresholds[name] ?? THRESHOLD);
  const lookers = lookersOf(builtIn(wanted));
  const walk = new Walk(lookers);
  const searches = custom.map(customSearch);
  const recognise = (text: string, holds?: number) => {
    const scan = new Scan(text, wanted);
    walk.over(scan, holds);
    addCustom(scan, searches);
    return withoutOverlaps(scan.found);
  };
  // A pattern may match anything.
  return Object.assign(recognise, { needs: searches.length > 0 ? undefined : needsOf(lookers) });
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

function addCustom(scan: Scan, searches: readonly CustomSearch[]): void {
  for (const search of searches) {
    for (const { entity, start, end, score } of search(scan.text)) scan.add(entity, start, end, score);
  }
}
