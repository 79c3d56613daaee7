// A whole answer of `generateContent` into the neutral one.
// Source: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse

import { list, record } from "../fields.ts";
import type { AnswerChoice, ChatAnswer } from "../neutral/answer.ts";
import type { Part } from "../neutral/parts.ts";
import { CallIds } from "./call_ids.ts";
import { readCitations } from "./citations.ts";
import { readBlock, readFinish } from "./finish.ts";
import { readLogprobs } from "./logprobs.ts";
import { camelFields, textOf, unknownFields } from "./names.ts";
import { readPart } from "./read_parts.ts";
import { readGeminiUsage } from "./usage.ts";

type Json = Readonly<Record<string, unknown>>;

const ANSWER = new Set(["candidates", "modelVersion", "responseId"]);
const CANDIDATE = new Set(["content", "finishReason", "index", "logprobsResult"]);

/** Reads an answer; null where the value is none. */
export function readGeminiAnswer(answer: Json): ChatAnswer | null {
  const fields = camelFields(answer) ?? {};
  const { candidates, promptFeedback, usageMetadata, createTime } = fields;
  if (!Array.isArray(candidates) && promptFeedback === undefined && usageMetadata === undefined) return null;
  const id = textOf(fields["responseId"]) ?? "";
  const ids = new CallIds(id);
  const given = list(candidates).map((candidate) => camelFields(candidate) ?? {});
  const choices = given.map((candidate, index) => readCandidate(candidate, index, ids));
  const left = unknownFields(fields, ANSWER);
  const left_of_each = given.map((candidate) => unknownFields(candidate, CANDIDATE) ?? {});
  const own = {
    ...left,
    ...(left_of_each.some((of_one) => Object.keys(of_one).length > 0) ? { candidates: left_of_each } : {}),
  };
  const tier = readTier(usageMetadata);
  return {
    ...{ id, model: textOf(fields["modelVersion"]) ?? "", created_s: readTime(createTime) },
    choices: choices.length > 0 ? choices : [readBlocked(promptFeedback)],
    usage: readGeminiUsage(usageMetadata, candidates),
    ...(tier === undefined ? {} : { service_tier: tier }),
    ...(Object.keys(own).length === 0 ? {} : { own: { format: "gemini", fields: own } }),
  };
}

/** The tier that a call was served in, in OpenAI's words; undefined where it is not told. */
export function readTier(usage: unknown): string | undefined {
  const { serviceTier } = record(usage);
  if (typeof serviceTier !== "string") return undefined;
  const tier = serviceTier.toLowerCase();
  return tier === "standard" ? "default" : tier;
}

/** Seconds since 1970 of an RFC 3339 time, as Vertex tells it; null where there is none. */
export function readTime(value: unknown): number | null {
  const time_ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time_ms) ? null : Math.floor(time_ms / 1000);
}

/** The one choice of an answer without candidates: the prompt was refused, or nothing came. */
function readBlocked(feedback: unknown): AnswerChoice {
  const { blockReason, blockReasonMessage } = record(feedback);
  if (typeof blockReason !== "string") return { index: 0, parts: [], finish: { reason: "other" } };
  return { index: 0, parts: refusal(blockReasonMessage), finish: readBlock(blockReason) };
}

/** What is said of why a prompt was refused, where it is. */
export function refusal(message: unknown): Part[] {
  return typeof message === "string" && message !== "" ? [{ kind: "refusal", text: message }] : [];
}

function readCandidate(candidate: Json, position: number, ids: CallIds): AnswerChoice {
  const { finishReason, index } = candidate;
  const content = camelFields(candidate["content"]);
  const parts = list(content?.["parts"])
    .map((part) => readPart(part, ids))
    .filter((part) => part !== null);
  const has_calls = parts.some(({ kind }) => kind === "tool_call");
  const logprobs = readLogprobs(candidate["logprobsResult"]);
  return {
    index: typeof index === "number" ? index : position,
    parts: withCitations(parts, candidate),
    finish: typeof finishReason === "string" ? readFinish(finishReason, has_calls) : null,
    ...(logprobs === undefined ? {} : { logprobs }),
  };
}

/** The parts, each text with what it cites. What is of no text in particular goes to the last. */
function withCitations(parts: readonly Part[], candidate: Json): readonly Part[] {
  const texts = parts.filter((part) => part.kind === "text");
  if (texts.length === 0) return parts;
  const placed = readCitations(
    candidate,
    texts.map(({ text }) => text),
  );
  if (placed.length === 0) return parts;
  return parts.map((part) => {
    if (part.kind !== "text") return part;
    const at = texts.indexOf(part);
    const is_last = at === texts.length - 1;
    const citations = placed
      .filter(({ text }) => text === at || (is_last && text < 0))
      .map(({ citation }) => citation);
    return citations.length === 0 ? part : { ...part, citations };
  });
}
