// Ollama's own chat (`POST /api/chat`), as it is asked of providers.

import type { ProviderSide } from "../neutral/format.ts";
import { readOllamaAnswer } from "./read_answer.ts";
import { OllamaStreamReader } from "./read_stream.ts";
import { writeOllamaRequest } from "./write_request.ts";

/** Writes requests for it and reads its answers. */
export const OLLAMA: ProviderSide = {
  name: "ollama",
  writeRequest: writeOllamaRequest,
  readAnswer: readOllamaAnswer,
  readStream: (sink) => new OllamaStreamReader(sink),
};
