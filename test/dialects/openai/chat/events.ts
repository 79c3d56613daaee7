// The events of a stream, checked against the grammar that the neutral model gives them, and a few ways to make and read them.

import type { ChatAnswer, StreamEvent } from "../../../../src/dialects/neutral/answer.ts";
import { AnswerCollector } from "../../../../src/dialects/neutral/collect.ts";
import type { AnswerContext, AnswerFormat } from "../../../../src/dialects/neutral/format.ts";
import { type ChatRequest, EMPTY_REQUEST } from "../../../../src/dialects/neutral/request.ts";

/** A context for writers; all fixed, so that two runs write the same. */
export function contextOf(request: Partial<ChatRequest> = {}): AnswerContext {
  return {
    ...{ call_id: "0123456789abcdef", model: "asked-model", now_s: 1_800_000_000 },
    request: { ...EMPTY_REQUEST, model: "asked-model", ...request },
  };
}

/** The events that a stream's bytes give, cut at these places. */
export function eventsOfStream(
  format: AnswerFormat,
  bytes: Uint8Array | string,
  cuts: readonly number[] = [],
): StreamEvent[] {
  const whole = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
  const events: StreamEvent[] = [];
  const reader = format.readStream((event) => events.push(event));
  let at = 0;
  for (const cut of [...cuts, whole.length]) {
    reader.feed(whole.subarray(at, cut));
    at = cut;
  }
  reader.close();
  return events;
}

/** What a stream's events say as a whole. */
export function answerOfEvents(events: readonly StreamEvent[]): ChatAnswer {
  const collector = new AnswerCollector();
  for (const event of events) collector.take(event);
  return collector.answer();
}

/** The stream that a format writes of events. */
export function streamOf(
  format: AnswerFormat,
  events: readonly StreamEvent[],
  context: AnswerContext,
): string {
  const writer = format.writeStream(context);
  return events.map((event) => writer.write(event)).join("");
}

/** What is wrong with a stream's events; empty: nothing. */
export function checkEvents(events: readonly StreamEvent[]): string[] {
  const wrong: string[] = [];
  const next = new Map<number, number>();
  const open = new Set<string>();
  const finished = new Set<number>();
  let is_over = false;
  let has_started = false;
  for (const [at, event] of events.entries()) {
    if (is_over) wrong.push(`event ${at} (${event.kind}) comes behind the end`);
    if (event.kind === "start") {
      if (has_started) wrong.push("it starts twice");
      has_started = true;
      continue;
    }
    if (event.kind === "end" || event.kind === "error") {
      is_over = true;
      if (event.kind === "end" && open.size > 0) wrong.push(`it ends with ${[...open].join(", ")} open`);
      continue;
    }
    if (!has_started) wrong.push(`event ${at} (${event.kind}) comes before the start`);
    if (event.kind === "usage") continue;
    if (finished.has(event.choice))
      wrong.push(`choice ${event.choice} goes on behind its end (${event.kind})`);
    if (event.kind === "finish") {
      finished.add(event.choice);
      for (const part of open)
        if (part.startsWith(`${event.choice}:`)) wrong.push(`part ${part} is open at the end`);
      continue;
    }
    if (event.kind === "logprobs") continue;
    const key = `${event.choice}:${event.part}`;
    if (event.kind === "part_start") {
      const expected = next.get(event.choice) ?? 0;
      if (event.part !== expected) wrong.push(`part ${key} begins, not ${expected}`);
      next.set(event.choice, event.part + 1);
      open.add(key);
    } else if (!open.has(key)) {
      wrong.push(`${event.kind} of part ${key}, which is not open`);
    } else if (event.kind === "part_stop") {
      open.delete(key);
    } else if (event.kind === "delta" && event.text === "") {
      wrong.push(`an empty delta of part ${key}`);
    }
  }
  return wrong;
}
