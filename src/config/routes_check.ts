// What is checked of the policy table beyond its shape: what a rule gives must be there, and conditions must be such as can hold.

import { headerNameFault } from "./address.ts";
import { formatPath, type Path } from "./problem.ts";
import { boundsOf, HOURS, zoneFault } from "./routes.ts";
import type { Config } from "./schema.ts";

/** How findings are told. */
export interface RoutesReport {
  add(path: Path, message: string, part?: "key" | "value"): void;
  fault(path: Path, what: string | null): void;
  /** Looks whether a model of this name is there. */
  checkModel(name: string, path: Path, part?: "key" | "value"): void;
}

/** Reports what is wrong with the table. */
export function checkRoutes({ routes, models, tiers }: Config, report: RoutesReport): void {
  const { add, checkModel } = report;
  const names = new Map<string, number>();
  const taken = routeWords(routes);
  for (const [index, { name, when, use, split }] of routes.entries()) {
    const at = ["routes", index] as const;
    const same = name === undefined ? undefined : names.get(name);
    if (same !== undefined)
      add(
        [...at, "name"],
        `routes[${index}] has the name of routes[${same}]; every rule needs a name of its own`,
      );
    if (name !== undefined && same === undefined) names.set(name, index);
    checkWhen(when, [...at, "when"], report);
    checkTier(when.tier, Object.keys(tiers), [...at, "when", "tier"], add);
    const given = (model: string, path: Path, part: "key" | "value"): void => {
      if (!Object.hasOwn(models, model) && taken.has(model) && !model.includes("/"))
        add(
          path,
          `"${model}" is a name that rules take, and rules are not read twice; name a model of models`,
          part,
        );
      else checkModel(model, path, part);
    };
    if (use !== undefined && split !== undefined)
      add([...at, "split"], `${formatPath(at)} has both use and split; keep one`, "key");
    else if (use !== undefined) given(use, [...at, "use"], "value");
    else if (split === undefined) add(at, `${formatPath(at)} says no model; it needs use or split`);
    for (const model of Object.keys(split ?? {})) given(model, [...at, "split", model], "key");
    if (split !== undefined && !Object.values(split).some((share) => share > 0))
      add([...at, "split"], `${formatPath([...at, "split"])} needs a share over 0`);
  }
}

/** Names that rules take from clients. */
function routeWords(routes: Config["routes"]): ReadonlySet<string> {
  return new Set(routes.flatMap(({ when: { model = [] } }) => model));
}

function checkWhen(when: Config["routes"][number]["when"], at: Path, { add, fault }: RoutesReport): void {
  for (const name of Object.keys(when.header ?? {})) {
    const wrong = headerNameFault(name);
    if (wrong !== null) add([...at, "header", name], `${JSON.stringify(name)} ${wrong}`, "key");
  }
  for (const [index, tag] of (when.tags ?? []).entries())
    if (tag.split("=")[0]!.trim() === "") fault([...at, "tags", index], "has no name before its =");
  for (const of of ["prompt_tokens", "context_tokens"] as const) {
    const bound = when[of];
    const bounds = bound === undefined ? null : boundsOf(bound);
    if (bounds !== null && bounds.least > bounds.most) fault([...at, of], "can hold for no request");
  }
  const { time } = when;
  if (time === undefined) return;
  fault(
    [...at, "time", "zone"],
    zoneFault(time.zone) === null
      ? null
      : `cannot be ${JSON.stringify(time.zone)}; write one as Europe/Berlin, or UTC`,
  );
  const [, from, from_minute = ":00", to, to_minute = ":00"] = HOURS.exec(time.hours ?? "") ?? [];
  if (from !== undefined && Number(from) === Number(to) && from_minute === to_minute)
    fault([...at, "time", "hours"], "begins when it ends; for whole days leave it out");
  if (time.hours === undefined && time.weekdays === undefined)
    add([...at, "time"], `${formatPath([...at, "time"])} needs hours or weekdays`);
}

/** A tier that is none can be the tier of no key. */
function checkTier(
  named: string | readonly string[] | undefined,
  tiers: readonly string[],
  at: Path,
  add: RoutesReport["add"],
): void {
  for (const tier of [named ?? []].flat())
    if (!tier.includes("*") && !tiers.includes(tier))
      add(
        at,
        `there is no tier "${tier}"; ${tiers.length === 0 ? "there is none yet" : `known are ${tiers.join(", ")}`}`,
      );
}
