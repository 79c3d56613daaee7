// A model for transformers.js that labels tokens, made here: a table of what each of a few words is, which ONNX's one operator Gather
// looks up. It is as small as a model can be, and runs through all of the real runtime.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gatherModel, writeWordPiece } from "../tiny_model.ts";

const LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-MISC"];
const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

/** Words, and what the model says of them. Words that begin with ## go on within a word. */
const WORDS: Readonly<Record<string, string>> = {
  ada: "B-PER",
  love: "I-PER",
  "##lace": "O",
  grace: "B-PER",
  hopper: "I-PER",
  oslo: "B-LOC",
  new: "B-LOC",
  york: "I-LOC",
  contoso: "B-ORG",
  ltd: "I-ORG",
  summer: "B-MISC",
  i: "O",
  am: "O",
  in: "O",
  and: "O",
  ",": "O",
  ".": "O",
  "-": "O",
};

/** Writes the model's files into a folder, which is made. */
export function writeTinyNer(folder: string): void {
  const words = [...SPECIAL, ...Object.keys(WORDS)];
  // A logit of 8 for what a word is, and none for all else.
  const table = new Float32Array(words.length * LABELS.length);
  for (const [index, word] of words.entries()) {
    table[index * LABELS.length + LABELS.indexOf(WORDS[word] ?? "O")] = 8;
  }
  mkdirSync(join(folder, "onnx"), { recursive: true });
  writeFileSync(join(folder, "onnx", "model.onnx"), gatherModel("logits", table, LABELS.length));
  const id2label = Object.fromEntries(LABELS.map((label, id) => [id, label]));
  const config = { model_type: "bert", architectures: ["BertForTokenClassification"], id2label };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeWordPiece(folder, words, true);
}
