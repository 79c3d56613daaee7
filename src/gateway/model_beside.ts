// Another model that is asked for what a call asks of its own: as much of it as may be asked, and can serve it.

import { resolveModel } from "../config/models.ts";
import type { ModelPlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Call } from "./call.ts";
import { inRegion } from "./find_model.ts";
import type { Prepared } from "./prepare.ts";

/** The model of a name, without what lies where the call must not go or cannot serve it; an error where nothing is left. */
export function modelBeside(call: Call, asked: Prepared, name: string): ModelPlan | GatewayError {
  const named = resolveModel(call.plan, name);
  if (named === null) return new GatewayError("model_not_found", `There is no model '${name}'.`);
  const there = inRegion(call, named, asked.model.region);
  return there instanceof GatewayError ? there : asked.within(there);
}
