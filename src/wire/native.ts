// The native twins of the functions over bytes (native/README.md), if they were built for this machine.
// A call passes typed arrays and numbers only; what is found comes back in memory that both sides share.

import { loadOwnAddon } from "../program/addon.ts";
import { expectedFault, type JsonFault, stringFault } from "./json_fault.ts";
import { STRIDE, type TextScan, tooDeep } from "./json_text.ts";
import type { Kernels } from "./kernels.ts";

/** What the addon gives for each level of instructions that this processor has (native/addon.cpp). */
interface NativeLevel {
  readonly name: string;
  /** The number of members, or the complement of the number of a Fault; the rest is left in the store. */
  scan(bytes: Uint8Array, start: number, end: number): number;
  findMarker(bytes: Uint8Array, from: number, end: number, set: Uint8Array): number;
  candidates(bytes: Uint8Array, start: number, end: number): number;
  estimateTokens(bytes: Uint8Array, start: number, end: number): number;
}

interface Addon {
  readonly version: number;
  /** From the slowest to the fastest. */
  readonly levels: readonly NativeLevel[];
  attach(store: Int32Array): void;
}

/** What this file was written for (ADDON_VERSION in native/kernels.h): one built before an update may differ. */
const ADDON_VERSION = 2;

/** Members that the shared memory has room for. A text with more is scanned again, into memory of its own. */
const SHARED_MEMBERS = 1024;

/** What was expected where, by the number of a Fault (native/kernels.h). */
const EXPECTED: readonly string[] = [
  "",
  "a value",
  "a key in double quotes",
  "a colon after the key",
  'a comma or "}"',
  'a comma or "]"',
  "a digit of a number",
  '"true"',
  '"false"',
  '"null"',
  "nothing behind the value",
];
const STRING_FAULT = EXPECTED.length;

/** The native implementations that run here, from the slowest to the fastest; none if there is no addon. */
export function nativeKernels(): readonly Kernels[] {
  const addon = load();
  if (addon?.version !== ADDON_VERSION) return [];
  // Shared by all levels: a call is over, and what it left here is taken, before the next one begins.
  const shared = new Int32Array(1 + SHARED_MEMBERS * STRIDE);
  addon.attach(shared);
  return addon.levels.map((native) => ({
    level: native.name,
    scanText(bytes: Uint8Array, start: number, end: number): TextScan | JsonFault {
      const count = native.scan(bytes, start, end);
      const root = shared[0]!;
      if (count < 0) return faultOf(~count, bytes, root, end);
      const needed = 1 + count * STRIDE;
      if (count <= SHARED_MEMBERS) return { fault: null, root, members: shared.slice(1, needed) };
      const own = new Int32Array(needed);
      addon.attach(own);
      native.scan(bytes, start, end);
      addon.attach(shared);
      return { fault: null, root, members: own.subarray(1) };
    },
    findMarker: (bytes, from, set) => native.findMarker(bytes, from, bytes.length, set.packed),
    candidates: native.candidates,
    estimateTokens: native.estimateTokens,
  }));
}

function faultOf(fault: number, bytes: Uint8Array, offset: number, end: number): JsonFault {
  if (fault < STRING_FAULT) return expectedFault(bytes, offset, end, EXPECTED[fault]!);
  return fault === STRING_FAULT ? stringFault(bytes, offset, end) : tooDeep(offset);
}

/** The addon, or null if it was not built, or was built for another machine. */
function load(): Addon | null {
  try {
    return loadOwnAddon() as Addon;
  } catch {
    return null;
  }
}
