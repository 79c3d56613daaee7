// What a client is told whose limit is reached.

import type { Refusal } from "../access/reservation.ts";
import { GatewayError } from "../errors.ts";

const SCOPE_WORDS = {
  key: "Your key",
  user: "This user",
  team: "Your team",
  tenant: "Your organisation",
  model: "This model",
  provider_key: "The provider's key",
} as const;

/** The error of a refused reservation. */
export function refusalError(refusal: Refusal): GatewayError {
  const { set, of, limit, window, retry_after_ms } = refusal;
  const who = SCOPE_WORDS[set.scope];
  const when =
    retry_after_ms === null
      ? "Ask for less at once."
      : `Try again in ${Math.ceil(retry_after_ms / 1_000)} s.`;
  const retry = retry_after_ms === null ? {} : { retry_after_ms };
  if (of === "nano_usd") {
    const dollars = (Number(limit) / 1e9).toString();
    return new GatewayError(
      "budget_exceeded",
      `${who} has used up its budget of $${dollars} for this ${window}. It begins anew at the next ${window} (UTC).`,
      retry,
    );
  }
  const what = of === "concurrency" ? `${limit} calls at once` : `${limit} ${of} per ${window}`;
  return new GatewayError("rate_limit_exceeded", `${who} may make ${what} and has done so. ${when}`, retry);
}
