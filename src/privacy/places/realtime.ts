// What the places of Realtime events hold, those of clients and those of servers. What is new in them tomorrow is text, too.
// Source: OpenAI API reference, "Client events" and "Server events" of Realtime, with the names that they had before.

import type { AnswerTreatment } from "../answer_places.ts";
import { CONTENT, JSON_TEXT, KEEP, type RequestTreatment } from "../request_places.ts";
import { type EventTexts, findWholes, type StreamPlaces, type WholeText } from "../stream_places.ts";
import { type Rule, rule } from "../walk.ts";
import { ANSWER_ITEM, ITEM, kept, TOOL } from "./responses.ts";

/** A part of an item: its sound is kept, what is said in it is text. */
const PART: Rule<RequestTreatment> = { ...CONTENT, members: new Map([...CONTENT.members, ["audio", KEEP]]) };

const CONVERSATION_ITEM: Rule<RequestTreatment> = {
  ...ITEM,
  members: new Map([...ITEM.members, ["object", KEEP], ["content", PART]]),
};

/** How audio goes in and out; what a transcription is told beforehand is text. */
const AUDIO = rule<RequestTreatment>("keep", {
  input: rule<RequestTreatment>("keep", {
    transcription: rule<RequestTreatment>("text", kept(["model", "language", "delay"], KEEP)),
  }),
});

/** What a session, or one answer in it, is to be like. */
const SETTINGS = rule<RequestTreatment>("text", {
  ...kept(["type", "object", "id", "model", "voice", "modalities", "output_modalities", "include"], KEEP),
  ...kept(["input_audio_format", "output_audio_format", "turn_detection", "tool_choice", "truncation"], KEEP),
  ...kept(["reasoning", "conversation", "input_audio_noise_reduction", "client_secret"], KEEP),
  audio: AUDIO,
  input_audio_transcription: rule<RequestTreatment>("text", kept(["model", "language"], KEEP)),
  tools: TOOL,
  input: CONVERSATION_ITEM,
  prompt: rule<RequestTreatment>("text", {
    ...{ id: KEEP, version: KEEP },
    // Each is named by the client: a text, or a part.
    variables: rule<RequestTreatment>("text", {}, CONTENT),
  }),
  metadata: JSON_TEXT,
});

/** An event of a client. */
export const REALTIME_EVENT: Rule<RequestTreatment> = rule<RequestTreatment>("text", {
  ...kept(["type", "event_id", "item_id", "previous_item_id", "response_id", "audio"], KEEP),
  session: SETTINGS,
  response: SETTINGS,
  item: CONVERSATION_ITEM,
});

const ANSWER_KEEP = rule<AnswerTreatment>("keep");
const ANSWER_TEXT = rule<AnswerTreatment>("text");

const ANSWER_PART: Rule<AnswerTreatment> = {
  ...ANSWER_ITEM,
  members: new Map([...ANSWER_ITEM.members, ["audio", ANSWER_KEEP], ["object", ANSWER_KEEP]]),
};

/** A response, with what it repeats of what was asked for. */
const RESPONSE: Rule<AnswerTreatment> = rule<AnswerTreatment>("keep", {
  output: ANSWER_PART,
  metadata: ANSWER_TEXT,
});

/** What a session repeats of its settings. */
const SESSION: Rule<AnswerTreatment> = rule<AnswerTreatment>("keep", {
  instructions: ANSWER_TEXT,
  tools: rule<AnswerTreatment>("text", kept(["type", "name"], ANSWER_KEEP)),
});

/** The whole of an answer: an event has its members at the top. */
export const REALTIME_ANSWER: Rule<AnswerTreatment> = rule<AnswerTreatment>("keep", {
  item: ANSWER_PART,
  part: ANSWER_PART,
  response: RESPONSE,
  session: SESSION,
  text: ANSWER_TEXT,
  transcript: ANSWER_TEXT,
  arguments: ANSWER_TEXT,
});

/** Deltas of sounds. */
const SOUNDS: ReadonlySet<unknown> = new Set(["response.audio.delta", "response.output_audio.delta"]);

/** The places of the events of one response, or of those that belong to none. An event of them is a line of JSON. */
export const REALTIME_STREAM: StreamPlaces = { number_member: null, isEnd: () => false, read };

function read(event: Readonly<Record<string, unknown>>): EventTexts | null {
  const { type, delta } = event;
  if (typeof type !== "string") return null;
  const scope = scopeOf(event, type);
  if (type.startsWith("response.") && type.endsWith(".delta")) {
    if (typeof delta !== "string" || delta === "" || SOUNDS.has(type)) return NO_TEXTS;
    const frame = (text: string) => `${JSON.stringify({ ...event, delta: text })}\n`;
    const piece = { name: scope, scope, kind: type, came: delta, path: ["delta"], frame };
    return { growing: [piece], whole: [], ended: [] };
  }
  const whole: WholeText[] = [];
  findWholes(event, REALTIME_ANSWER, [], (text) => whole.push(text));
  if (type === "response.done") return { growing: [], whole, ended: "all" };
  return { growing: [], whole, ended: type.endsWith(".done") ? [scope] : [] };
}

const NO_TEXTS: EventTexts = { growing: [], whole: [], ended: [] };

/** Which text an event is about: of which item, of which of its parts. */
function scopeOf({ item_id, content_index }: Readonly<Record<string, unknown>>, type: string): string {
  return [type.replace(/\.(delta|done)$/, ""), item_id ?? "", content_index ?? ""].join(" ");
}
