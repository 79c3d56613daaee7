// The functions over bytes that exist twice, in TypeScript and in C++, and which of them a text is given to.
// Both pass the same cases, so nothing but time depends on whether the native part was built.

import { candidates } from "./candidates.ts";
import type { JsonFault } from "./json_fault.ts";
import { scanText, type TextScan } from "./json_text.ts";
import { findMarker, type MarkerSet } from "./markers.ts";
import { nativeKernels } from "./native.ts";
import { estimateTokens } from "./tokens.ts";

/** One implementation of them. */
export interface Kernels {
  /** `typescript`, or the instructions that it uses: `plain`, `sse2`, `avx2`, `avx512`, `neon`. */
  readonly level: string;
  /** See `scanText` of `json_text.ts`. */
  scanText(bytes: Uint8Array, start: number, end: number): TextScan | JsonFault;
  /** See `findMarker` of `markers.ts`. */
  findMarker(bytes: Uint8Array, from: number, set: MarkerSet): number;
  /** See `candidates` of `candidates.ts`. */
  candidates(bytes: Uint8Array, start: number, end: number): number;
  /** See `estimateTokens` of `tokens.ts`. */
  estimateTokens(bytes: Uint8Array, start: number, end: number): number;
}

/** The implementation that is always there. */
export const typescript: Kernels = {
  level: "typescript",
  scanText,
  findMarker,
  candidates,
  estimateTokens,
};

/** Every implementation that runs here: TypeScript, then the native ones from the slowest to the fastest. */
export const implementations: readonly Kernels[] = [typescript, ...nativeKernels()];

/** Native code without vector instructions is slower than TypeScript; it is there to be tested against. */
const best = implementations.filter(({ level }) => level !== "plain").at(-1)!;

/**
 * Shorter texts are done in TypeScript before native code has been called, which alone takes 90 ns: at 71 bytes a
 * scan takes 119 ns here and 154 to 195 ns there, at 400 bytes 200 ns in both, at 1 KB 400 and 240 ns. Classes and
 * tokens cost more a byte, so that 71 bytes take 95 ns in both (`bench/micro.ts`).
 */
const SCAN_NATIVE_MIN_BYTES = 350;
const FIND_NATIVE_MIN_BYTES = 350;
const CANDIDATES_NATIVE_MIN_BYTES = 150;
const TOKENS_NATIVE_MIN_BYTES = 100;

/** What the gateway uses: the fastest implementation for a text of its size. */
export const fastest: Kernels = {
  level: best.level,
  scanText: (bytes, start, end) =>
    (end - start < SCAN_NATIVE_MIN_BYTES ? typescript : best).scanText(bytes, start, end),
  findMarker: (bytes, from, set) =>
    (bytes.length - from < FIND_NATIVE_MIN_BYTES ? typescript : best).findMarker(bytes, from, set),
  candidates: (bytes, start, end) =>
    (end - start < CANDIDATES_NATIVE_MIN_BYTES ? typescript : best).candidates(bytes, start, end),
  estimateTokens: (bytes, start, end) =>
    (end - start < TOKENS_NATIVE_MIN_BYTES ? typescript : best).estimateTokens(bytes, start, end),
};
