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
  /** How many rows behind those of the pieces belong to pairs of tokens: a power of two, or 0. */
  readonly pair_rows: number;
  /** What the numbers of each row are to be multiplied with: its weight is in it. */
  readonly scales: Float32Array;
  /** `dims` numbers a row. */
  readonly rows: Int8Array;
}

const MAGIC = "VNTEMBED";
const FORMAT = 1;
/** The magic, then seven numbers of 32 bits: format, version, dims, pieces, units, rows of pairs, checksum. */
const HEADER_BYTES = 36;
const MAX_DIMS = 1024;
const MAX_UNITS = 1 << 22;
const MAX_PAIR_ROWS = 1 << 20;

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
  if (file.length < HEADER_BYTES) return { fault: "the embedder's weights are cut short" };
  if (Buffer.from(file.subarray(0, MAGIC.length)).toString("latin1") !== MAGIC) {
    return { fault: "the file is not one of the embedder's weights" };
  }
  const header = new DataView(file.buffer, file.byteOffset, HEADER_BYTES);
  const number = (index: number) => header.getUint32(MAGIC.length + 4 * index, true);
  if (number(0) !== FORMAT) return { fault: "the embedder's weights are of a format that is not known" };
  const [version, dims, pieces, unit_count, pair_rows] = [
    number(1),
    number(2),
    number(3),
    number(4),
    number(5),
  ];
  const is_sane =
    dims > 0 && dims <= MAX_DIMS && pieces > 0 && pieces <= MAX_PIECES && unit_count <= MAX_UNITS;
  const are_pairs_sane = pair_rows <= MAX_PAIR_ROWS && (pair_rows & (pair_rows - 1)) === 0;
  if (!is_sane || !are_pairs_sane) return { fault: "the embedder's weights have a broken header" };
  const row_count = pieces + pair_rows;
  const sizes = [4 * (pieces + 1), 4 * row_count, 2 * unit_count, row_count * dims];
  const length = sizes.reduce((sum, size) => sum + size, HEADER_BYTES);
  if (file.length !== length) return { fault: "the embedder's weights are cut short" };
  if (crc32(file.subarray(HEADER_BYTES)) !== number(6)) {
    return { fault: "the embedder's weights do not fit their checksum" };
  }
  // Typed arrays must begin at a multiple of their size: a view that does not is copied.
  const aligned = file.byteOffset % 4 === 0 ? file : new Uint8Array(file);
  const starts = sizes.map((_, index) =>
    sizes.slice(0, index).reduce((sum, size) => sum + size, aligned.byteOffset + HEADER_BYTES),
  );
  const buffer = aligned.buffer;
  const offsets = new Uint32Array(buffer, starts[0]!, pieces + 1);
  if (!areRising(offsets, unit_count)) return { fault: "the embedder's weights have a broken vocabulary" };
  return {
    version,
    dims,
    units: new Uint16Array(buffer, starts[2]!, unit_count),
    offsets,
    pair_rows,
    scales: new Float32Array(buffer, starts[1]!, row_count),
    rows: new Int8Array(buffer, starts[3]!, row_count * dims),
  };
}

function areRising(offsets: Uint32Array, end: number): boolean {
  for (let at = 1; at < offsets.length; at++) if (offsets[at]! < offsets[at - 1]!) return false;
  return offsets[0] === 0 && offsets[offsets.length - 1] === end;
}
