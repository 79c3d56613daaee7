// What is kept of a call's moments, and how it stands in what others trace (W3C Trace Context).

import { describe, expect, test } from "vitest";
import { type LedgerRow, shownRow } from "../../src/ledger/row.ts";
import { spanIdOf, trySpanId } from "../../src/ledger/trace.ts";
import { chatChunks, chatCompletion, type Script, type ScriptedUpstream } from "../scripted_upstream.ts";
import { rig, type TestGateway } from "./harness.ts";

const room = rig();

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;

const answering: Script = (_, reply) => reply.json(200, chatCompletion("yes"));
const failing: Script = (_, reply) => reply.json(500, { error: { message: "broken", type: "t", code: "c" } });

function config(upstreams: readonly ScriptedUpstream[], rest = ""): string {
  const names = upstreams.map((_, index) => `up${index}`);
  return `
providers:
${names.map((name, index) => `  ${name}: { kind: openai, base_url: "${upstreams[index]!.base_url}", api_keys: [none] }`).join("\n")}
models:
  chat: { targets: [${names.map((name) => `${name}/gpt`).join(", ")}], retries: { attempts: 0 } ${rest} }
`;
}

const rowOf = async (gateway: TestGateway): Promise<LedgerRow> => {
  await gateway.idle();
  const [row, ...more] = gateway.kept.rows();
  expect(more).toEqual([]);
  return row!;
};
const traced = (traceparent: string, more: Record<string, string> = {}) => ({
  headers: { traceparent, ...more },
});

describe("a client's trace", () => {
  test("goes on to the provider with a span of the try, and is in the row", async () => {
    const upstream = await room.upstream(answering);
    const gateway = room.gateway(config([upstream]));
    await gateway.chat({}, traced(TRACEPARENT, { tracestate: "vendor=value" }));
    const row = await rowOf(gateway);
    const sent = upstream.requests[0]!.headers;
    expect(sent.get("traceparent")).toBe(`00-${TRACE}-${trySpanId(row.id, 1)}-01`);
    expect(sent.get("tracestate")).toBe("vendor=value");
    expect(row.trace).toEqual({ trace_id: TRACE, parent_id: PARENT, is_sampled: true });
    expect(shownRow(row)).toMatchObject({
      ...{ trace_id: TRACE, parent_span_id: PARENT, span_id: spanIdOf(row.id) },
    });
    expect(row.sampled).toBe(true);
  });

  test("has another span at each try", async () => {
    const [first, second] = [await room.upstream(failing), await room.upstream(answering)];
    const gateway = room.gateway(config([first, second]));
    await gateway.chat({}, traced(TRACEPARENT));
    const row = await rowOf(gateway);
    const spans = [first, second].map((one) => one.requests[0]!.headers.get("traceparent"));
    expect(spans).toEqual([1, 2].map((number) => `00-${TRACE}-${trySpanId(row.id, number)}-01`));
  });

  test("that is not kept by its client is told of as such", async () => {
    const upstream = await room.upstream(answering);
    const gateway = room.gateway(`${config([upstream])}telemetry: { traces: { sample: 0 } }`);
    await gateway.chat({}, traced(`00-${TRACE}-${PARENT}-00`));
    const row = await rowOf(gateway);
    expect(upstream.requests[0]!.headers.get("traceparent")).toMatch(/-00$/);
    expect([row.trace!.is_sampled, row.sampled]).toEqual([false, false]);
  });

  test("of a later version is taken for what this one knows of it", async () => {
    const upstream = await room.upstream(answering);
    const gateway = room.gateway(config([upstream]));
    await gateway.chat({}, traced(`cc-${TRACE}-${PARENT}-01-what-the-future-brings`));
    const row = await rowOf(gateway);
    expect(upstream.requests[0]!.headers.get("traceparent")).toBe(`00-${TRACE}-${trySpanId(row.id, 1)}-01`);
  });

  test.each([
    ["an unknown version", `ff-${TRACE}-${PARENT}-01`],
    ["no trace", `00-${"0".repeat(32)}-${PARENT}-01`],
    ["no span", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["capitals", TRACEPARENT.toUpperCase()],
    ["more than version 00 has", `${TRACEPARENT}-01`],
    ["too little", TRACEPARENT.slice(0, -1)],
    ["a digit that is none", `00-${TRACE.replace("4", "g")}-${PARENT}-01`],
    ["two of them", `${TRACEPARENT}, ${TRACEPARENT}`],
  ])("with %s is none: the call has its own, and the provider hears of neither", async (_, traceparent) => {
    const upstream = await room.upstream(answering);
    const gateway = room.gateway(config([upstream]));
    await gateway.chat({}, traced(traceparent, { tracestate: "vendor=value" }));
    const row = await rowOf(gateway);
    expect(upstream.requests[0]!.headers.has("traceparent")).toBe(false);
    expect(upstream.requests[0]!.headers.has("tracestate")).toBe(false);
    expect(row.trace).toBe(null);
    const { trace_id, span_id, parent_span_id } = shownRow(row);
    expect(trace_id).toBe(row.id.replaceAll("-", ""));
    expect(span_id).toMatch(/^[89ab][0-9a-f]{15}$/);
    expect(parent_span_id).toBe(null);
  });
});

describe("stages", () => {
  test("are told of every call, and together are no more than the whole", async () => {
    const upstream = await room.upstream(answering);
    const gateway = room.gateway(config([upstream]));
    await gateway.chat();
    const { timings_us } = await rowOf(gateway);
    const { total, overhead: _, ...stages } = timings_us;
    for (const stage of ["auth", "body", "scan", "route", "admit", "connect", "first_byte", "answer"]) {
      expect(stages).toHaveProperty(stage);
    }
    const sum = Object.values(stages).reduce((before: number, one) => before + (one ?? 0), 0);
    // Each is rounded by itself.
    expect(sum).toBeLessThanOrEqual(total! + 8);
    expect(sum).toBeGreaterThanOrEqual(total! - 8);
  });

  test("that some calls have are told of those", async () => {
    const upstream = await room.upstream(answering);
    const gateway = room.gateway(
      config(
        [upstream],
        ", cache: { exact: { ttl_s: 60 } }, privacy: { mode: redact, entities: [EMAIL] }, guards: { input: [hidden_text] }",
      ),
    );
    await (await gateway.chat()).text();
    const { timings_us } = await rowOf(gateway);
    const { total, overhead: _, ...stages } = timings_us;
    for (const stage of ["privacy", "guards", "cache"]) expect(stages).toHaveProperty(stage);
    const sum = Object.values(stages).reduce((before: number, one) => before + (one ?? 0), 0);
    expect(Math.abs(sum - total!)).toBeLessThanOrEqual(12);
  });
});

describe("the moments of tries", () => {
  test("are kept of a call that failed over, in the order in which they were sent", async () => {
    const [first, second] = [await room.upstream(failing), await room.upstream(answering)];
    const gateway = room.gateway(`${config([first, second])}telemetry: { traces: { sample: 0 } }`);
    await gateway.chat();
    const { attempts, sampled, timings_us } = await rowOf(gateway);
    expect(sampled).toBe(true);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(["500", "ok"]);
    const [one, other] = attempts.map(({ moments_us }) => moments_us!);
    expect(one!.started).toBeLessThanOrEqual(one!.connected!);
    expect(one!.connected!).toBeLessThanOrEqual(one!.first_byte!);
    expect(one!.first_byte!).toBeLessThanOrEqual(one!.ended);
    expect(one!.ended).toBeLessThanOrEqual(other!.started);
    expect(other!.ended).toBeLessThanOrEqual(timings_us.total!);
  });

  test("of a stream end with its call", async () => {
    const upstream = await room.upstream(async (_, reply) => {
      for (const chunk of chatChunks("one two three")) await reply.sse(chunk);
      await reply.sse("[DONE]");
    });
    const gateway = room.gateway(`${config([upstream])}telemetry: { traces: { sample: 1 } }`);
    await (await gateway.chat({ stream: true })).text();
    const { attempts, timings_us } = await rowOf(gateway);
    expect(attempts[0]!.moments_us!.ended).toBe(timings_us.total);
  });

  test("of both tries of a hedge overlap", async () => {
    const first = await room.upstream((_, reply) => reply.never());
    const second = await room.upstream(answering);
    const gateway = room.gateway(config([first, second], ", hedge: { after: 20ms, max_extra: 1 }"));
    await gateway.chat();
    const { attempts } = await rowOf(gateway);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(["hedge_lost", "hedge_won"]);
    const [one, other] = attempts.map(({ moments_us }) => moments_us!);
    expect(other!.started - one!.started).toBeGreaterThanOrEqual(20_000);
    expect(one!.ended).toBeGreaterThanOrEqual(other!.started);
    expect(one!.first_byte).toBe(null);
  });

  test.each([
    ["of a share of all calls, here all", "{ sample: 1 }", true],
    ["of no call that went as usual, where the share is 0", "{ sample: 0 }", false],
    ["of slow calls always", "{ sample: 0, slow_ms: 1 }", true],
  ])("are kept %s", async (_, traces, is_kept) => {
    const upstream = await room.upstream(async (_request, reply) => {
      await Bun.sleep(5);
      await reply.json(200, chatCompletion("yes"));
    });
    const gateway = room.gateway(`${config([upstream])}telemetry: { traces: ${traces} }`);
    await gateway.chat();
    const { sampled, attempts } = await rowOf(gateway);
    expect(sampled).toBe(is_kept);
    expect(attempts[0]!.moments_us !== undefined).toBe(is_kept);
  });

  test("are kept of calls that failed", async () => {
    const upstream = await room.upstream(failing);
    const gateway = room.gateway(`${config([upstream])}telemetry: { traces: { sample: 0 } }`);
    await gateway.chat();
    const { sampled, attempts } = await rowOf(gateway);
    expect(sampled).toBe(true);
    expect(attempts[0]!.moments_us!.ended).toBeGreaterThan(0);
  });
});
