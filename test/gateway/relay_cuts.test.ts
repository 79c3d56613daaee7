// Recorded streams, cut everywhere: what goes out is what came in, and the usage seen is the usage told.

import { beforeAll, describe, expect, test } from "vitest";
import { resolveModel } from "../../src/config/models.ts";
import type { TargetPlan } from "../../src/config/plan.ts";
import { ChatWatch } from "../../src/dialects/openai/stream.ts";
import { Alarms } from "../../src/gateway/alarms.ts";
import { Call } from "../../src/gateway/call.ts";
import { EventFlow } from "../../src/gateway/flow.ts";
import { StreamReceiver } from "../../src/gateway/stream_receiver.ts";
import type { Exchange } from "../../src/upstream/exchange.ts";
import { FieldList } from "../../src/upstream/exchange.ts";
import { errorOf, eventsOf, planOf, rig } from "./harness.ts";
import { cuts, RECORDINGS_MISSING, type Recording, recordings } from "./recordings.ts";

const QUIET = { alarms: new Alarms(1_000), after_ms: 15_000 };

/** What a flow gives the client, and what the watch saw, of a body that comes in these pieces. */
function relay(pieces: readonly Uint8Array[], hide_usage: boolean): { out: Buffer; watch: ChatWatch } {
  const watch = new ChatWatch(hide_usage);
  const flow = new EventFlow(watch, null, QUIET);
  const out: Uint8Array[] = [];
  flow.stream.write = (bytes) => void out.push(bytes);
  for (const piece of pieces) flow.take(piece);
  flow.closeInput();
  flow.drop();
  return { out: Buffer.concat(out), watch };
}

function usageOf(watch: ChatWatch): Recording["usage"] {
  const usage = watch.usage();
  return usage && { input: usage.input_tokens, output: usage.output_tokens };
}

const plan = planOf("providers: {}");
const [target] = resolveModel(plan, "sim/echo")!.targets as [TargetPlan];

/** The receiving end of a try whose upstream sends the beginning of a body and then ends, or breaks off. */
async function receive(begin: Uint8Array): Promise<string | null> {
  const call = new Call("req_test", new Request("http://gateway/"), plan, QUIET.alarms);
  const receiver = new StreamReceiver(call, target, new ChatWatch(false), QUIET);
  const exchange: Exchange = {
    times: { started_ms: 0, connected_ms: 0, first_byte_ms: 0 },
    reused: false,
    abort: () => {},
    pause: () => {},
    resume: () => {},
  };
  receiver.attach(exchange);
  receiver.onHead({ status: 200, headers: new FieldList([["content-type", "text/event-stream"]]) });
  if (begin.length > 0) receiver.onData(begin);
  receiver.onEnd();
  const result = await receiver.result;
  return result.kind === "flow"
    ? Buffer.from(await new Response(result.flow.stream.body).bytes()).toString("latin1")
    : null;
}

describe.skipIf(RECORDINGS_MISSING !== null)(`recorded streams (${RECORDINGS_MISSING ?? "all"})`, () => {
  let all: Recording[] = [];
  beforeAll(() => {
    all = recordings();
  });

  test("there are dozens of them, of many providers", () => {
    expect(all.length).toBeGreaterThan(70);
    expect(all.filter(({ usage }) => usage !== null).length).toBeGreaterThan(50);
  });

  test("pass unchanged at every cut, with the usage that they report, for a client that asked for it", () => {
    for (const recording of all) {
      for (const at of cuts(recording, 6_000, 400)) {
        const { out, watch } = relay([recording.body.subarray(0, at), recording.body.subarray(at)], false);
        if (!out.equals(recording.body)) expect.fail(`${recording.name} cut at ${at} is not the same`);
        if (!watch.complete) expect.fail(`${recording.name} cut at ${at} does not count as complete`);
        expect(usageOf(watch), `${recording.name} cut at ${at}`).toEqual(recording.usage);
      }
    }
  });

  test("pass without the chunk that carries usage alone for a client that did not ask for it", () => {
    for (const recording of all) {
      for (const at of cuts(recording, 4_000, 200)) {
        const { out, watch } = relay([recording.body.subarray(0, at), recording.body.subarray(at)], true);
        if (!out.equals(recording.without_usage))
          expect.fail(`${recording.name} cut at ${at} is not the same`);
        expect(usageOf(watch), `${recording.name} cut at ${at}`).toEqual(recording.usage);
      }
    }
  });

  test("pass unchanged byte by byte", () => {
    for (const recording of all) {
      const { body } = recording;
      const { out, watch } = relay(
        Array.from({ length: body.length }, (_, at) => body.subarray(at, at + 1)),
        false,
      );
      if (!out.equals(body)) expect.fail(`${recording.name} byte by byte is not the same`);
      expect(usageOf(watch), recording.name).toEqual(recording.usage);
    }
  });

  test("that end too early give their whole events and an error, and never a [DONE] of ours", async () => {
    for (const recording of all) {
      const { body } = recording;
      for (const at of cuts(recording, 1_700, 60)) {
        const where = `${recording.name} ended at ${at}`;
        const out = await receive(body.subarray(0, at));
        const came = body.toString("latin1", 0, at);
        if (out === null) {
          // It failed before anything was sent, so another target may answer.
          const content = eventsOf(came)
            .slice(0, -1)
            .some(({ data }) => /"content": ?"[^"]|"tool_calls": ?\[\{/.test(data ?? ""));
          expect(content, where).toBe(false);
          continue;
        }
        const last = eventsOf(out).at(-1)!;
        const is_error = last.raw.startsWith("event: error\n");
        const passed = is_error ? out.slice(0, -last.raw.length) : out;
        expect(came.startsWith(passed), where).toBe(true);
        expect(out.includes("[DONE]"), where).toBe(/^data: ?\[DONE\]/m.test(came));
        if (is_error) expect(errorOf(last.data!).code, where).toBe("upstream_stream_interrupted");
        else expect(came, where).toMatch(/"finish_reason": ?"|\[DONE\]/);
      }
    }
  });

  describe("through a whole gateway", () => {
    const room = rig();

    test.each([true, false])("pass unchanged at a spread of cuts; asked for usage: %s", async (asks) => {
      const upstream = await room.upstream(async (request, reply) => {
        const { model, seed } = request.json() as { model: string; seed: number };
        const { body } = all[Number(model)]!;
        await reply.head(200, { "content-type": "text/event-stream", "content-length": String(body.length) });
        await reply.pieces(body, [seed]);
      });
      // Models that nobody has configured are counted together.
      const models = all.map((_, index) => `  m${index}: { targets: [up/${index}] }`);
      const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models:
${models.join("\n")}
`);
      const jobs = all.flatMap((recording, index) => {
        const spread = cuts(recording, 0, 5).filter((at) => at > 0 && at < recording.body.length);
        return spread.map((at) => ({ recording, index, at }));
      });
      const work = async (): Promise<void> => {
        for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) {
          const { recording, index, at } = job;
          const options = asks ? { stream_options: { include_usage: true } } : {};
          const response = await gateway.chat({ model: `up/${index}`, seed: at, stream: true, ...options });
          const told = Buffer.from(await response.bytes()).toString("latin1");
          // The gateway adds what a call cost to the usage that a client asked for, where the provider tells it.
          const out = Buffer.from(told.replace(/,"cost_usd":[\d.]+/, ""), "latin1");
          const expected = asks ? recording.body : recording.without_usage;
          if (!out.equals(expected)) expect.fail(`${recording.name} cut at ${at} is not the same`);
        }
      };
      const runs = jobs.map(({ index }) => index);
      await Promise.all([work(), work(), work(), work()]);
      await gateway.idle();
      for (const { model, tokens } of gateway.gateway.metrics.snapshot().series) {
        const { usage, name } = all[Number(model)]!;
        const times = runs.filter((index) => index === Number(model)).length;
        expect(tokens["input"] ?? 0, name).toBe((usage?.input ?? 0) * times);
        expect(tokens["output"] ?? 0, name).toBe((usage?.output ?? 0) * times);
      }
    });

    test("one passes unchanged byte by byte", async () => {
      const { body } = all[0]!;
      const upstream = await room.upstream(async (_, reply) => {
        await reply.head(200, { "content-type": "text/event-stream", "content-length": String(body.length) });
        await reply.drip(body, 1, 0);
      });
      const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
`);
      const response = await gateway.chat({
        model: "up/any",
        stream: true,
        stream_options: { include_usage: true },
      });
      expect(Buffer.from(await response.bytes()).equals(body)).toBe(true);
    });
  });
});
