// A model for transformers.js, made here: a table of vectors for twelve words, which ONNX's one operator Gather looks up. It is as
// small as a model can be, and runs through all of the real runtime.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "how", "do", "i", "pay", "refund", "order", "cancel", "?"];
/** Numbers of a vector. */
export const TINY_DIMS = 8;

// What follows is as much of protocol buffers as it takes: numbers, and bytes with their length.
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
const number = (field: number, value: number) => [field << 3, ...varint(value)];
const bytes = (field: number, content: Iterable<number>) => {
  const list = [...content];
  return [(field << 3) | 2, ...varint(list.length), ...list];
};
const text = (field: number, value: string) => bytes(field, Buffer.from(value));

const INT64 = 7;
const FLOAT = 1;

/** A tensor as an input or an output: its name, its type, and names of its dimensions. */
function value(name: string, type: number, dims: readonly (string | number)[]): number[] {
  const shape = dims.flatMap((dim) => bytes(1, typeof dim === "string" ? text(2, dim) : number(1, dim)));
  const tensor = [...number(1, type), ...bytes(2, shape)];
  return [...text(1, name), ...bytes(2, bytes(1, tensor))];
}

/** A vector of each word: its own direction, and a little of its neighbours'. */
function table(): Float32Array {
  const numbers = new Float32Array(WORDS.length * TINY_DIMS);
  for (const word of WORDS.keys()) {
    for (let at = 0; at < TINY_DIMS; at++) {
      numbers[word * TINY_DIMS + at] = Math.sin(1 + word * 3.7 + at * (1 + word));
    }
  }
  return numbers;
}

/** A model that gives, as `output`, a row of a table for each token. */
export function gatherModel(output: string, numbers: Float32Array, width: number): Uint8Array {
  const initializer = [
    ...number(1, numbers.length / width),
    ...number(1, width),
    ...number(2, FLOAT),
    ...text(8, "table"),
    ...bytes(9, new Uint8Array(numbers.buffer)),
  ];
  const gather = [...text(1, "table"), ...text(1, "input_ids"), ...text(2, output), ...text(4, "Gather")];
  const inputs = ["input_ids", "attention_mask", "token_type_ids"];
  const graph = [
    ...bytes(1, gather),
    ...text(2, "tiny"),
    ...bytes(5, initializer),
    ...inputs.flatMap((name) => bytes(11, value(name, INT64, ["batch", "sequence"]))),
    ...bytes(12, value(output, FLOAT, ["batch", "sequence", width])),
  ];
  return Uint8Array.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, number(2, 13))]);
}

/** Writes the model's files into a folder, which is made. */
export function writeTinyModel(folder: string): void {
  mkdirSync(join(folder, "onnx"), { recursive: true });
  const write = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content);
  write("onnx/model.onnx", gatherModel("last_hidden_state", table(), TINY_DIMS));
  write(
    "config.json",
    JSON.stringify({ model_type: "bert", architectures: ["BertModel"], hidden_size: TINY_DIMS }),
  );
  writeWordPiece(folder, WORDS, false);
}

/** Writes a tokenizer of a few words, the first four of them special; whether it puts its own marks around a text. */
export function writeWordPiece(folder: string, words: readonly string[], has_marks: boolean): void {
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content);
  const marked = [
    { SpecialToken: { id: "[CLS]", type_id: 0 } },
    { Sequence: { id: "A", type_id: 0 } },
    { SpecialToken: { id: "[SEP]", type_id: 0 } },
  ];
  write(
    "tokenizer_config.json",
    JSON.stringify({
      tokenizer_class: "BertTokenizer",
      model_max_length: 64,
      pad_token: "[PAD]",
      unk_token: "[UNK]",
      cls_token: "[CLS]",
      sep_token: "[SEP]",
    }),
  );
  write(
    "tokenizer.json",
    JSON.stringify({
      version: "1.0",
      added_tokens: words.slice(0, 4).map((content, id) => ({ id, content, special: true })),
      normalizer: { type: "BertNormalizer", lowercase: true, clean_text: true, handle_chinese_chars: true },
      pre_tokenizer: { type: "BertPreTokenizer" },
      post_processor: {
        type: "TemplateProcessing",
        single: has_marks ? marked : [{ Sequence: { id: "A", type_id: 0 } }],
        pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
        special_tokens: has_marks
          ? {
              "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] },
              "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] },
            }
          : {},
      },
      decoder: { type: "WordPiece", prefix: "##", cleanup: true },
      model: {
        type: "WordPiece",
        unk_token: "[UNK]",
        continuing_subword_prefix: "##",
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      },
    }),
  );
}

/** What the model gives for a text of its words: the mean of their vectors, brought to length 1. */
export function tinyVector(words: readonly string[]): Float32Array {
  const numbers = table();
  const sum = new Float32Array(TINY_DIMS);
  for (const word of words) {
    const at = WORDS.indexOf(word) * TINY_DIMS;
    for (let dim = 0; dim < TINY_DIMS; dim++) sum[dim]! += numbers[at + dim]!;
  }
  const length = Math.hypot(...sum);
  return sum.map((part) => part / length);
}
