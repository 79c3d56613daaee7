// What finding names costs: the built-in model over a hundred words, as texts come to the inference process.

import { loadBuiltinNer } from "../../src/inference/ner/ner.ts";
import type { Task } from "./measure.ts";

const SENTENCES =
  "Could you ask Maria Lopez in Lisbon whether the draft that Northwind sent on Monday is still the newest one? " +
  "She said that Peter would look at it before the meeting in Vienna, but the office there was closed. ";
const WORDS = 100;

/** Finding names in a hundred words; empty where the weights are damaged. */
export function nameTasks(): readonly Task[] {
  const ner = loadBuiltinNer();
  if ("fault" in ner) return [];
  const words = SENTENCES.repeat(Math.ceil(WORDS / 30)).split(" ");
  const text = words.slice(0, WORDS).join(" ");
  return [{ text: "100 words", name: "names", bytes: text.length, run: () => ner.find(text) }];
}
