// The messages of OTLP that are sent, as the JSON mapping of their protobufs has them: opentelemetry-proto v1.7, common/v1/common.proto,
// resource/v1/resource.proto, trace/v1/trace.proto, metrics/v1/metrics.proto and the collector's services; ids are hexadecimal
// (OTLP specification, "JSON Protobuf Encoding"), 64-bit integers texts, enums numbers.

import * as z from "zod";

const uint64 = z.string().regex(/^(0|[1-9]\d{0,19})$/);
const int64 = z.string().regex(/^-?(0|[1-9]\d{0,18})$/);
const uint32 = z.number().int().min(0).max(0xffff_ffff);
const traceId = z.string().regex(/^(?!0{32})[0-9a-f]{32}$/);
const spanId = z.string().regex(/^(?!0{16})[0-9a-f]{16}$/);

/** `AnyValue`: one of its fields. */
const anyValue: z.ZodType = z.lazy(() =>
  z.union([
    z.strictObject({ stringValue: z.string() }),
    z.strictObject({ boolValue: z.boolean() }),
    z.strictObject({ intValue: int64 }),
    z.strictObject({ doubleValue: z.number() }),
    z.strictObject({ arrayValue: z.strictObject({ values: z.array(anyValue) }) }),
  ]),
);
/** Keys are unique in a list of attributes. */
const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value: anyValue }))
  .refine((list) => new Set(list.map(({ key }) => key)).size === list.length, "keys must be unique");
const resource = z.strictObject({ attributes });
const scope = z.strictObject({ name: z.string(), version: z.string() });

const span = z
  .strictObject({
    ...{ traceId, spanId, parentSpanId: spanId.optional(), flags: uint32 },
    name: z.string().min(1),
    kind: z.number().int().min(0).max(5),
    ...{ startTimeUnixNano: uint64, endTimeUnixNano: uint64, attributes },
    status: z.strictObject({ code: z.number().int().min(0).max(2), message: z.string().optional() }),
  })
  .refine(
    (one) => BigInt(one.endTimeUnixNano) >= BigInt(one.startTimeUnixNano),
    "must not end before it starts",
  );

/** `ExportTraceServiceRequest`. */
export const trace_request = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({ resource, scopeSpans: z.array(z.strictObject({ scope, spans: z.array(span) })) }),
  ),
});

const point = z
  .strictObject({
    ...{ attributes, startTimeUnixNano: uint64, timeUnixNano: uint64, count: uint64 },
    ...{ sum: z.number(), min: z.number(), max: z.number() },
    bucketCounts: z.array(uint64),
    explicitBounds: z.array(z.number()),
  })
  .refine(
    (one) => one.bucketCounts.length === one.explicitBounds.length + 1,
    "needs a bucket more than bounds",
  )
  .refine(
    (one) => one.explicitBounds.every((bound, index, all) => index === 0 || bound > all[index - 1]!),
    "bounds must grow",
  )
  .refine(
    (one) => one.bucketCounts.reduce((sum, count) => sum + BigInt(count), 0n) === BigInt(one.count),
    "buckets must add up",
  );

/** `ExportMetricsServiceRequest`, of histograms alone. */
export const metrics_request = z.strictObject({
  resourceMetrics: z.array(
    z.strictObject({
      resource,
      scopeMetrics: z.array(
        z.strictObject({
          scope,
          metrics: z.array(
            z.strictObject({
              ...{ name: z.string(), unit: z.string(), description: z.string() },
              histogram: z.strictObject({
                aggregationTemporality: z.literal(2),
                dataPoints: z.array(point).min(1),
              }),
            }),
          ),
        }),
      ),
    }),
  ),
});

/** What of attributes a test looks at. */
export function factsOf(list: z.output<typeof attributes>): Record<string, unknown> {
  return Object.fromEntries(
    list.map(({ key, value }) => [key, Object.values(value as Record<string, unknown>)[0]]),
  );
}
