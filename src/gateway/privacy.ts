// Personal data in requests: taken out before anything else sees them, and put back into the answers on their way to the client.
// What may not go out goes nowhere: where a request cannot be looked through, it is refused.

import type { Plan, PrivacyMode, PrivacyPlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Recognise } from "../privacy/entity.ts";
import { Mapping } from "../privacy/mapping.ts";
import { makeRecogniser } from "../privacy/recognisers/recognisers.ts";
import { redactRequest } from "../privacy/redact_request.ts";
import type { Call } from "./call.ts";
import type { Prepared } from "./prepare.ts";

/** What is done about personal data in a process. */
export class Privacy {
  readonly #secret: Uint8Array;
  readonly #recognisers = new WeakMap<PrivacyPlan, Recognise>();

  /** @param secret what users' names are hashed with */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** The call with a request that may go on: itself where nothing is found; or why it may not. */
  clean(call: Call, prepared: Prepared, mode: PrivacyMode): Prepared | GatewayError {
    const plan = prepared.model.privacy ?? call.plan.privacy.by_default;
    const { endpoint, read_body } = prepared;
    if (endpoint === null || read_body === null) {
      return mode === "audit"
        ? prepared
        : blocked("Requests of this kind cannot be looked through for personal data");
    }
    const mapping = new Mapping();
    const redacted = redactRequest(read_body, {
      ...{ endpoint, mapping, mode, entities: plan.entities, secret: this.#secret },
      recognise: this.#recogniserOf(plan, call.plan),
    });
    call.redacted_ms = performance.now();
    if (redacted.fault !== null) {
      return mode === "audit"
        ? prepared
        : blocked(`The request cannot be looked through for personal data: ${redacted.fault}`);
    }
    call.redactions = redacted.counts;
    const found = Object.keys(redacted.counts);
    if (redacted.is_blocked) return blocked(`The request holds personal data (${found.join(", ")})`);
    if (mode === "redact" && mapping.size > 0) call.mapping = mapping;
    const has_note = mode === "redact" && found.length > 0 && call.plan.privacy.note;
    return redacted.bytes === read_body ? prepared : prepared.withBody(redacted.bytes, has_note);
  }

  #recogniserOf(plan: PrivacyPlan, { privacy: { custom } }: Plan): Recognise {
    let recognise = this.#recognisers.get(plan);
    if (recognise === undefined) {
      const { entities, thresholds } = plan;
      const wanted = custom.filter(({ name }) => entities.includes(name));
      recognise = makeRecogniser({ entities, thresholds, custom: wanted });
      this.#recognisers.set(plan, recognise);
    }
    return recognise;
  }
}

function blocked(what: string): GatewayError {
  return new GatewayError(
    "content_blocked",
    `${what}, and the privacy settings of this model or key let it not go out.`,
  );
}
