// Edits of one place in a text: traps, after which another answer is right, and harmless ones, after which the same is. They are
// made from the data's own texts where these have something to edit, and from sentences of a few patterns; every word list here
// is the bench's own and knows nothing of the guard's.

import { shuffled } from "./arrivals.ts";

/** A text and what became of it by one edit. */
export interface Edit {
  readonly kind: string;
  readonly before: string;
  readonly after: string;
}

type Random = () => number;
/** Edits a text, or answers null where it has nothing to edit. */
type Editor = (text: string, random: Random) => string | null;

/** Edits of one kind that are made, at most. */
const EDITS_MAX = 400;

const words = (list: string): string[] => list.trim().split(/\s+/);
const pairs = (list: string): [string, string][] =>
  words(list).map((pair) => {
    const [one, other] = pair.replaceAll("_", " ").split("/");
    return [one!, other!];
  });

function pick<T>(items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)]!;
}

/** Replaces one whole word or phrase of the text, whichever comes first in a random order. */
function replaceOne(
  text: string,
  random: Random,
  replacements: readonly (readonly [string, string])[],
): string | null {
  const padded = ` ${text} `;
  for (const [from, to] of shuffled(replacements, random)) {
    const at = padded.toLowerCase().indexOf(` ${from} `);
    if (at >= 0) return `${padded.slice(0, at)} ${to}${padded.slice(at + from.length + 1)}`.trim();
  }
  return null;
}

/** Replaces a word of the list by another one of it. */
function exchange(list: readonly string[]): Editor {
  return (text, random) =>
    replaceOne(
      text,
      random,
      list.map(
        (word) =>
          [
            word,
            pick(
              list.filter((other) => other !== word),
              random,
            ),
          ] as const,
      ),
    );
}

function either(list: readonly (readonly [string, string])[]): Editor {
  const both = list.flatMap(([one, other]) => [[one, other] as const, [other, one] as const]);
  return (text, random) => replaceOne(text, random, both);
}

const NUMBER_WORDS = words(
  "two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty",
);
const DAYS = words("monday tuesday wednesday thursday friday saturday sunday");
const MONTHS = words("january february april june july august september october november december");
const MOMENTS = words("today tomorrow yesterday tonight");
const CITIES = words(
  "paris london berlin madrid rome tokyo chicago boston dallas houston miami seattle denver atlanta austin dublin moscow delhi sydney toronto lyon edinburgh",
);
const COUNTRIES = words(
  "france spain italy germany japan china india mexico canada brazil russia ireland australia egypt greece turkey sweden norway poland cuba",
);
const BRANDS = words(
  "visa mastercard amex chase citi paypal amazon google apple netflix uber lyft delta united starbucks walmart target honda toyota ford",
);
const PEOPLE = words("john mary bob alice tom sarah david emma peter susan james anna mike laura");
const CURRENCIES = words("dollars euros pounds yen pesos rupees francs");
/** What can change places with another of its kind. */
const MOVABLE = new Set([
  ...words("checking savings usd eur gbp aud inr work home school me kids cm inch"),
  ...[DAYS, CITIES, COUNTRIES, BRANDS, PEOPLE, CURRENCIES].flat(),
]);
const UNITS = pairs(
  "miles/kilometers pounds/kilograms inches/centimeters feet/meters gallons/liters ounces/grams minutes/hours days/weeks celsius/fahrenheit cups/tablespoons",
);
const ANTONYMS =
  pairs(`on/off up/down increase/decrease raise/lower open/close enable/disable buy/sell start/stop add/remove before/after first/last
next/previous high/low higher/lower cheap/expensive cheapest/most_expensive fast/slow old/new hot/cold more/less maximum/minimum best/worst good/bad
send/receive lock/unlock activate/deactivate activate/cancel accept/decline mute/unmute male/female debit/credit inside/outside with/without always/never
early/late incoming/outgoing import/export upload/download deposit/withdraw lend/borrow win/lose import/export safe/dangerous easy/hard left/right
long/short bright/dark louder/quieter arrive/depart freeze/unfreeze pass/fail public/private true/false`);
const SYNONYMS =
  pairs(`buy/purchase movie/film picture/photo cellphone/phone begin/start big/large small/little fix/repair quick/fast car/automobile
choose/select delete/remove create/make job/occupation doctor/physician purchase/buy tv/television error/mistake price/cost end/finish assist/help
vacation/holiday happy/glad song/track shop/store cab/taxi garbage/trash show_me/tell_me i_want_to/i_would_like_to i_need_to/i_want_to change/modify
reset/restore decline/reject obtain/get bill/invoice email/mail speak/talk declined/rejected`);
const NOUNS = words(
  "card payment transfer fee light alarm reminder flight reservation meeting account charge refund ticket bill song recipe list restaurant",
);
const CONTRACTIONS =
  pairs(`what's/what_is i'm/i_am don't/do_not can't/cannot isn't/is_not it's/it_is i've/i_have i'd_like/i_would_like where's/where_is
doesn't/does_not didn't/did_not won't/will_not haven't/have_not i'll/i_will wasn't/was_not whats/what_is how's/how_is who's/who_is that's/that_is`);
const AUXILIARIES = words("is are can will should does do did was has have could would may must");
const TIME_ENDINGS = [
  ...DAYS.map((day) => `on ${day}`),
  ...MOMENTS,
  "this morning",
  "this weekend",
  "next week",
  "right now",
];

/** Denies what the text says, or takes a denial out. */
const negate: Editor = (text, random) => {
  const denied = replaceOne(text, random, [
    ["not", ""],
    ["don't", "do"],
    ["can't", "can"],
    ["isn't", "is"],
    ["won't", "will"],
    ["doesn't", "does"],
    ["didn't", "did"],
    ["hasn't", "has"],
    ["never", "always"],
  ]);
  if (denied !== null) return denied.replaceAll("  ", " ");
  const first = text.split(" ", 1)[0]!.toLowerCase();
  if (
    /^(?:turn|set|play|send|remind|call|book|tell|show|add|transfer|cancel|order|make|pay|delete|start|stop|open)$/.test(
      first,
    )
  ) {
    return `do not ${text}`;
  }
  return replaceOne(
    text,
    random,
    AUXILIARIES.filter((word) => !text.toLowerCase().startsWith(word)).map(
      (word) => [word, `${word} not`] as const,
    ),
  );
};

const changeNumber: Editor = (text, random) => {
  const digits = /\d+/.exec(text);
  if (digits !== null) {
    const other = String(Number(digits[0]) + 1 + Math.floor(random() * 9));
    return text.slice(0, digits.index) + other + text.slice(digits.index + digits[0].length);
  }
  return exchange(NUMBER_WORDS)(text, random);
};

const changeDate: Editor = (text, random) =>
  exchange(DAYS)(text, random) ?? exchange(MOMENTS)(text, random) ?? exchange(MONTHS)(text, random);

const changeName: Editor = (text, random) => {
  for (const names of shuffled([CITIES, COUNTRIES, BRANDS, PEOPLE], random)) {
    const edited = exchange(names)(text, random);
    if (edited !== null) return edited;
  }
  return null;
};

/** "From a to b" becomes "from b to a"; of the things that can change places so. */
const turnRound: Editor = (text) => {
  for (const [found, one = "", link = "", other = ""] of text.matchAll(/\b(\w+) (to|than|for) (\w+)\b/g)) {
    if (one !== other && MOVABLE.has(one) && MOVABLE.has(other))
      return text.replace(found, `${other} ${link} ${one}`);
  }
  return null;
};

/** Sentences for what the data seldom has. */
function patterns(random: Random): string[] {
  const two = <T>(items: readonly T[]): [T, T] => {
    const one = pick(items, random);
    return [
      one,
      pick(
        items.filter((item) => item !== one),
        random,
      ),
    ];
  };
  return Array.from({ length: 60 }, () => {
    const [here, there] = two(CITIES);
    const [owned, wanted] = two(CURRENCIES);
    const [one, other] = two([...BRANDS, ...COUNTRIES]);
    const [unit, other_unit] = pick(UNITS, random);
    const count = pick(NUMBER_WORDS, random);
    const day = pick(DAYS, random);
    return [
      `find me a flight from ${here} to ${there} on ${day}`,
      `convert ${count} ${owned} to ${wanted}`,
      `is ${one} better than ${other}`,
      `how many ${unit} are ${count} ${other_unit}`,
      `move my meeting from ${day} to ${pick(
        DAYS.filter((name) => name !== day),
        random,
      )}`,
      `how far is it from ${here} to ${there} in ${unit}`,
      `what is the population of ${pick(COUNTRIES, random)}`,
      `book a table for ${count} people in ${here} on ${day}`,
    ];
  }).flat();
}

const TRAPS: readonly (readonly [string, Editor])[] = [
  ["negation", negate],
  ["number", changeNumber],
  ["date", changeDate],
  ["name", changeName],
  ["antonym", either(ANTONYMS)],
  ["unit", either([...UNITS, ...pairs("dollars/euros pounds/euros dollars/yen pesos/dollars")])],
  ["direction", turnRound],
];

const HARMLESS: readonly (readonly [string, Editor])[] = [
  [
    "courtesy",
    (text, random) =>
      pick(
        [
          `please ${text}`,
          `${text} please`,
          `hi, ${text}`,
          `${text}, thanks`,
          `hello, can you tell me ${text}`,
        ],
        random,
      ),
  ],
  ["contraction", either(CONTRACTIONS)],
  [
    "case and punctuation",
    (text, random) =>
      pick(
        [
          `${text}?`,
          `${text}.`,
          text.toUpperCase(),
          text[0]!.toUpperCase() + text.slice(1),
          `${text}!!`,
          text.replaceAll(" ", "  "),
        ],
        random,
      ),
  ],
  ["article", either(pairs("the/a my/the a/the"))],
  ["plural", either(NOUNS.map((noun) => [noun, `${noun}s`] as const))],
  ["synonym", either(SYNONYMS)],
  [
    "order",
    (text) => {
      const ending = TIME_ENDINGS.find((phrase) => text.toLowerCase().endsWith(` ${phrase}`));
      return ending === undefined ? null : `${ending}, ${text.slice(0, -ending.length - 1)}`;
    },
  ],
  [
    "typing error",
    (text, random) => {
      const long = words(text).filter((word) => /^[a-z]{7,}$/.test(word));
      if (long.length === 0) return null;
      const word = pick(long, random);
      const at = 2 + Math.floor(random() * (word.length - 4));
      if (word[at] === word[at + 1]) return null;
      return text.replace(word, word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2));
    },
  ],
];

function edits(
  editors: readonly (readonly [string, Editor])[],
  texts: readonly string[],
  random: Random,
): Edit[] {
  const bases = [...texts, ...patterns(random)];
  return editors.flatMap(([kind, edit]) => {
    const made: Edit[] = [];
    for (const before of shuffled(bases, random)) {
      if (made.length === EDITS_MAX) break;
      const after = edit(before, random);
      if (after !== null && after !== before) made.push({ kind, before, after });
    }
    return made;
  });
}

/** Edits after which another answer is right. */
export function traps(texts: readonly string[], random: Random): Edit[] {
  return edits(TRAPS, texts, random);
}

/** Edits after which the same answer is right. */
export function harmlessEdits(texts: readonly string[], random: Random): Edit[] {
  return edits(HARMLESS, texts, random);
}
