// What an import made, held against the schema: values that this gateway does not take are left out with the schema's own words, so
// that whatever a source says, a configuration comes of it that is accepted.

import { explainIssues, valueAt } from "../explain.ts";
import type { Path } from "../problem.ts";
import { config_schema } from "../schema.ts";
import type { Draft, ModelInput } from "./draft.ts";

/** Faults may hide behind faults, but not often. */
const MAX_ROUNDS = 30;

/** Takes out of a draft what is not valid, and what names something that is not there any more; each is told. */
export function fitToSchema(draft: Draft, tell: (path: Path, message: string) => void): void {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const parsed = config_schema.safeParse(draft.config);
    const issues = parsed.success ? [] : parsed.error.issues;
    // What is read from the environment is looked at when it has been read.
    const findings = explainIssues(issues, draft.config, () => null).filter(
      ({ path }) => !isReference(valueAt(draft.config, path)),
    );
    if (findings.length === 0) break;
    // From behind, so that the places of what comes before stay what they are.
    for (const { path, message } of findings.toReversed()) {
      tell(path, message);
      remove(draft.config, path);
    }
  }
  removeDangling(draft, tell);
}

function isReference(value: unknown): boolean {
  return typeof value === "string" && /(?<!\$)\$\{/.test(value);
}

/** Removes what is at a path; of what is not there, what needs it. */
function remove(tree: unknown, path: Path): void {
  const gone = valueAt(tree, path) === undefined ? path.slice(0, -1) : path;
  const holder = valueAt(tree, gone.slice(0, -1));
  const last = gone.at(-1);
  if (Array.isArray(holder) && typeof last === "number") holder.splice(last, 1);
  else if (typeof holder === "object" && holder !== null && last !== undefined)
    delete (holder as Record<string | number, unknown>)[last];
}

/** Shares that are all nothing are none. */
function evenWeights({ targets }: ModelInput): void {
  const shares = targets.map((target) => (typeof target === "string" ? 1 : (target.weight ?? 1)));
  if (shares.some((share) => share > 0)) return;
  for (const target of targets) if (typeof target !== "string") delete target.weight;
}

function removeDangling(draft: Draft, tell: (path: Path, message: string) => void): void {
  const { models, routes, providers } = draft.config;
  const isThere = (name: string): boolean =>
    draft.hasModel(name) || Object.hasOwn(providers, name.split("/", 1)[0]!) || name.startsWith("sim/");
  const gone = (path: Path, name: string) => tell(path, `there is no model ${JSON.stringify(name)} any more`);
  for (const [name, model] of Object.entries(models)) {
    evenWeights(model);
    const { fallbacks, cascade } = model;
    if (fallbacks?.some((one) => !isThere(one))) {
      for (const one of fallbacks) if (!isThere(one)) gone(["models", name, "fallbacks"], one);
      model.fallbacks = fallbacks.filter(isThere);
    }
    if (cascade !== undefined && !isThere(cascade.to)) {
      gone(["models", name, "cascade"], cascade.to);
      delete model.cascade;
    }
  }
  for (const [index, route] of [...routes.entries()].toReversed()) {
    const named = [...(route.use === undefined ? [] : [route.use]), ...Object.keys(route.split ?? {})];
    const missing = named.find((one) => !isThere(one));
    if (missing === undefined) continue;
    gone(["routes", index], missing);
    routes.splice(index, 1);
  }
}
