// Where events go when their ring is full: files of a line per event, `spill-<layout>-<area>-<number>.lines`, which a process
// appends to by number. A file whose number has been passed is read whole, and removed when its events are durable elsewhere.

import {
  appendFileSync,
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { EventBatch } from "./event_ring.ts";
import { LAYOUT_VERSION } from "./layout.ts";
import type { LineBuffer } from "./line_buffer.ts";
import type { ProcessArea } from "./process_area.ts";

/** A file as long as this is followed by the next; the consumer reads a file at a time. */
const FILE_MAX_BYTES = 8 * 1024 * 1024;

const NAME = new RegExp(`^spill-${LAYOUT_VERSION}-(\\d+)-(\\d+)\\.lines$`);
/** What nobody appends to, of whichever version: a whole file that was handed on. */
const HANDED = /^spill-handed-[\w.-]+\.lines$/;
const ANY = /^spill-[\d-]+\.lines$/;
const NEWLINE = 10;

/** A spill file, by its name. */
export interface SpillFile {
  readonly name: string;
  readonly area: number;
  readonly number: number;
}

/** Whose areas are spilled. */
export interface SpillSource {
  readonly folder: string;
  readonly areas: number;
  area(index: number): ProcessArea;
}

/** Takes a gateway process' events: into the ring, or into a file. */
export class EventSink {
  readonly #folder: string;
  readonly #area: ProcessArea;
  #file = -1;
  #file_bytes = 0;

  /** Makes this process the owner of the area; throws where another one lives. */
  constructor(folder: string, area: ProcessArea) {
    if (!area.claim()) throw new Error(`process ${area.owner_pid} still has area ${area.index}`);
    this.#folder = folder;
    this.#area = area;
  }

  /** Keeps an event; false if even the file could not be written, and the event is lost. */
  push(line: LineBuffer): boolean {
    return this.#area.ring.push(line) || this.#append(line.bytes.subarray(0, line.length + 1));
  }

  #append(line: Uint8Array): boolean {
    const file = this.#area.spill.begin();
    if (file !== this.#file) this.#file_bytes = 0;
    this.#file = file;
    this.#file_bytes += line.length;
    let is_written = false;
    try {
      appendFileSync(join(this.#folder, fileName(this.#area.index, file)), line, { mode: 0o600 });
      is_written = true;
    } catch {
      // A disk that is full may have taken half of it: the line must stay the file's last.
    }
    this.#area.spill.end(!is_written || this.#file_bytes > FILE_MAX_BYTES);
    return is_written;
  }
}

/** The spill files of a folder, the oldest of each area first. */
export function spillFiles(folder: string): readonly SpillFile[] {
  return readdirSync(folder)
    .map((name) => NAME.exec(name))
    .filter((match) => match !== null)
    .map(([name, area, number]) => ({ name, area: Number(area), number: Number(number) }))
    .sort((a, b) => a.area - b.area || a.number - b.number);
}

/** The consumer's: the events of one spill file that is appended to no more; none when there is no such file. */
export function readSpill(source: SpillSource): EventBatch {
  const name =
    readdirSync(source.folder).find((one) => HANDED.test(one)) ??
    spillFiles(source.folder).find((candidate) => isOver(source, candidate))?.name;
  if (name === undefined) return { lines: new Uint8Array(0), release: () => {} };
  const path = join(source.folder, name);
  return { lines: wholeLines(readFileSync(path)), release: () => rmSync(path, { force: true }) };
}

function isOver(source: SpillSource, { area, number }: SpillFile): boolean {
  // Areas were more at some time: nobody has this one.
  if (area >= source.areas) return true;
  const { spill, owner_pid } = source.area(area);
  if (number >= spill.file && owner_pid === 0) spill.startAfter(number);
  else if (number === spill.file) spill.seal();
  return number < spill.file;
}

/** The lines of a file. The last one may have been cut by the death of its writer, or by a full disk: it is no event. */
function wholeLines(bytes: Buffer<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1));
}

function fileName(area: number, number: number): string {
  return `spill-${LAYOUT_VERSION}-${area}-${number}.lines`;
}

let handed = 0;

/** Hands events, a line each, to whoever keeps the folder by now. They are on the disk when this returns. */
export function handOnEvents(folder: string, lines: Uint8Array): void {
  const name = `spill-handed-${process.pid}-${Date.now()}-${++handed}.lines`;
  const unfinished = join(folder, `.${name}`);
  const file = openSync(unfinished, "w", 0o600);
  try {
    writeFileSync(file, lines);
    if (lines.at(-1) !== NEWLINE) writeFileSync(file, "\n");
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(unfinished, join(folder, name));
}

/** Takes over the files of processes of other versions, of which none lives. */
export function adoptSpills(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (ANY.test(name) && !NAME.test(name))
      renameSync(join(folder, name), join(folder, name.replace("spill-", "spill-handed-")));
  }
}
