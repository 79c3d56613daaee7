// Where a request for a provider's endpoint goes: base path, Azure's deployment, query.

import type { ProviderPlan } from "../config/plan.ts";

/** Azure addresses these by the deployment in the path; everything else lies beside the deployments. */
const BY_DEPLOYMENT = ["/chat/completions", "/completions", "/embeddings", "/images/", "/audio/"];

/**
 * The path and query of a request.
 * @param model as the provider calls it; empty for requests without one
 * @param path below the base path, perhaps with a query of the client's own
 * Source for Azure: Azure OpenAI REST API reference, "API endpoints".
 */
export function requestPath(provider: ProviderPlan, model: string, path: string): string {
  const known = last_paths.get(provider);
  if (known !== undefined && known.path === path && known.model === model) return known.full;
  const full = makePath(provider, model, path);
  last_paths.set(provider, { model, path, full });
  return full;
}

/** The last path made for each provider: putting it together again for every call costs more than to compare. */
const last_paths = new WeakMap<
  ProviderPlan,
  { readonly model: string; readonly path: string; readonly full: string }
>();

function makePath(provider: ProviderPlan, model: string, path: string): string {
  const by_deployment =
    provider.url_style === "azure_deployments" &&
    model !== "" &&
    BY_DEPLOYMENT.some((prefix) => path.startsWith(prefix));
  const place = by_deployment ? `/deployments/${encodeURIComponent(model)}` : "";
  const full = provider.base_path + place + path;
  if (provider.query === "") return full;
  return `${full}${path.includes("?") ? "&" : "?"}${provider.query}`;
}
