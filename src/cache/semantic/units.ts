// Units and currencies: every spelling of one is the same, and two of them are never the same.

const SPELLINGS = `km:kilometer kilometers kilometre kilometres kms
m:meter meters metre metres
cm:centimeter centimeters centimetre centimetres|mm:millimeter millimeters millimetre millimetres
mile:miles mi|yard:yards yd yds|foot:feet ft|inch:inches
kg:kilogram kilograms kilo kilos kgs|g:gram grams gramme grammes gm|mg:milligram milligrams|mcg:microgram micrograms|tonne:tonnes ton tons
pound:pounds lb lbs gbp £ quid|ounce:ounces oz|stone:stones
l:liter liters litre litres|ml:milliliter milliliters millilitre millilitres|gallon:gallons gal|pint:pints|quart:quarts
cup:cups|tablespoon:tablespoons tbsp|teaspoon:teaspoons tsp
celsius:centigrade|fahrenheit:|kelvin:|degree:degrees °
ms:millisecond milliseconds msec|s:sec secs|minute:minutes mins|hour:hours hr hrs|day:days|week:weeks wk wks|month:months mth
year:years yr yrs|decade:decades|century:centuries|fortnight:fortnights
kb:kilobyte kilobytes|mb:megabyte megabytes|gb:gigabyte gigabytes gig gigs|tb:terabyte terabytes|byte:bytes|bit:bits|mbps:|gbps:
mph:|kmh:kph|watt:watts|kw:kilowatt kilowatts|kwh:|volt:volts|amp:amps|hz:hertz|mhz:megahertz|ghz:gigahertz
calorie:calories kcal cal|joule:joules|acre:acres|hectare:hectares|percent:% percentage pct
dollar:dollars usd $ bucks buck|cent:cents|euro:euros eur €|penny:pence pennies|yen:jpy ¥|yuan:cny rmb renminbi|rupee:rupees inr ₹
won:krw ₩|ruble:rubles rouble roubles rub ₽|franc:francs chf|peso:pesos mxn|real:reais brl|lira:try ₺|zloty:pln|krona:sek|krone:nok dkk
rand:zar|shekel:shekels ils ₪|dirham:dirhams aed|aud:|cad:|nzd:|hkd:|sgd:|bitcoin:btc bitcoins ₿|ether:eth ethereum`;

/** Short spellings that are units only after a number: "5 m", "5 in", "30 c". */
const AFTER_NUMBER = new Map([
  ["m", "m"],
  ["g", "g"],
  ["l", "l"],
  ["c", "celsius"],
  ["f", "fahrenheit"],
  ["in", "inch"],
  ["h", "hour"],
  ["s", "s"],
  ["d", "day"],
  ["b", "byte"],
  ["w", "watt"],
  ["v", "volt"],
  ["a", "amp"],
  ["t", "tonne"],
  ["min", "minute"],
  ["second", "s"],
  ["seconds", "s"],
]);
/** Words that are often no units where no number stands before them. */
const ONLY_AFTER_NUMBER = new Set(
  "real won try rub rand stone stones cup cups bit bits mi cal gal ms foot feet amp amps s sec secs m l g eth pen".split(
    " ",
  ),
);
/** These have their own words for spans of time. */
const SPANS = new Set([
  "day",
  "week",
  "month",
  "year",
  "decade",
  "century",
  "fortnight",
  "hour",
  "minute",
  "s",
  "ms",
]);

const UNITS = new Map<string, string>();
for (const line of SPELLINGS.split(/[|\n]/)) {
  const [unit, spellings] = line.split(":");
  UNITS.set(unit!, unit!);
  for (const spelling of spellings!.split(" ")) if (spelling !== "") UNITS.set(spelling, unit!);
}

/** The unit that a word or sign names after a number, or null. */
export function unitAfterNumber(text: string): string | null {
  return AFTER_NUMBER.get(text) ?? UNITS.get(text) ?? null;
}

/** Whether a word is some unit's. */
export function isUnitWord(text: string): boolean {
  return UNITS.has(text);
}

/** The unit that a word or sign names by itself, or null. */
export function unitAlone(text: string): string | null {
  return ONLY_AFTER_NUMBER.has(text) ? null : (UNITS.get(text) ?? null);
}

/** Signs of currencies that stand before their number. */
export function currencySign(text: string): string | null {
  return "$£€¥₹₩₽₺₪₿".includes(text) ? (UNITS.get(text) ?? null) : null;
}

/** Whether a unit measures time. */
export function isSpan(unit: string): boolean {
  return SPANS.has(unit);
}
