import { describe, expect, test } from "vitest";
import type { CacheEntry } from "../../src/cache/entry.ts";
import { Flight, type Joined } from "../../src/cache/flight.ts";
import { CacheKey } from "../../src/cache/key.ts";
import { type Position, Recording } from "../../src/cache/recording.ts";

const server = { provider: "p", model: "m" };
const entry = { kind: "whole" } as CacheEntry;
const key = new CacheKey({ tenant: "t", within: "" }, new Uint8Array(32));
const answer: Joined<string> = { kind: "answer", key, entry, similarity: null };

function waiter(follows = false) {
  const told: Joined<string>[] = [];
  return { follows, told, settle: (joined: Joined<string>) => void told.push(joined) };
}

function makeFlight() {
  const over = { times: 0 };
  return { over, flight: new Flight<string>(() => void over.times++) };
}

describe("a flight", () => {
  test("tells all who wait, once, and those who join until it is forgotten", () => {
    const { flight, over } = makeFlight();
    const [a, b, late] = [waiter(), waiter(true), waiter()];
    flight.join(a);
    flight.join(b);
    flight.end(answer);
    flight.end({ kind: "error", error: "too late" });
    flight.join(late);
    expect([a.told, b.told, late.told]).toEqual([[answer], [answer], [answer]]);
    expect(over.times).toBe(0);
    flight.forget();
    expect(over.times).toBe(1);
  });

  test("whose leader gives up is led by who has waited longest", () => {
    const { flight, over } = makeFlight();
    const [a, b] = [waiter(), waiter()];
    flight.join(a);
    flight.join(b);
    flight.abandon();
    expect(a.told).toEqual([{ kind: "lead" }]);
    expect(b.told).toEqual([]);
    flight.leave(b);
    flight.abandon();
    expect(over.times).toBe(1);
  });

  test("that flows is followed by those who can, and waited for by the others", () => {
    const { flight } = makeFlight();
    const [follower, patient, late] = [waiter(true), waiter(), waiter(true)];
    flight.join(follower);
    flight.join(patient);
    const recording = new Recording(server);
    flight.flow(recording);
    flight.join(late);
    expect(follower.told).toEqual([{ kind: "follow", recording }]);
    expect(late.told).toEqual([{ kind: "follow", recording }]);
    expect(patient.told).toEqual([]);
  });

  test("whose beginning is gone is not joined any more", () => {
    const { flight } = makeFlight();
    const recording = new Recording(server, 10);
    flight.flow(recording);
    recording.take(Buffer.alloc(11));
    const late = waiter(true);
    flight.join(late);
    expect(late.told).toEqual([{ kind: "alone" }]);
  });

  test("goes on without its leader until the last of the others is gone", () => {
    const { flight } = makeFlight();
    const recording = new Recording(server);
    flight.flow(recording);
    const patient = waiter();
    flight.join(patient);
    const position = recording.follow({ onMore: () => {}, onCut: () => {} });
    expect(flight.is_wanted).toBe(true);
    let stops = 0;
    flight.goOnWithout(() => void stops++);
    flight.leave(patient);
    expect(stops).toBe(0);
    recording.leave(position);
    flight.lookWhetherWanted();
    flight.lookWhetherWanted();
    expect([flight.is_wanted, stops]).toEqual([false, 1]);
  });
});

/** A follower that takes all, or nothing while it is paused. */
class Reader {
  text = "";
  is_paused = false;
  is_cut = false;
  readonly position: Position;
  readonly #recording: Recording;

  constructor(recording: Recording) {
    this.#recording = recording;
    this.position = recording.follow(this);
    this.onMore();
  }

  onMore(): void {
    while (!this.is_paused) {
      const chunk = this.#recording.next(this.position);
      if (chunk === null) return;
      this.text += Buffer.from(chunk).toString();
    }
  }

  onCut(): void {
    this.is_cut = true;
  }
}

describe("a recording", () => {
  test("gives every follower all of it, whenever it came and however it reads", () => {
    const recording = new Recording(server);
    const first = new Reader(recording);
    recording.take(Buffer.from("ab"));
    const second = new Reader(recording);
    second.is_paused = true;
    recording.take(Buffer.from("cd"));
    const third = new Reader(recording);
    recording.end({ error: null, cost_nano_usd: 3 });
    second.is_paused = false;
    second.onMore();
    expect([first.text, second.text, third.text]).toEqual(["abcd", "abcd", "abcd"]);
    expect(recording.bytes()!.toString()).toBe("abcd");
    expect(recording.hasAll(second.position)).toBe(true);
  });

  test("holds no more than it may: what all have taken goes, then the slowest of those who have not", () => {
    const recording = new Recording(server, 10);
    const [quick, slow] = [new Reader(recording), new Reader(recording)];
    recording.take(Buffer.from("123456"));
    slow.is_paused = true;
    recording.take(Buffer.from("789"));
    recording.take(Buffer.from("abc"));
    expect(slow.is_cut).toBe(false);
    recording.take(Buffer.from("defghijk"));
    expect([slow.is_cut, quick.is_cut]).toEqual([true, false]);
    expect(quick.text).toBe("123456789abcdefghijk");
    expect([recording.is_cut, recording.bytes(), recording.followers]).toEqual([true, null, 1]);
  });

  test("that nobody follows lets go of all that is too much", () => {
    const recording = new Recording(server, 10);
    for (let i = 0; i < 100; i++) recording.take(Buffer.alloc(7));
    expect(recording.size).toBeLessThanOrEqual(10);
  });
});
