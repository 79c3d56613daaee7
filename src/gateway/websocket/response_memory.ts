// The last responses of a connection, so that the next turn needs only what is new and the id of what was before. They are kept as
// long as the connection, whatever provider answered, and whether it keeps them or not.
// Source: OpenAI, "WebSocket mode": of every stream of turns the latest response is held in memory.

import { type StoredResponse, storedItems, withPrevious } from "../../dialects/responses/conversation.ts";
import type { Fields } from "../../dialects/responses/own.ts";
import { parseExact } from "../../wire/exact_json.ts";

/** What a connection may hold, in characters of JSON. */
const HELD_MAX_CHARS = 8 * 1024 * 1024;

interface Held {
  readonly id: string;
  /** JSON of a `StoredResponse`, which takes less memory than its objects. */
  readonly text: string;
}

/** The responses that a connection can go on with. */
export class ResponseMemory {
  /** By the stream of turns, the one that was used longest ago first. */
  readonly #latest = new Map<string | null, Held>();
  #chars = 0;

  /** A request with what was before it; null: the response that it goes on with is not held. */
  expand(body: Fields): Fields | null {
    const id = body["previous_response_id"];
    for (const held of this.#latest.values()) {
      if (held.id === id)
        return withPrevious(body, parseExact(Buffer.from(held.text)) as StoredResponse, true);
    }
    return null;
  }

  /**
   * Keeps an answer, in place of the one before it in its stream of turns.
   * @param body the request, with all that was before it
   */
  keep(stream_id: string | null, body: Fields, response: Fields): void {
    const { id } = response;
    if (typeof id !== "string") return;
    this.#drop(stream_id);
    const text = JSON.stringify(storedItems(body, response));
    this.#latest.set(stream_id, { id, text });
    this.#chars += text.length;
    for (const other of this.#latest.keys()) {
      if (this.#chars <= HELD_MAX_CHARS) break;
      this.#drop(other);
    }
  }

  #drop(stream_id: string | null): void {
    this.#chars -= this.#latest.get(stream_id)?.text.length ?? 0;
    this.#latest.delete(stream_id);
  }
}
