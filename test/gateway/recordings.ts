// The recorded event streams of chat completions, as providers sent them, and what each of them says by the plain reading.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventsOf, type WireEvent } from "./harness.ts";

const FOLDER = join(import.meta.dirname, "../../../shared/fixtures");

/** Why there are none, for `describe.skipIf`; null where they are there. */
export const RECORDINGS_MISSING: string | null = existsSync(join(FOLDER, "index.jsonl"))
  ? null
  : "the recorded provider traffic is not beside the checkout (shared/fixtures)";

/** A recorded stream. */
export interface Recording {
  readonly name: string;
  readonly body: Buffer;
  readonly events: readonly WireEvent[];
  /** Prompt and completion tokens of the last usage that it reports; null where it reports none. */
  readonly usage: { readonly input: number; readonly output: number } | null;
  /** What a client gets that did not ask for usage: all but the chunk that carries usage alone. */
  readonly without_usage: Buffer;
  /** Offsets behind each event. */
  readonly boundaries: readonly number[];
}

interface Chunk {
  readonly choices?: readonly unknown[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens?: number } | null;
}

/** All of them, the shortest first. */
export function recordings(): Recording[] {
  if (RECORDINGS_MISSING !== null) return [];
  return readFileSync(join(FOLDER, "index.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { case: string; kind: string; op: string; status: number })
    .filter(({ kind, op, status }) => kind === "sse" && op === "chat.completions" && status === 200)
    .map(({ case: name }) => read(name))
    .sort((a, b) => a.body.length - b.body.length);
}

function read(name: string): Recording {
  const body = readFileSync(join(FOLDER, name, "response.body"));
  const events = eventsOf(body.toString("latin1"));
  const chunks = events.map(({ data }) => chunkOf(data));
  const usage = chunks.findLast((chunk) => chunk?.usage)?.usage ?? null;
  const shown = events.filter((_, index) => {
    const chunk = chunks[index];
    return !(chunk?.usage && chunk.choices?.length === 0);
  });
  let at = 0;
  return {
    name,
    body,
    events,
    usage: usage && { input: usage.prompt_tokens, output: usage.completion_tokens ?? 0 },
    without_usage: Buffer.from(shown.map(({ raw }) => raw).join(""), "latin1"),
    boundaries: events.map(({ raw }) => {
      at += raw.length;
      return at;
    }),
  };
}

function chunkOf(data: string | null): Chunk | null {
  if (data === null || data === "[DONE]") return null;
  return JSON.parse(Buffer.from(data, "latin1").toString()) as Chunk;
}

/** Every position of a body up to `whole_max` bytes; of a longer one those around its events' ends, `count` at most. */
export function cuts(recording: Recording, whole_max: number, count: number): number[] {
  const { length } = recording.body;
  if (length <= whole_max) return Array.from({ length: length + 1 }, (_, at) => at);
  const near = recording.boundaries.flatMap((end) => [-2, -1, 0, 1, 2].map((by) => end + by));
  const inside = [...new Set(near)].filter((at) => at >= 0 && at <= length).sort((a, b) => a - b);
  if (inside.length <= count) return inside;
  return Array.from({ length: count }, (_, index) => inside[Math.floor((index * inside.length) / count)]!);
}
