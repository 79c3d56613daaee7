// Frames on their way to one client. Each call has a queue of its own, and they take turns, a frame each, so that no call keeps
// the others from a slow client. What the client does not take stays here, and a full queue holds its upstream back.

import type { Codec } from "./codec.ts";
import type { ReplayLog } from "./replay_log.ts";
import type { Wire } from "./wire.ts";

/** So much is given to the socket beyond what its client takes; more waits here, where it can take turns. */
const SOCKET_MAX_BYTES = 16 * 1024;
/** Over it a queue is full: its upstream is held back. In characters, as all sizes here. */
const QUEUE_MAX_CHARS = 16 * 1024;
/** Over it the words of the gateway's own that a client does not read are too many. */
const WORDS_MAX_CHARS = 64 * 1024;

/** The frames of one call. */
export class FrameQueue {
  waiting_chars = 0;
  readonly #outbox: Outbox;
  #frames: string[] = [];
  #head = 0;
  #room: PromiseWithResolvers<number> | null = null;
  #onEmpty: (() => void) | null = null;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  push(frame: string): void {
    this.#frames.push(frame);
    this.#count(frame.length);
    this.#outbox.takeTurns(this, this.#frames.length - this.#head === 1);
  }

  /** The next frame; null: none waits. */
  take(): string | null {
    const frame = this.#frames[this.#head];
    if (frame === undefined) return null;
    this.#head += 1;
    if (this.#head === this.#frames.length) {
      this.#frames.length = 0;
      this.#head = 0;
    }
    this.#count(-frame.length);
    this.look();
    // The frame is still to be sent.
    if (this.is_empty && this.#onEmpty !== null) queueMicrotask(this.#onEmpty);
    return frame;
  }

  get is_empty(): boolean {
    return this.#head === this.#frames.length;
  }

  /** Resolves when there is room again; null: there is. */
  get room(): Promise<number> | null {
    if (!this.#outbox.isFull(this)) return null;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Lets go on who waits for room, where there is some. */
  look(): void {
    if (this.#room === null || this.#outbox.isFull(this)) return;
    const { resolve } = this.#room;
    this.#room = null;
    resolve(0);
  }

  /** Tells when the client has got everything, once; at once if it has. */
  whenEmpty(onEmpty: () => void): void {
    if (this.is_empty) onEmpty();
    else this.#onEmpty = onEmpty;
  }

  #count(chars: number): void {
    this.waiting_chars += chars;
    this.#outbox.waiting_chars += chars;
  }
}

/** The way out of a session. */
export class Outbox {
  /** Of all queues. */
  waiting_chars = 0;
  /** Numbers and keeps what is sent; null: nobody will ask for it again. */
  readonly log: ReplayLog | null;
  #wire: Wire | null = null;
  #codec: Codec;
  /** The gateway's own words, which go first. */
  #words: string[] = [];
  #words_chars = 0;
  /** Queues with frames, in the order of their turns. */
  #turns: FrameQueue[] = [];
  #is_due = false;

  constructor(codec: Codec, log: ReplayLog | null = null) {
    this.#codec = codec;
    this.log = log;
  }

  /** A queue for one more call. */
  queue(): FrameQueue {
    return new FrameQueue(this);
  }

  /** Frames go this way from now on, after these, with which it begins. */
  attach(wire: Wire, codec: Codec, first: readonly string[] = []): void {
    this.#wire = wire;
    this.#codec = codec;
    wire.batch(() => {
      for (const frame of first) wire.send(codec.encode(frame));
    });
    this.pump();
  }

  /** There is no way to the client for now. */
  detach(): void {
    this.#wire = null;
    for (const queue of [...this.#turns]) queue.look();
  }

  /** Says something that belongs to no call, in one frame that is not numbered; false: too much of it is not read. */
  say(frame: string): boolean {
    if (this.#words_chars + frame.length > WORDS_MAX_CHARS) return false;
    this.#words.push(frame);
    this.#words_chars += frame.length;
    this.#due();
    return true;
  }

  /** A queue has frames. @param is_new it had none */
  takeTurns(queue: FrameQueue, is_new: boolean): void {
    if (is_new) this.#turns.push(queue);
    this.#due();
  }

  /** Without a client, what waits for it is bounded for all calls together. */
  isFull(queue: FrameQueue): boolean {
    if (this.#wire === null && this.log !== null) return this.waiting_chars > this.log.max_bytes;
    return queue.waiting_chars > QUEUE_MAX_CHARS;
  }

  get is_empty(): boolean {
    return this.#words.length === 0 && this.#turns.length === 0;
  }

  /** Sends as much as the socket takes. */
  pump(): void {
    const wire = this.#wire;
    if (wire === null || this.is_empty || wire.buffered_bytes >= SOCKET_MAX_BYTES) return;
    wire.batch(() => {
      while (this.#wire === wire && wire.buffered_bytes < SOCKET_MAX_BYTES) {
        const frame = this.#next();
        if (frame === null) return;
        wire.send(this.#codec.encode(frame));
      }
    });
  }

  /** What is written in one turn of the event loop goes out together. */
  #due(): void {
    if (this.#is_due) return;
    this.#is_due = true;
    queueMicrotask(() => {
      this.#is_due = false;
      this.pump();
    });
  }

  #next(): string | null {
    const word = this.#words.shift();
    if (word !== undefined) {
      this.#words_chars -= word.length;
      return word;
    }
    const queue = this.#turns.shift();
    const frame = queue?.take() ?? null;
    if (queue === undefined || frame === null) return null;
    if (!queue.is_empty) this.#turns.push(queue);
    return this.log === null ? frame : this.log.add(frame);
  }
}
