// Errors as chat and legacy completions say them (see `../error.ts`, which knows OpenAI's object in all its shapes).

import { errorEvent, readError, typeOfStatus, type WireError } from "../error.ts";

const decoder = new TextDecoder();

/** An error's body, read; null where the value holds none. */
export function readErrorValue(body: unknown, status: number): WireError | null {
  return readError(body, status);
}

/** An error's body. An error without a type gets the one that its status stands for. */
export function writeErrorValue(error: WireError, status: number): Readonly<Record<string, unknown>> {
  const { message, type, param, code } = error;
  return { error: { message, type: type === "" ? typeOfStatus(status) : type, param, code } };
}

/** The event that ends a broken stream. */
export function writeErrorEvent(error: WireError): string {
  return decoder.decode(errorEvent(error));
}
