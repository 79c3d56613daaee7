// What an event of a stream costs that is read from one format and written in another: the part of Anthropic's Messages in it.

import { MESSAGES } from "../../src/dialects/anthropic/format.ts";
import type { StreamEvent } from "../../src/dialects/neutral/answer.ts";
import { EMPTY_REQUEST } from "../../src/dialects/neutral/request.ts";
import type { Task } from "./measure.ts";

const CONTEXT = { call_id: "call", model: "m", now_s: 0, request: { ...EMPTY_REQUEST, model: "m" } };
const DELTA: StreamEvent = { kind: "delta", choice: 0, part: 0, text: " of the answer, in a few words" };

/** A stream's bytes up to its first delta, and one delta. */
function written(): { readonly opening: Uint8Array; readonly delta: Uint8Array } {
  const writer = MESSAGES.writeStream(CONTEXT);
  const opening =
    writer.write({ kind: "start", id: "msg_1", model: "m", created_s: null }) +
    writer.write({ kind: "part_start", choice: 0, part: 0, start: { kind: "text" } }) +
    writer.write(DELTA);
  return { opening: Buffer.from(opening), delta: Buffer.from(writer.write(DELTA)) };
}

/** Reading a delta, writing one, and both; per event. */
export function translationTasks(): readonly Task[] {
  const { opening, delta } = written();
  let last: unknown = null;
  const alone = MESSAGES.readStream((event) => {
    last = event;
  });
  alone.feed(opening);
  const writer = MESSAGES.writeStream(CONTEXT);
  const through = MESSAGES.readStream((event) => {
    last = writer.write(event);
  });
  through.feed(opening);
  const text = "messages, a delta";
  const bytes = delta.length;
  return [
    {
      ...{ text, name: "read", bytes },
      run: () => {
        alone.feed(delta);
        return last;
      },
    },
    { text, name: "write", bytes, run: () => writer.write(DELTA) },
    {
      ...{ text, name: "read and write", bytes },
      run: () => {
        through.feed(delta);
        return last;
      },
    },
  ];
}
