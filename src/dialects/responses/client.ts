// Responses as clients speak it.

import type { ClientFormat } from "../client_format.ts";
import { record } from "../fields.ts";
import { estimateMember, readMembers } from "../members.ts";
import { errorBody, passError, readError } from "../openai/error.ts";
import type { RequestShape } from "../openai/request.ts";
import { readResponsesUsage } from "./usage.ts";
import { ResponsesWatch } from "./watch.ts";

/** A request to Responses. Its input may be left out where a stored prompt has one. */
export const RESPONSES: RequestShape = {
  needs_model: true,
  input: { name: "input", kinds: ["string", "array"], required: false },
  streams: true,
};

/** Responses. */
export const RESPONSES_CLIENT: ClientFormat = {
  name: "responses",
  framing: "events",
  header_style: "openai",
  usageOf: (body) => {
    const [usage, output] = readMembers(body, ["usage", "output"]);
    return readResponsesUsage(usage, output);
  },
  finishReasonOf: (body) => {
    const [status, details] = readMembers(body, ["status", "incomplete_details"]);
    const { reason } = record(details);
    if (typeof reason === "string") return reason;
    return typeof status === "string" ? status : null;
  },
  estimateAnswer: (body) => estimateMember(body, "output"),
  errorInAnswer: (body) => {
    const [error, status] = readMembers(body, ["error", "status"]);
    return status === "failed" || status === undefined ? readError({ error }, 200) : null;
  },
  watch: () => new ResponsesWatch(),
  passError,
  errorBody: (error) => errorBody(error),
};
