// What is wrong with a request: the first fault, told as OpenAI tells it.

import { GatewayError } from "../../errors.ts";
import { isFields, numberOf } from "../fields.ts";

/** Collects the first fault while a request is read. */
export class Faults {
  first: GatewayError | null = null;

  /** A value is not of the type that it has to be. */
  type(param: string, expected: string, value: unknown): void {
    if (value === undefined) {
      this.missing(param);
      return;
    }
    this.first ??= new GatewayError(
      "invalid_type",
      `Invalid type for '${param}': expected ${expected}, but got ${nameOf(value)} instead.`,
      { param },
    );
  }

  /** A parameter is not there. */
  missing(param: string): void {
    this.first ??= new GatewayError("missing_required_parameter", `Missing required parameter: '${param}'.`, {
      param,
    });
  }

  /** A value is none of those that it may be. */
  value(param: string, message: string): void {
    this.first ??= new GatewayError("invalid_value", message, { param });
  }

  /** A string that has to be there. */
  string(value: unknown, param: string): string {
    if (typeof value === "string") return value;
    this.type(param, "a string", value);
    return "";
  }

  /** An optional value of a type that `typeof` tells; null where it is not said. */
  optional(value: unknown, kind: "string", param: string): string | null;
  optional(value: unknown, kind: "number", param: string): number | null;
  optional(value: unknown, kind: "boolean", param: string): boolean | null;
  optional(value: unknown, kind: "string" | "number" | "boolean", param: string): unknown {
    if (value === undefined || value === null) return null;
    const read = kind === "number" ? (numberOf(value) ?? value) : value;
    if (typeof read === kind) return read;
    this.type(param, `a ${kind}`, value);
    return null;
  }

  /** An optional object; null where it is not said. */
  object(value: unknown, param: string): Readonly<Record<string, unknown>> | null {
    if (value === undefined || value === null) return null;
    if (isFields(value)) return value;
    this.type(param, "an object", value);
    return null;
  }

  /** An optional list; empty where it is not said. */
  list(value: unknown, param: string): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    this.type(param, "an array", value);
    return [];
  }
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
