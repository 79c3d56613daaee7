// Part of some bytes without a copy.

/**
 * The bytes from `start` to before `end`, which are not copied; all of them are themselves. `subarray` takes four times as long: it
 * may call a constructor of others.
 */
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (start === 0 && end === bytes.length) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}
