// What clients say of their calls for whoever reads the ledger: user, feature, tags. Short words, or they are cut; and none with
// personal data, where a configuration looks for that.

import { needNames } from "../config/needs.ts";
import { NOTHING, type RoutingRow } from "../ledger/row.ts";
import { type Discretion, OPEN } from "../privacy/discretion.ts";
import type { Call } from "./call.ts";

/** The most characters of a user, a feature, a tag's name or value. */
const WORD_MAX_CHARS = 128;
const TAGS_MAX = 16;
const TAGS_MAX_CHARS = 1_024;

/** A word as it is kept; null where there is none. What it holds is looked for before it is cut. */
export function wordOf(text: string | null, discreet: Discretion = OPEN, name = ""): string | null {
  if (text === null) return null;
  const word = text.trim();
  return word === "" ? null : discreet(word, name).slice(0, WORD_MAX_CHARS).toWellFormed();
}

/** `x-venturi-tags`: `a,b=c` is a tag without a value and one with. */
export function readTags(text: string | null, discreet: Discretion = OPEN): Readonly<Record<string, string>> {
  if (text === null || text === "") return NOTHING;
  const tags: Record<string, string> = {};
  for (const part of text.slice(0, TAGS_MAX_CHARS).split(",").slice(0, TAGS_MAX)) {
    const equals = part.indexOf("=");
    const name = wordOf(equals < 0 ? part : part.slice(0, equals), discreet);
    if (name === null || name === "__proto__") continue;
    tags[name] = equals < 0 ? "" : (wordOf(part.slice(equals + 1), discreet, part.slice(0, equals)) ?? "");
  }
  return tags;
}

/** The model that a client named where a rule put another in its place; else null. */
export function askedModel({ routed, discreet }: Call): string | null {
  return routed === null || routed.choice === null ? null : wordOf(routed.asked, discreet);
}

const NOT_ROUTED = { choice: null, needs: null, complexity: null } as const;

/** What rules look at, and what they said; null where there is none of it. */
export function routingRow({ routed, client, request: { headers }, discreet }: Call): RoutingRow | null {
  const task = wordOf(headers.get("x-venturi-task"), discreet);
  const region = wordOf(headers.get("x-venturi-region"), discreet);
  const tier = client?.tier ?? null;
  const { choice, needs, complexity } = routed ?? NOT_ROUTED;
  const is_routed = choice !== null || needs !== null || complexity !== null;
  if (task === null && region === null && tier === null && !is_routed) return null;
  const chosen = choice === null ? NOTHING : { route: choice.route.name, model: choice.arm.model };
  return {
    ...chosen,
    ...(choice !== null && choice.route.arms.length > 1 ? { split: true } : NOTHING),
    ...(task === null ? NOTHING : { task }),
    ...(region === null ? NOTHING : { region: region.toLowerCase() }),
    ...(tier === null ? NOTHING : { tier }),
    ...(needs === null ? NOTHING : { needs: needNames(needs) }),
    ...(complexity === null ? NOTHING : { complexity }),
  };
}
