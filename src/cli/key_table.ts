// Stored keys as a person reads them.

import type { KeyView } from "../console/key_view.ts";
import { showMoment } from "./moment.ts";
import { alignTable } from "./table.ts";

const HEAD = ["name", "id", "tenant", "team", "tier", "models", "limits", "created", "expires", "state"];

/** Lines of a table. */
export function keyTable(keys: readonly KeyView[]): string[] {
  if (keys.length === 0) return ["There are no stored keys."];
  const rows = keys.map((key) => [
    ...[key.name, key.id, key.tenant, key.team ?? "–", key.tier ?? "–"],
    key.models.join(" "),
    limitsText(key.limits),
    moment(key.created),
    key.expires === null ? "never" : moment(key.expires),
    stateText(key),
  ]);
  return alignTable(
    HEAD,
    rows,
    HEAD.map(() => "left" as const),
  );
}

function limitsText(limits: KeyView["limits"]): string {
  const parts = Object.entries(limits ?? {}).map(([name, value]) =>
    name.startsWith("usd_per_")
      ? `$${value}/${name.slice("usd_per_".length)}`
      : `${value} ${name.replaceAll("_per_", "/")}`,
  );
  return parts.length === 0 ? "–" : parts.join(", ");
}

/** Where a key has been replaced and both are valid, that is said: somebody still has to change over. */
function stateText({ state, secrets }: KeyView): string {
  const ends = secrets[1]?.ends ?? null;
  return ends === null ? state : `${state}; the one before until ${moment(ends)}`;
}

function moment(time: string): string {
  return showMoment(Date.parse(time));
}
