// `POST /v1/explain`: what would happen to a call, and why, without sending it. What is told comes from the functions that calls go
// through, so that it is what then happens.

import { statesOf } from "../../access/limits_state.ts";
import { needNames } from "../../config/needs.ts";
import type { ModelPlan } from "../../config/plan.ts";
import { readRequest } from "../../dialects/openai/request.ts";
import { GatewayError } from "../../errors.ts";
import { dollarsOf } from "../../ledger/dollars.ts";
import type { Affinity } from "../../routing/affinity.ts";
import { needsAffinity } from "../../routing/order.ts";
import { chooseRoute } from "../../routing/policy.ts";
import { Call } from "../call.ts";
import { namedModel } from "../find_model.ts";
import type { PipelineTools } from "../pipeline_tools.ts";
import { privacyMode } from "../privacy_mode.ts";
import { RequestView } from "../request_view.ts";
import { type ExplainedCall, readExplained } from "./opening.ts";
import { type Rehearsal, rehearse } from "./rehearsal.ts";
import { reportRules } from "./rules.ts";
import { reportTargets } from "./targets.ts";

/** Explains the call that the body of a request is, or holds. Its caller must be known. */
export async function explain(
  outer: Call,
  bytes: Uint8Array,
  query: string,
  tools: PipelineTools,
): Promise<object | GatewayError> {
  const explained = readExplained(bytes, query, outer.plan);
  if (explained instanceof GatewayError) return explained;
  const call = await rehearsedCall(outer, explained, tools);
  const { endpoint, path, body } = explained;
  const rehearsal = await rehearse(call, endpoint, tools);
  const { refused, prepared, deadline_ms } = rehearsal;
  const request = readRequest(body, endpoint.shape, endpoint.place);
  const error =
    refused === null
      ? null
      : {
          ...{ stage: refused.stage, status: refused.error.status, code: refused.error.code },
          ...{ message: refused.error.message, param: refused.error.param },
        };
  const start = { object: "explanation", endpoint: path, refused: error, key: keyOf(call) };
  if (request instanceof GatewayError) return start;

  const view = new RequestView(call, request.model, request);
  const named = namedModel(call, request.model, chooseRoute(call.plan.routes, view));
  const tokens = rehearsal.account?.preview() ?? {
    input_tokens: view.prompt_tokens ?? 0,
    output_tokens: view.asked_tokens,
  };
  const model = prepared?.model ?? null;
  const affinity = model !== null && prepared !== null && needsAffinity(model) ? prepared.affinity() : null;
  const targets =
    named instanceof GatewayError
      ? []
      : reportTargets(
          {
            ...{ call, view, named, model, tokens },
            affinity,
            is_stream: request.stream,
          },
          tools,
        );
  return {
    ...start,
    request: requestOf(view, request.stream, tokens),
    routing: reportRules(call.plan.routes, view),
    model: model === null ? null : { ...modelOf(model), order: orderOf(model, affinity) },
    targets,
    cost_usd: costOf(targets.filter(({ place }) => place !== null).map(({ cost_usd }) => cost_usd)),
    cache: cacheOf(rehearsal),
    limits: (rehearsal.account?.sets ?? []).flatMap((set) => statesOf(set, tools.books.reservations)),
    privacy: { mode: prepared === null ? null : privacyMode(call, prepared), redactions: call.redactions },
    guards: guardsOf(call, rehearsal),
    deadlines: {
      deadline_ms,
      stream_deadline_ms: model?.stream_deadline_ms ?? 0,
      retries: model?.retries ?? null,
    },
  };
}

/** The call as it would come, which nothing is kept of. */
async function rehearsedCall(
  outer: Call,
  { path, endpoint, body }: ExplainedCall,
  tools: PipelineTools,
): Promise<Call> {
  const { headers } = outer.request;
  const request = new Request(new URL(path, "http://explain").href, { method: "POST", headers });
  const call = new Call(outer.id, request, outer.plan, tools.clocks.deadlines);
  call.client = outer.client;
  call.is_rehearsal = true;
  call.format = endpoint.format;
  call.endpoint = endpoint.path;
  call.given_body = body;
  if (call.plan.privacy.is_asked || call.client!.privacy !== null)
    call.discreet = (await tools.privacy.get()).discretionOf(call.plan);
  return call;
}

/** Whether the next call's targets are in the order that is told. */
function orderOf(model: ModelPlan, affinity: Affinity): string {
  const drawn = [model, ...model.fallbacks].filter(
    ({ strategy, targets }) => strategy !== "priority" && targets.length > 1,
  );
  if (drawn.length === 0) return "as listed";
  const is_sticky = affinity !== null && drawn.every(({ strategy }) => strategy === "weighted");
  return is_sticky ? "by what calls begin with" : "drawn or measured at each call";
}

function keyOf({ client }: Call): object {
  const { name, tenant, team, tier, models, region } = client!;
  return { name, tenant, team, tier, models, region };
}

function requestOf(
  view: RequestView,
  stream: boolean,
  { input_tokens, output_tokens }: { readonly input_tokens: number; readonly output_tokens: number },
): object {
  const { model, needs, asked_tokens, judged } = view;
  return {
    ...{ model, stream, prompt_tokens: Math.ceil(input_tokens) },
    ...{
      max_tokens: asked_tokens === 0 ? null : asked_tokens,
      expected_output_tokens: Math.ceil(output_tokens),
    },
    needs: needNames(needs ?? 0),
    complexity: judged,
  };
}

function modelOf({ name, strategy, fallbacks, region, hedge, cascade, shadow }: ModelPlan): object {
  return { name, strategy, fallbacks: fallbacks.map((one) => one.name), region, hedge, cascade, shadow };
}

/** What the call may cost at the cheapest and at the dearest of its targets; null where nobody knows. */
function costOf(costs: readonly (string | null)[]): object | null {
  const known = costs.filter((cost) => cost !== null).map((cost) => Math.round(Number(cost) * 1e9));
  if (known.length === 0) return null;
  return { least: dollarsOf(Math.min(...known)), most: dollarsOf(Math.max(...known)) };
}

function cacheOf({ cache }: Rehearsal): object {
  return cache ?? { state: "bypass", fingerprint: null, age_s: null };
}

/** What looks at the call, and what became of what was found; guards elsewhere are not asked. */
function guardsOf(call: Call, { guards }: Rehearsal): object {
  const nameOf = ({ guard }: { readonly guard: string }) => guard;
  return {
    input: guards?.input.map(nameOf) ?? [],
    output: guards?.output.map(nameOf) ?? [],
    not_asked: guards === null ? [] : [...guards.remote.input, ...guards.remote.output].map(nameOf),
    found: call.guards,
  };
}
