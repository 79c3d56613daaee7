// How often the quality watch is wrong, and how soon it is right: models answer for two months as models do, whose days differ by more
// than chance, more at the weekend, with traffic that grows; it is looked every hour. Then one thing shifts for a third of them.
// `bun bench/quality/shifts.ts [MODELS]`

import {
  MEASURE_NAMES,
  type Measure,
  NO_COUNTS,
  type QualityCounts,
} from "../../src/ledger/quality/counts.ts";
import { findShifts, USUAL_DAYS } from "../../src/ledger/quality/shift.ts";

const HOURS = 24;
const DAYS = 60;
/** The first day at whose hours it is looked, and the one on which something shifts. */
const WATCHED_FROM = 8;
const SHIFT_DAY = 40;
/** Days after it that are looked at for it to be found. */
const FOUND_WITHIN = 3;

/** What shifts, and how. */
const SHIFTS: Readonly<Record<string, (model: Habits) => Habits>> = {
  "refusals, 3 points more": (model) => ({ ...model, refusals: model.refusals + 0.03 }),
  "answers a fifth shorter": (model) => ({ ...model, length: model.length + Math.log2(0.8) }),
  "answers a third shorter": (model) => ({ ...model, length: model.length + Math.log2(2 / 3) }),
  "invalid JSON, 3 points more": (model) => ({ ...model, invalid_json: model.invalid_json + 0.03 }),
  "failed calls of tools, 5 points more": (model) => ({
    ...model,
    tool_failures: model.tool_failures + 0.05,
  }),
  "similarity, 0.1 less": (model) => ({ ...model, similarity: model.similarity - 0.1 }),
};

/** In what it shows. */
const MEASURE_OF: Readonly<Record<string, Measure>> = {
  "refusals, 3 points more": "refusals",
  "answers a fifth shorter": "length",
  "answers a third shorter": "length",
  "invalid JSON, 3 points more": "invalid_json",
  "failed calls of tools, 5 points more": "tool_failures",
  "similarity, 0.1 less": "similarity",
};

/** How a model answers, usually. */
interface Habits {
  /** Calls a day in the beginning, and how many times as many a day later. */
  readonly calls: number;
  readonly growth: number;
  readonly refusals: number;
  readonly cut: number;
  readonly invalid_json: number;
  readonly tool_failures: number;
  readonly json_share: number;
  readonly tools_share: number;
  /** Logarithm of tokens to base 2, and its spread from call to call. */
  readonly length: number;
  readonly length_spread: number;
  readonly similarity: number;
  /** By how much days differ: of the odds of shares, of lengths, of similarities. */
  readonly day_odds: number;
  readonly day_length: number;
}

/** Numbers from 0 to 1 (Mulberry32), and what is made of them. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** From one to another, evenly on the logarithm. */
  between(least: number, most: number): number {
    return least * (most / least) ** this.next();
  }

  /** How many of so many happen. */
  binomial(count: number, share: number): number {
    if (count > 60 && count * share > 20 && count * (1 - share) > 20) {
      const spread = Math.sqrt(count * share * (1 - share));
      return Math.max(0, Math.min(count, Math.round(count * share + spread * this.normal())));
    }
    if (count > 200) return Math.min(count, this.poisson(count * share));
    let hits = 0;
    for (let one = 0; one < count; one++) if (this.next() < share) hits += 1;
    return hits;
  }

  poisson(mean: number): number {
    if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()));
    const limit = Math.exp(-mean);
    let count = 0;
    for (let product = this.next(); product > limit; product *= this.next()) count += 1;
    return count;
  }
}

function habitsOf(chance: Chance): Habits {
  return {
    calls: chance.between(60, 60_000),
    growth: chance.between(0.98, 1.04),
    refusals: chance.between(0.001, 0.06),
    cut: chance.between(0.001, 0.1),
    invalid_json: chance.between(0.001, 0.03),
    tool_failures: chance.between(0.001, 0.05),
    json_share: chance.next() < 0.5 ? 0 : chance.next(),
    tools_share: chance.next() < 0.5 ? 0 : chance.next(),
    length: 5 + 5 * chance.next(),
    length_spread: 0.6 + 1.2 * chance.next(),
    similarity: 0.7 + 0.28 * chance.next(),
    day_odds: 0.05 + 0.25 * chance.next(),
    day_length: 0.02 + 0.1 * chance.next(),
  };
}

/** Of the calls of an hour those that are looked at: 5 a second are more than any hour here has. */
function hourOf(chance: Chance, habits: Habits, day: number, hour: number, mood: Mood): QualityCounts {
  const rush = 1 + 0.8 * Math.sin(((hour - 8) / HOURS) * 2 * Math.PI);
  const is_weekend = day % 7 >= 5;
  const mean = ((habits.calls * habits.growth ** day) / HOURS) * rush * (is_weekend ? 0.4 : 1);
  const answers = chance.poisson(mean);
  const of = (share: number, odds: number) => {
    // Other callers at night and at the weekend.
    const shifted = (share / (1 - share)) * Math.exp(odds + (hour < 7 ? 0.2 : 0) + (is_weekend ? 0.15 : 0));
    return shifted / (1 + shifted);
  };
  const length = habits.length + mood.length + (hour < 7 ? 0.1 : 0);
  const total = answers * length + Math.sqrt(answers) * habits.length_spread * chance.normal();
  const compared = chance.binomial(answers, 0.05);
  const alike =
    compared * (habits.similarity + mood.similarity) + Math.sqrt(compared) * 0.08 * chance.normal();
  const json = chance.binomial(answers, habits.json_share);
  const tools = chance.binomial(answers, habits.tools_share);
  return {
    ...{ answers, length_sum: total, judged: answers },
    length_squares: answers * (length ** 2 + habits.length_spread ** 2),
    refused: chance.binomial(answers, of(habits.refusals, mood.refusals)),
    cut: chance.binomial(answers, of(habits.cut, mood.cut)),
    ...{ json, json_invalid: chance.binomial(json, of(habits.invalid_json, mood.json)) },
    ...{ tools, tools_failed: chance.binomial(tools, of(habits.tool_failures, mood.tools)) },
    ...{ compared, similarity_sum: alike },
    similarity_squares: compared * ((habits.similarity + mood.similarity) ** 2 + 0.08 ** 2),
  };
}

/** By how much a day differs from others. */
interface Mood {
  readonly refusals: number;
  readonly cut: number;
  readonly json: number;
  readonly tools: number;
  readonly length: number;
  readonly similarity: number;
}

function moodOf(chance: Chance, { day_odds, day_length }: Habits): Mood {
  const odds = () => day_odds * chance.normal();
  return {
    ...{ refusals: odds(), cut: odds(), json: odds(), tools: odds() },
    ...{ length: day_length * chance.normal(), similarity: 0.01 * chance.normal() },
  };
}

/** The hours of a model, in order. */
function historyOf(chance: Chance, habits: Habits, shifted: Habits): QualityCounts[] {
  const hours: QualityCounts[] = [];
  for (let day = 0; day < DAYS; day++) {
    const now = day < SHIFT_DAY ? habits : shifted;
    const mood = moodOf(chance, habits);
    for (let hour = 0; hour < HOURS; hour++) hours.push(hourOf(chance, now, day, hour, mood));
  }
  return hours;
}

/** Sums of the first hours, so that any stretch is a difference. */
function running(hours: readonly QualityCounts[]): QualityCounts[] {
  const names = Object.keys(NO_COUNTS) as (keyof QualityCounts)[];
  const sums: QualityCounts[] = [NO_COUNTS];
  for (const hour of hours) {
    const before = sums.at(-1)!;
    sums.push(Object.fromEntries(names.map((name) => [name, before[name] + hour[name]])) as QualityCounts);
  }
  return sums;
}

function stretch(sums: readonly QualityCounts[], from: number, to: number): QualityCounts {
  const [first, last] = [sums[Math.max(0, from)]!, sums[Math.max(0, to)]!];
  const names = Object.keys(NO_COUNTS) as (keyof QualityCounts)[];
  return Object.fromEntries(names.map((name) => [name, last[name] - first[name]])) as QualityCounts;
}

/** What the first test that comes to mind would tell: two shares, as if all calls were drawn from one urn, 1 in 20 wrong. */
function isTwoShareShift(now: QualityCounts, usual: QualityCounts): boolean {
  if (now.judged < 30 || usual.judged < 100) return false;
  const both = (now.refused + usual.refused) / (now.judged + usual.judged);
  const spread = Math.sqrt(both * (1 - both) * (1 / now.judged + 1 / usual.judged));
  return Math.abs(now.refused / now.judged - usual.refused / usual.judged) > 1.96 * spread;
}

const models_max = Number(process.argv[2] ?? 30);
const chance = new Chance(20_261_126);
const models = Array.from({ length: models_max }, () => habitsOf(chance));

// Nothing shifts: every alarm is false.
const calm = models.map((habits) => running(historyOf(chance, habits, habits)));
let looks = 0;
let naive = 0;
let naive_days = 0;
const alarms = new Map<string, number>();
const days_with_alarms = new Set<number>();
for (let end = WATCHED_FROM * HOURS; end <= DAYS * HOURS; end++) {
  const found = findShifts(
    calm.map((sums, index) => ({ provider: "p", model: String(index), days: daysBefore(sums, end) })),
  );
  looks += 1;
  for (const { model, comparisons } of found)
    for (const { measure, is_shift } of comparisons)
      if (is_shift) {
        const name = `${model} ${measure}`;
        // Told once a week at most.
        if (end - (alarms.get(name) ?? Number.NEGATIVE_INFINITY) < 7 * HOURS) continue;
        alarms.set(name, end);
        days_with_alarms.add(Math.floor(end / HOURS));
      }
  if (end % HOURS === 0)
    for (const sums of calm) {
      const days = daysBefore(sums, end);
      naive_days += 1;
      if (isTwoShareShift(days[0]!, stretch(sums, end - (USUAL_DAYS + 1) * HOURS, end - HOURS))) naive += 1;
    }
}
const watched_days = DAYS - WATCHED_FROM;
console.log(
  `${models_max} models, ${MEASURE_NAMES.length} measures, ${watched_days} days, ${looks} looks, nothing shifts:`,
);
console.log(
  `  false alarms: ${alarms.size} (${[...alarms.keys()].join(", ") || "none"}), on ${days_with_alarms.size} of ${watched_days} days`,
);
console.log(
  `  two shares of refusals compared day by day, as if days differed by chance alone: ${naive} of ${naive_days} are alarms`,
);

// Something shifts.
console.log(
  `a shift on day ${SHIFT_DAY}, found within ${FOUND_WITHIN} days, by answers a day (of those that it is about):`,
);
for (const [what, shift] of Object.entries(SHIFTS)) {
  const measure = MEASURE_OF[what]!;
  const outcomes = models.map((habits) => {
    const sums = running(historyOf(chance, habits, shift(habits)));
    const counted = {
      refusals: "judged",
      length: "answers",
      invalid_json: "json",
      tool_failures: "tools",
      similarity: "compared",
      cut: "judged",
    } as const;
    const size = stretch(sums, (SHIFT_DAY - 1) * HOURS, SHIFT_DAY * HOURS)[counted[measure]];
    for (let hour = 1; hour <= FOUND_WITHIN * HOURS; hour++) {
      const end = SHIFT_DAY * HOURS + hour;
      // The others are calm, and take their part of the error.
      const found = findShifts([
        { provider: "p", model: "it", days: daysBefore(sums, end) },
        ...calm.slice(1).map((other) => ({ provider: "p", model: "other", days: daysBefore(other, end) })),
      ]);
      if (found[0]!.comparisons.some((one) => one.measure === measure && one.is_shift)) return { size, hour };
    }
    return { size, hour: null };
  });
  for (const [least, most] of [
    [30, 300],
    [300, 3_000],
    [3_000, Number.POSITIVE_INFINITY],
  ] as const) {
    const some = outcomes.filter(({ size }) => size >= least && size < most);
    const hours = some.flatMap(({ hour }) => hour ?? []).sort((a, b) => a - b);
    if (some.length === 0) continue;
    const median =
      hours.length === 0 ? "" : `, half of them within ${hours[Math.floor((hours.length - 1) / 2)]} hours`;
    console.log(`  ${what}, ${least} to ${most}: ${hours.length} of ${some.length}${median}`);
  }
}

function daysBefore(sums: readonly QualityCounts[], end: number): QualityCounts[] {
  return Array.from({ length: USUAL_DAYS + 1 }, (_, day) =>
    stretch(sums, end - (day + 1) * HOURS, end - day * HOURS),
  );
}
