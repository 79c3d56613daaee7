// A plain answer with its texts judged and its client's values put back. Where nothing changes it is the very bytes that came.

import { readString, scanObject, spanText } from "../wire/json.ts";
import { type Edit, splice } from "../wire/splice.ts";
import { ANSWER, type AnswerTreatment } from "./answer_places.ts";
import { AnswerTexts } from "./answer_texts.ts";
import type { Mapping } from "./mapping.ts";
import { type Rule, walk } from "./walk.ts";

/**
 * Restores the body of an answer; anything else comes back as it is.
 * @param places of the answer's format; of chat and legacy completions by default
 */
export function restoreAnswer(
  body: Uint8Array,
  treated: Mapping | AnswerTexts,
  places: Rule<AnswerTreatment> = ANSWER,
): Uint8Array {
  const texts = treated instanceof AnswerTexts ? treated : new AnswerTexts(treated);
  if (texts.is_idle) return body;
  if (scanObject(body).fault !== null) {
    texts.refuse();
    return body;
  }
  const edits: Edit[] = [];
  walk(body, places, (span, treatment, visited) => {
    if (treatment === "keep" || visited === "name") return;
    if (visited === "json") {
      const came = spanText(body, span);
      const given = texts.treatJson(came);
      if (given !== came) edits.push({ ...span, bytes: Buffer.from(given) });
      return;
    }
    const text = readString(body, span);
    if (text === null) texts.refuse();
    const restored = text === null ? null : texts.treat(text);
    if (restored !== text) edits.push({ ...span, bytes: Buffer.from(JSON.stringify(restored)) });
  });
  return edits.length === 0 ? body : Buffer.concat(splice(body, edits));
}
