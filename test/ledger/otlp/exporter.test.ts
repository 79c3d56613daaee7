// What a collector of OpenTelemetry is told of calls, and what becomes of that when it is slow, full, broken or gone.

import { afterEach, describe, expect, test } from "vitest";
import { OtlpExporter, type OtlpSettings } from "../../../src/ledger/otlp/exporter.ts";
import type { LedgerRow } from "../../../src/ledger/row.ts";
import { writeRow } from "../../../src/ledger/row_line.ts";
import { spanIdOf, trySpanId } from "../../../src/ledger/trace.ts";
import { ledgerRow } from "../store/rows.ts";
import { Collector } from "./collector.ts";
import { factsOf } from "./messages.ts";

const SECRET = "a-collectors-secret";
const undone: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of undone.splice(0).toReversed()) await undo();
});

function collector(): Collector {
  const made = new Collector();
  undone.push(() => made.stop());
  return made;
}

function exporter(endpoint: string, changes: Partial<OtlpSettings> = {}) {
  const said: string[] = [];
  const dropped = { spans: 0 };
  const settings: OtlpSettings = {
    ...{ endpoint, headers: { authorization: `Bearer ${SECRET}` }, interval_ms: 20, timeout_ms: 500 },
    ...{ max_queue: 1_000, max_batch: 100, traces: true, metrics: true, service_name: "venturi" },
    providers: new Map([
      ["openai", { kind: "openai", base_url: null }],
      ["claude", { kind: "anthropic", base_url: "https://claude.example/v1" }],
    ]),
    isKnown: (model) => model === "chat",
    ...changes,
  };
  const made = new OtlpExporter(settings, {
    ...{ version: "0.0.0", patience: { first_ms: 5, most_ms: 20, lasting_ms: 60_000 } },
    log: (line) => said.push(line),
    onDropped: (spans) => {
      dropped.spans += spans;
    },
  });
  undone.push(() => made.close());
  return { made, said, dropped, settings };
}

const kept = (changes: Partial<LedgerRow> = {}): LedgerRow =>
  ledgerRow({ id: Bun.randomUUIDv7(), endpoint: "/chat/completions", sampled: true, ...changes });
const linesOf = (...rows: readonly LedgerRow[]) => Buffer.from(rows.map(writeRow).join("\n"));

describe("a collector is told", () => {
  test("of a call as a span, and of its tries as spans below it", async () => {
    const to = collector();
    const { made } = exporter(to.url);
    const row = kept({
      trace: {
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
        parent_id: "00f067aa0ba902b7",
        is_sampled: true,
      },
      timings_us: { total: 2_000, auth: 3, first_byte: 900 },
      similarity: 0.97,
      attempts: [
        { provider: "openai", model: "passed over", outcome: "open" },
        {
          ...{ provider: "openai", model: "gpt-4o-mini", outcome: "503" },
          moments_us: { started: 10, connected: 20, first_byte: 500, ended: 510 },
        },
        {
          ...{ provider: "claude", model: "haiku", outcome: "ok" },
          moments_us: { started: 600, connected: null, first_byte: 900, ended: 2_000 },
        },
      ],
    });
    made.add(linesOf(row));
    await to.until(() => to.spans.length === 3);
    expect(to.faults).toEqual([]);
    const [call, first, second] = to.spans;
    expect(call).toMatchObject({
      ...{ traceId: row.trace!.trace_id, spanId: spanIdOf(row.id), parentSpanId: row.trace!.parent_id },
      ...{ name: "chat chat", kind: 2, flags: 0x301, status: { code: 0 } },
      startTimeUnixNano: `${row.time}000000`,
      endTimeUnixNano: `${row.time + 2}000000`,
    });
    expect(factsOf(call!.attributes)).toMatchObject({
      ...{ "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai" },
      ...{ "gen_ai.request.model": "chat", "gen_ai.response.model": "gpt-4o-mini" },
      "gen_ai.response.finish_reasons": { values: [{ stringValue: "stop" }] },
      ...{ "gen_ai.usage.input_tokens": "100", "gen_ai.usage.output_tokens": "20" },
      ...{ "gen_ai.usage.cache_read.input_tokens": "40", "venturi.cost_usd": 1234 / 1e9 },
      ...{ "venturi.timings_us.auth": "3", "venturi.tenant": "acme", "venturi.similarity": 0.97 },
    });
    expect(first).toMatchObject({
      ...{ spanId: trySpanId(row.id, 1), parentSpanId: call!.spanId, kind: 3, flags: 0x101 },
      ...{ name: "chat gpt-4o-mini", status: { code: 2, message: "503" } },
      startTimeUnixNano: `${row.time}010000`,
    });
    expect(factsOf(first!.attributes)).toMatchObject({ "error.type": "503", "venturi.attempt": "1" });
    expect(second).toMatchObject({ spanId: trySpanId(row.id, 2), status: { code: 0 } });
    expect(factsOf(second!.attributes)).toMatchObject({
      ...{ "gen_ai.provider.name": "anthropic", "server.address": "claude.example" },
      "venturi.first_byte_us": "900",
    });
    expect(factsOf((to.resources[0] as { attributes: never }).attributes)).toEqual({
      ...{ "service.name": "venturi", "service.version": "0.0.0" },
    });
    expect(to.headers[0]!.get("authorization")).toBe(`Bearer ${SECRET}`);
  });

  test("of no call that is not kept, by the gateway or by its client", async () => {
    const to = collector();
    const { made } = exporter(to.url);
    const trace = { trace_id: "4bf92f3577b34da6a3ce929d0e0e4736", parent_id: "00f067aa0ba902b7" };
    const last = kept();
    made.add(linesOf(kept({ sampled: false }), kept({ trace: { ...trace, is_sampled: false } }), last));
    await to.until(() => to.spans.length > 0);
    expect(to.spans.map(({ spanId }) => spanId)).toEqual([spanIdOf(last.id)]);
  });

  test.each([
    [{ status: 503, error: "unavailable" }, 2],
    [{ status: 404, error: "model_not_found" }, 0],
    [{ status: 200, error: "upstream_stream_interrupted" }, 2],
  ])("of what failed by whose fault that was: %j", async (changes, code) => {
    const to = collector();
    const { made } = exporter(to.url);
    made.add(linesOf(kept(changes)));
    await to.until(() => to.spans.length > 0);
    expect(to.spans[0]!.status.code).toBe(code);
    expect(factsOf(to.spans[0]!.attributes)["error.type"]).toBe(changes.error);
  });

  test("of all calls in histograms, by models that somebody configured", async () => {
    const to = collector();
    const { made } = exporter(to.url);
    const timings_us = { total: 2_000_000, connect: 100, first_byte: 499_900, answer: 1_500_000 };
    made.add(linesOf(ledgerRow({ stream: true, timings_us }), ledgerRow({ model: "made/up", timings_us })));
    await to.until(() => to.metrics.get("gen_ai.server.request.duration")?.histogram.dataPoints.length === 2);
    expect(to.faults).toEqual([]);
    expect([...to.metrics.keys()].sort()).toEqual([
      "gen_ai.client.token.usage",
      "gen_ai.server.request.duration",
      "gen_ai.server.time_per_output_token",
      "gen_ai.server.time_to_first_token",
    ]);
    const [one, other] = to.metrics.get("gen_ai.server.request.duration")!.histogram.dataPoints;
    expect(factsOf(one!.attributes)["gen_ai.request.model"]).toBe("chat");
    expect(factsOf(other!.attributes)["gen_ai.request.model"]).toBe("other");
    const first = to.metrics.get("gen_ai.server.time_to_first_token")!.histogram.dataPoints[0]!;
    expect([first.count, first.sum]).toEqual(["1", 0.5]);
    const tokens = to.metrics.get("gen_ai.client.token.usage")!.histogram.dataPoints;
    expect(tokens.map(({ attributes, sum }) => [factsOf(attributes)["gen_ai.token.type"], sum])).toEqual([
      ...[
        ["input", 100],
        ["output", 20],
        ["input", 100],
        ["output", 20],
      ],
    ]);
    const per_token = to.metrics.get("gen_ai.server.time_per_output_token")!.histogram.dataPoints;
    expect(per_token.map(({ sum }) => sum)).toEqual([1.5 / 19]);
  });
});

describe("a collector that", () => {
  test.each([429, 502, 503, 504])("answers %i is asked again, and nothing is lost", async (status) => {
    const to = collector();
    to.answers.push({ status }, { status });
    const { made, said, dropped } = exporter(to.url);
    made.add(linesOf(kept()));
    await to.until(() => to.spans.length === 1);
    expect(to.posts).toBe(3);
    expect(dropped.spans).toBe(0);
    expect(said.join("\n")).toContain(`it answered ${status}`);
    expect(said.join("\n")).not.toContain(SECRET);
  });

  test("says when is not asked before", async () => {
    const to = collector();
    to.answers.push({ status: 429, headers: { "retry-after": "1" } });
    const { made } = exporter(to.url);
    made.add(linesOf(kept()));
    await to.until(() => to.posts === 1);
    const refused_ms = performance.now();
    await to.until(() => to.spans.length === 1);
    expect(performance.now() - refused_ms).toBeGreaterThanOrEqual(990);
  });

  test.each([400, 401, 413, 500])("answers %i is not asked again, and that is counted", async (status) => {
    const to = collector();
    to.answers.push({ status });
    const { made, dropped, said } = exporter(to.url);
    made.add(linesOf(kept()));
    await to.until(() => to.posts === 1);
    made.add(linesOf(kept()));
    await to.until(() => to.spans.length === 1);
    expect(dropped.spans).toBe(1);
    expect(said).toEqual([`the collector does not take traces: it answered ${status}`]);
  });

  test("takes a part of it is believed", async () => {
    const to = collector();
    to.answers.push({ body: '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}' });
    const { made, dropped, said } = exporter(to.url);
    made.add(linesOf(kept(), kept(), kept()));
    await to.until(() => to.spans.length === 3);
    made.add(linesOf(kept()));
    await to.until(() => to.spans.length === 4);
    expect(dropped.spans).toBe(2);
    expect(said).toEqual(["the collector left out 2 of the traces: too old"]);
  });

  test("does not answer costs what finds no room, and is given the rest when it does", async () => {
    const to = collector();
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    to.answers.push({ after: answered });
    const { made, dropped } = exporter(to.url, { max_queue: 10, timeout_ms: 60_000 });
    made.add(linesOf(kept()));
    await to.until(() => to.headers.length > 0);
    made.add(linesOf(...Array.from({ length: 30 }, () => kept())));
    expect(made.waiting).toBe(10);
    expect(dropped.spans).toBe(21);
    answer();
    await to.until(() => to.spans.length === 10);
    expect(dropped.spans).toBe(21);
  });

  test("is too slow is given up and asked again", async () => {
    const to = collector();
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    undone.push(answer);
    to.answers.push({ status: 503, after: answered });
    const { made, said } = exporter(to.url, { timeout_ms: 100 });
    made.add(linesOf(kept()));
    await to.until(() => to.spans.length === 1);
    expect(said.join("\n")).toContain("no answer in 100 ms");
  });

  test("is not there is told of without its address, and what waits is counted at the end", async () => {
    const gone = collector();
    const { url } = gone;
    await gone.stop();
    const { made, said, dropped } = exporter(url.replace("http://", `http://user:${SECRET}@`));
    made.add(linesOf(kept(), kept()));
    while (said.length === 0) await Bun.sleep(1);
    await made.close();
    expect(dropped.spans).toBe(2);
    expect(said.join("\n")).not.toContain(SECRET);
  });

  test("is another from now on gets what the one before did not take", async () => {
    const [before, after] = [collector(), collector()];
    before.answers.push(...Array.from({ length: 1_000 }, () => ({ status: 503 })));
    const { made, settings } = exporter(before.url);
    made.add(linesOf(kept()));
    await before.until(() => before.posts > 0);
    made.configure({ ...settings, endpoint: after.url });
    await after.until(() => after.spans.length === 1);
  });
});

test("what is left is told when it is closed", async () => {
  const to = collector();
  const { made } = exporter(to.url, { interval_ms: 60_000 });
  made.add(linesOf(kept()));
  await made.close();
  expect(to.spans).toHaveLength(1);
  expect(to.metrics.size).toBeGreaterThan(0);
});
