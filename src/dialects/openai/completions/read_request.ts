// A request for a legacy completion, read (OpenAI API reference, "Create completion"): the prompt is what the user says.

import type { GatewayError } from "../../../errors.ts";
import { Checked, Faults } from "../../checked.ts";
import type { RequestPlace } from "../../neutral/format.ts";
import type { Message } from "../../neutral/parts.ts";
import type { ChatRequest } from "../../neutral/request.ts";
import { readCommon } from "../chat/read_request.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The fields that have a neutral meaning. */
const KNOWN: ReadonlySet<string> = new Set([
  ...["model", "prompt", "stream", "stream_options", "max_tokens", "temperature", "top_p", "n"],
  ...["frequency_penalty", "presence_penalty", "logit_bias", "seed", "stop", "user", "logprobs"],
]);

/** Reads a request, or tells the first field that is wrong. */
export function readRequest(body: Fields, place: RequestPlace): ChatRequest | GatewayError {
  const faults = new Faults();
  const request = new Checked(body, "", faults);
  const top = request.integer("logprobs");
  const others = request.others(KNOWN);
  const options = request.object("stream_options")?.others(new Set(["include_usage"])) ?? null;
  const fields = { ...others, ...(options === null ? {} : { stream_options: options }) };
  const read: ChatRequest = {
    ...readCommon(request, place),
    messages: readPrompt(request),
    logprobs: top === null ? null : { top },
    own: Object.keys(fields).length === 0 ? null : { format: "completions", fields },
  };
  return faults.error ?? read;
}

/** Several prompts at once, and prompts as tokens, are no other format's: they are kept as a part of this one's own. */
function readPrompt(request: Checked): readonly Message[] {
  const { prompt } = request.fields;
  const only: unknown = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt;
  if (typeof only === "string") return [{ role: "user", parts: [{ kind: "text", text: only }] }];
  if (!request.has("prompt")) return [];
  const list = request.list("prompt");
  return [{ role: "user", parts: [{ kind: "own", format: "completions", value: { prompt: list } }] }];
}
