// What writers of answers are told in tests, and streams in one go.

import { GEMINI } from "../../../src/dialects/gemini/format.ts";
import { type GeminiFraming, GeminiStreamWriter } from "../../../src/dialects/gemini/write_stream.ts";
import type { StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { AnswerCollector } from "../../../src/dialects/neutral/collect.ts";
import type { AnswerContext } from "../../../src/dialects/neutral/format.ts";
import { EMPTY_REQUEST } from "../../../src/dialects/neutral/request.ts";

/** A call. */
export const CONTEXT: AnswerContext = {
  call_id: "call1234",
  model: "asked-for",
  now_s: 1_700_000_000,
  request: { ...EMPTY_REQUEST, model: "asked-for" },
};

/** The events of a stream whose bytes come in these pieces. */
export function readStream(chunks: readonly Uint8Array[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const reader = GEMINI.readStream((event) => events.push(event));
  for (const chunk of chunks) reader.feed(chunk);
  reader.close();
  return events;
}

/** The bytes of a stream of events. */
export function writeStream(events: readonly StreamEvent[], framing: GeminiFraming = "sse"): Uint8Array {
  const writer = new GeminiStreamWriter(CONTEXT, framing);
  return Buffer.from(events.map((event) => writer.write(event)).join(""));
}

/** The answer that events say. */
export function collect(events: readonly StreamEvent[]) {
  const collector = new AnswerCollector();
  for (const event of events) collector.take(event);
  return collector.answer();
}

/** What is wrong with the order of neutral events. */
export function checkEvents(events: readonly StreamEvent[]): string[] {
  const wrong: string[] = [];
  const open = new Map<string, string>();
  const finished = new Set<number>();
  const counts = new Map<number, number>();
  let is_started = false;
  let is_over = false;
  for (const event of events) {
    if (is_over) wrong.push(`${event.kind} behind the end`);
    if (event.kind === "start") {
      if (is_started) wrong.push("a second start");
      is_started = true;
    } else if (event.kind === "end" || event.kind === "error") is_over = true;
    else if (event.kind !== "usage") {
      if (!is_started) wrong.push(`${event.kind} before the start`);
      if (finished.has(event.choice)) wrong.push(`${event.kind} behind the finish`);
      if (event.kind === "finish") finished.add(event.choice);
      if ("part" in event) {
        const key = `${event.choice}.${event.part}`;
        if (event.kind === "part_start") {
          if (event.part !== (counts.get(event.choice) ?? 0)) wrong.push("parts are not numbered in order");
          counts.set(event.choice, event.part + 1);
          open.set(key, event.start.kind);
        } else if (!open.has(key)) wrong.push(`${event.kind} of a part that is not open`);
        if (event.kind === "delta" && event.text === "") wrong.push("an empty delta");
        if (event.kind === "part_stop") open.delete(key);
      }
    }
  }
  if (events.at(-1)?.kind === "end" && open.size > 0) wrong.push("a part that does not stop");
  return wrong;
}
