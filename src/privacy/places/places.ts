// The places of every kind of request, of its answer and of its stream.

import { ANSWER, type AnswerTreatment } from "../answer_places.ts";
import { REQUEST, type RequestTreatment } from "../request_places.ts";
import type { StreamPlaces } from "../stream_places.ts";
import type { Rule } from "../walk.ts";
import { CHAT_STREAM } from "./chat_stream.ts";
import { GEMINI_ANSWER, GEMINI_REQUEST, GEMINI_STREAM } from "./gemini.ts";
import { MESSAGES_ANSWER, MESSAGES_REQUEST, MESSAGES_STREAM } from "./messages.ts";
import { REALTIME_ANSWER, REALTIME_EVENT, REALTIME_STREAM } from "./realtime.ts";
import { RERANK_ANSWER, RERANK_REQUEST } from "./rerank.ts";
import { RESPONSES_ANSWER, RESPONSES_REQUEST, RESPONSES_STREAM } from "./responses.ts";

/** The endpoints whose requests are redacted. */
export type RedactedEndpoint =
  | "/chat/completions"
  | "/completions"
  | "/responses"
  | "/messages"
  | "/embeddings"
  | "/moderations"
  | "/rerank"
  | "/generateContent"
  | "/messages/count_tokens"
  | "/responses/input_tokens"
  | "/countTokens"
  | "/realtime";

/** Where the texts of a format lie. */
export interface FormatPlaces {
  readonly request: Rule<RequestTreatment>;
  readonly answer: Rule<AnswerTreatment>;
  readonly stream: StreamPlaces;
  /** Whether its answers have texts in which something is to be put back. */
  readonly has_answer: boolean;
}

const CHAT: FormatPlaces = { request: REQUEST, answer: ANSWER, stream: CHAT_STREAM, has_answer: true };
const WITHOUT_ANSWER: FormatPlaces = { ...CHAT, has_answer: false };

/** The places of every endpoint's format. */
export const PLACES: Readonly<Record<RedactedEndpoint, FormatPlaces>> = {
  "/chat/completions": CHAT,
  "/completions": CHAT,
  "/embeddings": WITHOUT_ANSWER,
  "/moderations": WITHOUT_ANSWER,
  "/messages/count_tokens": { ...WITHOUT_ANSWER, request: MESSAGES_REQUEST },
  "/responses/input_tokens": { ...WITHOUT_ANSWER, request: RESPONSES_REQUEST },
  "/countTokens": { ...WITHOUT_ANSWER, request: GEMINI_REQUEST },
  "/rerank": { ...CHAT, request: RERANK_REQUEST, answer: RERANK_ANSWER },
  "/messages": {
    ...{ request: MESSAGES_REQUEST, answer: MESSAGES_ANSWER, stream: MESSAGES_STREAM, has_answer: true },
  },
  "/responses": {
    ...{ request: RESPONSES_REQUEST, answer: RESPONSES_ANSWER, stream: RESPONSES_STREAM, has_answer: true },
  },
  /** Of these a request is one event. */
  "/realtime": {
    ...{ request: REALTIME_EVENT, answer: REALTIME_ANSWER, stream: REALTIME_STREAM, has_answer: true },
  },
  "/generateContent": {
    ...{ request: GEMINI_REQUEST, answer: GEMINI_ANSWER, stream: GEMINI_STREAM, has_answer: true },
  },
};
