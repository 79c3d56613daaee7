// Fields of values that a provider sent: whatever is wrong with one, a count or an object comes out.
// A provider's mistake in telling what it used must not cost the client its answer.

import { isExactNumber } from "../wire/exact_json.ts";

const NANO = 1_000_000_000;

/** A count: a whole number from zero up; anything else is zero. */
export function count(value: unknown): number {
  if (typeof value !== "number" || !(value > 0)) return 0;
  return Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER);
}

/** An object's fields; anything else has none. */
export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Whether a value is an object that may have any fields. */
export function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A list's items; anything else has none. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Dollars as the nearest whole nano-dollars. */
export function nanoUsd(dollars: unknown): number {
  return typeof dollars === "number" ? count(Math.round(dollars * NANO)) : 0;
}

/** A number, one too that is kept as the text that it came as (see `parseExact`); null for anything else. */
export function numberOf(value: unknown): number | null {
  if (typeof value === "number") return value;
  return isExactNumber(value) ? Number(JSON.stringify(value)) : null;
}

/** A value whose numbers are all plain ones: what is counted with. */
export function withNumbers(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** Seconds as the nearest whole milliseconds. */
export function millis(seconds: unknown): number {
  return typeof seconds === "number" ? count(Math.round(seconds * 1000)) : 0;
}
