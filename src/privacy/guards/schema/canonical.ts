// A JSON value as a text that equal values have in common: numbers by their value, members of objects in order.

import type { Run } from "./run.ts";

/** @param run what the work is taken from; null for what a schema itself says */
export function canonical(value: unknown, run: Run | null): string {
  run?.work(1);
  if (typeof value === "string") {
    run?.work(value.length / 16);
    return JSON.stringify(value);
  }
  if (typeof value !== "object" || value === null) return value === 0 ? "0" : String(value);
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one, run)).join(",")}]`;
  const members = Object.entries(value).map(
    ([name, one]) => `${JSON.stringify(name)}:${canonical(one, run)}`,
  );
  return `{${members.sort().join(",")}}`;
}
