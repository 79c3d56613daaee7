// The thread that runs a token-classification model by transformers.js. The package gives labels of tokens without their places in the
// text, so that its tokenizer and its model are asked here word by word.

import { workerData } from "node:worker_threads";
import { Fields } from "../fields.ts";
import {
  beginModel,
  loadTransformers,
  type ModelOrder,
  messageOf,
  type Transformers,
} from "../transformers.ts";
import { readLabels } from "./labels.ts";
import type { Found } from "./ner.ts";
import { TokenClassifier, type TokenModel } from "./token_classifier.ts";

/** What the thread is asked. */
export interface NamesOrder {
  readonly texts: readonly string[];
  /** When nobody waits any more, by the host's clock. */
  readonly deadline_ms: number;
}

/** What it answers: names text by text, null for texts that there was no time for; or why there are none. */
export type NamesAnswer =
  | { readonly names: readonly (readonly Found[] | null)[] }
  | { readonly fault: string };

/** The most tokens of a window: the time that a model takes grows with their square. */
const TOKENS_MAX = 256;
/** How long a model that could not be loaded is left before another try. */
const RETRY_MS = 30_000;

/** What is used of a tokenizer and a model of the package. */
interface Tokenizer {
  readonly model_max_length?: unknown;
  readonly pad_token_id?: unknown;
  encode(text: string, options: { readonly add_special_tokens: boolean }): number[];
}
interface Model {
  (
    inputs: object,
  ): Promise<{ readonly logits?: { readonly dims: readonly number[]; readonly data: unknown } }>;
  readonly config: { readonly id2label?: unknown; readonly max_position_embeddings?: unknown };
}

let loading: Promise<TokenClassifier | { readonly fault: string }> | null = null;
let loaded_ms = 0;

/** The names in texts. */
export async function find({ texts, deadline_ms }: NamesOrder): Promise<NamesAnswer> {
  try {
    if (loading === null) {
      loading = load(orderOf(workerData));
      loaded_ms = performance.now();
    }
    const classifier = await loading;
    if ("fault" in classifier) {
      if (performance.now() - loaded_ms > RETRY_MS) loading = null;
      return classifier;
    }
    return { names: await classifier.find(texts, () => Date.now() > deadline_ms) };
  } catch (error) {
    return { fault: `the model failed: ${messageOf(error)}` };
  }
}

function orderOf(data: unknown): ModelOrder {
  const fields = new Fields(data);
  return { model: fields.text("model"), threads: fields.number("threads") };
}

async function load(order: ModelOrder): Promise<TokenClassifier | { readonly fault: string }> {
  const loaded = await loadTransformers(order.model);
  if ("fault" in loaded) return loaded;
  const { transformers, name } = loaded;
  const begun = await beginModel(order, async (options) => ({
    tokenizer: (await transformers.AutoTokenizer.from_pretrained(name)) as Tokenizer,
    model: (await transformers.AutoModelForTokenClassification.from_pretrained(name, options)) as Model,
  }));
  if ("fault" in begun) return begun;
  const labels = readLabels(begun.model.config.id2label);
  if (labels === null) return { fault: "the model's labels tell of no people, places or organizations" };
  return new TokenClassifier(tokenModel(begun, labels, transformers));
}

function tokenModel(
  { tokenizer, model }: { readonly tokenizer: Tokenizer; readonly model: Model },
  labels: TokenModel["labels"],
  { Tensor }: Transformers,
): TokenModel {
  const encode = (text: string) => tokenizer.encode(text, { add_special_tokens: false });
  const pad = typeof tokenizer.pad_token_id === "number" ? tokenizer.pad_token_id : 0;
  const { before, behind } = specialsOf(tokenizer, encode);
  // Some tokenizers write a blank before every text, whether there is one or not.
  const blank = encode("x").length > 1 ? encode("x")[0] : encode(" ")[0];
  const limits = [
    TOKENS_MAX,
    Number(tokenizer.model_max_length),
    Number(model.config.max_position_embeddings) - 2,
  ];
  const most = Math.min(...limits.filter((limit) => limit > 0));
  return {
    labels,
    tokens_max: Math.max(8, most - before.length - behind.length),
    tokensOf(word, is_apart) {
      const tokens = encode(is_apart ? ` ${word}` : word);
      return tokens.length > 1 && tokens[0] === blank ? tokens.slice(1) : tokens;
    },
    async classify(texts) {
      const rows = texts.map((tokens) => [...before, ...tokens, ...behind]);
      const width = Math.max(...rows.map(({ length }) => length));
      const size = rows.length * width;
      const [ids, mask] = [new BigInt64Array(size).fill(BigInt(pad)), new BigInt64Array(size)];
      for (const [row, tokens] of rows.entries()) {
        for (const [at, token] of tokens.entries()) {
          ids[row * width + at] = BigInt(token);
          mask[row * width + at] = 1n;
        }
      }
      const tensor = (data: BigInt64Array) => new Tensor("int64", data, [rows.length, width]);
      const { logits } = await model({
        input_ids: tensor(ids),
        attention_mask: tensor(mask),
        token_type_ids: tensor(new BigInt64Array(size)),
      });
      const data = logits?.data;
      if (!(data instanceof Float32Array) || data.length !== size * labels.length) {
        throw new Error("it gives no labels of tokens");
      }
      return texts.map((tokens, row) => {
        const from = (row * width + before.length) * labels.length;
        return chancesOf(data.slice(from, from + tokens.length * labels.length), labels.length);
      });
    },
  };
}

/** What a tokenizer puts before and behind every text. */
function specialsOf(
  tokenizer: Tokenizer,
  encode: (text: string) => number[],
): { readonly before: readonly number[]; readonly behind: readonly number[] } {
  const inner = encode("a");
  const all = tokenizer.encode("a", { add_special_tokens: true });
  const at = all.findIndex((_, index) => inner.every((token, offset) => all[index + offset] === token));
  return at < 0
    ? { before: [], behind: [] }
    : { before: all.slice(0, at), behind: all.slice(at + inner.length) };
}

/** Logits as chances, token by token (softmax). */
function chancesOf(logits: Float32Array, labels: number): Float32Array {
  for (let row = 0; row < logits.length; row += labels) {
    let most = Number.NEGATIVE_INFINITY;
    for (let label = 0; label < labels; label++) most = Math.max(most, logits[row + label]!);
    let sum = 0;
    for (let label = 0; label < labels; label++) {
      const chance = Math.exp(logits[row + label]! - most);
      logits[row + label] = chance;
      sum += chance;
    }
    for (let label = 0; label < labels; label++) logits[row + label]! /= sum;
  }
  return logits;
}
