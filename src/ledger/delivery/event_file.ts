// A file of events, a JSON object a line, that is rotated when it is large: what is in it is on the disk before it counts.
// A line that a crash cut in two is taken away when the file is next opened; its event comes again, whole.

import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

const NEWLINE = 10;
/** Bytes that are looked at at once, from the end, for the last whole line. */
const LOOK_BYTES = 65_536;

/** When it is rotated, and how many rotated files stay. */
export interface Rotation {
  readonly rotate_mb: number;
  readonly keep_files: number;
}

/** A file of events that is open. */
export class EventFile {
  readonly path: string;
  #descriptor: number;
  #size_bytes: number;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#descriptor = openSync(path, "a+", 0o600);
    this.#size_bytes = this.#cutBrokenLine();
  }

  /** Appends lines; when it returns, they are on the disk. A file that is full is rotated before. */
  append(lines: readonly string[], rotation: Rotation): void {
    if (!existsSync(this.path)) this.#reopen();
    if (this.#size_bytes >= rotation.rotate_mb * 1e6) this.#rotate(rotation.keep_files);
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    const before_bytes = this.#size_bytes;
    try {
      for (let sent = 0; sent < bytes.length; ) sent += writeSync(this.#descriptor, bytes, sent);
      fsyncSync(this.#descriptor);
    } catch (error) {
      // A part of them must not stay: they come again, all of them.
      ftruncateSync(this.#descriptor, before_bytes);
      throw error;
    }
    this.#size_bytes += bytes.length;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** Somebody took the file away, as log rotation does: the next lines begin a new one. */
  #reopen(): void {
    closeSync(this.#descriptor);
    this.#descriptor = openSync(this.path, "a+", 0o600);
    this.#size_bytes = fstatSync(this.#descriptor).size;
  }

  #rotate(keep_files: number): void {
    renameSync(this.path, freeName(this.path));
    this.#reopen();
    const rotated = rotatedFiles(this.path);
    for (const name of rotated.slice(0, Math.max(0, rotated.length - keep_files)))
      rmSync(name, { force: true });
  }

  /** Cuts the file behind its last line end; gives its size. */
  #cutBrokenLine(): number {
    const size_bytes = fstatSync(this.#descriptor).size;
    const bytes = Buffer.alloc(LOOK_BYTES);
    for (let end = size_bytes; end > 0; end -= LOOK_BYTES) {
      const begin = Math.max(0, end - LOOK_BYTES);
      const count = readSync(this.#descriptor, bytes, 0, end - begin, begin);
      const newline = bytes.subarray(0, count).lastIndexOf(NEWLINE);
      if (newline < 0) continue;
      const whole_bytes = begin + newline + 1;
      if (whole_bytes < size_bytes) ftruncateSync(this.#descriptor, whole_bytes);
      return whole_bytes;
    }
    ftruncateSync(this.#descriptor, 0);
    return 0;
  }
}

/** The rotated files of a file, the oldest first: `billing.ndjson.20261126T061512345Z`. */
export function rotatedFiles(path: string): string[] {
  const begin = `${basename(path)}.`;
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(begin) && /^\d{8}T\d{9}Z$/.test(name.slice(begin.length)))
    .sort()
    .map((name) => join(dirname(path), name));
}

/** A name behind all that are there, so that none is overwritten and their order is that of their events. */
function freeName(path: string): string {
  const last = rotatedFiles(path).at(-1);
  for (let time_ms = Date.now(); ; time_ms++) {
    const name = `${path}.${new Date(time_ms).toISOString().replaceAll(/[-:.]/g, "")}`;
    if (last === undefined || name > last) return name;
  }
}
