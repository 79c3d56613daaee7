// Whether the process that left its mark in the file still lives: by its id and by when it was started,
// because ids are used again. A process that is dead but not yet buried counts as dead.

import { existsSync, readFileSync } from "node:fs";

const HAS_PROC = existsSync("/proc/self/stat");
/** Differs after every start of the machine, from which times of start are counted. */
const BOOT = HAS_PROC ? readFileSync("/proc/sys/kernel/random/boot_id", "utf8") : "";
/** Place of the time of start among the fields behind the name (proc(5)). */
const START_FIELD = 19;

/** This process. */
export const OWN_PID = process.pid;

/** In place of the fingerprint of a process that lives, when it cannot be told when it was started. */
const UNKNOWN = 1;

/** A fingerprint of when a living process was started; 0 if there is no such process. */
export function startOf(pid: number): number {
  if (pid <= 0) return 0;
  if (!HAS_PROC) return answersSignals(pid) ? UNKNOWN : 0;
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    // Also when there are no descriptors left to read it: nobody who lives is taken for dead.
    return answersSignals(pid) ? UNKNOWN : 0;
  }
  // The name in parentheses may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return 0;
  return Bun.hash.xxHash32(`${BOOT} ${fields[START_FIELD]}`) | 0 || UNKNOWN;
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The mark of a process in the file: two words, of which the first tells whether there is one. */
export class OwnerMark {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /** The living process that holds it; 0 when there is none. */
  get pid(): number {
    const pid = Atomics.load(this.#words, this.#at);
    const start = startOf(pid);
    const marked = Atomics.load(this.#words, this.#at + 1);
    const is_it = start === marked || start === UNKNOWN || marked === UNKNOWN;
    return start !== 0 && is_it ? pid : 0;
  }

  /** Takes away this process' mark, if it is there. */
  drop(): void {
    Atomics.compareExchange(this.#words, this.#at, OWN_PID, 0);
  }

  /** Puts this process' mark; false where another one lives. */
  take(): boolean {
    const holder = this.pid;
    if (holder !== 0 && holder !== OWN_PID) return false;
    Atomics.store(this.#words, this.#at, 0);
    Atomics.store(this.#words, this.#at + 1, startOf(OWN_PID));
    Atomics.store(this.#words, this.#at, OWN_PID);
    return true;
  }
}
