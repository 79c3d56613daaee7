// The file `state` in the data folder: what all processes of a gateway share, and what outlives them.
// The supervisor makes it, or takes it over from the one before; gateway processes map what is there.

import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { CounterTable } from "./counter_table.ts";
import { DrillTable } from "./drill_table.ts";
import { earlierAt, newerVersion, putBack, replaceEarlier } from "./earlier.ts";
import { decodeHeader, encodeHeader, HEADER_USED_BYTES } from "./header.ts";
import { HostFacts } from "./host_facts.ts";
import {
  AREAS_MAX,
  AREAS_OFFSET,
  fileBytes,
  fitted,
  type Geometry,
  HEALTH,
  isPossible,
  LAYOUT_VERSION,
  SERIES_BLOCK_BYTES,
  SERIES_HEADER_BYTES,
  SERIES_OFFSET,
  SUPERVISOR_WORD,
} from "./layout.ts";
import { OwnerMark } from "./liveness.ts";
import { type Mapping, mapFile } from "./mapping.ts";
import { ProcessArea } from "./process_area.ts";
import { RestTable } from "./rest_table.ts";
import { SeriesBlock } from "./series_block.ts";
import { spillFiles } from "./spill.ts";

/** The mapped file of a data folder. */
export class State {
  readonly folder: string;
  /** What limits are counted in. */
  readonly counters: CounterTable;
  /** What is known of the health of targets and of providers' keys. */
  readonly health: CounterTable;
  /** Which keys of providers rest. */
  readonly rests: RestTable;
  /** Which providers are made to fail. */
  /** What the supervisor tells of the gateway as a whole. */
  readonly facts: HostFacts;
  readonly drills: DrillTable;
  /** How many areas there are; at least as many as were asked for. */
  readonly areas: number;
  readonly call_slots: number;
  /** What a person should know of how it was opened: that a file was set aside, and why. */
  readonly notice: string | null;
  /** The file, whatever its name has become, and its number. */
  readonly #path: string;
  readonly #inode: number;
  readonly #mapping: Mapping;
  readonly #areas: (ProcessArea | undefined)[] = [];
  readonly #series: (SeriesBlock | undefined)[] = [];
  readonly #series_heads: (SeriesBlock | undefined)[] = [];
  readonly #map = (offset: number, length_bytes: number) => mapFile(this.#path, offset, length_bytes);

  constructor(folder: string, geometry: Geometry, notice: string | null = null) {
    this.folder = folder;
    this.areas = geometry.areas;
    this.call_slots = geometry.call_slots;
    this.notice = notice;
    // Another version may put its own in the place of it: what is mapped later is to be of this one.
    const descriptor = openSync(pathIn(folder), "r+");
    this.#path = process.platform === "linux" ? `/proc/self/fd/${descriptor}` : pathIn(folder);
    this.#inode = fstatSync(descriptor).ino;
    this.#mapping = this.#map(0, SERIES_OFFSET);
    this.counters = new CounterTable(this.#mapping);
    this.health = new CounterTable(this.#mapping, HEALTH);
    this.rests = new RestTable(this.#mapping);
    this.drills = new DrillTable(this.#mapping);
    this.facts = new HostFacts(this.#mapping.words);
  }

  /** The area of the gateway process with this index; the same object every time. */
  area(index: number): ProcessArea {
    if (!(index >= 0 && index < this.areas)) throw new RangeError(`there is no area ${index}`);
    this.#areas[index] ??= new ProcessArea(this.#map, this, index);
    return this.#areas[index];
  }

  /** What the gateway process with this index has counted; there are AREAS_MAX, whatever the number of areas. */
  series(index: number): SeriesBlock {
    if (!(index >= 0 && index < AREAS_MAX)) throw new RangeError(`there are no series ${index}`);
    this.#series[index] ??= new SeriesBlock(this.#map(seriesAt(index), SERIES_BLOCK_BYTES), 0);
    return this.#series[index];
  }

  /** The same without its series: how many there are, and what the process is doing. Most of the blocks are empty. */
  seriesHead(index: number): SeriesBlock {
    if (!(index >= 0 && index < AREAS_MAX)) throw new RangeError(`there are no series ${index}`);
    this.#series_heads[index] ??= new SeriesBlock(this.#map(seriesAt(index), SERIES_HEADER_BYTES), 0);
    return this.#series_heads[index];
  }

  /** Brings what has changed to the disk, off this thread; only a power cut makes a difference. */
  async flush(): Promise<void> {
    const file = await open(this.#path, "r+");
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  /** The process id of the supervisor that lives; 0 where none does. */
  get supervisor_pid(): number {
    return new OwnerMark(this.#mapping.words, SUPERVISOR_WORD).pid;
  }

  /** Puts the supervisor's mark; gives the process id of the one that lives, or 0. */
  superviseOrTell(): number {
    const mark = new OwnerMark(this.#mapping.words, SUPERVISOR_WORD);
    return mark.take() ? 0 : mark.pid;
  }

  /** Takes the supervisor's mark away: another may have the file. */
  leaveSupervision(): void {
    new OwnerMark(this.#mapping.words, SUPERVISOR_WORD).drop();
  }

  /** Puts the file in its place again, where another version has put its own there. */
  putBack(): void {
    putBack(this.folder, pathIn(this.folder), this.#inode);
  }

  /** Frees the locks when nobody lives who could hold one. */
  resetLocks(): void {
    this.counters.resetLock();
    this.health.resetLock();
  }

  /** Takes away what a dead process held in all gauges. False if a stopped process stood in the way: to be tried again. */
  releaseColumn(process_index: number): boolean {
    const is_counted = this.counters.releaseColumn(process_index);
    return this.health.releaseColumn(process_index) && is_counted;
  }
}

/** Maps the file that a supervisor has made; throws an Error that says why if there is none that can be used. */
export function openState(folder: string): State {
  const path = pathIn(folder);
  const geometry = existsSync(path) ? inspect(path) : { fault: "it does not exist" };
  if ("fault" in geometry) throw new Error(`${path} cannot be used: ${geometry.fault}`);
  return new State(folder, geometry);
}

/**
 * Opens the file for a supervisor, before any gateway process runs: sets aside what it cannot read, makes what is missing.
 * @param wanted as many areas at least; as many call slots, or as many as fit, unless an area of another size is still in use
 * @param onRecovered called for each area that a dead process left calls or events in, to take them over
 */
export function createState(
  folder: string,
  wanted: Geometry,
  onRecovered: (area: ProcessArea) => void,
): State {
  const geometry = fitted(wanted);
  if (!isPossible(geometry) || geometry.areas < 1) {
    throw new RangeError(`no state has ${wanted.areas} areas of ${wanted.call_slots} calls`);
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { found, notice, is_carried } = findOrMake(folder, geometry);
  const state = new State(folder, found, notice);
  // What the processes of the earlier file hold is held there.
  if (is_carried) for (let index = 0; index < AREAS_MAX; index++) state.releaseColumn(index);
  const supervisor_pid = state.superviseOrTell();
  if (supervisor_pid !== 0) {
    throw new Error(`${folder} is in use by another gateway, whose supervisor is process ${supervisor_pid}`);
  }
  const is_anyone_there = recover(state, onRecovered);
  const next = nextGeometry(state, geometry, is_anyone_there);
  if (next.areas === state.areas && next.call_slots === state.call_slots) return state;
  if (next.call_slots === state.call_slots) extend(pathIn(folder), next);
  else layAreasAnew(pathIn(folder), next);
  return new State(folder, next, notice);
}

/** A file with no areas and nothing counted, for counters to be put into; the supervisor lays areas. Its folder has none yet. */
export function makeEmptyState(folder: string): State {
  const geometry = { areas: 0, call_slots: 1 };
  writeFile(pathIn(folder), "w", [[geometry, fileBytes(geometry)]]);
  return new State(folder, geometry);
}

/** Hands over what the dead have left; tells whether a gateway process of an earlier supervisor still lives. */
function recover(state: State, onRecovered: (area: ProcessArea) => void): boolean {
  const files = spillFiles(state.folder);
  let is_anyone_there = false;
  for (let index = 0; index < state.areas; index++) {
    const area = state.area(index);
    if (area.owner_pid !== 0) {
      is_anyone_there = true;
      continue;
    }
    state.seriesHead(index).reset();
    const newest = files.findLast((file) => file.area === index)?.number ?? -1;
    area.spill.startAfter(newest);
    if (!area.is_empty) onRecovered(area);
  }
  if (!is_anyone_there) state.resetLocks();
  return is_anyone_there;
}

/** Areas are never fewer than there are, and keep their size while anybody is in one, or anything. */
function nextGeometry(state: State, wanted: Geometry, is_anyone_there: boolean): Geometry {
  const areas = Math.max(state.areas, wanted.areas);
  const all = Array.from({ length: state.areas }, (_, index) => state.area(index));
  if (!is_anyone_there && all.every((area) => area.is_empty)) return fitted({ ...wanted, areas });
  const extended = { areas, call_slots: state.call_slots };
  return isPossible(extended) ? extended : state;
}

interface Found {
  readonly found: Geometry;
  readonly notice: string | null;
  /** Whether it has what an earlier version's file had. */
  readonly is_carried: boolean;
}

function findOrMake(folder: string, geometry: Geometry): Found {
  const path = pathIn(folder);
  const unfinished = `${path}.new`;
  let notice: string | null = null;
  if (existsSync(path)) {
    const found = inspect(path);
    if (!("fault" in found)) return { found, notice, is_carried: false };
    const newer = newerVersion(path);
    if (newer !== null) throw new Error(newerThanKnown(path, newer));
    const earlier = earlierAt(path);
    if (earlier !== null) {
      writeFile(unfinished, "w", [[geometry, fileBytes(geometry)]]);
      replaceEarlier(path, unfinished);
      notice = `${path} was brought from layout ${earlier.version} to ${LAYOUT_VERSION}; metrics count from zero`;
      return { found: geometry, notice, is_carried: true };
    }
    const aside = `${path}.aside-${Date.now()}`;
    renameSync(path, aside);
    notice = `${path} was set aside as ${aside}, because ${found.fault}: limits count from zero`;
  }
  // It appears under its name when it is whole.
  writeFile(unfinished, "w", [[geometry, fileBytes(geometry)]]);
  renameSync(unfinished, path);
  return { found: geometry, notice, is_carried: false };
}

function newerThanKnown(path: string, version: number): string {
  return `${path} was laid out by a newer version of Venturi (its layout is ${version}, this program knows ${LAYOUT_VERSION}); run that version, or use another data folder`;
}

/** Why this program may not have a data folder's file: a newer one has made it; null where it may. */
export function stateRefusal(folder: string): string | null {
  const newer = newerVersion(pathIn(folder));
  return newer === null ? null : newerThanKnown(pathIn(folder), newer);
}

function inspect(path: string): Geometry | { readonly fault: string } {
  if (!statSync(path).isFile()) return { fault: "it is not a file" };
  const file = openSync(path, "r");
  try {
    const header = new Uint8Array(HEADER_USED_BYTES);
    const read_bytes = readSync(file, header, 0, HEADER_USED_BYTES, 0);
    return decodeHeader(header.subarray(0, read_bytes), statSync(path).size);
  } finally {
    closeSync(file);
  }
}

/** More areas, behind those that are there. */
function extend(path: string, geometry: Geometry): void {
  writeFile(path, "r+", [[geometry, fileBytes(geometry)]]);
}

/** Other areas in place of those that are there, which nobody maps; after each step the file is a valid one. */
function layAreasAnew(path: string, geometry: Geometry): void {
  writeFile(path, "r+", [
    [{ ...geometry, areas: 0 }, null],
    [{ ...geometry, areas: 0 }, AREAS_OFFSET],
    [geometry, fileBytes(geometry)],
  ]);
}

/** Gives the file a length, then the header, step by step. What lies between is a hole: nothing is written there. */
function writeFile(
  path: string,
  flags: "w" | "r+",
  steps: readonly (readonly [Geometry, number | null])[],
): void {
  const file = openSync(path, flags, 0o600);
  try {
    for (const [geometry, length] of steps) {
      if (length !== null) ftruncateSync(file, length);
      writeSync(file, encodeHeader(geometry), 0, HEADER_USED_BYTES, 0);
      fsyncSync(file);
    }
  } finally {
    closeSync(file);
  }
}

function seriesAt(index: number): number {
  return SERIES_OFFSET + index * SERIES_BLOCK_BYTES;
}

function pathIn(folder: string): string {
  return join(folder, "state");
}
