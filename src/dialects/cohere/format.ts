// Cohere's chat (`POST /v2/chat`), as it is asked of providers.

import type { ProviderSide } from "../neutral/format.ts";
import { readCohereAnswer } from "./read_answer.ts";
import { CohereStreamReader } from "./read_stream.ts";
import { writeCohereRequest } from "./write_request.ts";

/** Writes requests for it and reads its answers. */
export const COHERE: ProviderSide = {
  name: "cohere",
  writeRequest: writeCohereRequest,
  readAnswer: readCohereAnswer,
  readStream: (sink) => new CohereStreamReader(sink),
};
