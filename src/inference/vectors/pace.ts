// Work that has time: one piece after another, each in slices of a millisecond, so that no request waits for long.

const SLICE_MS = 1;

/** Lets long work take turns with everything else. */
export class Pace {
  readonly #log: (line: string) => void;
  #is_stopped = false;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #slice_end_ms = 0;

  /** @param log where it is told that work failed */
  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Whether the work is to end as it is. */
  get is_stopped(): boolean {
    return this.#is_stopped;
  }

  /** Whether there is work. */
  get is_busy(): boolean {
    return this.#waiting > 0;
  }

  /** Does a piece of work after all that were asked for earlier; rejects as the work does. */
  run<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const done = this.#last.then(() => this.rest()).then(work);
    this.#last = done.then(
      () => {},
      () => {},
    );
    return done.finally(() => {
      this.#waiting -= 1;
    });
  }

  /** Does a piece of work that nobody waits for; when it fails, that is told. */
  begin(work: () => Promise<unknown>): void {
    this.run(work).catch((error: unknown) => {
      this.#log(`work in the background failed (${error instanceof Error ? error.message : String(error)})`);
    });
  }

  /** Whether the slice is over, and it is time to `rest`. */
  get is_over(): boolean {
    return performance.now() >= this.#slice_end_ms;
  }

  /** Lets everything else have its turn. */
  async rest(): Promise<void> {
    await new Promise((next) => setImmediate(next));
    this.#slice_end_ms = performance.now() + SLICE_MS;
  }

  /** Nothing begins from here on; resolves when what had begun is over. */
  async stop(): Promise<void> {
    this.#is_stopped = true;
    await this.#last;
  }
}
