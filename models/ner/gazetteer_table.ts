// Makes the gazetteer's table of the lists of names.

import { fold, kindOf, UNCASED } from "../../src/inference/ner/characters.ts";
import {
  CITY,
  COMMON,
  COMPANY_WORD,
  COUNTRY,
  FIRST_NAME,
  hashOfPhrase,
  NATIONALITY,
  PHRASE_MAX,
  SURNAME,
  slotOf,
  TOWN,
} from "../../src/inference/ner/gazetteer.ts";
import { SIGN, SMALL, Tokens } from "../../src/inference/ner/tokens.ts";
import type { Example } from "./examples.ts";
import type { Names } from "./names.ts";
import { KNOWN_ORGS } from "./sentences.ts";

export const COMPANY_WORDS =
  "inc incorporated ltd limited llc llp gmbh ag kg se sa sas sarl spa srl plc corp corporation co company bv nv ab oy asa pty holdings holding group bank university institute college school hospital foundation association society federation ministry department agency council committee commission airlines airways insurance motors records pictures studios technologies systems software pharmaceuticals partners industries university universität universidad université museum library church club fc united press times post news radio television tv network party army police court authority trust fund capital ventures consulting logistics energy telecom".split(
    " ",
  );

const TOWN_PEOPLE_MAX = 60_000;
/** What a company's name ends with and is often left out. */
const SUFFIX =
  /[ ,]+(inc|incorporated|ltd|limited|llc|gmbh|ag|plc|corp|corporation|co|company|n\.?v|s\.?a|b\.?v|group|holdings?)\.?$/i;

/** The table's two columns. */
export interface Table {
  readonly hashes: Int32Array;
  readonly lists: Uint8Array;
}

/** The table of all lists, with 2 to the power of `bits` slots. */
export function gazetteerTable(names: Names, common: ReadonlySet<string>, bits: number): Table {
  const known = new Map<number, number>();
  const tokens = new Tokens();
  const enter = (name: string, list: number) => {
    tokens.fill(name, 0);
    const { count, word } = tokens;
    if (count === 0 || count > PHRASE_MAX || name.length < 2) return;
    let hash = word[0]!;
    for (let token = 1; token < count; token++) hash = hashOfPhrase(hash, word[token]!);
    if (hash !== 0) known.set(hash, (known.get(hash) ?? 0) | list);
  };
  /** Names of people: the whole, and each word of it. */
  const enterWords = (name: string, list: number) => {
    enter(name, list);
    for (const word of name.split(/[\s'’-]+/)) {
      const is_ideographs = word !== "" && kindOf(word.codePointAt(0)!) === UNCASED;
      if (word.length > 2 || is_ideographs) enter(word, list);
    }
  };
  for (const name of [...names.first, ...names.locales.flatMap(({ first }) => first)])
    enterWords(name, FIRST_NAME);
  for (const name of [...names.last, ...names.locales.flatMap(({ last }) => last)]) enterWords(name, SURNAME);
  const of_people = new Set([
    ...names.first,
    ...names.last,
    ...names.locales.flatMap(({ first, last }) => [...first, ...last]),
  ]);
  // A town that is called as people are is hardly ever meant.
  const enterTown = (name: string) => {
    if (!of_people.has(name) && !/^(O['’]|Mc)/.test(name)) enter(name, TOWN);
  };
  for (const { name, people, others } of names.cities) {
    if (people > TOWN_PEOPLE_MAX) enter(name, CITY);
    else enterTown(name);
    if (people > 400_000) for (const other of others) enter(other, CITY);
  }
  for (const name of names.towns) enterTown(name);
  for (const name of [
    ...names.countries,
    ...names.regions,
    "USA",
    "UK",
    "UAE",
    "America",
    "England",
    "Europe",
    "Asia",
    "Africa",
  ])
    enter(name, COUNTRY);
  for (const name of names.nationalities) for (const word of [name, `${name}s`]) enter(word, NATIONALITY);
  for (const name of [...names.companies, ...KNOWN_ORGS]) {
    enter(name, COMPANY_WORD);
    const short = name.replace(SUFFIX, "");
    if (short !== name && short.length > 3) enter(short, COMPANY_WORD);
  }
  for (const word of COMPANY_WORDS) enter(word, COMPANY_WORD);
  for (const word of common) enter(word, COMMON);

  const size = 2 ** bits;
  if (known.size > 0.8 * size) throw new Error(`${known.size} entries are too many for ${size} slots`);
  const hashes = new Int32Array(size);
  const lists = new Uint8Array(size);
  for (const [hash, list] of known) {
    let slot = slotOf(hash) & (size - 1);
    while (hashes[slot] !== 0) slot = (slot + 1) & (size - 1);
    hashes[slot] = hash;
    lists[slot] = list;
  }
  console.log(`gazetteer: ${known.size} entries`);
  return { hashes, lists };
}

/** Words that are mostly written small: counted in texts written as usual, and where hardly a name is. */
export function commonWords(
  usual: readonly Example[],
  small: readonly string[],
  basic: readonly string[],
  names: Names,
): Set<string> {
  const counts = new Map<string, { small: number; capital: number }>();
  const tokens = new Tokens();
  for (const { text } of usual) {
    for (let at = 0; at < text.length; ) {
      at = tokens.fill(text, at);
      for (let token = 0; token < tokens.count; token++) {
        if (tokens.style[token] === SIGN) continue;
        const word = fold(text.slice(tokens.start[token], tokens.end[token]));
        const count = counts.get(word) ?? { small: 0, capital: 0 };
        if (tokens.style[token] === SMALL) count.small++;
        else count.capital++;
        counts.set(word, count);
      }
    }
  }
  const common = new Set(basic.map(fold));
  for (const [word, { small: times, capital }] of counts) {
    if (times >= 2 && times > capital && /^\p{L}+$/u.test(word)) common.add(word);
  }
  const first = new Set(names.first.map(fold));
  const seen = new Map<string, number>();
  for (const text of small)
    for (const word of text.split(/[^\p{L}]+/u)) seen.set(fold(word), (seen.get(fold(word)) ?? 0) + 1);
  const places = new Set([
    ...names.cities.slice(0, 3000).map(({ name }) => fold(name)),
    ...names.countries.map(fold),
    ...names.regions.map(fold),
  ]);
  for (const [word, times] of seen)
    if (times >= 3 && word.length > 1 && !first.has(word) && !places.has(word)) common.add(word);
  return common;
}
