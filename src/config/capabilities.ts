// What a target can do, as the Plan has it: what is known of the model, and what the configuration says in its place. Who is not known
// is taken for able: a server of one's own is not refused a call because no table has it.

import type { CapabilitiesConfig } from "./capabilities_schema.ts";
import { type Fact, factOfModel } from "./facts.ts";
import { NEEDS, type Need, type NeedBits, NO_NEEDS, needBit } from "./needs.ts";

/** What a target cannot do. */
export interface CapabilitiesPlan {
  /** The longest prompt and answer together; Infinity where nobody says. */
  readonly context_tokens: number;
  /** Needs that it cannot meet. */
  readonly lacks: NeedBits;
  /** Whether its provider says that it will be taken away. */
  readonly is_deprecated: boolean;
}

/** What a target can do; of several words on it the last counts. */
export function compileCapabilities(
  provider: { readonly kind: string; readonly origin: { readonly host: string } },
  model: string,
  ...said: readonly (CapabilitiesConfig | undefined)[]
): CapabilitiesPlan {
  const fact = provider.kind === "sim" ? null : factOfModel(provider.kind, provider.origin.host, model);
  let lacks = fact === null ? NO_NEEDS : lacksOf(fact);
  let context_tokens = fact?.context_tokens ?? Number.POSITIVE_INFINITY;
  for (const config of said) {
    if (config === undefined) continue;
    context_tokens = config.context_tokens ?? context_tokens;
    for (const need of NEEDS) {
      const is_able = config[need];
      if (is_able !== undefined) lacks = is_able ? lacks & ~needBit(need) : lacks | needBit(need);
    }
  }
  const is_deprecated = fact?.abilities.includes("deprecated") ?? false;
  return Object.freeze({ context_tokens, lacks, is_deprecated });
}

/** Of kinds of input by the words of facts. A provider that reads images reads PDF files as such, whatever tables say. */
const READ_BY: readonly (readonly [need: Need, words: readonly string[]])[] = [
  ["vision", ["image"]],
  ["audio", ["audio"]],
  ["video", ["video"]],
  ["pdf", ["pdf", "image"]],
];

/** Wishes for reasoning are hints, which are left out where a model has none: nothing is refused for them. */
function lacksOf({ reads, abilities }: Fact): NeedBits {
  let lacks = NO_NEEDS;
  for (const [need, words] of READ_BY)
    if (!words.some((word) => reads.includes(word))) lacks |= needBit(need);
  for (const need of ["tools", "json_schema"] as const)
    if (abilities.includes(`!${need}`)) lacks |= needBit(need);
  return lacks;
}
