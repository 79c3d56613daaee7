// A request for a legacy completion, as it is written to a provider (OpenAI API reference, "Create completion"). It has one prompt: what
// the system and the user say. A conversation, tools, and forms of answers have no place in it.

import type { RequestTarget } from "../../neutral/format.ts";
import type { Losses } from "../../neutral/losses.ts";
import type { Message } from "../../neutral/parts.ts";
import type { ChatRequest } from "../../neutral/request.ts";
import { quirksOf } from "../chat/quirks.ts";
import { commonFields, writeFields } from "../chat/write_request.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Writes a request; see `RequestFormat.writeRequest`. */
export function writeRequest(request: ChatRequest, target: RequestTarget, losses: Losses): Fields {
  const quirks = quirksOf(target.provider_kind, target.model);
  const { stream, own, logprobs } = request;
  loseOthers(request, losses);
  const fields = writeFields(
    [
      ...commonFields(request),
      ["user", request.user, "hint"],
      ["logprobs", logprobs?.top ?? null, "meaning"],
    ],
    // The field for the most tokens never had another name here.
    { quirks: { ...quirks, names: {} }, losses },
  );
  const others = own?.format === "completions" ? own.fields : {};
  const { stream_options: options, ...rest } = others;
  const usage = stream && request.asks_usage && !quirks.refuses.has("stream_options");
  return {
    model: target.model,
    prompt: writePrompt(request.messages, losses),
    ...(stream ? { stream: true } : {}),
    ...(usage || options !== undefined
      ? { stream_options: { ...(usage ? { include_usage: true } : {}), ...(options as Fields | undefined) } }
      : {}),
    ...fields,
    ...rest,
  };
}

function writePrompt(messages: readonly Message[], losses: Losses): unknown {
  const [first] = messages;
  const part = first?.parts[0];
  if (messages.length === 1 && part?.kind === "own" && part.format === "completions")
    return part.value["prompt"];
  const texts: string[] = [];
  for (const [index, { role, parts }] of messages.entries()) {
    if (role === "assistant" || role === "tool") losses.lose(`messages[${index}]`, "meaning");
    for (const [at, said] of parts.entries()) {
      if (said.kind === "text") texts.push(said.text);
      else losses.lose(`messages[${index}].content[${at}]`, said.kind === "thinking" ? "hint" : "meaning");
    }
  }
  return texts.join("\n\n");
}

/** Names what a prompt alone cannot say. */
function loseOthers(request: ChatRequest, losses: Losses): void {
  if (request.tools.length > 0) losses.lose("tools", "meaning");
  if (request.output !== null && request.output.kind !== "text") losses.lose("response_format", "meaning");
  if (request.reasoning !== null && request.reasoning.mode !== "off") losses.lose("reasoning_effort", "hint");
  if (request.modalities.some((wanted) => wanted !== "text")) losses.lose("modalities", "meaning");
  for (const name of ["verbosity", "metadata", "service_tier", "prompt_cache_key"] as const)
    if (request[name] !== null) losses.lose(name, "hint");
  if (request.own !== null && request.own.format !== "completions")
    for (const name of Object.keys(request.own.fields)) losses.lose(name, "hint");
}
