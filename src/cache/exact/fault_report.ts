// Faults of a store, counted one by one and told at most once a minute: a full disk fails each write.

const TELL_EVERY_MS = 60_000;

/** Counts faults and tells of them now and then. */
export class FaultReport {
  /** Faults so far. */
  count = 0;
  readonly #tell: (message: string) => void;
  #told_ms = Number.NEGATIVE_INFINITY;
  #told_count = 0;

  constructor(tell: (message: string) => void) {
    this.#tell = tell;
  }

  /** Counts a fault, in words that hold nothing of what was stored. */
  note(message: string): void {
    this.count++;
    const now_ms = performance.now();
    if (now_ms - this.#told_ms < TELL_EVERY_MS) return;
    const untold = this.count - this.#told_count - 1;
    this.#told_ms = now_ms;
    this.#told_count = this.count;
    this.#tell(untold === 0 ? message : `${message} (and ${untold} faults since the last report)`);
  }
}
