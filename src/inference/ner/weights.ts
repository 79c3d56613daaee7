// The file of the name finder's weights (models/ner/README.md): read whole, checked, and used where it lies.

import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { TAG_COUNT } from "./chain.ts";

/** What the name finder is made of. All arrays lie in the file's own bytes. */
export interface Weights {
  /** Which training they are of. */
  readonly version: number;
  /** What the numbers of the features are to be multiplied with. */
  readonly scale: number;
  /** How well a tag follows another, in logarithms: a row for each tag before. */
  readonly follows: Float32Array;
  /** The table of features: a byte of each one's hash, and a number for each tag. */
  readonly features: Int8Array;
  /** The gazetteer's table: hashes, and the lists that each stands in. */
  readonly hashes: Int32Array;
  readonly lists: Uint8Array;
}

/** Bytes of a feature's slot. */
export const SLOT_BYTES = 1 + TAG_COUNT;

const MAGIC = "VNTNAMES";
const FORMAT = 1;
/** The magic, then six numbers of 32 bits: format, version, scale (a float), bits of both tables' sizes, checksum. */
const HEADER_BYTES = 32;
const FOLLOWS_BYTES = 4 * 50;
const MAX_BITS = 20;

/** Reads and checks a file of weights. A fault says what is wrong with it. */
export function readWeights(path: string): Weights | { readonly fault: string } {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch {
    return { fault: "the weights for names cannot be read" };
  }
  return parseWeights(file);
}

/** The weights in the bytes of a file, which must not change afterwards. */
export function parseWeights(file: Uint8Array): Weights | { readonly fault: string } {
  if (file.length < HEADER_BYTES) return { fault: "the weights for names are cut short" };
  if (Buffer.from(file.subarray(0, MAGIC.length)).toString("latin1") !== MAGIC) {
    return { fault: "the file is not one of weights for names" };
  }
  const header = new DataView(file.buffer, file.byteOffset, HEADER_BYTES);
  const number = (index: number) => header.getUint32(MAGIC.length + 4 * index, true);
  if (number(0) !== FORMAT) return { fault: "the weights for names are of a format that is not known" };
  const [version, scale, feature_bits, gazetteer_bits] = [
    number(1),
    header.getFloat32(MAGIC.length + 8, true),
    number(3),
    number(4),
  ];
  const are_bits_sane = feature_bits <= MAX_BITS && gazetteer_bits <= MAX_BITS;
  if (!are_bits_sane || !(scale > 0) || !Number.isFinite(scale)) {
    return { fault: "the weights for names have a broken header" };
  }
  const slots = 2 ** feature_bits;
  const entries = 2 ** gazetteer_bits;
  if (file.length !== HEADER_BYTES + FOLLOWS_BYTES + entries * 5 + slots * SLOT_BYTES) {
    return { fault: "the weights for names are cut short" };
  }
  if (crc32(file.subarray(HEADER_BYTES)) !== number(5)) {
    return { fault: "the weights for names do not fit their checksum" };
  }
  // Typed arrays must begin at a multiple of their size: bytes that do not are copied.
  const { buffer, byteOffset } = file.byteOffset % 4 === 0 ? file : new Uint8Array(file);
  const follows_at = byteOffset + HEADER_BYTES;
  const hashes_at = follows_at + FOLLOWS_BYTES;
  const lists_at = hashes_at + 4 * entries;
  const hashes = new Int32Array(buffer, hashes_at, entries);
  const follows = new Float32Array(buffer, follows_at, TAG_COUNT * TAG_COUNT);
  // A look-up ends at a free slot.
  if (!hashes.includes(0)) return { fault: "the weights for names have a broken gazetteer" };
  if (!follows.every(Number.isFinite)) return { fault: "the weights for names have broken numbers" };
  return {
    version,
    scale,
    follows,
    hashes,
    lists: new Uint8Array(buffer, lists_at, entries),
    features: new Int8Array(buffer, lists_at + entries, slots * SLOT_BYTES),
  };
}

/** The bytes of a file of weights. */
export function weightsFile(weights: Weights): Uint8Array {
  const { version, scale, follows, features, hashes, lists } = weights;
  const file = new Uint8Array(HEADER_BYTES + FOLLOWS_BYTES + 5 * hashes.length + features.length);
  file.set(new TextEncoder().encode(MAGIC));
  let next = HEADER_BYTES;
  const sections: readonly (readonly [ArrayBufferView, number])[] = [
    [follows, FOLLOWS_BYTES],
    [hashes, hashes.byteLength],
    [lists, lists.byteLength],
    [features, features.byteLength],
  ];
  for (const [array, bytes] of sections) {
    file.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), next);
    next += bytes;
  }
  const header = new DataView(file.buffer, 0, HEADER_BYTES);
  const bits = [Math.log2(features.length / SLOT_BYTES), Math.log2(hashes.length)];
  header.setUint32(MAGIC.length, FORMAT, true);
  header.setUint32(MAGIC.length + 4, version, true);
  header.setFloat32(MAGIC.length + 8, scale, true);
  header.setUint32(MAGIC.length + 12, bits[0]!, true);
  header.setUint32(MAGIC.length + 16, bits[1]!, true);
  header.setUint32(MAGIC.length + 20, crc32(file.subarray(HEADER_BYTES)), true);
  return file;
}
