// A request with other texts in the place of some: all else stays the bytes that came.

import { readString } from "../../../wire/json.ts";
import { type Edit, splice } from "../../../wire/splice.ts";
import { REQUEST } from "../../request_places.ts";
import { walk } from "../../walk.ts";
import type { RequestText } from "./request_texts.ts";

/** The request with its texts as they are now; the very bytes that came where none has changed. */
export function rewriteTexts(bytes: Uint8Array, texts: readonly RequestText[]): Uint8Array {
  const changed = new Map<string, string>();
  for (const { came, text } of texts) if (text !== came) changed.set(came, text);
  if (changed.size === 0) return bytes;
  const edits: Edit[] = [];
  walk(bytes, REQUEST, (span, treatment, visited) => {
    if ((treatment !== "text" && treatment !== "name") || visited !== "string") return;
    const text = changed.get(readString(bytes, span) ?? "");
    if (text !== undefined) edits.push({ ...span, bytes: Buffer.from(JSON.stringify(text)) });
  });
  return Buffer.concat(splice(bytes, edits));
}
