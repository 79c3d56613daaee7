// What the framing of a stream costs, and how much of it a native search could save at most.
// It is the reason why there is no native framer: see native/README.md.

import { SseFramer } from "../../src/wire/sse.ts";
import type { Task } from "./measure.ts";

const EVENTS = 200;

/** One event as OpenAI's streams have them, 320 bytes long. */
function event(index: number): string {
  const delta = { choices: [{ index: 0, delta: { content: ` word${index % 10}` }, finish_reason: null }] };
  const data = { id: "chatcmpl-1", object: "chat.completion.chunk", model: "gpt-4o-mini", ...delta };
  return `data: ${JSON.stringify({ ...data, filler: "x".repeat(150) })}\n\n`;
}

/** Framing an event that comes alone, framing many in one chunk, and the parts of that work; all per event. */
export function sseTasks(): readonly Task[] {
  const one = new Uint8Array(Buffer.from(event(0)));
  const many = new Uint8Array(Buffer.from(event(0).repeat(EVENTS)));
  let last: unknown = null;
  const framer = new SseFramer(1 << 20, {
    onEvent: (found) => {
      last = found;
    },
  });
  const bytes = one.length;
  const eachEvent = (work: (start: number, end: number) => unknown) => () => {
    for (let start = 0; start < many.length; start += one.length) last = work(start, start + one.length);
    return last;
  };
  return [
    { text: "chunk of one event", name: "frame", bytes, run: () => framer.feed(one) },
    { text: "chunk of 200", name: "frame", bytes, per_run: EVENTS, run: () => framer.feed(many) },
    {
      text: "chunk of 200",
      name: "only the search",
      bytes,
      per_run: EVENTS,
      // The ends of its two lines; the search for CR runs once to the end of the chunk and is kept.
      run: eachEvent((start, end) => many.indexOf(10, start) + many.indexOf(10, end - 1)),
    },
    {
      text: "chunk of 200",
      name: "only the events",
      bytes,
      per_run: EVENTS,
      run: eachEvent((start, end) => {
        return {
          raw: many.subarray(start, end),
          data: many.subarray(start + 6, end - 2),
          name: null,
          id: null,
        };
      }),
    },
  ];
}
