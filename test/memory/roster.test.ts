import { expect, test } from "vitest";
import { Roster } from "../../src/memory/roster.ts";

interface Guest {
  readonly name: number;
  slot: number;
}

test("a roster holds whom a set would hold, whoever comes and goes", () => {
  const roster = new Roster<"slot", Guest>("slot");
  const model = new Set<Guest>();
  const guests: Guest[] = Array.from({ length: 50 }, (_, name) => ({ name, slot: -1 }));
  let seed = 1;
  for (let step = 0; step < 20_000; step++) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    const guest = guests[seed % guests.length]!;
    // Coming twice and leaving twice are harmless.
    if (seed % 7 < 4) {
      roster.add(guest);
      model.add(guest);
    } else {
      roster.remove(guest);
      model.delete(guest);
    }
    expect(roster.size).toBe(model.size);
    if (step % 100 === 0) expect(new Set(roster.members)).toEqual(model);
  }
  for (const guest of guests) expect(guest.slot >= 0).toBe(model.has(guest));
});
