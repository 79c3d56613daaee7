// What is told of calls beyond their rows, as a user configures it: traces, and where they go.

import * as z from "zod";
import { isMeant, type NamePattern, namePattern } from "./name_pattern.ts";
import type { ContentPlan, TelemetryPlan } from "./plan.ts";

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;

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

const names = (what: string) =>
  z
    .array(z.string().min(1).max(256))
    .max(1000)
    .default([])
    .describe(`${what} whose calls are not kept; \`*\` stands for any characters.`);

const content = z.strictObject({
  store: z
    .enum(["off", "on"])
    .default("off")
    .describe("Whether what is asked and answered is kept, encrypted, in a store of its own."),
  retention_days: z
    .number()
    .positive()
    .max(3_650)
    .default(7)
    .describe("How long it is kept; parts of a day can be written too."),
  max_mb: whole(1, 1_048_576)
    .default(1_024)
    .describe("The most that the store may take on the disk; the oldest calls go first."),
  max_call_kb: whole(1, 65_536)
    .default(4_096)
    .describe("Longer requests are not kept, and of calls with longer answers the request alone is."),
  except: z
    .strictObject({ models: names("Models"), keys: names("Keys"), tenants: names("Tenants") })
    .prefault({})
    .describe("Calls that are never kept."),
});

const quality = z.strictObject({
  answers_per_s: z
    .number()
    .min(0)
    .max(1_000)
    .default(5)
    .describe(
      "Answers that each gateway process looks at in a second, at most: for refusals, cut answers, invalid JSON, failed calls of tools; 0: none.",
    ),
  similarity: z
    .boolean()
    .default(false)
    .describe(
      "Whether answers to requests that came before are compared with the earlier ones, by the built-in embedder. It starts the inference process.",
    ),
});

/** `telemetry` of the configuration. */
export const telemetry = z.strictObject({
  traces: traces.prefault({}).describe("Which calls are kept with all moments of their tries."),
  quality: quality
    .prefault({})
    .describe("How models answer, by the hour, and whether that shifts; nothing of what they say is kept."),
  otlp: otlp.optional().describe("A collector of OpenTelemetry that is told of calls."),
  content: content.prefault({}).describe("What is kept of prompts and answers; by default nothing is."),
});

/** What is kept of prompts and answers; null: nothing is. */
export function compileContent({ content: config }: z.output<typeof telemetry>): ContentPlan | null {
  if (config.store === "off") return null;
  const { models, keys, tenants } = config.except;
  const [of_models, of_keys, of_tenants] = [models, keys, tenants].map((list) => list.map(namePattern));
  return {
    retention_ms: config.retention_days * DAY_MS,
    max_bytes: config.max_mb * MIB,
    call_max_bytes: config.max_call_kb * 1024,
    isExcepted: ({ model, key, tenant }) =>
      isAny(of_models!, model) || isAny(of_keys!, key) || isAny(of_tenants!, tenant),
  };
}

function isAny(patterns: readonly NamePattern[], name: string): boolean {
  return patterns.some((pattern) => isMeant(pattern, name));
}

/** How the store of content is kept, whether anything is added to it or not. */
export function contentKeeping({ content: config }: z.output<typeof telemetry>): {
  readonly retention_ms: number;
  readonly max_bytes: number;
} {
  return { retention_ms: config.retention_days * DAY_MS, max_bytes: config.max_mb * MIB };
}

/** What the calls themselves need of it. */
export function compileTelemetry({
  traces,
  quality: { answers_per_s, similarity: is_compared },
  otlp: collector,
}: z.output<typeof telemetry>): TelemetryPlan {
  const { sample, slow_ms } = traces;
  const slow_us = slow_ms === 0 ? Number.POSITIVE_INFINITY : slow_ms * 1_000;
  const is_watched = answers_per_s > 0 || is_compared;
  const look_every_ms = answers_per_s === 0 ? Number.POSITIVE_INFINITY : 1_000 / answers_per_s;
  return {
    ...{ sample, slow_us, propagates: collector?.traces ?? false },
    quality: is_watched ? { look_every_ms, is_compared } : null,
  };
}
