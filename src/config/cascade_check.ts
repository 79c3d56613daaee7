// What a schema cannot say of a cascade: a model that must exist and be another, settings that must have an effect.

import type { CascadeConfig } from "./cascade_schema.ts";
import { patternFault } from "./patterns.ts";
import { formatPath, type Path } from "./problem.ts";

/** Reports what is wrong with the cascade of a model. */
export function checkCascade(
  { to, when, uncertain, check }: CascadeConfig,
  name: string,
  at: Path,
  checkModel: (value: string, path: Path) => void,
  fault: (path: Path, what: string | null) => void,
): void {
  checkModel(to, [...at, "to"]);
  if (to === name) fault([...at, "to"], "must be another model");
  const has_check = Object.keys(check ?? {}).length > 0;
  if (when.includes("check") && !has_check)
    fault([...at, "when"], "has check, but there is none; give one, such as check: { min_chars: 20 }");
  if (!when.includes("check") && check !== undefined)
    fault([...at, "check"], `has no effect: ${formatPath([...at, "when"])} leaves it out`);
  if (!when.includes("uncertain") && uncertain !== undefined)
    fault([...at, "uncertain"], `has no effect: ${formatPath([...at, "when"])} leaves it out`);
  const wrong = check?.pattern === undefined ? null : patternFault(check.pattern);
  if (wrong !== null) fault([...at, "check", "pattern"], `is no pattern that RE2 knows: ${wrong}`);
}
