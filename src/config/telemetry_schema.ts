// What is told of calls beyond their rows, as a user configures it: traces, and where they go.

import * as z from "zod";
import type { TelemetryPlan } from "./plan.ts";

const DAY_MS = 86_400_000;

const traces = z.strictObject({
  sample: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe(
      "Share of calls whose tries are kept with their moments, chosen by the trace's id; calls that fail, are slow or are tried more than once always are.",
    ),
  slow_ms: z
    .number()
    .int()
    .min(0)
    .max(DAY_MS)
    .default(5_000)
    .describe("Calls that take longer are slow; 0: none is."),
});

/** `telemetry` of the configuration. */
export const telemetry = z.strictObject({
  traces: traces.prefault({}).describe("Which calls are kept with all moments of their tries."),
});

/** What the calls themselves need of it. */
export function compileTelemetry({ traces: { sample, slow_ms } }: z.output<typeof telemetry>): TelemetryPlan {
  return { sample, slow_us: slow_ms === 0 ? Number.POSITIVE_INFINITY : slow_ms * 1_000, propagates: false };
}
