// The formats that calls are translated between, by name. Loaded when the first call needs one: most gateways pass on what they get.

import { betasOf } from "./anthropic/betas.ts";
import { MESSAGES } from "./anthropic/format.ts";
import { BEDROCK } from "./bedrock/format.ts";
import { CONTENT_TYPE as BEDROCK_EVENTS } from "./bedrock/stream_events.ts";
import { COHERE } from "./cohere/format.ts";
import { GEMINI } from "./gemini/format.ts";
import type { Format, ProviderSide } from "./neutral/format.ts";
import type { FormatName } from "./neutral/parts.ts";
import type { ChatRequest } from "./neutral/request.ts";
import { OLLAMA } from "./ollama/format.ts";
import { CHAT } from "./openai/chat/format.ts";
import { COMPLETIONS } from "./openai/completions/format.ts";
import { RESPONSES } from "./responses/format.ts";

/** A format, and what HTTP has to know of it. Clients speak those that are whole. */
export interface ProviderFormat<Sides extends ProviderSide = ProviderSide> {
  readonly format: Sides;
  /** How the content type of its streams begins. */
  readonly content_type: string;
  /** Whether it takes media of this kind by this URL; others have to be fetched for it. */
  takesUrl(kind: MediaKind, url: string): boolean;
  /** What a request says beside its body. */
  headersOf?(request: ChatRequest): readonly (readonly [name: string, value: string])[];
}

/** What a part with media is. */
export type MediaKind = "image" | "audio" | "video" | "file";

const EVENTS = "text/event-stream";
const PICTURES: ReadonlySet<MediaKind> = new Set(["image", "video"]);
const PAPERS: ReadonlySet<MediaKind> = new Set(["image", "file"]);
/** Gemini takes its own files, Google's storage and YouTube's films by their URLs. */
const GOOGLES = [
  "https://generativelanguage.googleapis.com/",
  "https://www.youtube.com/",
  "https://youtu.be/",
];

/** Every format that clients and providers speak. */
export const FORMATS: Readonly<Partial<Record<FormatName, ProviderFormat<Format>>>> = {
  chat: { format: CHAT, content_type: EVENTS, takesUrl: (kind) => PICTURES.has(kind) },
  completions: { format: COMPLETIONS, content_type: EVENTS, takesUrl: () => true },
  responses: { format: RESPONSES, content_type: EVENTS, takesUrl: (kind) => PAPERS.has(kind) },
  gemini: {
    format: GEMINI,
    content_type: EVENTS,
    takesUrl: (_, url) => !/^https?:/i.test(url) || GOOGLES.some((start) => url.startsWith(start)),
  },
  messages: {
    format: MESSAGES,
    content_type: EVENTS,
    takesUrl: (kind) => PAPERS.has(kind),
    headersOf: (request) => {
      const betas = betasOf(request);
      return betas.length === 0 ? [] : [["anthropic-beta", betas.join(",")]];
    },
  },
};

/** Every format that providers are asked in. */
export const PROVIDER_FORMATS: Readonly<Partial<Record<FormatName, ProviderFormat>>> = {
  ...FORMATS,
  bedrock: {
    format: BEDROCK,
    content_type: BEDROCK_EVENTS,
    takesUrl: (_, url) => url.startsWith("s3://"),
  },
  cohere: { format: COHERE, content_type: EVENTS, takesUrl: (kind) => kind === "image" },
  ollama: { format: OLLAMA, content_type: "application/x-ndjson", takesUrl: () => false },
};
