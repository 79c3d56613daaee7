// Errors as Cohere's API tells them: a message, for some a type beside it.
// Source: https://docs.cohere.com/reference/errors.

import { isFields } from "../fields.ts";
import { typeOfStatus, type WireError } from "../openai/error.ts";

/** Reads an error's body; null where there is none in it. `code` is Cohere's `error_type`. */
export function readCohereError(value: unknown, status: number): WireError | null {
  if (!isFields(value)) return null;
  const { message, error_type } = value;
  if (typeof message !== "string" || message === "") return null;
  const code = typeof error_type === "string" && error_type !== "" ? error_type : null;
  return { message, type: typeOfStatus(status), param: null, code };
}
