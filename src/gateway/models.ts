// What a key may call, as OpenAI's list of models (API reference, "List models", "Retrieve model").

import { mayCall } from "../access/client_keys.ts";
import { resolveModel } from "../config/models.ts";
import type { ClientKey, Plan } from "../config/plan.ts";
import { SIM_MODELS } from "../config/providers.ts";
import { GatewayError } from "../errors.ts";

interface ModelObject {
  readonly id: string;
  readonly object: "model";
  readonly created: number;
  readonly owned_by: string;
}

/** When this gateway's first models were made up; clients only want a number. */
const CREATED_S = 1_767_225_600;

function modelObject(id: string, owned_by: string): ModelObject {
  return { id, object: "model", created: CREATED_S, owned_by };
}

/** Names that the Plan knows of by itself: aliases, their targets, the simulator's models. */
function* knownModels(plan: Plan): Generator<ModelObject> {
  for (const name of plan.models.keys()) yield modelObject(name, "venturi");
  for (const model of plan.models.values()) {
    for (const { provider, model: name } of model.targets)
      yield modelObject(`${provider.name}/${name}`, provider.name);
  }
  for (const provider of plan.providers.values()) {
    if (provider.client !== "sim") continue;
    for (const name of SIM_MODELS) yield modelObject(`${provider.name}/${name}`, provider.name);
  }
}

/** `GET /v1/models` */
export function listModels(plan: Plan, client: ClientKey): object {
  const models = new Map<string, ModelObject>();
  for (const model of knownModels(plan)) {
    if (!models.has(model.id) && mayCall(client, model.id)) models.set(model.id, model);
  }
  return { object: "list", data: [...models.values()] };
}

/** `GET /v1/models/{id}`: any name that a call could use. */
export function getModel(plan: Plan, client: ClientKey, id: string): object | GatewayError {
  const model = resolveModel(plan, id);
  if (model === null || !mayCall(client, id)) {
    return new GatewayError(
      "model_not_found",
      `The model '${id}' does not exist, or your key may not call it.`,
      {
        param: "model",
      },
    );
  }
  return modelObject(id, plan.models.has(id) ? "venturi" : (model.targets[0]?.provider.name ?? "venturi"));
}
