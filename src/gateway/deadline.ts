// How long a call may take: what its model says, or its client, whichever is shorter.

import { GatewayError } from "../errors.ts";
import type { Call } from "./call.ts";
import type { Prepared } from "./prepare.ts";

/** The shorter of the model's deadline and the client's wish, in milliseconds; 0 is none. */
export function deadlineOf(call: Call, prepared: Prepared): number | GatewayError {
  const { deadline_ms } = prepared.model;
  const given = call.request.headers.get("x-venturi-deadline-ms");
  if (given === null) return deadline_ms;
  const wish_ms = Number(given);
  if (!(wish_ms > 0) || !Number.isFinite(wish_ms)) {
    return new GatewayError(
      "invalid_value",
      "'x-venturi-deadline-ms' must be a number of milliseconds above 0.",
      {
        param: "x-venturi-deadline-ms",
      },
    );
  }
  return deadline_ms > 0 ? Math.min(wish_ms, deadline_ms) : wish_ms;
}
