// A kept answer in its other form: a whole answer out of a stream, a stream out of a whole answer, in the same format.

import { parseExact } from "../wire/exact_json.ts";
import { isFields } from "./fields.ts";
import { FORMATS } from "./formats.ts";
import { AnswerCollector, tellAnswer } from "./neutral/collect.ts";
import type { AnswerContext } from "./neutral/format.ts";
import type { FormatName } from "./neutral/parts.ts";
import { EMPTY_REQUEST } from "./neutral/request.ts";

/** The whole answer that a stream says; null where it has an error or no end. */
export function wholeOf(format: FormatName, events: Uint8Array): Uint8Array | null {
  const found = FORMATS[format];
  if (found === undefined) return null;
  const collector = new AnswerCollector();
  let has_ended = false;
  let is_broken = false;
  const reader = found.format.readStream((event) => {
    if (event.kind === "error") is_broken = true;
    else if (event.kind === "end") has_ended = true;
    else collector.take(event);
  });
  reader.feed(events);
  reader.close();
  if (is_broken || !has_ended) return null;
  return Buffer.from(JSON.stringify(found.format.writeAnswer(collector.answer(), replayContext())));
}

/** The stream that says a whole answer; null where it is none of the format. */
export function streamOf(format: FormatName, body: Uint8Array): Uint8Array | null {
  const found = FORMATS[format];
  const value = parseExact(body);
  const answer = found !== undefined && isFields(value) ? found.format.readAnswer(value) : null;
  if (found === undefined || answer === null) return null;
  const writer = found.format.writeStream(replayContext());
  let events = "";
  tellAnswer(answer, (event) => {
    events += writer.write(event);
  });
  return Buffer.from(events);
}

/** What a whole answer says, texts and calls, to be compared with what another says; null where it is none of the format. */
export function writtenIn(format: FormatName, body: Uint8Array): string | null {
  const value = parseExact(body);
  const answer = isFields(value) ? (FORMATS[format]?.format.readAnswer(value) ?? null) : null;
  const parts = answer?.choices[0]?.parts ?? null;
  if (parts === null) return null;
  const written = parts.map((part) => {
    if (part.kind === "text" || part.kind === "refusal") return part.text;
    return part.kind === "tool_call" ? `${part.name}(${part.arguments})` : "";
  });
  return written.filter((text) => text !== "").join("\n");
}

/** Of a request that nobody knows any more: what an answer says of it is kept with the answer. */
function replayContext(): AnswerContext {
  const call_id = crypto.randomUUID().replaceAll("-", "");
  const request = { ...EMPTY_REQUEST, model: "", asks_usage: true };
  return { call_id, model: "", now_s: Math.floor(Date.now() / 1000), request };
}
