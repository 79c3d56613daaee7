// The conditions of a Portkey config as rules: its metadata are tags here, `params` are what the request asks for.
// https://portkey.ai/docs/product/ai-gateway/conditional-routing

import type { Draft } from "../draft.ts";
import type { Source } from "../source.ts";

type When = NonNullable<Draft["config"]["routes"][number]["when"]>;

/** Adds a rule for every condition that can be said as one. */
export function readConditions(
  list: Source,
  model: string,
  names: ReadonlyMap<string, string>,
  { config }: Draft,
): void {
  for (const item of list.items()) {
    const then = item.at("then");
    const use = names.get(then.text() ?? "");
    const query = item.at("query");
    const ways = waysOf(query.value);
    if (use === undefined) then.left("there is no target of this name that can be called");
    else if (ways === null)
      item.left(
        "only equality of metadata can be said as a rule ($eq, $in, $and, $or); see routes (docs/routing-policy.md)",
      );
    else {
      for (const tags of ways) {
        const when: When = { model, ...(tags.length === 0 ? {} : { tags: [...tags] }) };
        config.routes.push({ when, use });
      }
      item.carried(`a rule: ${use}, by the tags of the request (x-venturi-tags)`);
    }
  }
}

type Tags = readonly string[];

/** Tags that must all be there, one list for each way in which a query can hold; null where it says more than that. */
function waysOf(query: unknown): readonly Tags[] | null {
  if (typeof query !== "object" || query === null || Array.isArray(query)) return null;
  let ways: readonly Tags[] = [[]];
  for (const [key, value] of Object.entries(query)) {
    const more = key === "$and" ? all(value) : key === "$or" ? any(value) : fieldWays(key, value);
    if (more === null || ways.length * more.length > 50) return null;
    ways = ways.flatMap((one) => more.map((other) => [...one, ...other]));
  }
  return ways;
}

function all(list: unknown): readonly Tags[] | null {
  if (!Array.isArray(list)) return null;
  let ways: readonly Tags[] = [[]];
  for (const query of list) {
    const more = waysOf(query);
    if (more === null || ways.length * more.length > 50) return null;
    ways = ways.flatMap((one) => more.map((other) => [...one, ...other]));
  }
  return ways;
}

function any(list: unknown): readonly Tags[] | null {
  if (!Array.isArray(list)) return null;
  const ways = list.map(waysOf);
  return ways.some((one) => one === null) ? null : ways.flatMap((one) => one!);
}

function fieldWays(field: string, value: unknown): readonly Tags[] | null {
  const name = /^metadata\.([A-Za-z0-9_.-]{1,100})$/.exec(field)?.[1];
  if (name === undefined) return null;
  const operators: readonly (readonly [string, unknown])[] =
    typeof value === "object" && value !== null ? Object.entries(value) : [["$eq", value]];
  const [only, ...more] = operators;
  if (only === undefined || more.length > 0) return null;
  const [operator, wanted] = only;
  const values = operator === "$eq" ? [wanted] : operator === "$in" && Array.isArray(wanted) ? wanted : null;
  // What has a star or a comma cannot be said by a tag.
  if (values === null || !values.every(isWord)) return null;
  return values.map((one) => [`${name}=${one}`]);
}

function isWord(value: unknown): value is string | number | boolean {
  return /^(string|number|boolean)$/.test(typeof value) && !/[*,]/.test(String(value));
}
