// One of several processes that use the same state as hard as they can: `FOLDER INDEX MILLISECONDS NOTES`.
// What it knows to have done is its last line of output; NOTES is a mapped file of words that outlives it.

import { mapFile } from "../../src/memory/mapping.ts";
import { EventSink } from "../../src/memory/spill.ts";
import { openState } from "../../src/memory/state.ts";
import { line } from "./lines.ts";
import { randomIntegers } from "./random.ts";
import {
  ADMIT_MAX,
  admissionKey,
  CHURN_KEYS,
  churnKey,
  FRESH_KEYS,
  freshKey,
  gaugeKey,
  HOT_KEYS,
  hotKey,
  NOTE_CALL,
  NOTE_PUSHED,
  nowMs,
  type Tally,
} from "./stress_keys.ts";

const [folder = "", place, duration, notes_path = ""] = process.argv.slice(2);
const index = Number(place);
const state = openState(folder);
const { counters } = state;
const { words, longs } = counters;
const area = state.area(index);
const sink = new EventSink(folder, area);
const notes = mapFile(notes_path).words;
const random = randomIntegers(index + 1);

const hot = Array.from({ length: HOT_KEYS }, (_, name) => hotKey(name));
const gauge = gaugeKey();
const admission = admissionKey();
const tally: Tally = {
  hot: new Array(HOT_KEYS).fill(0),
  fresh: new Array(FRESH_KEYS).fill(0),
  admitted: 0,
  refused: 0,
  pushed: 0,
};

function useHot(): void {
  const name = random(HOT_KEYS);
  const at = counters.at(hot[name]!, nowMs());
  if (at < 0) throw new Error("a counter that is always in use has no room");
  Atomics.add(words, at, 1);
  // Both halves of a long word go up together.
  Atomics.add(longs, (at >> 1) + 1, 0x1_0000_0001n);
  tally.hot[name]! += 1;
}

/** Refusals in turn that a busy machine explains. */
const FRESH_REFUSALS_MAX = 10_000;
let fresh_refusals = 0;

/** A new counter that all processes make at about the same time. */
let fresh_next = 0;
function useFresh(): void {
  if (fresh_next >= FRESH_KEYS) return;
  const at = counters.at(freshKey(fresh_next), nowMs());
  // Where somebody with the lock has lost its core for long, a counter is not made, rather than waited for without end.
  if (at < 0) {
    if (++fresh_refusals > FRESH_REFUSALS_MAX) throw new Error("the table is full");
    return;
  }
  fresh_refusals = 0;
  Atomics.add(words, at, 1);
  tally.fresh[fresh_next]! += 1;
  fresh_next += 1;
}

/** Counters that come and go among those that stay. */
function useChurn(): void {
  const at = counters.at(churnKey(random(CHURN_KEYS)), nowMs());
  if (at >= 0) Atomics.add(words, at + 1, 1);
}

function useGauge(): void {
  const at = counters.at(gauge, nowMs());
  Atomics.add(words, at + index, 1);
  Atomics.sub(words, at + index, 1);
}

function admit(): void {
  const at = counters.at(admission, nowMs());
  if (Atomics.add(words, at, 1) < ADMIT_MAX) {
    tally.admitted += 1;
  } else {
    Atomics.sub(words, at, 1);
    tally.refused += 1;
  }
}

function push(): void {
  const event = JSON.stringify({ index, number: tally.pushed, filler: "€".repeat(random(600)) });
  if (!sink.push(line(event))) throw new Error("an event was lost");
  tally.pushed += 1;
  Atomics.store(notes, NOTE_PUSHED, tally.pushed);
}

const running: { slot: number; number: number }[] = [];
let calls = 0;
function useCalls(): void {
  if (running.length < 20) {
    const text = JSON.stringify({ index, number: calls, filler: "ä".repeat(random(300)) });
    const slot = area.calls.begin(line(text));
    if (slot < 0) throw new Error("there is no slot");
    running.push({ slot, number: calls });
    calls += 1;
    return;
  }
  for (const { slot, number } of running) area.calls.progress(slot, number);
  const { slot } = running.splice(random(running.length), 1)[0]!;
  // Whatever has a smaller number than the smallest running one is over.
  area.calls.end(slot);
  Atomics.store(notes, NOTE_CALL, Math.min(...running.map((one) => one.number)));
}

const work = [useHot, useHot, useFresh, useChurn, useChurn, useGauge, admit, useCalls, push];
console.log("started");
const until_ms = performance.now() + Number(duration);
while (performance.now() < until_ms) {
  for (let round = 0; round < 20; round++) for (const one of work) one();
}
for (const { slot } of running) area.calls.end(slot);
console.log(JSON.stringify(tally));
