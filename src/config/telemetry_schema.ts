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

const whole = (least: number, most: number) => z.number().int().min(least).max(most);

const otlp = z.strictObject({
  endpoint: z
    .string()
    .regex(/^https?:\/\/\S+$/, "must be an http or https URL")
    .regex(/^(?!.*\/v1\/(traces|metrics|logs)\/?$)/, "must be the collector's base URL, without /v1/traces")
    .describe("Base URL of a collector that takes OTLP over HTTP in JSON, such as http://127.0.0.1:4318."),
  headers: z
    .record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "must be a header's name"), z.string())
    .default({})
    .describe(
      "Header fields of every post, such as what authorizes; best references to environment variables.",
    ),
  interval_ms: whole(100, DAY_MS).default(10_000).describe("How often it is told, at least."),
  timeout_ms: whole(100, 600_000).default(10_000).describe("How long it may take to answer."),
  max_queue: whole(100, 1_000_000)
    .default(20_000)
    .describe("Spans that may wait for it; more are left out and counted."),
  max_batch: whole(1, 10_000).default(512).describe("Spans of one post at most."),
  traces: z.boolean().default(true).describe("Whether it is told of calls as spans."),
  metrics: z.boolean().default(true).describe("Whether it is told of calls as histograms."),
  service_name: z.string().min(1).max(256).default("venturi").describe("`service.name` of all of it."),
});

/** `telemetry` of the configuration. */
export const telemetry = z.strictObject({
  traces: traces.prefault({}).describe("Which calls are kept with all moments of their tries."),
  otlp: otlp.optional().describe("A collector of OpenTelemetry that is told of calls."),
});

/** What the calls themselves need of it. */
export function compileTelemetry({ traces, otlp: collector }: z.output<typeof telemetry>): TelemetryPlan {
  const { sample, slow_ms } = traces;
  const slow_us = slow_ms === 0 ? Number.POSITIVE_INFINITY : slow_ms * 1_000;
  return { sample, slow_us, propagates: collector?.traces ?? false };
}
