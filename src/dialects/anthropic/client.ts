// Messages as clients speak it: Anthropic's SDKs, Claude Code.

import type { ClientFormat } from "../client_format.ts";
import { record } from "../fields.ts";
import { estimateMember, parseValue, readMembers } from "../members.ts";
import type { RequestShape } from "../openai/request.ts";
import { errorInAnswer } from "../openai/response.ts";
import { messagesError } from "./error.ts";
import { readAnthropicUsage } from "./usage.ts";
import { MessagesWatch } from "./watch.ts";

/** A request to Messages. */
export const MESSAGES: RequestShape = {
  needs_model: true,
  input: { name: "messages", kinds: ["array"], required: true },
  streams: true,
};

/** Messages. */
export const MESSAGES_CLIENT: ClientFormat = {
  name: "messages",
  framing: "events",
  header_style: "anthropic",
  usageOf: (body) => readAnthropicUsage(readMembers(body, ["usage"])[0]),
  finishReasonOf: (body) => {
    const [reason] = readMembers(body, ["stop_reason"]);
    return typeof reason === "string" ? reason : null;
  },
  estimateAnswer: (body) => estimateMember(body, "content"),
  errorInAnswer,
  watch: () => new MessagesWatch(),
  passError: (body) => (record(parseValue(body))["type"] === "error" ? body : null),
  errorBody: (error, status, request_id) =>
    Buffer.from(JSON.stringify(messagesError(error, status, request_id))),
};
