// The log of calls: a line of JSON each, as `venturi logs` shows them, to a file that is rotated or to standard output.
// It is written from rows that are in the ledger: what a log cannot take is left out here, told of, and lost nowhere.

import { resolve } from "node:path";
import type { ResolvedConfig } from "../config/schema.ts";
import { EventFile } from "./delivery/event_file.ts";
import { shownRow } from "./row.ts";
import { linesIn, readRow } from "./row_reader.ts";

/** What is configured of it. */
export type CallLogSettings = ResolvedConfig["log"];

/** How often a fault is told of that lasts. */
const TELL_MS = 60_000;

/** Where lines go that have no file. */
export interface LineSink {
  /** Takes lines, each with its end; false: it has too much to do, and took none. */
  write(lines: string): boolean;
}

/** Standard output, as long as somebody reads it. */
export function standardOutput(): LineSink {
  // Told by the callback of each write too; without a listener it would be a fault of the program.
  process.stdout.on("error", () => {});
  return {
    write(lines) {
      if (process.stdout.writableNeedDrain || !process.stdout.writable) return false;
      process.stdout.write(lines);
      return true;
    },
  };
}

/** What a log works with. */
export interface CallLogOptions {
  /** The data folder. */
  readonly folder: string;
  readonly sink: LineSink;
  log(line: string): void;
}

/** The log of calls. */
export class CallLog {
  readonly #options: CallLogOptions;
  #settings: CallLogSettings;
  #file: EventFile | null = null;
  /** Lines that were left out since the last telling. */
  #left_out = 0;
  #told_ms = Number.NEGATIVE_INFINITY;

  constructor(settings: CallLogSettings, options: CallLogOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  /** Takes other settings. */
  configure(settings: CallLogSettings): void {
    if (settings.file !== this.#settings.file) this.close();
    this.#settings = settings;
  }

  /** Takes rows, a line each. */
  add(lines: Uint8Array): void {
    const { calls, file } = this.#settings;
    if (calls === "off") return;
    const texts = linesIn(lines).flatMap((line) => {
      const row = readRow(line);
      const is_meant = row !== null && (calls === "on" || row.error !== null || row.status >= 400);
      return is_meant ? JSON.stringify({ event: "call", ...shownRow(row) }) : [];
    });
    if (texts.length === 0) return;
    try {
      if (file !== undefined) this.#fileAt(resolve(this.#options.folder, file)).append(texts, this.#settings);
      else if (!this.#options.sink.write(`${texts.join("\n")}\n`))
        this.#leaveOut(texts.length, "nobody reads them");
    } catch (error) {
      this.#leaveOut(texts.length, error instanceof Error ? error.message : String(error));
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  #fileAt(path: string): EventFile {
    this.#file ??= new EventFile(path);
    return this.#file;
  }

  #leaveOut(count: number, why: string): void {
    this.#left_out += count;
    const now_ms = performance.now();
    if (now_ms - this.#told_ms < TELL_MS) return;
    this.#options.log(`${this.#left_out} lines of the log of calls were left out: ${why}`);
    this.#told_ms = now_ms;
    this.#left_out = 0;
  }
}
