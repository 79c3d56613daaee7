// Calls beside the first, as a user configures them.

import * as z from "zod";
import { parseDuration } from "./duration.ts";
import type { HedgePlan } from "./plan.ts";

const AFTER = "must be p95, or a time such as 300ms";

/** `hedge` of a model. */
export const hedge = z.strictObject({
  after: z
    .string()
    .regex(/^p95$|^(\d{1,9}(ms|s|m))+$/, AFTER)
    .default("p95")
    .describe(
      "How long the first target has for itself before a second is asked: a time such as 300ms, or p95, the time to the first byte that 95 % of its answers of late did not exceed.",
    ),
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
  const { after, max_extra } = config;
  return { after_ms: after === "p95" ? null : Math.max(1, parseDuration(after) ?? 1), max_extra };
}
