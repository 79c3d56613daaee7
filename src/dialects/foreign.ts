// Conversations that another provider had a part in: what it signed lies, marked as ours, where the client's format has signatures. The format's
// own provider would refuse it, so that such a request is written anew although client and provider speak alike.

import { indexOf, type Needle, needle } from "../wire/search.ts";
import type { ClientFormatName } from "./client_format.ts";
import type { RequestTarget } from "./neutral/format.ts";
import { quirksOf } from "./openai/chat/quirks.ts";

/** How what is carried begins: in Gemini's format it is base64, of `venturi-signature:`. */
const MARKS: Readonly<Partial<Record<ClientFormatName, Needle>>> = {
  messages: needle('"venturi:'),
  responses: needle('"venturi:'),
  gemini: needle(`"${btoa("venturi-signature:")}`),
};

/** What clients of chat completions send back of other providers' answers. Strict servers refuse the fields. */
const CHAT_MARKS = ['"reasoning_content"', '"reasoning_details"', '"extra_content"'].map(needle);

/** Whether a request carries what another provider has signed, or said in fields that its target does not know. */
export function carriesForeign(
  format: ClientFormatName,
  request: Uint8Array,
  { provider_kind, model }: RequestTarget,
): boolean {
  if (format === "chat")
    return quirksOf(provider_kind, model).is_strict && CHAT_MARKS.some((mark) => indexOf(request, mark) >= 0);
  const mark = MARKS[format];
  return mark !== undefined && indexOf(request, mark) >= 0;
}
