// The frames that a resumable session has sent, numbered, so that what a broken connection lost can be sent again.
// Each session keeps so many bytes, and all of a process together so many more.

/** What the logs of a process may hold together. */
export interface ReplayBudget {
  readonly max_bytes: number;
  used_bytes: number;
}

interface Sent {
  readonly seq: number;
  readonly frame: string;
}

/** What a frame takes besides its text, about; bytes. */
const OVERHEAD_BYTES = 64;

/** One session's log. */
export class ReplayLog {
  /** The number of the newest frame. */
  last_seq = 0;
  readonly max_bytes: number;
  readonly #budget: ReplayBudget;
  #sent: Sent[] = [];
  /** Where the oldest that is kept lies. */
  #head = 0;
  #bytes = 0;

  constructor(max_bytes: number, budget: ReplayBudget) {
    this.max_bytes = max_bytes;
    this.#budget = budget;
  }

  /** The frame with its number, kept from now on; of what is too much, the oldest goes. */
  add(frame: string): string {
    const seq = ++this.last_seq;
    const numbered = `{"seq":${seq},${frame.slice(1)}`;
    this.#sent.push({ seq, frame: numbered });
    this.#count(sizeOf(numbered));
    while (this.#head < this.#sent.length && this.#isTooMuch()) this.#drop();
    return numbered;
  }

  /** The frames after a number; null where some of them are not kept any more, or there is no such number. */
  after(seq: number): string[] | null {
    const first = this.#sent[this.#head]?.seq ?? this.last_seq + 1;
    if (!Number.isInteger(seq) || seq < first - 1 || seq > this.last_seq) return null;
    return this.#sent.slice(this.#head + (seq - first + 1)).map(({ frame }) => frame);
  }

  /** Nobody will ask any more. */
  clear(): void {
    this.#count(-this.#bytes);
    this.#sent = [];
    this.#head = 0;
  }

  #isTooMuch(): boolean {
    return this.#bytes > this.max_bytes || this.#budget.used_bytes > this.#budget.max_bytes;
  }

  #drop(): void {
    this.#count(-sizeOf(this.#sent[this.#head]!.frame));
    this.#head += 1;
    if (this.#head < 64 || this.#head * 2 < this.#sent.length) return;
    this.#sent = this.#sent.slice(this.#head);
    this.#head = 0;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.used_bytes += bytes;
  }
}

function sizeOf(frame: string): number {
  return frame.length + OVERHEAD_BYTES;
}
