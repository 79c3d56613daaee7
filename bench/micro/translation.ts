// What an event of a stream costs that is read from one format and written in another: each format's reader and its writer.

import { FORMATS, PROVIDER_FORMATS } from "../../src/dialects/formats.ts";
import type { StreamEvent } from "../../src/dialects/neutral/answer.ts";
import type { AnswerContext, ProviderSide } from "../../src/dialects/neutral/format.ts";
import { EMPTY_REQUEST } from "../../src/dialects/neutral/request.ts";
import { usageOf } from "../../src/dialects/usage.ts";
import { eventFrame } from "../../test/wire/event_frames.ts";
import type { Task } from "./measure.ts";

const EVENTS = 500;
const CONTEXT: AnswerContext = {
  ...{ call_id: "0123456789abcdef", model: "model", now_s: 1_700_000_000 },
  request: { ...EMPTY_REQUEST, model: "model", stream: true, asks_usage: true },
};

/** A text in pieces as long as providers send them. */
function streamed(): StreamEvent[] {
  const at = { choice: 0, part: 0 };
  const pieces = Array.from({ length: EVENTS }, (_, index): StreamEvent => {
    return { kind: "delta", ...at, text: ` and so on, word ${index}` };
  });
  return [
    { kind: "start", id: "answer", model: "model", created_s: 1_700_000_000 },
    { kind: "part_start", ...at, start: { kind: "text" } },
    ...pieces,
    { kind: "part_stop", ...at },
    { kind: "finish", choice: 0, finish: { reason: "stop" } },
    { kind: "usage", usage: usageOf({ input_tokens: 20, output_tokens: 2 * EVENTS }) },
    { kind: "end" },
  ];
}

/** An event of the same as it comes from providers whose formats no client speaks. */
const FRAMES = {
  bedrock: (text: string) => eventFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text } }),
  cohere: (text: string) => {
    const delta = { type: "content-delta", index: 0, delta: { message: { content: { text } } } };
    return Buffer.from(`event: content-delta\ndata: ${JSON.stringify(delta)}\n\n`);
  },
  ollama: (content: string) => {
    const head = { model: "model", created_at: "2026-01-01T00:00:00.000000Z" };
    const line = { ...head, message: { role: "assistant", content }, done: false };
    return Buffer.from(`${JSON.stringify(line)}\n`);
  },
} as const;

function readTask(text: string, format: ProviderSide, stream: Buffer): Task {
  // As the network cuts it: some events at a time.
  const chunks = Array.from({ length: Math.ceil(stream.length / 1024) }, (_, index) =>
    stream.subarray(1024 * index, 1024 * (index + 1)),
  );
  const run = () => {
    let seen = 0;
    const reader = format.readStream(() => {
      seen += 1;
    });
    for (const chunk of chunks) reader.feed(chunk);
    reader.close();
    if (seen < EVENTS) throw new Error(`${text}: only ${seen} events were read`);
    return seen;
  };
  return { text, name: "read an event", bytes: Math.round(stream.length / EVENTS), per_run: EVENTS, run };
}

/** Reading and writing such a stream in every format; `bytes` are those of one event. */
export function translationTasks(): readonly Task[] {
  const events = streamed();
  const texts = events.flatMap((event) => (event.kind === "delta" ? [event.text] : []));
  const of_clients = Object.entries(FORMATS).flatMap(([text, { format }]): Task[] => {
    const write = () => {
      const writer = format.writeStream(CONTEXT);
      let written = "";
      for (const event of events) written += writer.write(event);
      return written;
    };
    const stream = Buffer.from(write());
    const bytes = Math.round(stream.length / EVENTS);
    return [
      readTask(text, format, stream),
      { text, name: "write an event", bytes, per_run: EVENTS, run: write },
    ];
  });
  const of_providers = (["bedrock", "cohere", "ollama"] as const).map((name) =>
    readTask(name, PROVIDER_FORMATS[name]!.format, Buffer.concat(texts.map(FRAMES[name]))),
  );
  return [...of_clients, ...of_providers];
}
