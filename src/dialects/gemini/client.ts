// Gemini's format as its clients speak it: the model, and whether the answer is a stream, stand in the path.

import type { ClientFormat } from "../client_format.ts";
import { list, record } from "../fields.ts";
import { estimateMember, parseValue, readMembers } from "../members.ts";
import type { RequestShape } from "../openai/request.ts";
import { errorInAnswer } from "../openai/response.ts";
import { writeGeminiError } from "./error.ts";
import { readGeminiUsage } from "./usage.ts";
import { GeminiWatch } from "./watch.ts";

/** A request to `generateContent` or `streamGenerateContent`. */
export const GENERATE_CONTENT: RequestShape = {
  needs_model: false,
  input: { name: "contents", kinds: ["array", "object", "string"], required: true },
  streams: true,
};

/** `generateContent`. */
export const GEMINI_CLIENT: ClientFormat = {
  name: "gemini",
  framing: "events",
  header_style: "openai",
  usageOf: (body) => {
    const [usage, candidates] = readMembers(body, ["usageMetadata", "candidates"]);
    return readGeminiUsage(usage, candidates);
  },
  finishReasonOf: (body) => {
    const [candidates, feedback] = readMembers(body, ["candidates", "promptFeedback"]);
    const reason = record(list(candidates)[0])["finishReason"] ?? record(feedback)["blockReason"];
    return typeof reason === "string" ? reason : null;
  },
  estimateAnswer: (body) => estimateMember(body, "candidates"),
  errorInAnswer,
  watch: () => new GeminiWatch(),
  passError: (body) => {
    const value = parseValue(body);
    const outer = Array.isArray(value) ? value[0] : value;
    return typeof record(record(outer)["error"])["status"] === "string" ? body : null;
  },
  errorBody: (error, status) => Buffer.from(JSON.stringify(writeGeminiError(error, status))),
};

/** The same, of a client that wants its stream as one array. */
export const GEMINI_ARRAY_CLIENT: ClientFormat = { ...GEMINI_CLIENT, framing: "array" };
