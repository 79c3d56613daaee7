// Conversations that another provider had a part in: what it signed lies, marked as ours, where the client's format has signatures. The format's
// own provider would refuse it, so that such a request is written anew although client and provider speak alike.

import { indexOf, type Needle, needle } from "../wire/search.ts";
import type { ClientFormatName } from "./client_format.ts";

/** How what is carried begins: in Gemini's format it is base64, of `venturi-signature:`. */
const MARKS: Readonly<Partial<Record<ClientFormatName, Needle>>> = {
  messages: needle('"venturi:'),
  responses: needle('"venturi:'),
  gemini: needle(`"${btoa("venturi-signature:")}`),
};

/** Whether a request carries what another provider has signed. */
export function carriesForeign(format: ClientFormatName, request: Uint8Array): boolean {
  const mark = MARKS[format];
  return mark !== undefined && indexOf(request, mark) >= 0;
}
