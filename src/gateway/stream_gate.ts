// Holds back the events of a stream until somebody who takes time has judged what they say. Asks about all that has come meanwhile,
// one window after the other. The end of what is judged is held as well, and judged again with what follows: what is found there
// may just have begun.

import type { JudgedAnswer } from "../privacy/guards/remote/judged_answer.ts";
import type { JudgedText } from "../privacy/guards/remote/question.ts";
import { restoredBy, type StreamRestorer } from "../privacy/restore_stream.ts";
import { SseFramer } from "../wire/sse.ts";
import type { Feeder } from "./client_stream.ts";
import type { Ruling } from "./remote_guards.ts";

/** A window is asked about when it has so many characters, or is so old. */
const WINDOW_CHARS = 300;
const WINDOW_MAX_MS = 500;
/** How much of what is judged is held until more is, unless nothing more comes. */
const TAIL_CHARS = 100;
/** Bytes from which on upstream has to wait, and more than are ever held. */
const FULL_BYTES = 256 * 1024;
const HELD_MAX_BYTES = 8 * 1024 * 1024;
/** Events are framed before. */
const EVENT_MAX_BYTES = HELD_MAX_BYTES;

/** The client behind a gate, and what feeds it. */
export interface GatedClient {
  write(bytes: Uint8Array): void;
  /** Nothing more may go out. */
  block(why: string | null): void;
  /** The gate is full, or has room again. */
  hold(): void;
  release(): void;
}

/** What a gate is made of. */
export interface StreamGateOptions {
  /** Has the texts of the events before these come to the gate. */
  readonly judged: JudgedAnswer;
  /** What happens to events that may go on. */
  readonly restorer: StreamRestorer;
  ask(texts: readonly JudgedText[], signal: AbortSignal): Promise<Ruling>;
  /** More has come than can be asked about. */
  giveUp(): void;
  /** Whether anything may be kept from the client; else all goes on at once, and is judged beside. */
  readonly enforces: boolean;
  readonly client: GatedClient;
}

/** The gate of one stream. */
export class StreamGate {
  readonly #options: StreamGateOptions;
  readonly #framer: SseFramer;
  readonly #stopping = new AbortController();
  /** What is held, each with the characters that had come with it. */
  readonly #held: { readonly bytes: Uint8Array; readonly came: number }[] = [];
  #held_bytes = 0;
  #is_full = false;
  #is_asking = false;
  #is_final = false;
  #is_over = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #onEnd: (() => void) | null = null;

  constructor(options: StreamGateOptions) {
    this.#options = options;
    const { restorer, client } = options;
    this.#framer = new SseFramer(EVENT_MAX_BYTES, {
      onEvent: (event) => {
        const { before, raw } = restorer.restore(event);
        if (this.#hasLeaked()) return;
        client.write(before);
        client.write(raw);
      },
    });
  }

  /** Takes whole events, whose texts were noted. */
  write(bytes: Uint8Array): void {
    if (this.#is_over || bytes.length === 0) return;
    const { judged, enforces } = this.#options;
    if (enforces) {
      this.#held.push({ bytes, came: judged.came });
      this.#held_bytes += bytes.length;
    } else this.#pass(bytes);
    if (this.#held_bytes + this.#unjudged_chars > HELD_MAX_BYTES) this.#giveUp();
    else {
      this.#letGo();
      this.#look();
    }
  }

  /** No more text comes: what is there is judged at once. */
  endText(): void {
    this.#is_final = true;
    this.#look();
  }

  /** No more events come: `onEnd` when all of them have gone out, and are judged. */
  finish(onEnd: () => void): void {
    this.#onEnd = onEnd;
    if (this.#is_over) onEnd();
    else this.endText();
  }

  /** Events that end the stream and need no judging, as they go out behind what has. */
  last(events: Uint8Array): Uint8Array {
    return restoredBy(this.#options.restorer, events);
  }

  /** Drops what is held, and asks no more. */
  drop(): void {
    this.#is_over = true;
    this.#held.length = 0;
    this.#unsetTimer();
    this.#stopping.abort();
    // Others may want what comes.
    if (this.#is_full) this.#options.client.release();
  }

  /** Decides whether to ask, to wait or to end. */
  #look(): void {
    if (this.#is_over || this.#is_asking) return;
    const waiting = this.#unjudged_chars;
    if (waiting >= WINDOW_CHARS || (waiting > 0 && this.#is_final)) this.#ask();
    else if (waiting > 0) this.#timer ??= setTimeout(() => this.#ask(), WINDOW_MAX_MS);
    else if (this.#is_final) {
      this.#letGo();
      if (this.#onEnd !== null) this.#end(this.#onEnd);
    }
  }

  #ask(): void {
    this.#unsetTimer();
    const { judged, ask, client } = this.#options;
    this.#is_asking = true;
    const onRuling = ({ blocked, spans }: Ruling) => {
      this.#is_asking = false;
      if (this.#is_over) return;
      if (blocked !== null) client.block(blocked);
      else {
        judged.settle(spans);
        this.#letGo();
        this.#look();
      }
    };
    ask(judged.take(), this.#stopping.signal).then(onRuling, () => {
      this.#is_asking = false;
      this.#giveUp();
    });
  }

  /** Nothing of the rest can be judged: where that matters, nothing of it goes out. */
  #giveUp(): void {
    const { judged, enforces, client, giveUp } = this.#options;
    if (this.#is_over) return;
    giveUp();
    if (enforces) client.block("it could not be judged");
    else {
      judged.stop();
      this.#look();
    }
  }

  get #unjudged_chars(): number {
    const { came, judged } = this.#options.judged;
    return came - judged;
  }

  /** Passes on what is judged. */
  #letGo(): void {
    const { judged } = this.#options;
    // Upstream is not waited for while it has to wait.
    const is_whole = this.#is_final || this.#held_bytes > FULL_BYTES;
    const is_all = is_whole && this.#unjudged_chars === 0;
    const upto = is_all ? Number.POSITIVE_INFINITY : Math.max(0, judged.judged - TAIL_CHARS);
    let count = 0;
    while (count < this.#held.length && this.#held[count]!.came <= upto) {
      const { bytes } = this.#held[count++]!;
      this.#held_bytes -= bytes.length;
      this.#pass(bytes);
      if (this.#is_over) return;
    }
    this.#held.splice(0, count);
    judged.wentOut(upto);
    this.#tellWhetherFull();
  }

  #pass(bytes: Uint8Array): void {
    const unframed = this.#framer.feed(bytes);
    if (unframed !== null) this.#options.client.write(unframed);
  }

  #end(onEnd: () => void): void {
    const { restorer, client } = this.#options;
    const rest = this.#framer.end();
    if (rest !== null) {
      const { before, raw } = restorer.restore(rest);
      client.write(before);
      client.write(raw);
    }
    client.write(restorer.end());
    if (this.#hasLeaked()) return;
    this.#is_over = true;
    onEnd();
  }

  /** What was not judged does not pass. */
  #hasLeaked(): boolean {
    const { judged, enforces, client } = this.#options;
    if (!enforces || !judged.has_leaked) return false;
    if (!this.#is_over) client.block(null);
    return true;
  }

  #tellWhetherFull(): void {
    const is_full = this.#held_bytes + this.#unjudged_chars > FULL_BYTES;
    if (is_full === this.#is_full) return;
    this.#is_full = is_full;
    if (is_full) this.#options.client.hold();
    else this.#options.client.release();
  }

  #unsetTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** Feeds a client through a gate: either of them holds upstream back. */
export class GatedFeeder implements Feeder {
  readonly #feeder: Feeder;
  #is_held = false;
  #is_paused = false;

  constructor(feeder: Feeder) {
    this.#feeder = feeder;
  }

  pause(): void {
    this.#is_paused = true;
    this.#feeder.pause();
  }

  resume(): void {
    this.#is_paused = false;
    if (!this.#is_held) this.#feeder.resume();
  }

  /** The gate is full. */
  hold(): void {
    this.#is_held = true;
    this.#feeder.pause();
  }

  /** It has room again. */
  release(): void {
    this.#is_held = false;
    if (!this.#is_paused) this.#feeder.resume();
  }
}
