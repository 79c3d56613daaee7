// A pump delivers one piece after another, in order: the next is taken only when the last has arrived.
// What fails is tried again, ever more slowly, for as long as it takes; nothing is left out.

/** What came of a try. */
export type Outcome = { readonly ok: true } | Failure;

/** A try that failed. */
export interface Failure {
  readonly ok: false;
  /** In words. */
  readonly fault: string;
  /** Trying again soon is of no use: somebody has to change something. */
  readonly is_lasting: boolean;
  /** When to try again, if the receiver said so. */
  readonly retry_after_ms: number | null;
}

/** A piece to deliver. */
export interface Piece {
  /** For messages: `rows 1 to 500`. */
  readonly what: string;
  deliver(signal: AbortSignal): Promise<Outcome>;
  /** It has arrived: what remembers that, for good. */
  done(): void;
}

/** How patiently it is tried again. */
export interface Patience {
  readonly first_ms: number;
  readonly most_ms: number;
  /** After a failure that lasts. */
  readonly lasting_ms: number;
}

/** As patient as with somebody else's server. */
export const USUAL_PATIENCE: Patience = { first_ms: 250, most_ms: 60_000, lasting_ms: 300_000 };

/** How long a try that has begun may take when the pump is stopped. */
const STOP_MS = 2000;

/** What a pump is made of. */
export interface PumpOptions {
  readonly name: string;
  /** The next piece; null while there is none. */
  next(): Piece | null;
  log(line: string): void;
  readonly patience?: Patience;
  /** When it is stopped it delivers what is there first, as long as nothing fails. */
  readonly is_drained?: boolean;
}

/** Delivers pieces. */
export class Pump {
  readonly #options: PumpOptions;
  readonly #patience: Patience;
  readonly #abort = new AbortController();
  #is_stopped = false;
  #failures = 0;
  #hurries = 0;
  #running: Promise<void> | null = null;
  #endWait: (() => void) | null = null;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#patience = options.patience ?? USUAL_PATIENCE;
  }

  /** There may be something to deliver. */
  wake(): void {
    if (this.#is_stopped || this.#running !== null) return;
    this.#running = this.#run()
      // A fault of the program or of the disk: it is tried again when there is more.
      .catch((error: unknown) => this.#options.log(`${this.#options.name}: ${messageOf(error)}`))
      .finally(() => {
        this.#running = null;
      });
  }

  /** As `wake`, and what failed is tried again at once: it may go elsewhere now. */
  hurry(): void {
    this.#failures = 0;
    this.#hurries += 1;
    this.#endWait?.();
    this.wake();
  }

  /** Ends after the piece that is under way, or when nothing is left of what is drained. */
  async stop(): Promise<void> {
    this.#is_stopped = true;
    this.#endWait?.();
    const timer = setTimeout(() => this.#abort.abort(), STOP_MS);
    await this.#running;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    const { name, log, is_drained = false } = this.#options;
    while (!this.#is_stopped || is_drained) {
      const piece = this.#options.next();
      if (piece === null) return;
      const hurries = this.#hurries;
      const outcome = await piece.deliver(this.#abort.signal);
      if (outcome.ok) {
        piece.done();
        if (this.#failures > 0) log(`${name}: ${piece.what} delivered after ${this.#failures + 1} tries`);
        this.#failures = 0;
        // Others of this thread come to their turn.
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      if (this.#is_stopped) return;
      // What was changed while it was being tried may be what it failed for.
      if (hurries !== this.#hurries) continue;
      this.#failures += 1;
      const wait_ms = this.#waitAfter(outcome);
      log(
        `${name}: ${piece.what} not delivered (${outcome.fault}); next try in ${Math.ceil(wait_ms / 1000)} s`,
      );
      await this.#wait(wait_ms);
    }
  }

  #waitAfter({ is_lasting, retry_after_ms }: Failure): number {
    const { first_ms, most_ms, lasting_ms } = this.#patience;
    if (is_lasting) return lasting_ms;
    const doubled_ms = Math.min(most_ms, first_ms * 2 ** (this.#failures - 1));
    return Math.max(doubled_ms, Math.min(retry_after_ms ?? 0, lasting_ms));
  }

  #wait(wait_ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, wait_ms);
    this.#endWait = () => {
      clearTimeout(timer);
      resolve();
    };
    return promise.finally(() => {
      this.#endWait = null;
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
