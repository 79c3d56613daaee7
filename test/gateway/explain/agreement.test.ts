// What is explained is what then happens: ten thousand requests under two hundred policies, each explained and then answered by the whole
// pipeline; and some of them over the wire.

import { expect, test } from "vitest";
import { authenticate } from "../../../src/access/client_keys.ts";
import type { GatewayError } from "../../../src/errors.ts";
import { Alarms } from "../../../src/gateway/alarms.ts";
import { Call } from "../../../src/gateway/call.ts";
import { JSON_ENDPOINTS } from "../../../src/gateway/endpoints.ts";
import { explain } from "../../../src/gateway/explain/explain.ts";
import { Lazy } from "../../../src/gateway/lazy.ts";
import { answerCall } from "../../../src/gateway/pipeline.ts";
import type { PipelineTools } from "../../../src/gateway/pipeline_tools.ts";
import { QualityWatch } from "../../../src/gateway/quality_watch.ts";
import { Queues } from "../../../src/gateway/queues.ts";
import { Metrics } from "../../../src/ledger/metrics.ts";
import { KeyRotation } from "../../../src/routing/rotation.ts";
import { createSimClient } from "../../../src/upstream/sim/client.ts";
import { planOf, rig } from "../harness.ts";
import { testBooks } from "../test_books.ts";
import { Drawing, type DrawnPolicy, type DrawnRequest, plainRule } from "./drawn.ts";

const room = rig();
const CHAT = JSON_ENDPOINTS.get("/chat/completions")!;

/** What is compared of an explanation. */
interface Told {
  readonly refused: { readonly status: number; readonly code: string } | null;
  readonly request: { readonly prompt_tokens: number; readonly complexity: { readonly class: string } };
  readonly routing: { readonly route: string | null };
  readonly model: { readonly name: string } | null;
  readonly targets: readonly {
    readonly provider: string;
    readonly model: string;
    readonly place: number | null;
  }[];
}

/** What happened. */
interface Happened {
  readonly status: number;
  readonly code: string | null;
  readonly route: string | null;
  readonly target: string | null;
}

const headersOf = ({ key, headers }: DrawnRequest) => ({
  ...headers,
  authorization: `Bearer ${key.key}`,
  "content-type": "application/json",
});

async function happenedOf(response: Response): Promise<Happened> {
  const { headers, status } = response;
  const body = (await response.json()) as { readonly error?: { readonly code: string } };
  const provider = headers.get("x-venturi-provider");
  return {
    status,
    code: body.error?.code ?? null,
    route: headers.get("x-venturi-route"),
    target: provider === null ? null : `${provider}/${headers.get("x-venturi-model")}`,
  };
}

function compare(policy: DrawnPolicy, request: DrawnRequest, told: Told, happened: Happened): void {
  const first = told.targets.find(({ place }) => place === 1);
  const expected: Happened = {
    status: told.refused?.status ?? 200,
    code: told.refused?.code ?? null,
    route: told.routing.route,
    target: told.refused !== null || first === undefined ? null : `${first.provider}/${first.model}`,
  };
  expect(happened, `${policy.yaml}\n${JSON.stringify(request)}`).toEqual(expected);
  const { prompt_tokens, complexity } = told.request;
  const plain = plainRule(policy, request, { prompt_tokens, complexity: complexity.class });
  expect(told.routing.route, `${policy.yaml}\n${JSON.stringify(request)}`).toBe(plain);
}

function makeTools(): PipelineTools {
  const { books, dispose } = testBooks();
  room.after(dispose);
  const metrics = new Metrics(books.series);
  const rotation = new KeyRotation(books.key_limits);
  const sim = createSimClient();
  const none = new Lazy<never>(() => Promise.reject(new Error("nobody needs this")));
  const queues = new Queues(books, rotation, metrics);
  return {
    ...{ metrics, books, rotation, queues, health: books.health, key_limits: books.key_limits },
    clocks: { deadlines: new Alarms(1_000), quiet: { alarms: new Alarms(1_000), after_ms: 60_000 } },
    ...{
      stored_keys: null,
      caches: null,
      responses: null,
      content: null,
      privacy: none,
      guards: none,
      shadows: none,
    },
    quality: new QualityWatch(none, books),
    clientOf: () => sim,
    onCallBegin: () => {},
    onCallEnd: () => {},
  };
}

test("an explanation is what then happens, for ten thousand requests and two hundred policies", async () => {
  const tools = makeTools();
  const seen = { answered: 0, refused: new Set<string>(), routed: 0, left_out: 0 };
  const drawing = new Drawing(20_261_126);
  for (let count = 0; count < 200; count++) {
    const policy = drawing.policy();
    const plan = planOf(policy.yaml);
    const callOf = (request: DrawnRequest) =>
      new Call(
        null,
        new Request("http://gateway/v1/chat/completions", { method: "POST", headers: headersOf(request) }),
        plan,
        tools.clocks.deadlines,
      );
    for (let index = 0; index < 50; index++) {
      const request = drawing.request(policy);
      const body = Buffer.from(JSON.stringify(request.body));
      const outer = callOf(request);
      outer.client = authenticate(plan, null, outer.request.headers) as Exclude<
        ReturnType<typeof authenticate>,
        GatewayError
      >;
      const told = (await explain(outer, body, "", tools)) as Told;
      const call = callOf(request);
      call.given_body = body;
      call.endpoint = CHAT.path;
      const happened = await happenedOf(await answerCall(call, CHAT, tools));
      compare(policy, request, told, happened);
      if (told.refused === null) seen.answered += 1;
      else seen.refused.add(told.refused.code);
      if (told.routing.route !== null) seen.routed += 1;
      if (told.targets.some(({ place }) => place === null)) seen.left_out += 1;
    }
  }
  // What is drawn has something of everything in it.
  expect(seen.answered).toBeGreaterThan(4_000);
  expect(seen.routed).toBeGreaterThan(3_000);
  expect(seen.left_out).toBeGreaterThan(1_000);
  expect([...seen.refused].sort()).toEqual([
    ...["content_blocked", "model_not_allowed", "model_not_found", "no_capable_target"],
  ]);
}, 120_000);

test("and over the wire", async () => {
  const drawing = new Drawing(5);
  let policy = drawing.policy();
  const made = room.gateway(policy.yaml);
  for (let count = 0; count < 20; count++) {
    const plan = planOf(policy.yaml);
    made.gateway.setPlan(plan);
    const drawn = Array.from({ length: 15 }, () => drawing.request(policy));
    await Promise.all(
      drawn.map(async (request) => {
        const init = { method: "POST", headers: headersOf(request), body: JSON.stringify(request.body) };
        const told = (await (await made.fetch("/v1/explain", init)).json()) as Told;
        compare(policy, request, told, await happenedOf(await made.fetch("/v1/chat/completions", init)));
      }),
    );
    policy = drawing.policy();
  }
}, 60_000);
