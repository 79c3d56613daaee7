// A stream as it comes, kept while it goes by: to be stored when it is complete, and for those who follow it meanwhile, each at
// the pace of its own client.

import type { WireError } from "../dialects/openai/error.ts";

/** Followers of one stream may together make it hold this much, should one of them not read; bytes. */
export const HELD_MAX_BYTES = 16 * 1024 * 1024;

/** Somebody who follows a stream. */
export interface Follower {
  /** There is more to take. */
  onMore(): void;
  /** What it has not taken is too much to be held for it: it takes no more. */
  onCut(): void;
}

/** How a stream ended. */
export interface RecordingEnd {
  /** What its followers tell their clients; null for a good end. */
  readonly error: WireError | null;
  /** What it cost, in nano-dollars; null where that is not known. */
  readonly cost_nano_usd: number | null;
}

/** A follower's place in a stream. */
export class Position {
  /** Chunks taken since the beginning. */
  taken = 0;
  readonly follower: Follower;

  constructor(follower: Follower) {
    this.follower = follower;
  }
}

/** Who answers. */
export interface Server {
  readonly provider: string;
  /** What it calls the model. */
  readonly model: string;
}

/** A stream that is kept while it comes. */
export class Recording {
  readonly server: Server;
  /** Null until the stream has ended. */
  ended: RecordingEnd | null = null;
  /** Hears of somebody who begins to follow. */
  onFollowed: (() => void) | null = null;
  readonly #chunks: Uint8Array[] = [];
  readonly #positions = new Set<Position>();
  readonly #held_max_bytes: number;
  #held_bytes = 0;
  /** Chunks that are not held any more. */
  #dropped = 0;

  constructor(server: Server, held_max_bytes = HELD_MAX_BYTES) {
    this.server = server;
    this.#held_max_bytes = held_max_bytes;
  }

  /** Whether its beginning is gone: nobody can follow it from here on, and it cannot be stored. */
  get is_cut(): boolean {
    return this.#dropped > 0;
  }

  get followers(): number {
    return this.#positions.size;
  }

  /** All of it; null where its beginning is gone. */
  bytes(): Uint8Array | null {
    return this.is_cut ? null : Buffer.concat(this.#chunks);
  }

  /** Bytes that came; stops counting where the beginning is gone. */
  get size(): number {
    return this.#held_bytes;
  }

  take(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#held_bytes += chunk.length;
    if (this.#held_bytes > this.#held_max_bytes) this.#drop();
    for (const { follower } of this.#positions) follower.onMore();
  }

  /** It came to its end, or broke. */
  end(ended: RecordingEnd): void {
    if (this.ended !== null) return;
    this.ended = ended;
    for (const { follower } of [...this.#positions]) follower.onMore();
  }

  /** Follows it from its beginning, which must be there. */
  follow(follower: Follower): Position {
    const position = new Position(follower);
    this.#positions.add(position);
    this.onFollowed?.();
    return position;
  }

  leave(position: Position): void {
    this.#positions.delete(position);
  }

  /** The next chunk of a follower; null: it has all that came. */
  next(position: Position): Uint8Array | null {
    const chunk = this.#chunks[position.taken - this.#dropped];
    if (chunk === undefined) return null;
    position.taken += 1;
    return chunk;
  }

  /** Whether a follower has taken all that came. */
  hasAll(position: Position): boolean {
    return position.taken === this.#dropped + this.#chunks.length;
  }

  /** Lets go of what every follower has taken; where that is too little, of the slowest followers. */
  #drop(): void {
    this.#trim();
    while (this.#held_bytes > this.#held_max_bytes && this.#positions.size > 0) {
      const slowest = [...this.#positions].reduce((a, b) => (b.taken < a.taken ? b : a));
      this.#positions.delete(slowest);
      slowest.follower.onCut();
      this.#trim();
    }
  }

  #trim(): void {
    const came = this.#dropped + this.#chunks.length;
    const taken = [...this.#positions].reduce((least, position) => Math.min(least, position.taken), came);
    const gone = this.#chunks.splice(0, taken - this.#dropped);
    this.#dropped = taken;
    for (const chunk of gone) this.#held_bytes -= chunk.length;
  }
}
