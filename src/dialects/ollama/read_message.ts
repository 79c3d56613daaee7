// What a message of Ollama's, or a line of a stream, says. Source: https://docs.ollama.com/api/chat, the response.

import { isFields, list, numberOf, record } from "../fields.ts";
import type { TokenLogprob } from "../neutral/answer.ts";
import { newCallId } from "../neutral/call_id.ts";
import type { ImagePart, ToolCallPart } from "../neutral/parts.ts";
import { INVALID_JSON_KEY } from "../neutral/request.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A message, or a piece of one. */
export interface Said {
  readonly thinking: string;
  readonly content: string;
  readonly images: readonly ImagePart[];
  readonly calls: readonly ToolCallPart[];
}

/** @param ids of the calls so far, to which those of these are added */
export function readMessage({ thinking, content, images, tool_calls }: Fields, ids: Set<string>): Said {
  return {
    thinking: typeof thinking === "string" ? thinking : "",
    content: typeof content === "string" ? content : "",
    images: list(images).flatMap((data) => (typeof data === "string" && data !== "" ? [imageOf(data)] : [])),
    calls: list(tool_calls).flatMap((call) => readCall(call, ids)),
  };
}

function imageOf(data: string): ImagePart {
  return { kind: "image", source: { kind: "base64", media_type: imageType(data), data } };
}

/** How base64 of images begins, by their types: Ollama does not tell them. */
const IMAGE_STARTS: readonly (readonly [start: string, type: string])[] = [
  ["/9j/", "image/jpeg"],
  ["R0lG", "image/gif"],
  ["UklG", "image/webp"],
];

function imageType(data: string): string {
  return IMAGE_STARTS.find(([start]) => data.startsWith(start))?.[1] ?? "image/png";
}

/** A call is whole at once. Older servers give no ids, and results are told to calls by them. */
function readCall(value: unknown, ids: Set<string>): readonly ToolCallPart[] {
  const call = record(value);
  const { name, arguments: given } = record(call["function"]);
  if (typeof name !== "string") return [];
  const said_id = call["id"];
  const id = typeof said_id === "string" && said_id !== "" && !ids.has(said_id) ? said_id : newCallId();
  ids.add(id);
  return [{ kind: "tool_call", id, name, arguments: argumentsOf(given) }];
}

function argumentsOf(given: unknown): string {
  if (typeof given === "string") return given;
  if (!isFields(given)) return "{}";
  const broken = given[INVALID_JSON_KEY];
  return typeof broken === "string" && Object.keys(given).length === 1 ? broken : JSON.stringify(given);
}

/** Log probabilities, which are as chat completions tell them. */
export function readLogprobs(value: unknown): readonly TokenLogprob[] {
  return list(value).flatMap((token) => {
    const read = readToken(token);
    if (read === null) return [];
    const top = list(record(token)["top_logprobs"]).flatMap((other) => readToken(other) ?? []);
    return [{ ...read, top }];
  });
}

function readToken(value: unknown): Omit<TokenLogprob, "top"> | null {
  const { token, logprob, bytes } = record(value);
  const number = numberOf(logprob);
  if (typeof token !== "string" || number === null) return null;
  return { token, logprob: number, ...(Array.isArray(bytes) ? { bytes: bytes.map(Number) } : {}) };
}

/** Seconds since 1970 of a time that Ollama tells; null where it tells none. */
export function readTime(value: unknown): number | null {
  const time_ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time_ms) ? null : Math.floor(time_ms / 1000);
}
