// The formats that calls are translated between, by name. Loaded when the first call needs one: most gateways pass on what they get.

import { betasOf } from "./anthropic/betas.ts";
import { MESSAGES } from "./anthropic/format.ts";
import { GEMINI } from "./gemini/format.ts";
import type { Format } from "./neutral/format.ts";
import type { FormatName } from "./neutral/parts.ts";
import type { ChatRequest } from "./neutral/request.ts";
import { CHAT_FORMAT } from "./openai/chat/format.ts";
import { COMPLETIONS_FORMAT } from "./openai/completions/format.ts";
import { RESPONSES } from "./responses/format.ts";

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
export const FORMATS: Readonly<Partial<Record<FormatName, ProviderFormat>>> = {
  chat: { format: CHAT_FORMAT, content_type: EVENTS },
  completions: { format: COMPLETIONS_FORMAT, content_type: EVENTS },
  responses: { format: RESPONSES, content_type: EVENTS },
  gemini: { format: GEMINI, content_type: EVENTS },
  messages: {
    format: MESSAGES,
    content_type: EVENTS,
    headersOf: (request) => {
      const betas = betasOf(request);
      return betas.length === 0 ? [] : [["anthropic-beta", betas.join(",")]];
    },
  },
};
