// Errors as Ollama tells them: one text, in a body of its own or as a line of a stream. Source: https://docs.ollama.com/api/errors.

import { record } from "../fields.ts";
import { typeOfStatus, type WireError } from "../openai/error.ts";

/** Reads an error; null where there is none. */
export function readOllamaError(value: unknown, status: number): WireError | null {
  const { error } = record(value);
  if (typeof error !== "string" || error === "") return null;
  return { message: error, type: typeOfStatus(status), param: null, code: null };
}
