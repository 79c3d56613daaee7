// What a gateway that runs tells Prometheus and a collector of OpenTelemetry, and whether the dashboards and alerts that come with it
// ask for what is there.

import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { chat, metric, Venturi } from "../chaos/harness.ts";
import { Collector } from "../ledger/otlp/collector.ts";
import { factsOf } from "../ledger/otlp/messages.ts";
import { metricsIn, parsePrometheus } from "../ledger/prometheus.ts";
import { type ScriptedUpstream, startUpstream } from "../scripted_upstream.ts";

const undone: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of undone.splice(0).toReversed()) await undo();
});

async function start(config: string): Promise<Venturi> {
  const gateway = await new Venturi({ config }).ready();
  undone.push(() => gateway.end());
  return gateway;
}

function post(gateway: Venturi, model: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", headers, body: chat(model) });
}

/** A collector at a port where there is none yet. */
function collector(port = 0): Collector {
  const made = new Collector(port);
  undone.push(() => made.stop());
  return made;
}

async function upstream(): Promise<ScriptedUpstream> {
  const made = await startUpstream((_, reply) => reply.json(404, { error: { message: "no", code: "c" } }));
  undone.push(() => made.stop());
  return made;
}

const text = async (gateway: Venturi) => (await fetch(`${gateway.url}/metrics`)).text();

describe("a collector", () => {
  test("is told of calls by the ids that the provider, the ledger and the client know", async () => {
    const to = collector();
    const gateway = await start(
      `telemetry: { otlp: { endpoint: "${to.url}", interval_ms: 100, headers: { x-team: a-secret } } }\n`,
    );
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await post(gateway, "sim/echo", { traceparent });
    await post(gateway, "sim/error-500");
    await to.until(() => to.spans.filter(({ kind }) => kind === 2).length === 2);
    await to.until(() => to.metrics.size > 0);
    expect(to.faults).toEqual([]);
    expect(to.headers[0]!.get("x-team")).toBe("a-secret");
    const joined = to.spans.find(({ parentSpanId }) => parentSpanId === "00f067aa0ba902b7")!;
    expect(joined.traceId).toBe("4bf92f3577b34da6a3ce929d0e0e4736");
    expect(factsOf(joined.attributes)).toMatchObject({
      ...{
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "sim",
        "gen_ai.request.model": "sim/echo",
      },
    });
    const failed = to.spans.filter(({ kind, status }) => kind === 3 && status.code === 2);
    // Tried as often as the model's retries say.
    expect(failed.length).toBeGreaterThanOrEqual(2);
    expect(new Set(to.spans.map(({ spanId }) => spanId)).size).toBe(to.spans.length);
    expect(gateway.lines.join("\n")).not.toContain("a-secret");
  });

  test("that is not there costs spans, which are counted, and no call", async () => {
    const gone = collector();
    const { port, url } = gone;
    await gone.stop();
    const gateway = await start(
      `telemetry: { traces: { sample: 1 }, otlp: { endpoint: "${url}", interval_ms: 100, max_queue: 100 } }\n`,
    );
    for (let count = 0; count < 120; count++) expect((await post(gateway, "sim/echo")).status).toBe(200);
    await gateway.line(/telemetry: traces: .* not delivered/);
    let dropped = 0;
    for (const end_ms = performance.now() + 10_000; dropped === 0 && performance.now() < end_ms; ) {
      dropped = await metric(gateway.url, "venturi_otlp_dropped_total");
      await Bun.sleep(20);
    }
    expect(dropped).toBeGreaterThan(0);
    // When it is there it gets what has waited.
    const to = collector(port);
    await to.until(() => to.spans.length >= 100);
    expect(to.faults).toEqual([]);
  });
});

describe("/metrics", () => {
  test("is what Prometheus reads, with everything in it that dashboards and alerts ask for", async () => {
    const behind = await upstream();
    const gateway = await start(`
providers:
  sim: { kind: sim, queue: { max_wait_ms: 1000 } }
  up: { kind: openai, base_url: "${behind.base_url}", api_keys: [none] }
models:
  kept: { targets: [sim/echo], cache: { exact: { ttl_s: 60 } }, price: { input_per_mtok: 1, output_per_mtok: 1 } }
keys: [{ name: one, key: a-clients-key, limits: { rpm: 6 } }]
`);
    const key = { authorization: "Bearer a-clients-key" };
    for (const model of ["kept", "kept", "sim/error-500", "nothing"]) await post(gateway, model, key);
    // Names that nobody configured.
    for (let count = 0; count < 4; count++) await post(gateway, `up/invented-${count}`, key);
    expect((await post(gateway, "sim/echo", key)).status).toBe(429);
    const families = parsePrometheus(await text(gateway));
    const of = (name: string) => families.find((family) => family.name === name)!.samples;
    expect(of("venturi_build_info")[0]!.labels).toMatchObject({ bun: Bun.version });
    expect(Date.now() / 1_000 - of("venturi_start_time_seconds")[0]!.value).toBeLessThan(60);
    expect(of("venturi_limit_refusals_total")).toMatchObject([
      { labels: { scope: "key", limit: "requests" }, value: 1 },
    ]);
    expect(of("venturi_cost_usd_total")[0]!.value).toBeGreaterThan(0);
    // Whole calls: every call has one, whatever became of it.
    const ended = (suffix: string) =>
      of(suffix === "" ? "venturi_calls_total" : "venturi_call_seconds")
        .filter(({ name }) => name.endsWith(suffix))
        .reduce((sum, { value }) => sum + value, 0);
    expect(ended("_count")).toBe(ended(""));
    const models = new Set(families.flatMap(({ samples }) => samples.map(({ labels }) => labels["model"])));
    expect([...models].filter((model) => model?.startsWith("invented"))).toEqual([]);
    const others = of("venturi_calls_total").filter(({ labels }) => labels["provider"] === "up");
    expect(others).toMatchObject([{ labels: { model: "other", status: "404" }, value: 4 }]);

    const known = new Set(
      families.flatMap(({ name, type }) =>
        type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
    );
    const unknown = (expressions: readonly string[]) =>
      expressions.flatMap((expression) => {
        const names = metricsIn(expression);
        expect(names, expression).not.toEqual([]);
        return names.filter((name) => !known.has(name));
      });
    expect(unknown(expressionsOfDashboard())).toEqual([]);
    expect(unknown(rules().map(({ expr }) => expr))).toEqual([]);
  });
});

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}

function deployed(path: string): string {
  return readFileSync(new URL(`../../deploy/${path}`, import.meta.url), "utf8");
}

function rules(): Rule[] {
  const { groups } = parse(deployed("prometheus/alerts.yml")) as {
    groups: { name: string; rules: Rule[] }[];
  };
  return groups.flatMap((group) => group.rules);
}

function expressionsOfDashboard(): string[] {
  const { panels, templating } = JSON.parse(deployed("grafana/venturi.json")) as {
    panels: { targets: { expr: string }[] }[];
    templating: { list: { query: string | { query: string } }[] };
  };
  const variables = templating.list.flatMap(({ query }) => (typeof query === "string" ? [] : query.query));
  return [...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)), ...variables];
}

test("every alert has a name of its own, a severity and words for whoever is woken", () => {
  const all = rules();
  expect(new Set(all.map(({ alert }) => alert)).size).toBe(all.length);
  for (const rule of all) {
    expect(rule.labels.severity).toMatch(/^(critical|warning)$/);
    expect(rule.annotations.summary.length).toBeGreaterThan(10);
    expect(rule.for ?? "1m").toMatch(/^\d+[mh]$/);
    const opened = rule.expr.split("(").length;
    expect(opened).toBe(rule.expr.split(")").length);
  }
});

describe("the reader of Prometheus' text", () => {
  const HEAD = "# HELP a_total A.\n# TYPE a_total counter\n";
  test.each([
    ["a sample without a family", "a_total 1\n"],
    ["no end of the last line", `${HEAD}a_total 1`],
    ["a label without quotes", `${HEAD}a_total{b=c} 1\n`],
    ["an escape that is none", `${HEAD}a_total{b="\\t"} 1\n`],
    ["a sample twice", `${HEAD}a_total{b="1"} 1\na_total{b="1"} 2\n`],
    ["a family twice", `${HEAD}${HEAD}`],
    ["a number that is none", `${HEAD}a_total 1x\n`],
    ["a counter by another name", "# HELP a A.\n# TYPE a counter\na 1\n"],
    [
      "a histogram without its last bucket",
      '# HELP h H.\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n',
    ],
    [
      "buckets that fall",
      '# HELP h H.\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    ],
  ])("does not take %s", (_, wrong) => {
    expect(() => parsePrometheus(wrong)).toThrow();
  });
});
