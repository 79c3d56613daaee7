// The judging of one value by a schema: how much work is left, what was found to be wrong, and which parts were looked at.

/** How much one answer may take, all its choices together: a schema that is applied to a value is 1, a character that a pattern looks at is 1 too. */
const WORK_MAX = 250_000;
/** How deeply schemas may be applied within each other. */
const DEPTH_MAX = 1_000;
/** What is wrong beyond that is not told. */
const ERRORS_MAX = 8;
const ERROR_MAX_CHARS = 200;

/** An answer takes more work than one may. */
export class OutOfWork extends Error {}

/** What is left of the work that one answer may take. */
export class Work {
  #left = WORK_MAX;

  /** So much is about to be done. */
  take(amount: number): void {
    this.#left -= amount;
    if (this.#left < 0) throw new OutOfWork();
  }
}

/** Where in a value something lies: what it lies in, and its name or position there. */
export interface Place {
  readonly within: Place | null;
  readonly key: string | number;
}

/** The value itself. */
export const ROOT: Place = { within: null, key: "" };

/** One value being judged. */
export class Run {
  readonly errors: string[] = [];
  readonly #work: Work;
  #depth = 0;
  #quiet = 0;

  constructor(work: Work) {
    this.#work = work;
  }

  /** Whether nobody is to hear what is wrong. */
  get is_quiet(): boolean {
    return this.#quiet > 0 || this.errors.length >= ERRORS_MAX;
  }

  /** A schema is applied. */
  enter(): void {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw new OutOfWork();
    this.work(1);
  }

  /** And has been. */
  leave(): void {
    this.#depth -= 1;
  }

  /** So much is about to be done. */
  work(amount: number): void {
    this.#work.take(amount);
  }

  /** Does something of which only the result counts, and not what is wrong. */
  quietly<T>(does: () => T): T {
    this.#quiet += 1;
    const result = does();
    this.#quiet -= 1;
    return result;
  }

  /** Something is wrong. */
  fail(at: Place, what: string): false {
    if (!this.is_quiet) {
      const error = `${pointerTo(at)}: ${what}`;
      this.errors.push(error.length > ERROR_MAX_CHARS ? `${error.slice(0, ERROR_MAX_CHARS)}…` : error);
    }
    return false;
  }
}

/** As a JSON pointer (RFC 6901); the value itself is called so. */
function pointerTo(at: Place): string {
  if (at.within === null) return "the answer";
  const steps: string[] = [];
  for (let place = at; place.within !== null; place = place.within) {
    steps.unshift(String(place.key).replaceAll("~", "~0").replaceAll("/", "~1"));
  }
  return `/${steps.join("/")}`;
}

/** Which parts of an object or an array were looked at, for what is said of the others. */
export class Seen {
  readonly keys = new Set<string | number>();
  has_all = false;

  /** What another has seen. */
  add(other: Seen): void {
    this.has_all ||= other.has_all;
    for (const key of other.keys) this.keys.add(key);
  }

  has(key: string | number): boolean {
    return this.has_all || this.keys.has(key);
  }
}
