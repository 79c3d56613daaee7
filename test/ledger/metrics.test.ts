import { describe, expect, test } from "vitest";
import { Metrics, mergeSnapshots, renderPrometheus } from "../../src/ledger/metrics.ts";

function counted(): Metrics {
  const metrics = new Metrics();
  const series = metrics.of("openai", "gpt");
  series.countCall(200, null);
  series.countCall(502, "upstream_error");
  series.countAttempt("ok");
  series.countTokens({ input_tokens: 7, cached_input_tokens: 0, output_tokens: 0, reasoning_tokens: 0 });
  series.countFirstByte(1500);
  series.countOverhead(40);
  series.countTotal(2_000_000);
  metrics.in_flight = 2;
  return metrics;
}

describe("the counts", () => {
  test("of several processes add up", () => {
    const merged = mergeSnapshots([counted().snapshot(), counted().snapshot(), new Metrics().snapshot()]);
    const text = renderPrometheus(merged, 3);
    expect(text).toContain('venturi_calls_total{provider="openai",model="gpt",status="200"} 2\n');
    expect(text).toContain('venturi_errors_total{provider="openai",model="gpt",code="upstream_error"} 2\n');
    expect(text).toContain('venturi_attempts_total{provider="openai",model="gpt",outcome="ok"} 2\n');
    expect(text).toContain('venturi_tokens_total{provider="openai",model="gpt",kind="input"} 14\n');
    expect(text).not.toContain('kind="output"');
    expect(text).toContain('venturi_call_seconds_count{provider="openai",model="gpt"} 2\n');
    expect(text).toContain('venturi_call_seconds_sum{provider="openai",model="gpt"} 4\n');
    expect(text).toContain("venturi_calls_in_flight 4\n");
    expect(text).toContain("venturi_processes 3\n");
  });

  test("survive the way between processes as JSON", () => {
    const snapshot = counted().snapshot();
    const travelled = JSON.parse(JSON.stringify(snapshot));
    expect(renderPrometheus(travelled, 1)).toBe(renderPrometheus(snapshot, 1));
  });

  test("have histograms whose buckets rise to the count", () => {
    const lines = renderPrometheus(counted().snapshot(), 1)
      .split("\n")
      .filter((line) => line.startsWith("venturi_first_byte_seconds"));
    const buckets = lines.filter((line) => line.includes("_bucket"));
    const values = buckets.map((line) => Number(line.split(" ").at(-1)));
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(buckets.at(-1)).toContain('le="+Inf"');
    expect(values.at(-1)).toBe(1);
    expect(values[0]).toBe(0);
    expect(lines.at(-1)).toBe('venturi_first_byte_seconds_count{provider="openai",model="gpt"} 1');
  });

  test("escape what stands in labels", () => {
    const metrics = new Metrics();
    metrics.of("a", 'quote " backslash \\ line\nend').countCall(200, null);
    expect(renderPrometheus(metrics.snapshot(), 1)).toContain('model="quote \\" backslash \\\\ line\\nend"');
  });

  test("of ever new models end up as other", () => {
    const metrics = new Metrics();
    for (let index = 0; index < 2_000; index++) metrics.of("p", `model-${index}`).countCall(200, null);
    const { series } = metrics.snapshot();
    expect(series.length).toBeLessThanOrEqual(501);
    expect(series.find((one) => one.model === "other")?.calls["200"]).toBe(1_500);
  });
});
