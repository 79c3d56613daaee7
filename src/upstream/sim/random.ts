// Where everything that looks random in an answer comes from: hashes of the request.
// Equal requests give equal bytes, so a test or a cache can compare answers.

/** A hash of bytes or text as `digits` hexadecimal digits (at most 32). */
export function hexHash(data: Uint8Array | string, digits: number): string {
  const low = Bun.hash.wyhash(data).toString(16).padStart(16, "0");
  if (digits <= 16) return low.slice(0, digits);
  const high = Bun.hash.wyhash(data, 1n).toString(16).padStart(16, "0");
  return (low + high).slice(0, digits);
}

/** A hash as a number to seed `randomFrom` with: an unsigned 32-bit integer. */
export function seedFrom(data: Uint8Array | string): number {
  return Number(Bun.hash.wyhash(data) & 0xffff_ffffn);
}

/** A generator (mulberry32): each call gives an integer from 0 to `bound` - 1, in an order fixed by the seed. */
export function randomFrom(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * bound);
  };
}
