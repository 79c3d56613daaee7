// Follows the stream of an equal call: from its beginning as fast as the client reads, then live.

import type { Follower, Position, Recording } from "../cache/recording.ts";
import type { Feeder } from "./client_stream.ts";
import { interruption } from "./failure.ts";
import type { Flow } from "./flow.ts";

/** Feeds a flow from a recording. */
export class StreamFollower implements Follower, Feeder {
  readonly #recording: Recording;
  readonly #flow: Flow;
  readonly #position: Position;
  #is_full = false;
  #is_taking = false;

  constructor(recording: Recording, flow: Flow) {
    this.#recording = recording;
    this.#flow = flow;
    this.#position = recording.follow(this);
  }

  pause(): void {
    this.#is_full = true;
  }

  resume(): void {
    this.#is_full = false;
    this.onMore();
  }

  onMore(): void {
    // What is taken may make the client's stream full, or not any more, while it is taken.
    if (this.#is_taking) return;
    this.#is_taking = true;
    this.#takeAll();
    this.#is_taking = false;
  }

  onCut(): void {
    this.#flow.breakOff(interruption(this.#recording.server.provider, "it was read too slowly"));
  }

  /** Follows no more. */
  leave(): void {
    this.#recording.leave(this.#position);
  }

  #takeAll(): void {
    while (!this.#is_full) {
      const chunk = this.#recording.next(this.#position);
      if (chunk === null) break;
      this.#flow.take(chunk);
    }
    const { ended } = this.#recording;
    if (ended === null || this.#is_full || !this.#recording.hasAll(this.#position)) return;
    if (ended.error === null) this.#flow.end();
    else this.#flow.breakOff(ended.error);
  }
}
