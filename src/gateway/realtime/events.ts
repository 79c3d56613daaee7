// Realtime's events as far as the gateway reads them: most go by as the bytes that came, and only their type is looked at.
// Source: OpenAI API reference, "Client events" and "Server events" of Realtime; some have had other names before.

import { count, list, record } from "../../dialects/fields.ts";
import type { WireError } from "../../dialects/openai/error.ts";
import { readResponsesUsage } from "../../dialects/responses/usage.ts";
import type { Usage } from "../../dialects/usage.ts";
import { type JsonObjectScan, readString, scanObject } from "../../wire/json.ts";

/** An event, of which only the places of its members are known. */
export interface RealtimeEvent {
  readonly type: string;
  readonly scan: JsonObjectScan;
}

/** An event of some bytes; null where they are none. */
export function readEvent(bytes: Uint8Array): RealtimeEvent | null {
  const scan = scanObject(bytes);
  if (scan.fault !== null) return null;
  const type = textIn(scan, "type");
  return type === null ? null : { type, scan };
}

/** A member that is a string; null where there is none. */
export function textIn(scan: JsonObjectScan, name: string): string | null {
  const span = scan.find(name);
  return span === null ? null : readString(scan.bytes, span);
}

/** The whole of an event. */
export function fieldsOf({ scan }: RealtimeEvent): Readonly<Record<string, unknown>> {
  return record(JSON.parse(Buffer.prototype.utf8Slice.call(scan.bytes, 0, scan.bytes.length)));
}

/** What the settings of a session, or of one answer, say that the gateway goes by. What they do not say is null. */
export interface Settings {
  readonly max_output_tokens: number | null;
  /** Whether the answer is spoken. */
  readonly is_spoken: boolean | null;
  readonly transcription_model: string | null;
}

/** Reads settings. */
export function readSettings(value: unknown): Settings {
  const settings = record(value);
  const most = settings["max_output_tokens"] ?? settings["max_response_output_tokens"];
  const modalities = settings["output_modalities"] ?? settings["modalities"];
  const input = record(record(settings["audio"])["input"]);
  const transcription = record(input["transcription"] ?? settings["input_audio_transcription"]);
  const { model } = transcription;
  return {
    max_output_tokens: typeof most === "number" ? count(most) : null,
    is_spoken: Array.isArray(modalities) ? modalities.includes("audio") : null,
    transcription_model: typeof model === "string" ? model : null,
  };
}

/** Whether an event of a client carries audio, or an item that does. */
export function carriesAudio(event: RealtimeEvent): boolean {
  if (event.type.endsWith("input_audio_buffer.append")) return true;
  if (event.type !== "conversation.item.create" && event.type !== "response.create") return false;
  const fields = fieldsOf(event);
  const items = [fields["item"], ...list(record(fields["response"])["input"])];
  return items.some((item) => list(record(item)["content"]).some((part) => "audio" in record(part)));
}

/** The id of the response that an event is about as a whole. */
export function responseOf(event: RealtimeEvent): string {
  return String(record(fieldsOf(event)["response"])["id"]);
}

/** How a response ended. */
export interface EndedResponse {
  readonly id: string;
  readonly usage: Usage | null;
  /** Its status, or why it is not complete. */
  readonly finish_reason: string | null;
  /** What went wrong, where something did. */
  readonly error: string | null;
}

/** Reads `response.done`. */
export function readEnded(event: RealtimeEvent): EndedResponse {
  const response = record(fieldsOf(event)["response"]);
  const details = record(response["status_details"]);
  const error = record(details["error"]);
  const { id, status } = response;
  return {
    id: String(id),
    usage: readResponsesUsage(response["usage"]),
    finish_reason: wordOf(details["reason"]) ?? wordOf(status),
    error: status === "failed" ? (wordOf(error["code"]) ?? wordOf(error["type"]) ?? "failed") : null,
  };
}

function wordOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** When a provider's limits that are used up are there again, in milliseconds from now; null where none is. */
export function readRest(event: RealtimeEvent): number | null {
  const resets = list(fieldsOf(event)["rate_limits"])
    .map(record)
    .filter(({ remaining }) => remaining === 0)
    .map(({ reset_seconds }) => (typeof reset_seconds === "number" ? reset_seconds * 1_000 : 0));
  return resets.length === 0 ? null : Math.max(...resets);
}

/** How much audio one token of it is, as a client's bytes of base64 (100 ms) and a server's (50 ms) of 16 bits at 24 kHz. */
const INPUT_TOKEN_CHARS = (4 / 3) * 4_800;
const OUTPUT_TOKEN_CHARS = (4 / 3) * 2_400;
const TEXT_TOKEN_CHARS = 4;

/** About how many tokens an event of a client adds to its conversation. */
export function tokensOfInput({ type, scan }: RealtimeEvent): number {
  const chars = scan.bytes.length;
  if (type.endsWith("input_audio_buffer.append")) return chars / INPUT_TOKEN_CHARS;
  return type === "conversation.item.create" || type === "session.update" ? chars / TEXT_TOKEN_CHARS : 0;
}

/** About how many tokens of an answer came with an event of a server; 0 where it is no piece of one. */
export function tokensOfOutput({ type, scan }: RealtimeEvent): number {
  if (!type.startsWith("response.") || !type.endsWith(".delta")) return 0;
  const delta = scan.find("delta");
  if (delta === null) return 0;
  const chars = delta.end - delta.start - 2;
  const is_sound = type === "response.output_audio.delta" || type === "response.audio.delta";
  // What is said is told as text, too, and costs nothing more.
  if (type.endsWith("audio_transcript.delta")) return 0;
  return chars / (is_sound ? OUTPUT_TOKEN_CHARS : TEXT_TOKEN_CHARS);
}

/** An event that tells a client of an error. @param event_id of the client's event that it is about; null for none */
export function errorEvent(error: WireError, event_id: string | null = null): string {
  const { type, code, message, param } = error;
  return JSON.stringify({
    type: "error",
    event_id: `event_${crypto.randomUUID().replaceAll("-", "")}`,
    error: { type, code, message, param, event_id },
  });
}

/** An event that ends a response. */
export function cancelEvent(response_id: string): Uint8Array {
  return Buffer.from(JSON.stringify({ type: "response.cancel", response_id }));
}
