// What is written to a socket and has not gone yet: what is sent in one turn goes in one piece, and what the other side does not
// take waits here up to a limit.

/** Something to write to: gives how many bytes it took, or a negative number when it is closed. */
export interface Sink {
  write(bytes: Uint8Array): number;
}

/** The bytes on their way to one socket, which may still have to open. */
export class Outbox {
  readonly #max_bytes: number;
  #sink: Sink | null = null;
  #waiting: Uint8Array[] = [];
  #size = 0;
  #is_blocked = false;
  #is_due = false;

  constructor(max_bytes: number) {
    this.#max_bytes = max_bytes;
  }

  /** There is something to write to. */
  open(sink: Sink): void {
    this.#sink = sink;
    this.#flush();
  }

  /** Sends at the end of this turn; false when too much waits, and it is not sent. */
  send(bytes: Uint8Array): boolean {
    if (this.#size + bytes.length > this.#max_bytes) return false;
    this.#waiting.push(bytes);
    this.#size += bytes.length;
    if (!this.#is_due && !this.#is_blocked) {
      this.#is_due = true;
      queueMicrotask(() => {
        this.#is_due = false;
        this.#flush();
      });
    }
    return true;
  }

  /** The socket takes bytes again. */
  drained(): void {
    this.#is_blocked = false;
    this.#flush();
  }

  #flush(): void {
    if (this.#sink === null || this.#size === 0 || this.#is_blocked) return;
    const bytes = this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting);
    const taken = Math.max(0, this.#sink.write(bytes));
    this.#size = bytes.length - taken;
    this.#waiting = this.#size === 0 ? [] : [bytes.subarray(taken)];
    this.#is_blocked = this.#size > 0;
  }
}
