// Watching a stream of Gemini's go by: each event is an answer of its own, with what is new in it.
// Source: https://ai.google.dev/api/generate-content#GenerateContentResponse

import { list, record } from "../fields.ts";
import { parseValue, withCostAt } from "../members.ts";
import { readError, type WireError } from "../openai/error.ts";
import type { EventClass, StreamEvent, StreamWatch } from "../stream_watch.ts";
import { laterUsage, type Usage } from "../usage.ts";
import { statusOfGeminiError, writeGeminiError } from "./error.ts";
import { readGeminiUsage } from "./usage.ts";

/** Watches one stream. */
export class GeminiWatch implements StreamWatch {
  /** No event ends such a stream: its last answer has a finish reason, and perhaps more than one has. */
  readonly done = false;
  finished = false;
  error: WireError | null = null;
  #usage: Usage | null = null;
  #usage_data: Uint8Array | null = null;
  #finish: string | null = null;
  #last: Readonly<Record<string, unknown>> = {};

  get complete(): boolean {
    return this.finished || this.error !== null;
  }

  classify({ data }: StreamEvent): EventClass {
    const answer = data === null ? null : parseValue(data);
    if (answer === null) return data === null ? "opening" : "content";
    if (answer["error"] !== undefined || answer["promptFeedback"] !== undefined) return "content";
    const says = list(answer["candidates"]).some((candidate) => {
      const { content, finishReason } = record(candidate);
      return finishReason !== undefined || list(record(content)["parts"]).some(saysSomething);
    });
    return says ? "content" : "opening";
  }

  see({ data }: StreamEvent): boolean {
    if (data === null) return true;
    const answer = parseValue(data);
    if (answer === null) return true;
    const error = readError(answer, 200);
    if (error !== null) {
      this.error = error;
      return true;
    }
    this.#last = answer;
    const { candidates, usageMetadata, promptFeedback } = answer;
    for (const candidate of list(candidates)) {
      const { finishReason } = record(candidate);
      if (typeof finishReason === "string" && finishReason !== "FINISH_REASON_UNSPECIFIED") {
        this.#finish ??= finishReason;
        this.finished = true;
      }
    }
    const { blockReason } = record(promptFeedback);
    if (typeof blockReason === "string") {
      this.#finish ??= blockReason;
      this.finished = true;
    }
    const usage = readGeminiUsage(usageMetadata, candidates);
    this.#usage = laterUsage(this.#usage, usage);
    if (usage !== null && this.finished) this.#usage_data = data;
    return true;
  }

  isWhole({ data }: StreamEvent): boolean {
    return data === null || parseValue(data) !== null;
  }

  finishReason(): string | null {
    return this.#finish;
  }

  usage(): Usage | null {
    return this.#usage;
  }

  mayStop(): void {}

  saysMore(): boolean {
    return true;
  }

  tellsUsage(data: Uint8Array): boolean {
    return this.#usage_data === data;
  }

  withCost(raw: Uint8Array, data: Uint8Array, cost_usd: string): Uint8Array {
    return withCostAt(raw, data, ["usageMetadata"], cost_usd);
  }

  budgetStop({ input_tokens, output_tokens }: Pick<Usage, "input_tokens" | "output_tokens">): Uint8Array {
    this.finished = true;
    const { modelVersion, responseId } = this.#last;
    return dataBytes({
      candidates: [{ content: { role: "model" }, finishReason: "MAX_TOKENS", index: 0 }],
      usageMetadata: {
        promptTokenCount: input_tokens,
        candidatesTokenCount: output_tokens,
        totalTokenCount: input_tokens + output_tokens,
      },
      ...{ modelVersion, responseId },
      venturi: { stopped: "budget_exceeded" },
    });
  }

  errorEvent(error: WireError): Uint8Array {
    return dataBytes(writeGeminiError(error, statusOfGeminiError(error)));
  }
}

function saysSomething(part: unknown): boolean {
  return Object.entries(record(part)).some(([name, value]) => name !== "thought" && value !== "");
}

function dataBytes(value: unknown): Uint8Array {
  return Buffer.from(`data: ${JSON.stringify(value)}\r\n\r\n`);
}
