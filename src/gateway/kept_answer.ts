// A kept answer as a client gets it: as one body or as a stream, whichever it asked for, however it came.

import type { CacheEntry } from "../cache/entry.ts";
import type { CacheKey } from "../cache/key.ts";
import { type ClientFormatName, isChunked } from "../dialects/client_format.ts";
import { replayEvents } from "../dialects/openai/replay.ts";
import { streamedForm, wholeForm } from "../dialects/whole_form.ts";

/** What a client asked for. */
export interface AskedForm {
  /** The client's format; the kept answer is in the same. */
  readonly format: ClientFormatName;
  readonly is_stream: boolean;
  /** Whether its stream tells usage. */
  readonly asks_usage: boolean;
  /** How many answers. */
  readonly choices: number;
}

/** What a kept answer costs whoever gets it, in dollars as text. */
const FREE = "0";

/** Bytes of answers in their other form that are held at most. */
const OTHER_FORMS_MAX_BYTES = 16 * 1024 * 1024;

/** Kept answers in the form that is asked for. What had to be put into another form is held for the next who asks for it so. */
export class KeptAnswers {
  readonly #other_forms = new Map<
    string,
    { readonly created_ms: number; readonly body: Uint8Array | null }
  >();
  #held_bytes = 0;

  /** The bytes of an answer as asked for; null where it cannot be put into that form. */
  bytesOf(key: CacheKey, entry: CacheEntry, asked: AskedForm): Uint8Array | null {
    if (!asked.is_stream) return entry.kind === "whole" ? entry.body : this.#otherForm(key, entry, asked);
    const events = entry.kind === "events" ? entry.body : this.#otherForm(key, entry, asked);
    const { asks_usage, format } = asked;
    // Streams of other formats tell usage to everyone.
    if (events === null || !isChunked(format)) return events;
    return replayEvents(events, { include_usage: asks_usage, cost_usd: FREE });
  }

  #otherForm(key: CacheKey, entry: CacheEntry, { choices, format }: AskedForm): Uint8Array | null {
    const { kind, body, created_ms } = entry;
    const name = `${kind} ${key.bytes.toString("latin1")}`;
    const known = this.#other_forms.get(name);
    if (known !== undefined && known.created_ms === created_ms) return known.body;
    const made = kind === "whole" ? streamedForm(format, body) : wholeForm(format, body, choices);
    this.#hold(name, created_ms, made);
    return made;
  }

  #hold(name: string, created_ms: number, body: Uint8Array | null): void {
    this.#drop(name);
    this.#other_forms.set(name, { created_ms, body });
    this.#held_bytes += sizeOf(body);
    // The oldest first.
    for (const other of this.#other_forms.keys()) {
      if (this.#held_bytes <= OTHER_FORMS_MAX_BYTES) break;
      this.#drop(other);
    }
  }

  #drop(name: string): void {
    const held = this.#other_forms.get(name);
    if (held === undefined) return;
    this.#other_forms.delete(name);
    this.#held_bytes -= sizeOf(held.body);
  }
}

/** What holding takes, about. */
function sizeOf(body: Uint8Array | null): number {
  return 512 + (body?.length ?? 0);
}

/** A stream as it is kept: what says nothing is left out of it. */
export function keptEvents(events: Uint8Array, format: ClientFormatName): Uint8Array {
  if (!isChunked(format)) return events;
  return replayEvents(events, { include_usage: true });
}
