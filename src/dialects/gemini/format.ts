// Gemini's format as a whole: `generateContent`, `streamGenerateContent`. Vertex speaks it too.

import type { AnswerContext, Format, StreamWriter } from "../neutral/format.ts";
import { readGeminiAnswer } from "./read_answer.ts";
import { readGeminiRequest } from "./read_request.ts";
import { GeminiStreamReader } from "./read_stream.ts";
import { writeGeminiAnswer } from "./write_answer.ts";
import { writeGeminiRequest } from "./write_request.ts";
import { type GeminiFraming, GeminiStreamWriter } from "./write_stream.ts";

/** Reads and writes Gemini's format; its streams are written as server-sent events. */
export const GEMINI: Format = {
  name: "gemini",
  readRequest: readGeminiRequest,
  writeRequest: writeGeminiRequest,
  readAnswer: readGeminiAnswer,
  writeAnswer: writeGeminiAnswer,
  readStream: (sink) => new GeminiStreamReader(sink),
  writeStream: (context) => writeGeminiStream(context, "sse"),
};

/** Writes a stream in the form that the client asked for: `array` without `alt=sse`. */
export function writeGeminiStream(context: AnswerContext, framing: GeminiFraming): StreamWriter {
  return new GeminiStreamWriter(context, framing);
}
