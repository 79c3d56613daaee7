// A request with other texts in the place of some: all else stays the bytes that came.

import { type JsonSpan, readString } from "../../../wire/json.ts";
import { type Edit, splice } from "../../../wire/splice.ts";
import { REQUEST, type RequestTreatment, TEXT } from "../../request_places.ts";
import { type Rule, walk } from "../../walk.ts";
import type { RequestText } from "./request_texts.ts";

/**
 * The request with its texts as they are now; the very bytes that came where none has changed.
 * @param places of the request's format
 */
export function rewriteTexts(
  bytes: Uint8Array,
  texts: readonly RequestText[],
  places: Rule<RequestTreatment> = REQUEST,
): Uint8Array {
  const changed = new Map<string, string>();
  for (const { came, text } of texts) if (text !== came) changed.set(came, text);
  if (changed.size === 0) return bytes;
  const edits: Edit[] = [];
  const rewrite = (span: JsonSpan) => {
    const text = changed.get(readString(bytes, span) ?? "");
    if (text !== undefined) edits.push({ ...span, bytes: Buffer.from(JSON.stringify(text)) });
  };
  walk(bytes, places, (span, treatment, visited) => {
    if (treatment === "keep" || treatment === "hash") return;
    if (visited === "string") rewrite(span);
    else if (visited === "json") {
      const { start } = span;
      walk(bytes.subarray(start, span.end), TEXT, (inner, _, kind) => {
        if (kind === "string") rewrite({ ...inner, start: start + inner.start, end: start + inner.end });
      });
    }
  });
  return Buffer.concat(splice(bytes, edits));
}
