// What is done about personal data in a call: what its model or its caller's key says, whichever is stricter.

import type { PrivacyMode, PrivacyPlan } from "../config/plan.ts";
import { stricterMode } from "../config/privacy.ts";
import type { Call } from "./call.ts";
import type { Prepared } from "./prepare.ts";

/** The mode of a call; null: nothing is done. */
export function privacyMode(call: Call, { model }: Pick<Prepared, "model">): PrivacyMode | null {
  return stricterMode(model.privacy?.mode ?? null, call.client?.privacy ?? null);
}

/** What is looked for, and how. */
export function privacyPlan(call: Call, { model }: Pick<Prepared, "model">): PrivacyPlan {
  const plan = call.client?.privacy ? model.privacy_by_key : model.privacy;
  return plan ?? call.plan.privacy.by_default;
}
