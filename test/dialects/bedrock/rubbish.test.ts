// Answers and events of any shape: nothing is thrown, and what is told keeps the grammar.

import { expect, test } from "vitest";
import { BEDROCK } from "../../../src/dialects/bedrock/format.ts";
import { unpackedMessages } from "../../../src/dialects/bedrock/messages_stream.ts";
import type { StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { EMPTY_REQUEST } from "../../../src/dialects/neutral/request.ts";
import { CHAT } from "../../../src/dialects/openai/chat/format.ts";
import { randomIntegers } from "../../memory/random.ts";
import { eventFrame } from "../../wire/event_frames.ts";
import { checkChatStream } from "../grammar/chat.ts";

const NAMES = [
  ...["output", "message", "content", "text", "toolUse", "toolResult", "input", "name", "toolUseId", "type"],
  ...["reasoningContent", "reasoningText", "signature", "redactedContent", "citationsContent", "citations"],
  ...["citation", "location", "web", "url", "image", "source", "bytes", "format", "delta", "start", "role"],
  ...["contentBlockIndex", "stopReason", "usage", "inputTokens", "outputTokens", "serviceTier", "status"],
];
const EVENTS = [
  ...["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockDelta", "contentBlockStop"],
  ...["messageStop", "metadata", "chunk", "other"],
];
const CONTEXT = {
  ...{ call_id: "call1", model: "m", now_s: 1_790_000_000 },
  request: { ...EMPTY_REQUEST, model: "m", stream: true, asks_usage: true },
};

/** A value of any shape, its members named as the format names its own. */
function rubbish(random: (limit: number) => number, depth: number): unknown {
  const leaves = ["", "text", "end_turn", "tool_use", "\ud800", 0, 1, -3, 1e300, true, null];
  const kind = depth === 0 ? 0 : random(4);
  if (kind < 2) return leaves[random(leaves.length)];
  const items = Array.from({ length: random(4) }, () => rubbish(random, depth - 1));
  if (kind === 2) return items;
  return Object.fromEntries(items.map((item) => [NAMES[random(NAMES.length)]!, item]));
}

test("whole answers", () => {
  const random = randomIntegers(1);
  let read = 0;
  for (let round = 0; round < 5000; round++) {
    const content = [rubbish(random, 4), rubbish(random, 3), { text: rubbish(random, 1) }];
    const value = { ...(rubbish(random, 2) as object), output: { message: { content } } };
    const answer = BEDROCK.readAnswer(value);
    if (answer === null) continue;
    read += 1;
    expect(() => JSON.stringify(CHAT.writeAnswer(answer, CONTEXT))).not.toThrow();
  }
  expect(read).toBe(5000);
});

test("streams", () => {
  const random = randomIntegers(2);
  let ended = 0;
  for (let round = 0; round < 3000; round++) {
    const frames = Array.from({ length: 1 + random(8) }, () => {
      const event = rubbish(random, 4);
      const some =
        typeof event === "object" && event !== null && !Array.isArray(event) ? event : { delta: event };
      return eventFrame(EVENTS[random(EVENTS.length)]!, { contentBlockIndex: random(3), ...some });
    });
    const end = [eventFrame("messageStop", { stopReason: "end_turn" }), eventFrame("metadata", {})];
    const events: StreamEvent[] = [];
    const reader = BEDROCK.readStream((event) => events.push(event));
    for (const frame of [...frames, ...end]) reader.feed(frame);
    reader.close();
    const writer = CHAT.writeStream(CONTEXT);
    const stream = events.map((event) => writer.write(event)).join("");
    expect(checkChatStream(stream), JSON.stringify(events)).toEqual([]);
    expect(events.filter(({ kind }) => kind === "end" || kind === "error").length).toBe(1);
    if (events.at(-1)!.kind === "end") ended += 1;
    const { translation } = unpackedMessages();
    for (const frame of frames) translation.feed(frame);
  }
  expect(ended).toBe(3000);
});
