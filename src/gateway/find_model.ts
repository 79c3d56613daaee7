// The model that a request is for, if its caller may call it, and as much of it as lies where the call may go.

import { mayCall } from "../access/client_keys.ts";
import { makeModel, makeTarget, nearestModel, resolveModel } from "../config/models.ts";
import { matchesPattern } from "../config/name_pattern.ts";
import type { ModelPlan, ProviderPlan } from "../config/plan.ts";
import type { OpenAIRequest } from "../dialects/openai/request.ts";
import { GatewayError } from "../errors.ts";
import { chooseRoute, type RouteChoice } from "../routing/policy.ts";
import { withinRegions } from "../routing/region.ts";
import { mayBeTooMuch, withinAbilities } from "./abilities.ts";
import type { Call } from "./call.ts";
import { RequestView } from "./request_view.ts";

/** The model that a name stands for, if the caller's key may call it: by that name, or by the one that a rule gave in its place. */
function routeModel(call: Call, name: string, was_asked: string | null): ModelPlan | GatewayError {
  const client = call.client!;
  const given = call.request.headers.get("x-venturi-provider");
  const is_whole = given === null || was_asked !== null || name.startsWith(`${given}/`);
  const asked = is_whole || call.plan.models.has(name) ? name : `${given}/${name}`;
  const model = resolveModel(call.plan, asked);
  if (model === null) {
    if (call.plan.route_names.has(name)) return noRule(name);
    const near = nearestModel(call.plan, asked, (candidate) => mayCall(client, candidate));
    const hint =
      near === null
        ? "GET /v1/models lists the models there are"
        : `Did you mean '${near}'? GET /v1/models lists all`;
    return new GatewayError(
      "model_not_found",
      `The model '${name.slice(0, 200)}' does not exist on this gateway. ${hint}.`,
      {
        param: "model",
      },
    );
  }
  const is_allowed = mayCall(client, asked) || (was_asked !== null && mayCall(client, was_asked));
  if (!is_allowed) return notAllowed(was_asked ?? asked);
  if (given === null) return model;
  const targets = model.targets.filter((target) => target.provider.name === given);
  if (targets.length > 0) return { ...model, targets, fallbacks: [], cascade: null };
  return new GatewayError("invalid_value", `The model '${name}' has no target at provider '${given}'.`, {
    param: "x-venturi-provider",
  });
}

function notAllowed(name: string): GatewayError {
  return new GatewayError(
    "model_not_allowed",
    `Your key may not call '${name.slice(0, 200)}'. GET /v1/models lists what it may.`,
    {
      param: "model",
    },
  );
}

/**
 * The model of a request: what the policy table says, else the model of the name, or what takes its place where a request names
 * none; as much of it as lies where the call may go.
 * @param request what was read of it; null: it is passed on unread
 */
export function modelOfRequest(
  call: Call,
  name: string | null,
  request: OpenAIRequest | null = null,
): ModelPlan | GatewayError {
  const { routes } = call.plan;
  const view = routes.length === 0 ? null : new RequestView(call, name, request);
  const choice = view === null ? null : chooseRoute(routes, view);
  const named = namedModel(call, name, choice);
  if (view !== null)
    call.routed = { asked: name, choice, needs: view.known_needs, complexity: view.known_complexity };
  const there = inRegion(call, named);
  if (there instanceof GatewayError || request === null || !mayBeTooMuch(call, there)) return there;
  return withinAbilities(there, view ?? new RequestView(call, name, request));
}

/** The model that a rule gives, or that a name stands for, before anything of it is left out. */
export function namedModel(
  call: Call,
  name: string | null,
  choice: RouteChoice | null,
): ModelPlan | GatewayError {
  if (choice !== null) return routeModel(call, choice.arm.model, name ?? choice.arm.model);
  return name === null ? defaultModel(call) : routeModel(call, name, null);
}

function noRule(name: string): GatewayError {
  return new GatewayError(
    "model_not_found",
    `Rules of this gateway say what '${name.slice(0, 200)}' is, and none of them holds for this request. GET /v1/models lists the models there are.`,
    { param: "model" },
  );
}

/** A model without what lies where the call must not go: by its own word, its key's and its model's, and by one more. */
export function inRegion(
  call: Call,
  model: ModelPlan | GatewayError,
  also: string | null = null,
): ModelPlan | GatewayError {
  if (model instanceof GatewayError) return model;
  if (also === null && isAnywhere(call, model)) return model;
  const regions = regionsOf(call, model, also);
  const within = withinRegions(model, regions);
  if (within !== null) return within;
  return new GatewayError(
    "content_blocked",
    `This request may not leave the region ${regions.join(" and ").slice(0, 200)}, and '${model.name.slice(0, 200)}' has no target there.`,
    call.request.headers.has("x-venturi-region") ? { param: "x-venturi-region" } : {},
  );
}

/** Whether nobody says where a call may go: most calls. */
function isAnywhere({ client, request }: Call, { region }: ModelPlan): boolean {
  return region === null && client!.region === null && request.headers.get("x-venturi-region") === null;
}

/** The regions that a call to a model may not leave. */
export function regionsOf(call: Call, model: ModelPlan, also: string | null = null): readonly string[] {
  const given = call.request.headers.get("x-venturi-region");
  const demanded = given === null ? null : given.trim().toLowerCase();
  return [demanded, call.client!.region, model.region, also].filter((one) => one !== null);
}

/** For routes without a model: the provider that the header names, else the default one. */
export function defaultModel(call: Call): ModelPlan | GatewayError {
  const given = call.request.headers.get("x-venturi-provider");
  if (given !== null) return directModel(call, given);
  const { default_provider } = call.plan;
  if (default_provider !== null) return directModel(call, default_provider.name);
  return new GatewayError(
    "invalid_value",
    "This request names no model, and there is no default provider: name one in 'x-venturi-provider'.",
    { param: "x-venturi-provider" },
  );
}

/** A provider without any model of its: whoever may call all its models may reach it. */
export function directModel(call: Call, name: string): ModelPlan | GatewayError {
  const provider = call.plan.providers.get(name);
  if (provider === undefined) {
    return new GatewayError("invalid_value", `There is no provider '${name}' on this gateway.`, {
      param: "x-venturi-provider",
    });
  }
  const all = `${name}/*`;
  const is_allowed = call.client!.models.some((pattern) => matchesPattern(pattern, all));
  return is_allowed ? modelOf(provider) : notAllowed(all);
}

const direct_models = new WeakMap<ProviderPlan, ModelPlan>();

function modelOf(provider: ProviderPlan): ModelPlan {
  let model = direct_models.get(provider);
  if (model === undefined) {
    // Files may take as long as they keep coming: no deadline but the client's.
    model = makeModel(provider.name, [makeTarget(provider, "")], { deadline_ms: 0 });
    direct_models.set(provider, model);
  }
  return model;
}
