// A plain answer with its client's values put back. What holds no placeholder is the very bytes that came.

import { readString, scanObject } from "../wire/json.ts";
import { type Edit, splice } from "../wire/splice.ts";
import { ANSWER } from "./answer_places.ts";
import type { Mapping } from "./mapping.ts";
import { restoreText } from "./restore.ts";
import { walk } from "./walk.ts";

/** Restores the body of an answer of chat or legacy completions; anything else comes back as it is. */
export function restoreAnswer(body: Uint8Array, mapping: Mapping): Uint8Array {
  if (mapping.size === 0 || scanObject(body).fault !== null) return body;
  const edits: Edit[] = [];
  walk(body, ANSWER, (span, treatment) => {
    if (treatment === "keep") return;
    const text = readString(body, span);
    const restored = text === null ? null : restoreText(text, mapping);
    if (restored !== text) edits.push({ ...span, bytes: Buffer.from(JSON.stringify(restored)) });
  });
  return edits.length === 0 ? body : Buffer.concat(splice(body, edits));
}
