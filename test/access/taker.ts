// A process that takes from limits as fast as it can, for the test of reservations by several processes at once.
// Its arguments: data folder, index, milliseconds to run. It prints what it was granted as JSON, and dies holding some.

import { counterKey } from "../../src/access/counter_key.ts";
import { type Amounts, Reservation } from "../../src/access/reservation.ts";
import { openState } from "../../src/memory/state.ts";
import { CONCURRENCY, stressSets } from "./stress_sets.ts";

const [folder = "", index = "0", duration_ms = "500"] = process.argv.slice(2);
const state = openState(folder);
const { words } = state.counters;
const now_ms = () => Date.now();
const tools = { counters: state.counters, column: Number(index), shared: null, now_ms, wall_ms: now_ms };
const sets = stressSets();
/** Counted by the test itself: at most as many as are held at any moment. */
const witness = counterKey(
  { tenant: "test", scope: "key", name: "witness", dimension: "requests", window: "" },
  60_000,
);
/** The moments between which each grant was made. */
const granted: { readonly after_ms: number; readonly before_ms: number; readonly tokens: number }[] = [];
const held: { readonly reservation: Reservation; readonly amounts: Amounts }[] = [];
let most_at_once = 0;
const end_ms = Date.now() + Number(duration_ms);
for (let turn = Number(index) * 7; Date.now() < end_ms; turn++) {
  const amounts = { tokens: 1 + (turn % 50), nano_usd: (1 + (turn % 50)) * 10 };
  const after_ms = Date.now();
  const taken = Reservation.take(sets, amounts, tools);
  if (taken instanceof Reservation) {
    granted.push({ after_ms, before_ms: Date.now(), tokens: amounts.tokens });
    held.push({ reservation: taken, amounts });
    most_at_once = Math.max(most_at_once, Atomics.add(words, state.counters.at(witness, Date.now()), 1) + 1);
  }
  while (held.length > CONCURRENCY / 4 || (held.length > 0 && !(taken instanceof Reservation))) {
    const { reservation, amounts: used } = held.shift()!;
    Atomics.sub(words, state.counters.at(witness, Date.now()), 1);
    reservation.settle(used);
  }
}
process.stdout.write(JSON.stringify({ granted, most_at_once, held: held.length }));
