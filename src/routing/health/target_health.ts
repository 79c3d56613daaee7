// What is known of one target besides its circuit: how fast it answers, and how many calls are under way to it.

import type { CounterKey } from "../../memory/counter_key.ts";
import { Circuit, type HealthMemory, keyOf } from "./circuit.ts";
import { averageMs, observe, type Quantile, quantileOf, staleMs, takeExploration } from "./latency.ts";

/** Parts of a gauge's column: calls under way above, those of them of which no byte has come below. */
const UNDER_WAY = 0x1_0000;
const WAITING = 1;

/** Calls under way to a target. */
export interface Load {
  readonly in_flight: number;
  /** Those of them of which no byte has come. */
  readonly waiting: number;
}

/** The health of a target, as one process sees and changes it. Where the table has no room, it is unmeasured. */
export class TargetHealth extends Circuit {
  readonly #load: CounterKey;
  readonly #plain: CounterKey;
  readonly #stream: CounterKey;

  /** @param identity tells it from all others */
  constructor(memory: HealthMemory, provider: string, model: string, identity: readonly string[]) {
    super(memory, provider, model, identity);
    this.#load = keyOf(["load", ...identity], true);
    this.#plain = keyOf(["plain", ...identity]);
    this.#stream = keyOf(["stream", ...identity]);
  }

  /** A try is sent. False: nobody counts it, and its end is not to be told either. */
  begin(now_ms = this.memory.now_ms()): boolean {
    const at = this.at(this.#load, now_ms);
    if (at >= 0) Atomics.add(this.words, at + this.memory.column, UNDER_WAY + WAITING);
    return at >= 0;
  }

  /** Its first byte has come, or never will. */
  endWaiting(now_ms = this.memory.now_ms()): void {
    this.#addLoad(-WAITING, now_ms);
  }

  /** It is over. */
  end(now_ms = this.memory.now_ms()): void {
    this.#addLoad(-UNDER_WAY, now_ms);
  }

  /** A first byte came after so long. */
  observe(duration_ms: number, is_stream: boolean, now_ms = this.memory.now_ms()): void {
    const at = this.at(is_stream ? this.#stream : this.#plain, now_ms);
    if (at >= 0) observe(this.words, at, duration_ms * 1_000, now_ms);
  }

  /** It takes about so long, by what others have measured: where nothing was measured here. */
  assume(average_ms: number, is_stream: boolean): void {
    if (this.averageMs(is_stream) === 0) this.observe(average_ms, is_stream);
  }

  /** Peak-sensitive average time to the first byte, in milliseconds; 0 where it was not measured. */
  averageMs(is_stream: boolean): number {
    const at = this.find(is_stream ? this.#stream : this.#plain);
    return at < 0 ? 0 : averageMs(this.words, at);
  }

  /** For how long it was not measured, in milliseconds. */
  staleMs(is_stream: boolean): number {
    const at = this.find(is_stream ? this.#stream : this.#plain);
    return at < 0 ? Number.POSITIVE_INFINITY : staleMs(this.words, at, this.memory.now_ms());
  }

  /** Whether this call is to measure it: one of all processes in any `every_ms`. */
  takeExploration(is_stream: boolean, every_ms: number): boolean {
    const at = this.at(is_stream ? this.#stream : this.#plain);
    return at >= 0 && takeExploration(this.words, at, this.memory.now_ms(), every_ms);
  }

  /** A quantile of the times to the first byte of late; null where there are none. */
  quantile(share: number, is_stream: boolean): Quantile | null {
    const at = this.find(is_stream ? this.#stream : this.#plain);
    return at < 0 ? null : quantileOf(this.words, at, share);
  }

  /** Calls under way, of all processes. */
  get load(): Load {
    const at = this.find(this.#load);
    let [in_flight, waiting] = [0, 0];
    for (let column = 0; at >= 0 && column < this.memory.columns; column++) {
      const held = Atomics.load(this.words, at + column);
      in_flight += held >>> 16;
      waiting += held & 0xffff;
    }
    return { in_flight, waiting };
  }

  #addLoad(amount: number, now_ms: number): void {
    const at = this.at(this.#load, now_ms);
    if (at >= 0) Atomics.add(this.words, at + this.memory.column, amount);
  }
}
