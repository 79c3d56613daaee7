// Query parameters, checked by a schema: what is wrong with them is told by the parameter's name.

import type * as z from "zod";
import { parseInstant } from "../config/duration.ts";
import { GatewayError } from "../errors.ts";
import { explain } from "./key_settings.ts";

/** Reads the parameters that a schema knows; of one that is there twice, the last counts. */
export function readQuery<T>(schema: z.ZodType<T>, query: URLSearchParams): T | GatewayError {
  const parsed = schema.safeParse(Object.fromEntries(query));
  return parsed.success ? parsed.data : explain(parsed.error.issues[0]!);
}

/** An instant from a parameter: a duration ago, or a date; `otherwise` where it is not given. */
export function instantOf(
  name: string,
  text: string | undefined,
  otherwise: number,
  now_ms: number,
): number | GatewayError {
  if (text === undefined) return otherwise;
  const instant_ms = parseInstant(text, now_ms, "ago");
  if (instant_ms !== null) return instant_ms;
  return new GatewayError(
    "invalid_value",
    `'${name}' must be a duration such as 7d, or a date such as 2030-01-31.`,
    {
      param: name,
    },
  );
}
