// Rendezvous hashing (Thaler and Ravishankar, 1996): every pair of a caller's prefix and a candidate has a number, and the largest
// wins. Calls of one prefix so meet at one place, and when that is gone, only they move.

/** What calls have in common that should meet; null: they may go anywhere. */
export type Affinity = string | null;

/** The number of a pair, above 0 and at most 1, spread evenly. */
function drawOf(affinity: string, candidate: string): number {
  return (Bun.hash.xxHash32(candidate, Bun.hash.xxHash32(affinity)) + 1) / 2 ** 32;
}

/** Orders candidates for an affinity, so that each comes first in proportion to its weight. A weight of 0 comes last. */
export function inAffinityOrder<T>(
  candidates: readonly T[],
  affinity: string,
  nameOf: (candidate: T) => string,
  weightOf: (candidate: T) => number,
): T[] {
  const scored = candidates.map((candidate) => {
    const weight = weightOf(candidate);
    const draw = drawOf(affinity, nameOf(candidate));
    // The first of several exponential clocks to ring: the heavier, the faster.
    return { candidate, ring: weight > 0 ? -Math.log(draw) / weight : Number.POSITIVE_INFINITY };
  });
  return scored.sort((a, b) => a.ring - b.ring).map(({ candidate }) => candidate);
}
