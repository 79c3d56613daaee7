// The formats that calls are translated between, by name. Loaded when the first call needs one: most gateways pass on what they get.

import type { Format } from "./neutral/format.ts";
import type { ChatRequest } from "./neutral/request.ts";

/** A format, and what HTTP has to know of it. */
export interface ProviderFormat {
  readonly format: Format;
  /** How the content type of its streams begins. */
  readonly content_type: string;
  /** What a request says beside its body. */
  headersOf?(request: ChatRequest): readonly (readonly [name: string, value: string])[];
}

const EVENTS = "text/event-stream";

/** Every format that is read and written. */
export const FORMATS: Readonly<Record<string, ProviderFormat>> = {};
void EVENTS;
