// What is done about personal data in a call: what its model or its caller's key says, whichever is stricter.

import type { PrivacyMode } from "../config/plan.ts";
import type { Call } from "./call.ts";
import type { Prepared } from "./prepare.ts";

/** From the mildest to the strictest. */
const MODES: readonly (PrivacyMode | null)[] = [null, "audit", "redact", "mask", "block"];

/** The mode of a call; null: nothing is done. */
export function privacyMode(call: Call, { model }: Prepared): PrivacyMode | null {
  const of_model = model.privacy?.mode ?? null;
  const of_key = call.client?.privacy ?? null;
  return MODES.indexOf(of_model) >= MODES.indexOf(of_key) ? of_model : of_key;
}
