// The fields of a request, each looked at before it is believed: the first that is wrong is kept, as the error that names it.

import { GatewayError } from "../errors.ts";
import { isExactNumber } from "../wire/exact_json.ts";
import { isFields } from "./fields.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What was wrong while one request was read. Reading goes on behind a fault; what comes of it is not used. */
export class Faults {
  /** The first. */
  error: GatewayError | null = null;

  /** A value is of another type than it must be. */
  wrongType(param: string, expected: string, value: unknown): void {
    this.error ??= new GatewayError(
      "invalid_type",
      `Invalid type for '${param}': expected ${expected}, but got ${typeName(value)} instead.`,
      { param },
    );
  }

  /** A value is of the right type, but none of those that are known. */
  wrongValue(param: string, expected: string): void {
    this.error ??= new GatewayError("invalid_value", `Invalid value for '${param}': expected ${expected}.`, {
      param,
    });
  }

  /** A field is not there that has to be. */
  missing(param: string): void {
    this.error ??= new GatewayError("missing_required_parameter", `Missing required parameter: '${param}'.`, {
      param,
    });
  }
}

/** An object's fields, by their types: null for what is not there, is null, or is wrong (see `faults`). */
export class Checked {
  readonly fields: Fields;
  readonly faults: Faults;
  readonly #path: string;

  /** @param path of the object in the request; empty for the request itself */
  constructor(fields: Fields, path: string, faults: Faults) {
    this.fields = fields;
    this.#path = path;
    this.faults = faults;
  }

  /** The path of a field of this object. */
  path(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }

  /** Whether a field has a value that is not null. */
  has(name: string): boolean {
    return this.fields[name] !== undefined && this.fields[name] !== null;
  }

  /** A string. */
  text(name: string): string | null {
    const value = this.fields[name];
    if (typeof value === "string") return value;
    if (this.has(name)) this.faults.wrongType(this.path(name), "a string", value);
    return null;
  }

  /** A string that has to be there; empty where it is not. */
  needText(name: string): string {
    if (!this.has(name)) this.faults.missing(this.path(name));
    return this.text(name) ?? "";
  }

  /** A number; one that a double cannot hold is rounded. */
  number(name: string): number | null {
    const value = this.fields[name];
    if (typeof value === "number") return value;
    if (isExactNumber(value)) return Number(JSON.stringify(value));
    if (this.has(name)) this.faults.wrongType(this.path(name), "a number", value);
    return null;
  }

  /** A whole number. */
  integer(name: string): number | null {
    const value = this.number(name);
    if (value === null || Number.isInteger(value)) return value;
    this.faults.wrongType(this.path(name), "an integer", this.fields[name]);
    return null;
  }

  /** True or false. */
  flag(name: string): boolean | null {
    const value = this.fields[name];
    if (typeof value === "boolean") return value;
    if (this.has(name)) this.faults.wrongType(this.path(name), "a boolean", value);
    return null;
  }

  /** An object. */
  object(name: string): Checked | null {
    const value = this.fields[name];
    if (isFields(value) && !isExactNumber(value)) return new Checked(value, this.path(name), this.faults);
    if (this.has(name)) this.faults.wrongType(this.path(name), "an object", value);
    return null;
  }

  /** A list; empty where there is none. */
  list(name: string): readonly unknown[] {
    const value = this.fields[name];
    if (Array.isArray(value)) return value;
    if (this.has(name)) this.faults.wrongType(this.path(name), "an array", value);
    return [];
  }

  /** A list of objects; what is none is left out. */
  objects(name: string): readonly Checked[] {
    return this.list(name).flatMap((value, index) => {
      const path = `${this.path(name)}[${index}]`;
      if (isFields(value)) return [new Checked(value, path, this.faults)];
      this.faults.wrongType(path, "an object", value);
      return [];
    });
  }

  /** A list of strings. */
  texts(name: string): readonly string[] {
    return this.list(name).flatMap((value, index) => {
      if (typeof value === "string") return [value];
      this.faults.wrongType(`${this.path(name)}[${index}]`, "a string", value);
      return [];
    });
  }

  /** All fields but those that are named and those that are null; null where there is no other. */
  others(known: ReadonlySet<string>): Fields | null {
    const names = Object.keys(this.fields).filter((name) => !known.has(name) && this.has(name));
    return names.length === 0 ? null : Object.fromEntries(names.map((name) => [name, this.fields[name]]));
  }
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number" || isExactNumber(value)) return "a number";
  if (typeof value === "object") return "an object";
  return `a ${typeof value}`;
}
