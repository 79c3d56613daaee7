// A sum of nano-dollars that is exact however large it grows.

/** What a part of it is carried at: with one more call's it is still exact. */
const CARRY_AT = 2 ** 52;

/** A sum in two parts, because the whole may be over what a number says exactly, and numbers are added faster. */
export class Money {
  #part = 0;
  #carried = 0n;

  /** Adds what one call can cost at most, or less. */
  add(nano_usd: number): void {
    this.#part += nano_usd;
    if (this.#part < CARRY_AT) return;
    this.#carried += BigInt(this.#part);
    this.#part = 0;
  }

  addAll(other: Money): void {
    this.#carried += other.#carried;
    this.add(other.#part);
  }

  /** The sum, as SQLite takes it exactly. */
  get sum(): number | bigint {
    return this.#carried === 0n ? this.#part : this.total;
  }

  get total(): bigint {
    return this.#carried + BigInt(this.#part);
  }

  get is_zero(): boolean {
    return this.#part === 0 && this.#carried === 0n;
  }
}
