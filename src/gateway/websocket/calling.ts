// What sockets need of the gateway that they belong to: calls like those of HTTP, under the Plan of the moment.

import type { ClientKey, Plan } from "../../config/plan.ts";
import type { Call } from "../call.ts";
import type { Endpoint } from "../endpoints.ts";

/** Makes calls and answers them. */
export interface Calling {
  readonly plan: Plan;
  makeCall(request: Request): Call;
  /** Never rejects: a fault of the gateway's is an answer too. */
  answer(call: Call, endpoint: Endpoint): Promise<Response>;
}

/** Who has opened a socket, and how. */
export interface Visitor {
  readonly client: ClientKey;
  /** Of the handshake, without its query. */
  readonly url: string;
  /** What all its calls have. */
  readonly headers: Headers;
}
