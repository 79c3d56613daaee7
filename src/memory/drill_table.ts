// Drills: providers that are made to fail for a while, so that fallbacks can be rehearsed. One process writes them, the supervisor;
// all read them. Each has its end with it, so that it ends whoever dies.

import { CarefulMark } from "./careful.ts";
import { DRILL_SLOT_WORDS, DRILL_SLOTS, DRILLS_WORD } from "./layout.ts";
import type { Mapping } from "./mapping.ts";

/** Words of a slot: how often it was written, the second in which its drill ends (0: there is none), the length of the text, the text. */
const WRITTEN = 0;
const END_S = 1;
const LENGTH = 2;
const TEXT = 4;
const TEXT_MAX_BYTES = (DRILL_SLOT_WORDS - TEXT) * 4;

/** A drill. Moments are in milliseconds since 1970, by the clock that all processes share. */
export interface Drill {
  /** Names it for whoever ends it. */
  readonly id: string;
  readonly provider: string;
  /** Null: all its models. */
  readonly model: string | null;
  /** A status, `timeout` (nothing connects) or `cut` (the connection closes without an answer). */
  readonly failure: string;
  readonly began_ms: number;
  readonly end_ms: number;
}

/** The drills of a gateway. */
export class DrillTable {
  readonly #mapping: Mapping;
  readonly #careful: CarefulMark;
  /** What was read of each slot, and of which writing it. */
  readonly #read: { written: number; drill: Drill | null }[] = [];

  constructor(mapping: Mapping) {
    this.#mapping = mapping;
    this.#careful = new CarefulMark(mapping.words);
  }

  /** Those that are under way. */
  list(now_ms: number): readonly Drill[] {
    return Array.from({ length: DRILL_SLOTS }, (_, slot) => this.#at(slot, now_ms)).filter(
      (drill) => drill !== null,
    );
  }

  /** The one that makes a provider's model fail; null where none does. */
  find(provider: string, model: string, now_ms: number): Drill | null {
    for (let slot = 0; slot < DRILL_SLOTS; slot++) {
      const drill = this.#at(slot, now_ms);
      if (drill?.provider === provider && (drill.model === null || drill.model === model)) return drill;
    }
    return null;
  }

  /** The writer's: begins a drill; false where there is no room for it, or its names are too long. */
  begin(drill: Drill): boolean {
    const { words, bytes } = this.#mapping;
    const text = JSON.stringify(drill);
    if (Buffer.byteLength(text) > TEXT_MAX_BYTES) return false;
    for (let slot = 0; slot < DRILL_SLOTS; slot++) {
      const at = placeOf(slot);
      if (this.#at(slot, drill.began_ms) !== null) continue;
      Atomics.store(words, at + END_S, 0);
      Atomics.add(words, at + WRITTEN, 1);
      words[at + LENGTH] = bytes.write(text, (at + TEXT) * 4);
      // Calls look from now on, and find it as soon as it is whole.
      this.#careful.raise(drill.end_ms);
      Atomics.store(words, at + END_S, Math.ceil(drill.end_ms / 1_000) | 0);
      return true;
    }
    return false;
  }

  /** The writer's: ends a drill before its time, or all (null); gives those that were ended. */
  end(id: string | null, now_ms: number): readonly Drill[] {
    const ended: Drill[] = [];
    for (let slot = 0; slot < DRILL_SLOTS; slot++) {
      const drill = this.#at(slot, now_ms);
      if (drill === null || (id !== null && drill.id !== id)) continue;
      Atomics.store(this.#mapping.words, placeOf(slot) + END_S, 0);
      ended.push(drill);
    }
    return ended;
  }

  #at(slot: number, now_ms: number): Drill | null {
    const { words } = this.#mapping;
    const at = placeOf(slot);
    const end_s = Atomics.load(words, at + END_S);
    if (end_s === 0 || ((end_s - now_ms / 1_000) | 0) <= 0) return null;
    const written = Atomics.load(words, at + WRITTEN);
    let known = this.#read[slot];
    if (known?.written !== written) {
      known = { written, drill: this.#parse(at) };
      // Written over while it was read: the next look finds what is there then.
      if (Atomics.load(words, at + WRITTEN) !== written) return null;
      this.#read[slot] = known;
    }
    const { drill } = known;
    return drill !== null && drill.end_ms > now_ms ? drill : null;
  }

  #parse(at: number): Drill | null {
    const { words, bytes } = this.#mapping;
    const start = (at + TEXT) * 4;
    try {
      return JSON.parse(bytes.toString("utf8", start, start + Math.min(words[at + LENGTH]!, TEXT_MAX_BYTES)));
    } catch {
      return null;
    }
  }
}

function placeOf(slot: number): number {
  return DRILLS_WORD + slot * DRILL_SLOT_WORDS;
}
