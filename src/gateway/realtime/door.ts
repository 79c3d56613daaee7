// Who may open a session, and which: what is refused here is refused as any other call, before there is a socket.

import { authenticate } from "../../access/client_keys.ts";
import type { GuardsPlan } from "../../config/guards.ts";
import { GatewayError } from "../../errors.ts";
import { Account } from "../account.ts";
import type { Call } from "../call.ts";
import { ownAnswer } from "../failure.ts";
import { modelOfRequest } from "../find_model.ts";
import { guardsInForce } from "../guards_in_force.ts";
import { privacyMode, privacyPlan } from "../privacy_mode.ts";
import { refuse } from "../settle.ts";
import { askedOf } from "./answers.ts";
import type { RealtimePlace } from "./opening.ts";
import { RealtimeSession, type SessionTools } from "./session.ts";
import { SessionValues } from "./values.ts";

/** The session that a call opens, or the answer that refuses it. */
export async function admitSession(
  call: Call,
  place: RealtimePlace,
  tools: SessionTools,
): Promise<RealtimeSession | Response> {
  const client = authenticate(call.plan, tools.stored_keys, call.request.headers);
  if (client instanceof GatewayError) return refuse(call, ownAnswer(client), tools);
  call.client = client;
  tools.onCallBegin(call);
  call.authenticated_ms = performance.now();
  if (call.plan.privacy.is_asked || client.privacy !== null) {
    call.discreet = (await tools.privacy.get()).discretionOf(call.plan);
  }

  const model = modelOfRequest(call, place.model);
  if (model instanceof GatewayError) return refuse(call, ownAnswer(model), tools);
  call.routed_ms = performance.now();
  const guards = guardsInForce(call, model);
  if (guards !== null && mayStop(guards)) return refuse(call, ownAnswer(unguarded()), tools);

  const mode = privacyMode(call, { model });
  const privacy = mode === null ? null : await tools.privacy.get();
  const values =
    mode === null || privacy === null
      ? null
      : new SessionValues(
          call,
          privacy,
          mode,
          privacyPlan(call, { model }),
          await privacy.valuesOfSession(call, mode),
        );

  // Its place among the calls at once, for as long as it lasts; its answers take the rest.
  call.account = new Account(call, askedOf(model, "place"), tools.books);
  const refusal = await call.account.reserve();
  if (refusal !== null) return refuse(call, ownAnswer(refusal), tools);
  if (model.deadline_ms > 0) call.setDeadline(call.arrived_ms + model.deadline_ms);
  return new RealtimeSession(call, model, place.passed, values, tools);
}

/** Whether guards might have to keep something from one side: they cannot look into a session. */
function mayStop({ input, output, remote }: GuardsPlan): boolean {
  const all = [...input, ...output];
  const is_strict = all.some(({ action }) => action === "block" || action === "redact");
  return is_strict || remote.input.length + remote.output.length > 0;
}

function unguarded(): GatewayError {
  const message = "The guards of this model or key cannot look into a session, and so none may be opened.";
  return new GatewayError("content_blocked", message);
}
