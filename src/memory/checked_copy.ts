// Copies words and says their check: whoever reads them back later sees whether they are the same. FNV-1a by words
// (Fowler, Noll, Vo): it finds what a power cut mixes up, and takes no call into the runtime.

const PRIME = 0x01000193;

/** Copies so many words; gives their check, which depends on the seed too. */
export function copyChecked(
  from: Int32Array,
  from_at: number,
  to: Int32Array,
  to_at: number,
  count: number,
  seed: number,
): number {
  let check = Math.imul(seed ^ count, PRIME);
  for (let index = 0; index < count; index++) {
    const word = from[from_at + index]!;
    to[to_at + index] = word;
    check = Math.imul(check ^ word, PRIME);
  }
  // A change in the last words would else show in the upper bits alone.
  return check ^ (check >>> 15);
}
