// Part of some bytes.

/**
 * The bytes from `start` to before `end`, which are not copied; all of them are themselves. `subarray` takes four times as long: it
 * may call a constructor of others.
 */
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (start === 0 && end === bytes.length) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** Up to so many bytes the runtime keeps with an array's object, where no buffer is until somebody asks for it. */
export const SHORT_BYTES = 1_000;

/**
 * The same to be read alone: what is short is a copy. The first view of bytes that came in a short array costs 250 ns, which the
 * runtime takes to give them a buffer; a copy costs 40.
 */
export function partOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (end - start > SHORT_BYTES || (start === 0 && end === bytes.length)) return viewOf(bytes, start, end);
  return bytes.slice(start, end);
}

/** The text of part of some bytes. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.prototype.utf8Slice.call(bytes, start, end);
}
