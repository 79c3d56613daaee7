// What is told of a set whose calls were asked again: every measure beside its bound, and the answers that are least alike.

import { alignTable, printable, showCount, showUsd } from "../table.ts";
import { type Bounds, type ComparedCall, type Measure, measuresOf, medianOf } from "./compare.ts";

/** Answers that are named because they are least alike, and failures that are quoted. */
const NAMED_MAX = 5;

/** A set that was run. */
export interface RunSet {
  readonly set: string;
  readonly model: string;
  readonly calls: readonly ComparedCall[];
  readonly bounds: Bounds;
}

/** All of it, for programs. */
export function reportJson({ set, model, calls, bounds }: RunSet) {
  const measures = measuresOf(calls, bounds);
  return {
    ...{ object: "regress", set, model, calls: calls.length },
    is_shifted: measures.some(({ is_shifted }) => is_shifted),
    ...{ cost_usd: costOf(calls), median_ms: timeOf(calls) },
    measures,
    lines: calls,
  };
}

const NAMES: Readonly<Record<Measure["name"], string>> = {
  ...{ failed: "failed", refusals: "refusals", invalid_json: "invalid JSON", length: "median length" },
  ...{ similarity: "similarity", unlike: "about something else" },
};

/** The same for a person. */
export function reportText(run: RunSet): string {
  const { set, model, calls, bounds } = run;
  const measures = measuresOf(calls, bounds);
  const rows = measures.map((measure) => [
    NAMES[measure.name],
    shown(measure.name, measure.before),
    shown(measure.name, measure.after),
    boundText(measure),
    measure.is_shifted ? "SHIFTED" : measure.after === null ? "" : "as it was",
  ]);
  const sides = ["left", "right", "right", "left", "left"] as const;
  const shifted = measures.filter(({ is_shifted }) => is_shifted).length;
  return [
    `${showCount(calls.length)} calls of ${printable(set)}, asked of ${printable(model)}: ${showUsd(costOf(calls))}, ${timeText(calls)}`,
    "",
    ...alignTable(["", "in the set", "now", "bound", ""], rows, sides),
    "",
    ...leastAlike(calls),
    ...failures(calls),
    shifted === 0
      ? "Nothing has shifted beyond its bound."
      : `${shifted} of ${measures.length} have shifted.`,
  ].join("\n");
}

function shown(name: Measure["name"], value: number | null): string {
  if (value === null) return "–";
  if (name === "length") return `${showCount(Math.round(value))} chars`;
  return name === "similarity" ? value.toFixed(2) : percent(value);
}

function boundText({ name, bound }: Measure): string {
  switch (name) {
    case "failed":
    case "unlike":
      return `at most ${percent(bound)}`;
    case "refusals":
    case "invalid_json":
      return `at most ${percent(bound)} more`;
    case "length":
      return `±${percent(bound)}`;
    case "similarity":
      return `at least ${bound}`;
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).replace(/\.0$/, "")} %`;
}

function leastAlike(calls: readonly ComparedCall[]): string[] {
  const known = calls.filter((call) => call.similarity !== null && call.similarity < 1);
  if (known.length === 0) return [];
  const least = known.toSorted((a, b) => a.similarity! - b.similarity!).slice(0, NAMED_MAX);
  return [
    "Least alike:",
    ...least.map((call) => `  ${call.similarity!.toFixed(2)}  ${printable(call.id)}${changeText(call)}`),
    "",
  ];
}

function changeText({ refused_before, refused_after, json_before, json_after }: ComparedCall): string {
  const changes = [
    ...(refused_after && !refused_before ? ["refused now"] : []),
    ...(json_before === true && json_after === false ? ["no JSON now"] : []),
  ];
  return changes.length === 0 ? "" : `  ${changes.join(", ")}`;
}

function failures(calls: readonly ComparedCall[]): string[] {
  const failed = calls.filter(({ error }) => error !== null);
  if (failed.length === 0) return [];
  const named = failed.slice(0, NAMED_MAX).map(({ id, error }) => `  ${printable(id)}: ${printable(error!)}`);
  return ["Failed:", ...named, ...(failed.length > NAMED_MAX ? ["  …"] : []), ""];
}

function costOf(calls: readonly ComparedCall[]): number | null {
  const known = calls.flatMap(({ cost_usd }) => (cost_usd === null ? [] : [cost_usd]));
  return known.length === 0 ? null : known.reduce((sum, cost) => sum + cost, 0);
}

function timeOf(calls: readonly ComparedCall[]): number | null {
  return medianOf(calls.flatMap(({ total_ms }) => (total_ms === null ? [] : [total_ms])));
}

function timeText(calls: readonly ComparedCall[]): string {
  const median = timeOf(calls);
  return median === null ? "no answer" : `median ${showCount(Math.round(median))} ms`;
}
