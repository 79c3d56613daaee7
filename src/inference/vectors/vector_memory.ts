// Vectors of 8-bit integers, all in one memory, and the scan over any of them. Similarity is the cosine, which does not depend
// on how long a vector is, so each is stretched to the whole range of a byte; what that loses is about 0.0005.

import { plainScan, type ScanKernel, scanKernel } from "./scan_kernel.ts";

/** The most numbers that a vector can have. */
export const DIMS_MAX = 4096;
/** Vectors that are scanned in one go. */
export const SCAN_BATCH = 4096;

/** Numbers of a query reach this far: with the most numbers of all, no sum overflows 32 bits. */
const QUERY_MAX = 2047;
const VECTOR_MAX = 127;
const LANES = 16;
const PAGE_BYTES = 65_536;
/** As much as 32 bits can address. */
const PAGES_MAX = 65_536;

/** Where the query, the addresses to scan and the products lie; behind them the vectors. */
const QUERY_AT = 0;
const LIST_AT = QUERY_AT + 2 * DIMS_MAX;
const SCORES_AT = LIST_AT + 4 * SCAN_BATCH;
const VECTORS_AT = SCORES_AT + 4 * SCAN_BATCH;

/** The vector with its largest number stretched to `max`; false if it has no direction. */
function stretch(vector: Float32Array, max: number, into: Int8Array | Int16Array): boolean {
  let largest = 0;
  let sum = 0;
  for (let at = 0; at < vector.length; at++) {
    const size = Math.abs(vector[at]!);
    sum += size;
    if (size > largest) largest = size;
  }
  // What is not a number makes the sum none either.
  if (!(sum > 0 && sum < Number.POSITIVE_INFINITY)) return false;
  const factor = max / largest;
  for (let at = 0; at < vector.length; at++) into[at] = Math.round(vector[at]! * factor);
  return true;
}

function lengthOf(vector: Int8Array | Int16Array): number {
  let squares = 0;
  for (let at = 0; at < vector.length; at++) squares += vector[at]! * vector[at]!;
  return Math.sqrt(squares);
}

/** A vector as bytes; null if it has no direction. */
export function packVector(vector: Float32Array): Int8Array | null {
  const packed = new Int8Array(vector.length);
  return stretch(vector, VECTOR_MAX, packed) ? packed : null;
}

/** A packed vector as numbers, of length 1. */
export function unpackVector(packed: Int8Array): number[] {
  const length = lengthOf(packed);
  return Array.from(packed, (value) => value / length);
}

/** The memory of all vectors of one number of dimensions. */
export class VectorMemory {
  readonly dims: number;
  /** Whether the scan has the machine's SIMD instructions. */
  readonly is_fast: boolean;
  /** `dims`, filled up to whole lanes with zeros. */
  readonly #stride: number;
  readonly #memory = new WebAssembly.Memory({ initial: 4, maximum: PAGES_MAX });
  readonly #scan: ScanKernel;
  readonly #free: number[] = [];
  #end = VECTORS_AT;
  #bytes: Int8Array;
  #query_length = 1;

  constructor(dims: number, is_plain = false) {
    this.dims = dims;
    this.#stride = Math.ceil(dims / LANES) * LANES;
    const kernel = is_plain ? null : scanKernel(this.#memory);
    this.is_fast = kernel !== null;
    this.#scan = kernel ?? plainScan(this.#memory);
    this.#bytes = new Int8Array(this.#memory.buffer);
  }

  /** Bytes that it has taken. */
  get size_bytes(): number {
    return this.#bytes.length;
  }

  /** Keeps a packed vector; gives its address, or null when the memory is full. */
  add(packed: Int8Array): number | null {
    const address = this.#free.pop() ?? this.#extend();
    if (address !== null) this.#bytes.set(packed, address);
    return address;
  }

  /** Forgets the vector at an address. */
  remove(address: number): void {
    this.#free.push(address);
  }

  /** The packed vector at an address, copied. */
  at(address: number): Int8Array {
    return this.#bytes.slice(address, address + this.dims);
  }

  /** What products with it are divided by, besides the query's own length. */
  lengthAt(address: number): number {
    return lengthOf(this.#bytes.subarray(address, address + this.dims));
  }

  /** What is scanned for from here on; false if it has no direction. */
  setQuery(vector: Float32Array): boolean {
    const query = new Int16Array(this.#memory.buffer, QUERY_AT, this.#stride);
    query.fill(0);
    if (!stretch(vector, QUERY_MAX, query)) return false;
    this.#query_length = lengthOf(query);
    return true;
  }

  /**
   * The products of the query with the vectors at the addresses of a batch, in their order; valid until the next scan.
   * Divided by `query_length` and the vector's own length, a product is the cosine.
   */
  scan(addresses: Uint32Array): Int32Array {
    new Uint32Array(this.#memory.buffer, LIST_AT, addresses.length).set(addresses);
    this.#scan(QUERY_AT, LIST_AT, addresses.length, this.#stride, SCORES_AT);
    return new Int32Array(this.#memory.buffer, SCORES_AT, addresses.length);
  }

  get query_length(): number {
    return this.#query_length;
  }

  #extend(): number | null {
    const address = this.#end;
    const end = address + this.#stride;
    const missing = end - this.#bytes.length;
    if (missing > 0) {
      const pages = this.#bytes.length / PAGE_BYTES;
      const needed = Math.max(Math.ceil(missing / PAGE_BYTES), Math.min(pages >> 2, PAGES_MAX - pages));
      try {
        this.#memory.grow(needed);
      } catch {
        return null;
      }
      this.#bytes = new Int8Array(this.#memory.buffer);
    }
    this.#end = end;
    return address;
  }
}
