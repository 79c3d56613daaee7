// OpenAI's formats as clients speak them: chat, legacy completions, embeddings, moderations.

import type { ClientFormat, ClientFormatName } from "../client_format.ts";
import { errorBody, passError } from "./error.ts";
import { errorInAnswer, estimateAnswer, finishReasonOf, usageOfAnswer } from "./response.ts";
import { ChatWatch } from "./stream.ts";

function openai(name: ClientFormatName): ClientFormat {
  return {
    name,
    framing: "events",
    header_style: "openai",
    usageOf: usageOfAnswer,
    finishReasonOf,
    estimateAnswer,
    errorInAnswer,
    watch: (hide_usage, choices) => new ChatWatch(hide_usage, choices),
    passError,
    errorBody: (error) => errorBody(error),
  };
}

/** Chat completions. */
export const CHAT_CLIENT: ClientFormat = openai("chat");
/** Legacy completions. */
export const COMPLETIONS_CLIENT: ClientFormat = openai("completions");
/** Embeddings. */
export const EMBEDDINGS_CLIENT: ClientFormat = openai("embeddings");
/** Moderations. */
export const MODERATIONS_CLIENT: ClientFormat = openai("moderations");
