// A sound that a model made (API reference, "The chat completion object", `audio`).

import { isFields } from "../../fields.ts";
import type { MediaPart } from "../../neutral/parts.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Reads an answer's `audio`; null where it has no data. What it says is kept beside it. */
export function readSound(audio: unknown): MediaPart | null {
  if (!isFields(audio) || typeof audio["data"] !== "string" || audio["data"] === "") return null;
  const { data, ...fields } = audio;
  // Only the request says in which format; the data says it too, to whoever plays it.
  return {
    kind: "audio",
    source: { kind: "base64", media_type: "audio/wav", data },
    own: { format: "chat", fields },
  };
}

/** An answer's `audio`; null for a sound that is not there in bytes. */
export function writeSound({ source, own }: MediaPart, id: string, now_s: number): Fields | null {
  if (source.kind !== "base64") return null;
  const others = own?.format === "chat" ? own.fields : {};
  return { id, data: source.data, transcript: "", expires_at: now_s, ...others };
}
