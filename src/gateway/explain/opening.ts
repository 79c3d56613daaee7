// What is to be explained: the body of a call, and where it would be sent. Either the body of the request is that call's own, or it holds
// `{"endpoint", "body"}`.

import type { Plan } from "../../config/plan.ts";
import { GatewayError } from "../../errors.ts";
import { readString, scanObject } from "../../wire/json.ts";
import { type CountEndpoint, findEndpoint, type JsonEndpoint, withoutVersion } from "../endpoints.ts";

/** The call that is asked about. */
export interface ExplainedCall {
  /** As a client would write it. */
  readonly path: string;
  readonly endpoint: JsonEndpoint | CountEndpoint;
  readonly body: Uint8Array;
}

const DEFAULT_PATH = "/v1/chat/completions";

/** Reads what is to be explained; the bytes must not change afterwards. */
export function readExplained(bytes: Uint8Array, query: string, plan: Plan): ExplainedCall | GatewayError {
  const scan = scanObject(bytes);
  if (scan.fault !== null)
    return new GatewayError("invalid_json", `The body must be a JSON object: ${scan.reason}.`);
  const inner = scan.find("body");
  const named = scan.find("endpoint");
  const is_wrapped = inner !== null && inner.kind === "object";
  const said = is_wrapped && named !== null ? readString(bytes, named) : null;
  if (is_wrapped && named !== null && said === null)
    return new GatewayError("invalid_type", "'endpoint' must be a string.", { param: "endpoint" });
  const full = said ?? new URLSearchParams(query).get("endpoint") ?? DEFAULT_PATH;
  const question = full.indexOf("?");
  const path = question < 0 ? full : full.slice(0, question);
  const rest = question < 0 ? "" : full.slice(question);
  const endpoint = findEndpoint(withoutVersion(path), path, rest, "POST", (name) => plan.providers.has(name));
  if (endpoint === null || (endpoint.kind !== "json" && endpoint.kind !== "count")) {
    return new GatewayError(
      "invalid_value",
      `Calls of '${full.slice(0, 200)}' cannot be explained: name an endpoint whose requests are read, such as ${DEFAULT_PATH}.`,
      { param: "endpoint" },
    );
  }
  return { path: full, endpoint, body: is_wrapped ? bytes.slice(inner.start, inner.end) : bytes };
}
