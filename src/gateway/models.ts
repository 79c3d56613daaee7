// What a key may call, as OpenAI's list of models (API reference, "List models", "Retrieve model"), Anthropic's or Gemini's.

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

/** Names that the Plan knows of by itself: aliases, names that rules take, targets, the simulator's models. */
function* knownModels(plan: Plan): Generator<ModelObject> {
  for (const { name, wildcard } of plan.models.values())
    if (wildcard === null) yield modelObject(name, "venturi");
  for (const name of plan.route_names.keys()) yield modelObject(name, "venturi");
  for (const { targets, wildcard } of plan.models.values()) {
    for (const { provider, model: name } of wildcard === null ? targets : [])
      yield modelObject(`${provider.name}/${name}`, provider.name);
  }
  for (const provider of plan.providers.values()) {
    if (provider.client !== "sim") continue;
    for (const name of SIM_MODELS) yield modelObject(`${provider.name}/${name}`, provider.name);
  }
}

/** Whether a key may call a name, by that name or by what some rule gives in its place. */
function isOpen({ route_names }: Plan, client: ClientKey, name: string): boolean {
  if (mayCall(client, name)) return true;
  const routes = route_names.get(name) ?? [];
  return routes.some(({ arms }) => arms.some(({ model }) => mayCall(client, model)));
}

/** Whose list of models a client reads. */
export type ModelsShape = "openai" | "anthropic" | "gemini";

/** Whose list a client reads: Anthropic's SDKs name their version, Gemini's ask below `/v1beta`. */
export function modelsShape(full_path: string, headers: Headers): ModelsShape {
  if (full_path.startsWith("/v1beta/")) return "gemini";
  return headers.has("anthropic-version") ? "anthropic" : "openai";
}

/** `GET /v1/models`: all of them, or a page where the shape has pages. */
export function listModels(
  plan: Plan,
  client: ClientKey,
  shape: ModelsShape = "openai",
  query: URLSearchParams = new URLSearchParams(),
): object | GatewayError {
  const models = new Map<string, ModelObject>();
  for (const model of knownModels(plan)) {
    if (!models.has(model.id) && isOpen(plan, client, model.id)) models.set(model.id, model);
  }
  const all = [...models.values()];
  switch (shape) {
    case "openai":
      return { object: "list", data: all };
    case "anthropic":
      return anthropicPage(all, query);
    case "gemini":
      return geminiPage(all, query);
  }
}

/** `GET /v1/models/{id}`: any name that a call could use. */
export function getModel(
  plan: Plan,
  client: ClientKey,
  id: string,
  shape: ModelsShape = "openai",
): object | GatewayError {
  const model = resolveModel(plan, id);
  const is_known = model !== null || plan.route_names.has(id);
  if (!is_known || !isOpen(plan, client, id)) {
    return new GatewayError(
      "model_not_found",
      `The model '${id}' does not exist, or your key may not call it.`,
      {
        param: "model",
      },
    );
  }
  const is_own = model === null || plan.models.has(id);
  const owned_by = is_own ? "venturi" : (model.targets[0]?.provider.name ?? "venturi");
  return SHAPES[shape](modelObject(id, owned_by));
}

const SHAPES: Readonly<Record<ModelsShape, (model: ModelObject) => object>> = {
  openai: (model) => model,
  // https://platform.claude.com/docs/en/api/models-list
  anthropic: ({ id, created }) => ({
    ...{ type: "model", id, display_name: id },
    created_at: new Date(created * 1_000).toISOString().replace(".000Z", "Z"),
  }),
  // https://ai.google.dev/api/models
  gemini: ({ id }) => ({
    ...{ name: `models/${id}`, baseModelId: id, version: "", displayName: id },
    supportedGenerationMethods: ["generateContent", "streamGenerateContent", "countTokens"],
  }),
};

/** A page's bounds by the client's word on its size, or what is wrong with that. */
function sizeOf(query: URLSearchParams, name: string, usual: number): number | GatewayError {
  const size = Number(query.get(name) ?? usual);
  if (Number.isInteger(size) && size >= 1 && size <= PAGE_MAX) return size;
  return new GatewayError("invalid_value", `'${name}' must be a whole number from 1 to ${PAGE_MAX}.`, {
    param: name,
  });
}

const PAGE_MAX = 1_000;

function anthropicPage(all: readonly ModelObject[], query: URLSearchParams): object | GatewayError {
  const limit = sizeOf(query, "limit", 20);
  if (limit instanceof GatewayError) return limit;
  const after = query.get("after_id");
  const before = query.get("before_id");
  const indexOf = (id: string) => all.findIndex((model) => model.id === id);
  const end = before === null ? all.length : Math.max(0, indexOf(before));
  const start = after !== null ? indexOf(after) + 1 : before !== null ? Math.max(0, end - limit) : 0;
  const page = all.slice(start, Math.min(end, start + limit));
  return {
    data: page.map(SHAPES.anthropic),
    has_more: before !== null && after === null ? start > 0 : start + limit < end,
    ...{ first_id: page[0]?.id ?? null, last_id: page.at(-1)?.id ?? null },
  };
}

/** A page's token is the name of the last model before it. */
function geminiPage(all: readonly ModelObject[], query: URLSearchParams): object | GatewayError {
  const size = sizeOf(query, "pageSize", 50);
  if (size instanceof GatewayError) return size;
  const token = query.get("pageToken");
  const start = token === null ? 0 : all.findIndex(({ id }) => id === token) + 1;
  const page = all.slice(start, start + size);
  const has_more = start + size < all.length;
  return {
    models: page.map(SHAPES.gemini),
    ...(has_more ? { nextPageToken: page.at(-1)!.id } : {}),
  };
}
