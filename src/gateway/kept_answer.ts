// A kept answer as a client gets it: as one body or as a stream, whichever it asked for, however it came.

import type { CacheEntry } from "../cache/entry.ts";
import { assembleAnswer } from "../dialects/openai/assemble.ts";
import { replayEvents } from "../dialects/openai/replay.ts";
import { streamAnswer } from "../dialects/openai/unfold.ts";

/** What a client asked for. */
export interface AskedForm {
  readonly is_stream: boolean;
  /** Whether its stream tells usage. */
  readonly asks_usage: boolean;
  /** How many answers. */
  readonly choices: number;
}

/** What a kept answer costs whoever gets it, in dollars as text. */
const FREE = "0";

/** The bytes of an answer in the form that was asked for; null where it cannot be put into it. */
export function bytesOfEntry({ kind, body }: CacheEntry, asked: AskedForm): Uint8Array | null {
  const { is_stream, asks_usage, choices } = asked;
  if (!is_stream) return kind === "whole" ? body : assembleAnswer(body, choices);
  const events = kind === "events" ? body : streamAnswer(body, { include_usage: asks_usage });
  return events === null ? null : replayEvents(events, { include_usage: asks_usage, cost_usd: FREE });
}
