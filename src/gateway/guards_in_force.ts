// The guards of a call: those of its model and those of its caller's key.

import { type GuardsPlan, joinGuards } from "../config/guards.ts";
import type { ModelPlan } from "../config/plan.ts";
import type { Call } from "./call.ts";

/** What was joined: whoever remembers something about a plan must find it again. */
const joined = new WeakMap<GuardsPlan, WeakMap<GuardsPlan, GuardsPlan>>();

/** The guards that a call is under; null for none. */
export function guardsInForce({ client }: Call, { guards: of_model }: ModelPlan): GuardsPlan | null {
  const of_key = client?.guards ?? null;
  if (of_key === null || of_model === null) return of_key ?? of_model;
  let by_key = joined.get(of_model);
  if (by_key === undefined) {
    by_key = new WeakMap();
    joined.set(of_model, by_key);
  }
  let both = by_key.get(of_key);
  if (both === undefined) {
    both = joinGuards([of_model, of_key])!;
    by_key.set(of_key, both);
  }
  return both;
}
