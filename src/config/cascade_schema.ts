// Which answers of a cheap model are not good enough, and who is asked then, as a user configures it.

import * as z from "zod";
import type { CascadePlan } from "./plan.ts";

/** Why an answer is not good enough. */
export const CASCADE_REASONS = ["refusal", "length", "invalid_json", "uncertain", "check"] as const;

/** `cascade` of a model. */
export const cascade = z.strictObject({
  to: z
    .string()
    .min(1, "must not be empty")
    .max(512)
    .describe("The model, or provider/model, that is asked then and whose answer is given."),
  when: z
    .array(z.enum(CASCADE_REASONS))
    .min(1, "must have at least one reason")
    .max(CASCADE_REASONS.length)
    .default(["refusal", "length", "invalid_json"])
    .describe("What an answer is not good enough for; one of these is enough."),
  uncertain: z
    .number()
    .min(-100)
    .lt(0)
    .optional()
    .describe("Mean log probability of an answer's tokens below which it is uncertain; -1 by default."),
  check: z
    .strictObject({
      min_chars: z.int().min(1).max(1_000_000).optional().describe("The least characters of an answer."),
      must_contain: z
        .array(z.string().min(1).max(1_000))
        .max(100)
        .optional()
        .describe("Texts that must all be in an answer, in whatever case."),
      pattern: z.string().min(1).max(1_000).optional().describe("What must be found in an answer (RE2)."),
    })
    .optional()
    .describe("What an answer has to have, where `when` has check."),
  stream: z
    .enum(["pass", "hold"])
    .default("pass")
    .describe("Whether streams are held until they are looked at; passed on, they are not looked at."),
});

/** What a model says about cascades, as configured. */
export type CascadeConfig = z.output<typeof cascade>;

/** Which answers another model is asked for; null for none. */
export function compileCascade(config: CascadeConfig | undefined): CascadePlan | null {
  if (config === undefined) return null;
  const { to, when, uncertain, check, stream } = config;
  return {
    ...{ to, when: [...when], uncertain_below: uncertain ?? -1, holds_streams: stream === "hold" },
    check: {
      min_chars: check?.min_chars ?? 0,
      must_contain: (check?.must_contain ?? []).map((text) => text.toLowerCase()),
      pattern: check?.pattern ?? null,
    },
  };
}
