// A candidate that a share of a model's calls is sent to as well, as a user configures it.

import * as z from "zod";
import type { ShadowPlan } from "./plan.ts";

/** `shadow` of a model. */
export const shadow = z.strictObject({
  model: z
    .string()
    .min(1, "must not be empty")
    .max(512)
    .describe("The candidate: a model, or provider/model. Nobody gets its answers."),
  share: z.number().gt(0).max(1).default(0.01).describe("Share of the model's calls that it is asked too."),
});

/** What a model says about shadows, as configured. */
export type ShadowConfig = z.output<typeof shadow>;

/** Who is asked as well; null for nobody. */
export function compileShadow(config: ShadowConfig | undefined): ShadowPlan | null {
  return config === undefined ? null : { model: config.model, share: config.share };
}
