// Fields of Google's JSON: each may be named in camelCase, as answers have it, or in snake_case, as the protocol's own files have it.
// Source: https://protobuf.dev/programming-guides/json/ ("Parsers accept both").

import { isExactNumber } from "../../wire/exact_json.ts";
import { isFields } from "../fields.ts";

/** A message's fields by their names in camelCase; null where the value is no object. Fields inside of it stay as they are. */
export function camelFields(value: unknown): Readonly<Record<string, unknown>> | null {
  if (!isFields(value)) return null;
  for (const name in value) if (name.includes("_")) return renamed(value);
  return value;
}

function renamed(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [camel(name), field]));
}

function camel(name: string): string {
  const [first = "", ...more] = name.split("_");
  // A name that begins with an underscore is nobody's snake_case.
  if (first === "") return name;
  return first + more.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("");
}

/** The fields that are not among the known ones, and not null; undefined where there are none. */
export function unknownFields(
  fields: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): Readonly<Record<string, unknown>> | undefined {
  let left: [string, unknown][] | undefined;
  for (const name in fields) {
    const value = fields[name];
    if (!known.has(name) && value !== null && value !== undefined) {
      left ??= [];
      left.push([name, value]);
    }
  }
  return left === undefined ? undefined : Object.fromEntries(left);
}

/** A text, or undefined where the value is none. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A number, also one of more digits than a double has; undefined where the value is none. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return isExactNumber(value) ? Number(JSON.stringify(value)) : undefined;
}
