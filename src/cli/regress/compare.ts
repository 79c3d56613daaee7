// How the answers of a set differ from those that are given now: call by call, and all together against bounds.

import { looksRefused } from "../../dialects/refusal.ts";
import { similarity } from "../../inference/embedders/builtin/embedder.ts";

/** Answers less alike than this are about something else. */
export const UNLIKE = 0.3;

/** What is compared of one call. */
export interface ComparedCall {
  readonly id: string;
  /** Why there is no answer now; null: there is one. */
  readonly error: string | null;
  /** Null where one of them says nothing in words. */
  readonly similarity: number | null;
  /** Characters. */
  readonly length_before: number;
  readonly length_after: number;
  readonly refused_before: boolean;
  readonly refused_after: boolean;
  /** Whether the text is a JSON object or list; null where none was given before, and none asked for. */
  readonly json_before: boolean | null;
  readonly json_after: boolean | null;
  readonly cost_usd: number | null;
  readonly total_ms: number | null;
}

/** The answers of a call, as texts. */
export interface Answers {
  readonly id: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly error: string | null;
  /** Whether the request asks for JSON. */
  readonly asks_json: boolean;
  readonly cost_usd: number | null;
  readonly total_ms: number | null;
}

/** Compares a call's answers by the vectors of an embedder. */
export function compareCall(answers: Answers, embed: (text: string) => Float32Array): ComparedCall {
  const { id, error, asks_json, cost_usd, total_ms } = answers;
  const before = answers.before ?? "";
  const after = answers.after ?? "";
  const is_json = asks_json || isJson(before);
  const has_both = error === null && before !== "" && after !== "";
  const alike = before === after ? 1 : Math.max(0, similarity(embed(before), embed(after)));
  return {
    ...{ id, error, cost_usd, total_ms },
    similarity: has_both ? Math.round(alike * 1_000) / 1_000 : null,
    ...{ length_before: before.length, length_after: after.length },
    ...{ refused_before: looksRefused(before), refused_after: error === null && looksRefused(after) },
    json_before: is_json ? isJson(before) : null,
    json_after: is_json && error === null ? isJson(after) : null,
  };
}

const FENCE = "```";

/** Whether a text is a JSON object or list; fences about it, as models set them, do not count against it. */
function isJson(text: string): boolean {
  const lines = text.trim().split("\n");
  const is_fenced = lines.length > 2 && lines[0]!.startsWith(FENCE) && lines.at(-1)!.trim() === FENCE;
  try {
    const value: unknown = JSON.parse(is_fenced ? lines.slice(1, -1).join("\n") : text);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}

/** How much may be different before it counts. */
export interface Bounds {
  /** Share of calls without an answer. */
  readonly failed: number;
  /** By how much the share of refusals may grow. */
  readonly refusals: number;
  /** The same of answers that are no JSON where they were to be. */
  readonly invalid_json: number;
  /** By which share the median length may change, either way. */
  readonly length: number;
  /** The least that answers may be alike on average. */
  readonly similarity: number;
  /** Share of answers that may be about something else. */
  readonly unlike: number;
}

/** What holds by default. */
export const BOUNDS: Bounds = {
  ...{ failed: 0, refusals: 0.02, invalid_json: 0, length: 0.25, similarity: 0.6, unlike: 0.05 },
};

/** One measure of a set. */
export interface Measure {
  readonly name: keyof Bounds;
  /** Null where there is nothing of the kind. */
  readonly before: number | null;
  readonly after: number | null;
  readonly bound: number;
  readonly is_shifted: boolean;
}

/** All measures, in the order in which they are told. */
export function measuresOf(calls: readonly ComparedCall[], bounds: Bounds): Measure[] {
  const answered = calls.filter(({ error }) => error === null);
  const share = (is: (call: ComparedCall) => boolean, of = answered) =>
    of.length === 0 ? null : of.filter(is).length / of.length;
  const grown = (name: keyof Bounds, before: number | null, after: number | null): Measure => {
    const is_shifted = before !== null && after !== null && after - before > bounds[name] + 1e-9;
    return { name, before, after, bound: bounds[name], is_shifted };
  };
  const json = answered.filter(({ json_before }) => json_before !== null);
  const alike = answered.flatMap((call) => (call.similarity === null ? [] : [call.similarity]));
  const worded = answered.filter(({ length_before }) => length_before > 0);
  const length_before = medianOf(worded.map((call) => call.length_before));
  const length_after = medianOf(worded.map((call) => call.length_after));
  const change =
    length_before === null || length_after === null ? 0 : Math.abs(length_after / length_before - 1);
  const mean = alike.length === 0 ? null : alike.reduce((sum, one) => sum + one, 0) / alike.length;
  const unlike = alike.length === 0 ? null : alike.filter((one) => one < UNLIKE).length / alike.length;
  return [
    grown(
      "failed",
      0,
      share(({ error }) => error !== null, [...calls]),
    ),
    grown(
      "refusals",
      share((call) => call.refused_before),
      share((call) => call.refused_after),
    ),
    grown(
      "invalid_json",
      share((call) => call.json_before === false, json),
      share((call) => call.json_after === false, json),
    ),
    {
      ...{ name: "length", before: length_before, after: length_after, bound: bounds.length },
      is_shifted: change > bounds.length + 1e-9,
    },
    {
      ...{ name: "similarity", before: null, after: mean, bound: bounds.similarity },
      is_shifted: mean !== null && mean < bounds.similarity,
    },
    { ...grown("unlike", 0, unlike), before: null },
  ];
}

/** The middle one; null of none. */
export function medianOf(numbers: readonly number[]): number | null {
  if (numbers.length === 0) return null;
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
