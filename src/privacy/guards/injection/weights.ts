// The file of the injection score's weights (models/injection/README.md): read whole, checked, and used where it lies.

import { crc32 } from "node:zlib";
import { PLACES } from "./features.ts";

/** What the score of one source is made of. */
export interface SourceWeights {
  /** What the table's numbers are to be multiplied with. */
  readonly scale: number;
  /** What is added to a window of each length. */
  readonly long_bias: number;
  readonly short_bias: number;
  /** The sum that 99 of 100 harmless texts stay below. */
  readonly threshold: number;
  /** How fast the score rises with the sum. */
  readonly slope: number;
  readonly table: Int8Array;
}

/** The weights for both sources. */
export interface Weights {
  readonly user: SourceWeights;
  readonly tool: SourceWeights;
}

const MAGIC = "VNTINJCT";
const FORMAT = 1;
/** The magic, the format and a checksum, then five floats for each source. */
const NUMBERS_AT = 16;
const NUMBERS_OF_SOURCE = 5;
const HEADER_BYTES = NUMBERS_AT + 2 * 4 * NUMBERS_OF_SOURCE;

/** The weights in the bytes of a file, which must not change afterwards. A fault says what is wrong with them. */
export function parseWeights(file: Uint8Array): Weights | { readonly fault: string } {
  if (file.length !== HEADER_BYTES + 2 * PLACES) {
    return { fault: "the weights for injections are cut short or not such a file" };
  }
  if (Buffer.from(file.subarray(0, MAGIC.length)).toString("latin1") !== MAGIC) {
    return { fault: "the file is not one of weights for injections" };
  }
  const header = new DataView(file.buffer, file.byteOffset, HEADER_BYTES);
  if (header.getUint32(8, true) !== FORMAT) {
    return { fault: "the weights for injections are of a format that is not known" };
  }
  if (crc32(file.subarray(NUMBERS_AT)) !== header.getUint32(12, true)) {
    return { fault: "the weights for injections do not fit their checksum" };
  }
  const sourceAt = (source: number): SourceWeights => {
    const number = (index: number) =>
      header.getFloat32(NUMBERS_AT + 4 * (NUMBERS_OF_SOURCE * source + index), true);
    const table_at = file.byteOffset + HEADER_BYTES + source * PLACES;
    return {
      scale: number(0),
      long_bias: number(1),
      short_bias: number(2),
      threshold: number(3),
      slope: number(4),
      table: new Int8Array(file.buffer, table_at, PLACES),
    };
  };
  const weights = { user: sourceAt(0), tool: sourceAt(1) };
  const is_sane = [weights.user, weights.tool].every(
    ({ scale, long_bias, short_bias, threshold, slope }) =>
      scale > 0 && slope > 0 && [scale, long_bias, short_bias, threshold, slope].every(Number.isFinite),
  );
  return is_sane ? weights : { fault: "the weights for injections have broken numbers" };
}

/** The bytes of a file of weights. */
export function weightsFile({ user, tool }: Weights): Uint8Array {
  const file = new Uint8Array(HEADER_BYTES + 2 * PLACES);
  file.set(new TextEncoder().encode(MAGIC));
  const header = new DataView(file.buffer);
  header.setUint32(8, FORMAT, true);
  [user, tool].forEach(({ scale, long_bias, short_bias, threshold, slope, table }, source) => {
    [scale, long_bias, short_bias, threshold, slope].forEach((number, index) => {
      header.setFloat32(NUMBERS_AT + 4 * (NUMBERS_OF_SOURCE * source + index), number, true);
    });
    file.set(new Uint8Array(table.buffer, table.byteOffset, PLACES), HEADER_BYTES + source * PLACES);
  });
  header.setUint32(12, crc32(file.subarray(NUMBERS_AT)), true);
  return file;
}
