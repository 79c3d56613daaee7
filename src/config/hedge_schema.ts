// Calls beside the first, as a user configures them.

import * as z from "zod";
import { parseDuration } from "./duration.ts";
import type { HedgePlan } from "./plan.ts";

const AFTER = "must be a time such as 300ms";

/** `hedge` of a model. */
export const hedge = z.strictObject({
  after: z
    .string()
    .regex(/^(\d{1,9}(ms|s|m))+$/, AFTER)
    .describe("How long the first target has for itself before a second is asked: a time such as 300ms."),
  max_extra: z
    .number()
    .gt(0)
    .max(1)
    .default(0.05)
    .describe("Calls beside the first as a share of the model's calls, at most."),
});

/** When a second target is asked; null where it never is. */
export function compileHedge(config: z.output<typeof hedge> | undefined): HedgePlan | null {
  if (config === undefined) return null;
  return { after_ms: parseDuration(config.after) ?? 0, max_extra: config.max_extra };
}
