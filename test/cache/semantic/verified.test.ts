import { describe, expect, test } from "vitest";
import { type Observation, Reliability, STATE_LENGTH } from "../../../src/cache/semantic/reliability.ts";
import { decide, LOOK_AGAIN_SHARE_MIN } from "../../../src/cache/semantic/verified.ts";
import { randomIntegers } from "../../memory/random.ts";

/** How similarity relates to correctness in a made-up world: each entry has a logistic of its own. */
interface World {
  /** Mean and spread of the similarity at which an entry's answer is as often right as wrong. */
  readonly middle: number;
  readonly spread: number;
  readonly slope: number;
  /** The share of questions whose answer is wrong however similar they are. */
  readonly noise: number;
}

interface Half {
  served: number;
  wrong: number;
}

const ARRIVALS = 8000;
const ENTRIES = 400;

/** Asks, decides and learns; counts in the first and in the second half. */
function live(world: World, max_error: number, seed: number) {
  const integers = randomIntegers(seed);
  const random = (): number => integers(2 ** 30) / 2 ** 30;
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const reliability = new Reliability();
  const entries = Array.from({ length: ENTRIES }, () => ({
    middle: world.middle + world.spread * normal(),
    observations: [] as Observation[],
  }));
  const halves: [Half, Half] = [
    { served: 0, wrong: 0 },
    { served: 0, wrong: 0 },
  ];
  for (let i = 0; i < ARRIVALS; i += 1) {
    const entry = entries[Math.floor(random() ** 2 * ENTRIES)]!;
    const similarity = 0.75 + 0.25 * Math.sqrt(random());
    const right = (1 - world.noise) / (1 + Math.exp(-world.slope * (similarity - entry.middle)));
    const verdict: Observation = [similarity, random() < right];
    const half = halves[i < ARRIVALS / 2 ? 0 : 1];
    if (
      decide(entry.observations, similarity, { threshold: 0.75, max_error }, reliability, random) === "serve"
    ) {
      half.served += 1;
      if (!verdict[1]) half.wrong += 1;
    } else {
      reliability.add(verdict, entry.observations);
      entry.observations.push(verdict);
    }
  }
  return { first: halves[0], second: halves[1] };
}

const STEEP: World = { middle: 0.82, spread: 0.03, slope: 60, noise: 0 };
const WIDE: World = { middle: 0.85, spread: 0.06, slope: 40, noise: 0 };
const FLAT: World = { middle: 0.7, spread: 0.05, slope: 25, noise: 0 };
const NOISY: World = { middle: 0.7, spread: 0.03, slope: 60, noise: 0.03 };
const HOPELESS: World = { middle: 1.05, spread: 0.03, slope: 40, noise: 0 };

describe("verified serving", () => {
  for (const [name, world] of Object.entries({ STEEP, WIDE, FLAT })) {
    test.each([0.01, 0.02, 0.05])(
      `keeps to its error and serves more as it learns (${name}, %f)`,
      (max_error) => {
        let [served, wrong, first, second] = [0, 0, 0, 0];
        for (const seed of [1, 2]) {
          const outcome = live(world, max_error, seed);
          served += outcome.first.served + outcome.second.served;
          wrong += outcome.first.wrong + outcome.second.wrong;
          first += outcome.first.served;
          second += outcome.second.served;
        }
        expect(served).toBeGreaterThan(0.05 * 2 * ARRIVALS);
        expect(wrong / served).toBeLessThanOrEqual(max_error);
        // Where nearly everything is served from the beginning, there is nothing to gain.
        expect(second).toBeGreaterThan(Math.min(first, 0.75 * ARRIVALS));
      },
    );
  }

  test("serves where the noise is below the error, and stops where it is above", () => {
    for (const seed of [1, 2]) {
      const lenient = live(NOISY, 0.05, seed).second;
      expect(lenient.served).toBeGreaterThan(0.5 * (ARRIVALS / 2));
      expect(lenient.wrong / lenient.served).toBeLessThan(0.05);
      const strict = live(NOISY, 0.01, seed);
      expect(strict.second.served).toBeLessThan(0.02 * ARRIVALS);
    }
  });

  test("serves next to nothing where similarity says nothing", () => {
    for (const seed of [1, 2]) {
      const { first, second } = live(HOPELESS, 0.02, seed);
      expect(first.served + second.served).toBeLessThan(0.01 * ARRIVALS);
    }
  });

  test("serves whatever is above the threshold where no error is asked for", () => {
    const rule = { threshold: 0.9, max_error: null };
    expect(decide([[0.95, false]], 0.9, rule, new Reliability(), () => 0)).toBe("serve");
    expect(decide([], 0.89, rule, new Reliability(), () => 0)).toBe("explore");
  });

  test("explores before it knows anything, and whatever is no number", () => {
    const rule = { threshold: 0.8, max_error: 0.05 };
    expect(decide([], 0.99, rule, new Reliability(), () => 0.999)).toBe("explore");
    expect(decide([], Number.NaN, rule, trained(), () => 0.999)).toBe("explore");
  });

  test("looks again at a share of what it could serve", () => {
    const rule = { threshold: 0.8, max_error: 0.05 };
    expect(decide([], 0.99, rule, trained(), () => 0.999)).toBe("serve");
    expect(decide([], 0.99, rule, trained(), () => LOOK_AGAIN_SHARE_MIN / 2)).toBe("explore");
  });
});

/** What two thousand verdicts teach: right from 0.8 on, mostly wrong below. */
function trained(): Reliability {
  const reliability = new Reliability();
  for (let i = 0; i < 2000; i += 1) {
    const similarity = 0.6 + (0.4 * i) / 2000;
    reliability.add([similarity, similarity > 0.8 || i % 4 === 0], []);
  }
  return reliability;
}

describe("reliability", () => {
  test("the more similar, the smaller the error", () => {
    const reliability = trained();
    const bounds = [0.6, 0.7, 0.8, 0.9, 0.99].map((similarity) => reliability.errorBound(similarity, []));
    expect(bounds).toEqual([...bounds].sort((a, b) => b - a));
    expect(bounds[0]).toBeGreaterThan(0.3);
    expect(bounds[4]).toBeLessThan(0.02);
  });

  test("an answer's own verdicts count where answers differ", () => {
    const reliability = new Reliability();
    // Half of the answers are always right, half always wrong.
    for (let entry = 0; entry < 200; entry += 1) {
      const earlier: Observation[] = [];
      for (let i = 0; i < 5; i += 1) {
        const verdict: Observation = [0.9, entry % 2 === 0];
        reliability.add(verdict, earlier);
        earlier.push(verdict);
      }
    }
    const rights = Array.from({ length: 5 }, (): Observation => [0.9, true]);
    const wrongs = Array.from({ length: 5 }, (): Observation => [0.9, false]);
    expect(reliability.errorBound(0.9, rights)).toBeLessThan(reliability.errorBound(0.9, []) / 2);
    expect(reliability.errorBound(0.9, wrongs)).toBeGreaterThan(reliability.errorBound(0.9, []) * 1.5);
  });

  test("goes on from what was stored, and begins anew from what is damaged", () => {
    const reliability = trained();
    expect(reliability.state).toHaveLength(STATE_LENGTH);
    expect(new Reliability(reliability.state).errorBound(0.93, [])).toBe(reliability.errorBound(0.93, []));
    const fresh = new Reliability().errorBound(0.93, []);
    expect(new Reliability(new Float64Array(3)).errorBound(0.93, [])).toBe(fresh);
    expect(new Reliability(reliability.state.fill(Number.NaN)).errorBound(0.93, [])).toBe(fresh);
  });

  test("old verdicts give way to new ones", () => {
    const reliability = new Reliability();
    for (let i = 0; i < 30_000; i += 1) reliability.add([0.95, true], []);
    expect(reliability.errorBound(0.95, [])).toBeLessThan(0.01);
    for (let i = 0; i < 30_000; i += 1) reliability.add([0.95, i % 2 === 0], []);
    expect(reliability.errorBound(0.95, [])).toBeGreaterThan(0.25);
  });

  test("bounds stay probabilities, whatever comes", () => {
    const integers = randomIntegers(9);
    const reliability = new Reliability();
    for (let i = 0; i < 3000; i += 1) {
      const similarity = integers(3) === 0 ? integers(5) - 2 : integers(1001) / 1000;
      const own: Observation[] = Array.from({ length: integers(100) }, () => [
        integers(1001) / 1000,
        integers(2) === 0,
      ]);
      const bound = reliability.errorBound(similarity, own);
      expect(bound >= 0 && bound <= 1, String(bound)).toBe(true);
      reliability.add([similarity, integers(2) === 0], own);
    }
  });
});
