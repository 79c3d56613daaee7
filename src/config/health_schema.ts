// How the health of providers is looked after, as a user writes it.

import * as z from "zod";

const whole = (min: number, max: number) => z.int().min(min).max(max);
const HOUR_S = 3_600;

/** When a target that fails is passed over. */
export const breaker = z.union([
  z.literal("off"),
  z.strictObject({
    failures: whole(1, 1_000).default(5).describe("Failures in a row that open it."),
    share: z
      .number()
      .gt(0)
      .max(1)
      .default(0.5)
      .describe("Share of the calls of the last 30 seconds that opens it when they fail."),
    min_calls: whole(1, 100_000).default(10).describe("Calls in 30 seconds below which no share opens it."),
    rest_s: z
      .number()
      .min(0.1)
      .max(HOUR_S)
      .default(10)
      .describe("How long a target is passed over until one call probes it; seconds."),
    max_rest_s: z
      .number()
      .min(0.1)
      .max(HOUR_S)
      .default(120)
      .describe("The rest doubles with each probe that fails, up to this; seconds."),
    slow_start_s: z
      .number()
      .min(0)
      .max(HOUR_S)
      .default(30)
      .describe(
        "How long the share of a target that has come back grows, where targets share the calls; seconds.",
      ),
  }),
]);

/** How a provider is asked whether it is there, while nobody calls it. */
export const probe = z.strictObject({
  path: z
    .string()
    .regex(/^\/[!-~]{0,1000}$/, "must begin with / and have no spaces")
    .default("/models")
    .describe("What is asked for (GET), below the provider's base_url."),
  interval_s: whole(1, HOUR_S).default(30).describe("How often, by one process of all; seconds."),
});

/** Probes as configured. */
export type ProbeConfig = z.output<typeof probe>;
/** A breaker as configured. */
export type BreakerConfig = z.output<typeof breaker>;
