// Vectors of a model that transformers.js runs, in a thread of its own. The package is optional, because it is large.

import { threadUrl } from "../../program/parts.ts";
import type { TransformersSource } from "../config.ts";
import { Pool } from "../pool.ts";
import type { ModelOrder } from "../transformers.ts";
import { type Embedded, type Embedder, normalised } from "./embedder.ts";
import type { ModelAnswer } from "./transformers_thread.ts";

const QUEUE_MAX = 256;

/** What an answer with vectors should have. */
type Claimed = { readonly [field in keyof Exclude<ModelAnswer, { readonly fault: string }>]?: unknown };

/** An embedder that runs a model. */
export function transformersEmbedder({ model }: TransformersSource, threads: number): Embedder {
  const pool = new Pool({
    file: threadUrl("inference/embedders/transformers_thread.ts"),
    threads: 1,
    queue_max: QUEUE_MAX,
    data: { model, threads } satisfies ModelOrder,
  });
  return {
    name: `transformers:${model}`,
    async embed(texts): Promise<Embedded> {
      const done = await pool.run("embed", texts);
      return "fault" in done ? done : vectorsOf(done.value, texts.length);
    },
    close: () => pool.close(),
  };
}

function vectorsOf(answer: unknown, count: number): Embedded {
  if (typeof answer !== "object" || answer === null) return { fault: "the model's thread answers nonsense" };
  if ("fault" in answer) return { fault: String(answer.fault) };
  const { dims, numbers } = answer as Claimed;
  if (typeof dims !== "number" || !(numbers instanceof Float32Array) || numbers.length !== dims * count) {
    return { fault: "the model gives no vectors of texts" };
  }
  const vectors: Float32Array[] = [];
  for (let at = 0; at < count; at++) {
    const vector = normalised(numbers.slice(at * dims, (at + 1) * dims));
    if (vector === null) return { fault: "the model gives vectors without a direction" };
    vectors.push(vector);
  }
  return vectors;
}
