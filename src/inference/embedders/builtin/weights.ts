// The file of the built-in embedder's weights (models/embedder/README.md): read whole, checked, and used where it lies.

import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { MAX_PIECES } from "./wordpiece.ts";

/** What the embedder is made of. All arrays lie in the file's own bytes. */
export interface Weights {
  /** Which training they are of: vectors of two versions are not comparable. */
  readonly version: number;
  readonly dims: number;
  /** The pieces of the vocabulary as UTF-16, one behind the other, and where each begins; one more for the end of the last. */
  readonly units: Uint16Array;
  readonly offsets: Uint32Array;
  /** The pairs of tokens that have a row, behind those of the pieces: the first in the high half, rising. */
  readonly pairs: Uint32Array;
  /** What the numbers of each row are to be multiplied with: its weight is in it. */
  readonly scales: Float32Array;
  /** `dims` numbers a row. */
  readonly rows: Int8Array;
}

const MAGIC = "VNTEMBED";
const FORMAT = 1;
/** The magic, then seven numbers of 32 bits: format, version, dims, pieces, units, pairs, checksum. */
const HEADER_BYTES = 36;
const MAX_DIMS = 1024;
const MAX_UNITS = 1 << 22;
const MAX_PAIRS = 1 << 20;

/** Reads and checks a file of weights. A fault says what is wrong with it. */
export function readWeights(path: string): Weights | { readonly fault: string } {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch {
    return { fault: "the embedder's weights cannot be read" };
  }
  return parseWeights(file);
}

/** The weights in the bytes of a file, which must not change afterwards. */
export function parseWeights(file: Uint8Array): Weights | { readonly fault: string } {
  const header = readHeader(file);
  if ("fault" in header) return header;
  const { version, dims, pieces, units: unit_count, pairs: pair_count, checksum } = header;
  const row_count = pieces + pair_count;
  const sizes = [4 * (pieces + 1), 4 * row_count, 4 * pair_count, 2 * unit_count, row_count * dims];
  const length = sizes.reduce((sum, size) => sum + size, HEADER_BYTES);
  if (file.length !== length) return { fault: "the embedder's weights are cut short" };
  if (crc32(file.subarray(HEADER_BYTES)) !== checksum) {
    return { fault: "the embedder's weights do not fit their checksum" };
  }
  // Typed arrays must begin at a multiple of their size: bytes that do not are copied.
  const { buffer, byteOffset } = file.byteOffset % 4 === 0 ? file : new Uint8Array(file);
  let next = byteOffset + HEADER_BYTES;
  const [offsets_at, scales_at, pairs_at, units_at, rows_at] = sizes.map((size) => {
    next += size;
    return next - size;
  });
  const offsets = new Uint32Array(buffer, offsets_at, pieces + 1);
  const pairs = new Uint32Array(buffer, pairs_at, pair_count);
  if (!isRising(offsets) || !isRising(pairs) || offsets[0] !== 0 || offsets[pieces] !== unit_count) {
    return { fault: "the embedder's weights have a broken vocabulary" };
  }
  return {
    version,
    dims,
    units: new Uint16Array(buffer, units_at, unit_count),
    offsets,
    pairs,
    scales: new Float32Array(buffer, scales_at, row_count),
    rows: new Int8Array(buffer, rows_at, row_count * dims),
  };
}

/** What the file says of itself. */
interface Header {
  readonly version: number;
  readonly dims: number;
  readonly pieces: number;
  readonly units: number;
  readonly pairs: number;
  readonly checksum: number;
}

function readHeader(file: Uint8Array): Header | { readonly fault: string } {
  if (file.length < HEADER_BYTES) return { fault: "the embedder's weights are cut short" };
  const view = new DataView(file.buffer, file.byteOffset, HEADER_BYTES);
  const number = (index: number) => view.getUint32(MAGIC.length + 4 * index, true);
  if (Buffer.from(file.subarray(0, MAGIC.length)).toString("latin1") !== MAGIC) {
    return { fault: "the file is not one of the embedder's weights" };
  }
  if (number(0) !== FORMAT) return { fault: "the embedder's weights are of a format that is not known" };
  const header = {
    version: number(1),
    dims: number(2),
    pieces: number(3),
    units: number(4),
    pairs: number(5),
    checksum: number(6),
  };
  const is_sane =
    header.dims > 0 &&
    header.dims <= MAX_DIMS &&
    header.pieces > 0 &&
    header.pieces <= MAX_PIECES &&
    header.units <= MAX_UNITS &&
    header.pairs <= MAX_PAIRS;
  return is_sane ? header : { fault: "the embedder's weights have a broken header" };
}

function isRising(numbers: Uint32Array): boolean {
  for (let at = 1; at < numbers.length; at++) if (numbers[at]! < numbers[at - 1]!) return false;
  return true;
}
