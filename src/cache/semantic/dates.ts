// Days, months, times of day and moments, each under one name however it is written.

const DAYS = "monday tuesday wednesday thursday friday saturday sunday".split(" ");
const MONTHS = "january february march april may june july august september october november december".split(
  " ",
);

const WORDS = new Map<string, string>();
for (const day of DAYS) WORDS.set(day, day).set(`${day}s`, day);
for (const [short, day] of Object.entries({ mon: 0, tue: 1, tues: 1, thu: 3, thur: 3, thurs: 3, fri: 4 })) {
  WORDS.set(short, DAYS[day]!);
}
for (const line of `today:todays|tonight:tonights|tomorrow:tomorrows tommorow tommorrow tomorow tmrw tmr|yesterday:yesterdays|morning:mornings am
afternoon:afternoons|evening:evenings|night:nights|weekend:weekends|weekday:weekdays workday workdays|noon:midday|midnight:
daily:everyday|weekly:|monthly:|yearly:annual annually|hourly:|quarterly:|overnight:|dawn:sunrise|dusk:sunset`.split(
  /[|\n]/,
)) {
  const [name, spellings] = line.split(":");
  WORDS.set(name!, name!);
  for (const spelling of spellings!.split(" ")) if (spelling !== "") WORDS.set(spelling, name!);
}
WORDS.set("noon", "t720").set("midday", "t720").set("midnight", "t0").delete("am");

/** Spellings that are dates only with a capital letter or beside a number. */
const DOUBTFUL = new Map<string, string>([
  ["wed", "wednesday"],
  ["sat", "saturday"],
  ["sun", "sunday"],
]);

const MONTH_WORDS = new Map<string, string>();
for (const [index, month] of MONTHS.entries()) {
  if (month !== "may" && month !== "march") MONTH_WORDS.set(month, `month${index + 1}`);
}
for (const [short, month] of Object.entries({
  jan: 1,
  feb: 2,
  apr: 4,
  jun: 6,
  jul: 7,
  aug: 8,
  sept: 9,
  oct: 10,
  nov: 11,
})) {
  MONTH_WORDS.set(short, `month${month}`);
}
const DOUBTFUL_MONTHS = new Map([
  ["may", "month5"],
  ["march", "month3"],
  ["mar", "month3"],
  ["sep", "month9"],
  ["dec", "month12"],
]);

const DATE_WORDS = new Set(
  [WORDS, MONTH_WORDS, DOUBTFUL, DOUBTFUL_MONTHS].flatMap((words) => [...words.keys()]),
);

/** Whether a word can be a date's at all. */
export function isDateWord(text: string): boolean {
  return DATE_WORDS.has(text);
}

/** The name of a day, a time of day or a month, or null. @param is_likely whether a capital letter or its neighbours speak for a date */
export function dateWord(text: string, is_likely: boolean): string | null {
  return WORDS.get(text) ?? monthOf(text, is_likely) ?? (is_likely ? (DOUBTFUL.get(text) ?? null) : null);
}

/** The name of a month, or null. */
export function monthOf(text: string, is_likely: boolean): string | null {
  return MONTH_WORDS.get(text) ?? (is_likely ? (DOUBTFUL_MONTHS.get(text) ?? null) : null);
}

/** A time of day as minutes after midnight (`t900`), from hours or `h:mm`; null where it is none. @param half `am`, `pm` or empty */
export function timeOfDay(digits: string, half: string): string | null {
  const match = /^(\d{1,2})(?:[:.](\d{2}))?$/.exec(digits);
  if (match === null) return null;
  const hours = Number(match[1]);
  const minutes = Number(match[2] ?? 0);
  if (hours > 24 || minutes > 59) return null;
  if (half === "") return `t${(hours % 24) * 60 + minutes}`;
  if (hours > 12) return `t${hours * 60 + minutes}`;
  return `t${((hours % 12) + (half === "pm" ? 12 : 0)) * 60 + minutes}`;
}

/** Whether a number can be a year by itself. */
export function isYear(value: string): boolean {
  return /^(?:19|20)\d\d$/.test(value);
}
