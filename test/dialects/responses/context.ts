// Calls as tests of the Responses format need them.

import type { AnswerContext } from "../../../src/dialects/neutral/format.ts";
import type { ChatRequest } from "../../../src/dialects/neutral/request.ts";
import { RESPONSES } from "../../../src/dialects/responses/format.ts";
import { GatewayError } from "../../../src/errors.ts";

/** A request's body, read; one that cannot be read fails the test. */
export function requestOf(body: Readonly<Record<string, unknown>>): ChatRequest {
  const request = RESPONSES.readRequest(body, { model: null, stream: false });
  if (request instanceof GatewayError) throw new Error(`${request.param}: ${request.message}`);
  return request;
}

/** What a writer of answers knows of a call. */
export function contextOf(body: Readonly<Record<string, unknown>> | null): AnswerContext {
  const request = requestOf(body ?? { model: "m", input: "x" });
  return { call_id: "c1", model: request.model, now_s: 1_800_000_000, request };
}
