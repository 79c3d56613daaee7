// What a schema cannot say of a shadow: a candidate that must exist and be another model, and must not ask for more privacy.

import { ENTITIES } from "./entities.ts";
import { modeOf, stricterMode } from "./privacy.ts";
import { formatPath, type Path } from "./problem.ts";
import type { Config } from "./schema.ts";
import { modelConfigOf } from "./wildcards.ts";

/** Reports what is wrong with the shadow of a model. */
export function checkShadow(
  config: Config,
  name: string,
  checkModel: (value: string, path: Path) => void,
  fault: (path: Path, what: string | null) => void,
): void {
  const { shadow, privacy: own } = config.models[name]!;
  if (shadow === undefined) return;
  const at = ["models", name, "shadow", "model"] as const;
  checkModel(shadow.model, at);
  if (shadow.model === name) fault(at, "must be another model");
  for (const candidate of reached(config, shadow.model)) {
    const asked = modelConfigOf(config, candidate)?.privacy;
    const mode = modeOf(asked?.mode);
    if (asked === undefined || mode === null) continue;
    const own_mode = modeOf(own?.mode);
    const kinds = asked.entities ?? ENTITIES;
    const own_kinds: readonly string[] = own?.entities ?? ENTITIES;
    const is_as_strict =
      stricterMode(own_mode, mode) === own_mode && kinds.every((kind) => own_kinds.includes(kind));
    // What the candidate must not get cannot be taken out for it alone, and calls must not change because somebody watches.
    if (!is_as_strict) {
      fault(
        at,
        `names ${candidate}, which asks for more privacy than ${formatPath(["models", name])}; give this model the same \`privacy\``,
      );
    }
  }
}

/** A model and all that it may fall back to. */
function reached(config: Config, name: string): Iterable<string> {
  const seen = new Set([name]);
  for (const from of seen) for (const next of modelConfigOf(config, from)?.fallbacks ?? []) seen.add(next);
  return seen;
}
