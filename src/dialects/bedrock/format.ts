// Bedrock's Converse, as a provider of it is asked and answers.

import type { ProviderSide } from "../neutral/format.ts";
import { FORMAT } from "./own.ts";
import { readAnswer } from "./read_answer.ts";
import { BedrockStreamReader } from "./read_stream.ts";
import { writeRequest } from "./write_request.ts";

/** Converse and ConverseStream. */
export const BEDROCK: ProviderSide = {
  name: FORMAT,
  writeRequest,
  readAnswer,
  readStream: (sink) => new BedrockStreamReader(sink),
};
