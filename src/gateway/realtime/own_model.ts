// The model in a session's settings: clients know it by the gateway's name, its provider by its own.

import type { TargetPlan } from "../../config/plan.ts";
import { GatewayError } from "../../errors.ts";
import { readString, scanMembers } from "../../wire/json.ts";
import { splice } from "../../wire/splice.ts";
import type { RealtimeEvent } from "./events.ts";

/** Settings with the provider's name for the model. Another model than the session's cannot be had in it. */
export function withOwnModel(
  bytes: Uint8Array,
  event: RealtimeEvent,
  name: string,
  target: TargetPlan,
): Uint8Array | GatewayError {
  const session = event.scan.find("session");
  const settings = session?.kind === "object" ? scanMembers(bytes, session.start, session.end) : null;
  const model = settings === null || settings.fault !== null ? null : settings.find("model");
  if (model === null || target.model === "") return bytes;
  const { start, end } = model;
  const named = readString(bytes, model);
  if (named === target.model) return bytes;
  if (named === name) return Buffer.concat(splice(bytes, [{ start, end, bytes: target.model_json }]));
  const message = `This session is one of '${name}': for another model open another.`;
  return new GatewayError("invalid_value", message, { param: "session.model" });
}
