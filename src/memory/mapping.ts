// A file mapped into memory, shared with every process that maps it, seen as bytes, words, long words and floating numbers.
// Atomics on these views hold between processes: they are the processor's own, and the memory is the same.

/** One mapped file. */
export interface Mapping {
  readonly bytes: Buffer;
  readonly words: Int32Array;
  readonly longs: BigInt64Array;
  readonly floats: Float64Array;
}

/**
 * Maps a file as long as it is now, or a part of it that begins with a page. It must not become shorter while it is mapped.
 * The engine takes what is mapped for memory that garbage holds, and collects less often the more it is: a process maps what
 * it needs and no more.
 */
export function mapFile(path: string, offset = 0, length_bytes?: number): Mapping {
  const part = length_bytes === undefined ? {} : { offset, size: length_bytes };
  return viewsOf(Bun.mmap(path, { shared: true, ...part }));
}

/** Memory of this process alone, seen alike. */
export function ownMemory(length_bytes: number): Mapping {
  return viewsOf(new Uint8Array(length_bytes));
}

function viewsOf({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Mapping {
  return {
    bytes: Buffer.from(buffer, byteOffset, byteLength),
    words: new Int32Array(buffer, byteOffset, byteLength >> 2),
    longs: new BigInt64Array(buffer, byteOffset, byteLength >> 3),
    floats: new Float64Array(buffer, byteOffset, byteLength >> 3),
  };
}
