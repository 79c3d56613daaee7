// Whatever clients of any format can say is written for Cohere and Ollama in their grammar: what has no words there is told as lost.

import { describe, expect, test } from "vitest";
import { MESSAGES } from "../../src/dialects/anthropic/format.ts";
import { COHERE } from "../../src/dialects/cohere/format.ts";
import type { Format } from "../../src/dialects/neutral/format.ts";
import { Losses } from "../../src/dialects/neutral/losses.ts";
import { OLLAMA } from "../../src/dialects/ollama/format.ts";
import { CHAT } from "../../src/dialects/openai/chat/format.ts";
import { RESPONSES } from "../../src/dialects/responses/format.ts";
import { GatewayError } from "../../src/errors.ts";
import { randomIntegers } from "../memory/random.ts";
import { randomRequest as randomMessages } from "./anthropic/random.ts";
import { checkCohereRequest } from "./grammar/cohere.ts";
import { checkOllamaRequest } from "./grammar/ollama.ts";
import { randomRequest as randomChat } from "./openai/chat/generated.ts";
import { randomRequest as randomResponses } from "./responses/generated.ts";

type Json = Readonly<Record<string, unknown>>;
type Random = ReturnType<typeof randomIntegers>;

const RUNS = 400;

const CLIENTS: readonly (readonly [name: string, format: Format, make: (random: Random) => Json])[] = [
  ["chat", CHAT, (random) => randomChat(random, "openrouter")],
  ["messages", MESSAGES, randomMessages],
  ["responses", RESPONSES, randomResponses],
];

const PROVIDERS = [
  ["command-a-03-2025", COHERE, checkCohereRequest],
  ["command-a-reasoning-08-2025", COHERE, checkCohereRequest],
  ["gpt-oss:20b", OLLAMA, checkOllamaRequest],
] as const;

describe.each(CLIENTS)("requests of %s", (_, from, make) => {
  test.each(PROVIDERS)("to %s", (model, to, check) => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const asked = JSON.parse(JSON.stringify(make(randomIntegers(seed)))) as Json;
      const read = from.readRequest(asked, { model: null, stream: false });
      if (read instanceof GatewayError) throw new Error(`seed ${seed}: ${read.message}`);
      const written = to.writeRequest(read, { model, provider_kind: to.name }, new Losses("drop", "target"));
      expect(check(JSON.parse(JSON.stringify(written))), `seed ${seed}`).toEqual([]);
    }
  });
});
