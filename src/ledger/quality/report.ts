// How models answer, as people ask for it: the last 24 hours beside the days before, what of that is a shift, and which shifts there were.

import type { Database } from "bun:sqlite";
import { ledgerPath, openToRead } from "../store/open.ts";
import { qualityHours } from "../store/quality.ts";
import { LEVEL_MS, startOf } from "../store/windows.ts";
import {
  countsOfBoth,
  MEASURE_NAMES,
  type Measure,
  measuredIn,
  NO_COUNTS,
  type QualityCounts,
} from "./counts.ts";
import { findShifts, type ModelDays, type ModelQuality, USUAL_DAYS } from "./shift.ts";

/** Days of 24 hours each, the last of which ends with the hour that it is: the newest first. */
export interface QualityReport {
  readonly until_ms: number;
  /** Those with the most answers first. */
  readonly models: readonly ModelQuality[];
}

/** Asks the file of a data folder, whose host's calls it is about, how models answer; in words, why it cannot be asked. */
export function askQuality(folder: string, now_ms = Date.now()): QualityReport | { readonly fault: string } {
  const db = openToRead(ledgerPath(folder));
  if ("fault" in db) return db;
  try {
    return qualityReport(db, now_ms);
  } finally {
    db.close();
  }
}

/** Asks how models answer. */
export function qualityReport(db: Database, now_ms: number): QualityReport {
  const until_ms = startOf("hour", now_ms) + LEVEL_MS.hour;
  const since_ms = until_ms - (USUAL_DAYS + 1) * LEVEL_MS.day;
  const models = new Map<string, { provider: string; model: string; days: QualityCounts[] }>();
  for (const { start_ms, provider, model, counts } of qualityHours(db, since_ms, until_ms)) {
    const name = `${provider}\0${model}`;
    let days = models.get(name);
    if (days === undefined) {
      days = { provider, model, days: Array.from({ length: USUAL_DAYS + 1 }, () => NO_COUNTS) };
      models.set(name, days);
    }
    const day = Math.floor((until_ms - 1 - start_ms) / LEVEL_MS.day);
    days.days[day] = countsOfBoth(days.days[day]!, counts);
  }
  const found = findShifts([...models.values()]);
  return { until_ms, models: found.toSorted((a, b) => answersOf(b) - answersOf(a)) };
}

function answersOf({ days }: ModelDays): number {
  return days.reduce((sum, day) => sum + Math.max(day.answers, day.judged), 0);
}

/** The report as JSON. */
export function qualityJson({ until_ms, models }: QualityReport) {
  return {
    object: "quality",
    until: new Date(until_ms).toISOString(),
    models: models.map(({ provider, model, days, comparisons }) => ({
      provider,
      model,
      measures: comparisons.map(({ is_shift, ...comparison }) => ({ ...comparison, shift: is_shift })),
      days: days.flatMap((counts, day) => {
        if (counts.answers + counts.judged + counts.compared === 0) return [];
        const end_ms = until_ms - day * LEVEL_MS.day;
        const values = MEASURE_NAMES.map((measure) => [measure, measuredIn(measure, counts)]);
        return {
          ...{ end: new Date(end_ms).toISOString(), answers: counts.answers, judged: counts.judged },
          ...(Object.fromEntries(values) as Record<Measure, number | null>),
        };
      }),
    })),
  };
}

/** How a measure is called in words. */
const WORDS: Readonly<Record<Measure, string>> = {
  refusals: "refusals",
  cut: "answers cut by their length",
  invalid_json: "invalid JSON",
  tool_failures: "failed calls of tools",
  length: "length of answers",
  similarity: "similarity to earlier answers",
};

/** A value of a measure in words: `1.2 %`, `210 tokens`, `0.93`. */
export function measureText(measure: Measure, value: number | null): string {
  if (value === null) return "–";
  if (measure === "length") return `${Math.round(value).toLocaleString("en")} tokens`;
  return measure === "similarity" ? value.toFixed(2) : `${(value * 100).toFixed(1)} %`;
}

/** A shift in words. */
export function shiftText(name: string, one: ModelQuality["comparisons"][number]): string {
  const { measure, now, usual, count_now } = one;
  const of = `of ${count_now.toLocaleString("en")} answers in the last 24 hours`;
  const [is, was] = [measureText(measure, now), measureText(measure, usual)];
  return `${name} answers otherwise than usual: ${WORDS[measure]} ${is} ${of}, ${was} before`;
}
