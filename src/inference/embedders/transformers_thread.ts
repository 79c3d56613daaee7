// The thread that runs an embedder by transformers.js: loaded with the first text, from a folder or the hub, quantised where it can be.

import { workerData } from "node:worker_threads";
import { Fields } from "../fields.ts";
import { beginModel, loadTransformers, type ModelOrder, messageOf } from "../transformers.ts";

/** What a thread answers: all vectors one after another; or why there are none. */
export type ModelAnswer =
  | { readonly dims: number; readonly numbers: Float32Array }
  | { readonly fault: string };

type Extractor = (
  texts: readonly string[],
  options: { readonly pooling: "mean"; readonly normalize: boolean },
) => Promise<{ readonly dims: readonly number[]; readonly data: unknown }>;

/** How long a model that could not be loaded is left before another try. */
const RETRY_MS = 30_000;

let loading: Promise<Extractor | { readonly fault: string }> | null = null;
let loaded_ms = 0;

/** The vectors of texts; they are the means of their tokens' vectors. */
export async function embed(texts: readonly string[]): Promise<ModelAnswer> {
  try {
    if (loading === null) {
      loading = load(orderOf(workerData));
      loaded_ms = performance.now();
    }
    const extractor = await loading;
    if ("fault" in extractor) {
      if (performance.now() - loaded_ms > RETRY_MS) loading = null;
      return extractor;
    }
    const { dims, data } = await extractor(texts, { pooling: "mean", normalize: true });
    if (!(data instanceof Float32Array)) return { fault: "the model gives no numbers of 32 bits" };
    return { dims: dims.at(-1) ?? 0, numbers: data };
  } catch (error) {
    return { fault: `the model failed: ${messageOf(error)}` };
  }
}

/** What the thread was told when it was started. */
function orderOf(data: unknown): ModelOrder {
  const fields = new Fields(data);
  return { model: fields.text("model"), threads: fields.number("threads") };
}

async function load(order: ModelOrder): Promise<Extractor | { readonly fault: string }> {
  const loaded = await loadTransformers(order.model);
  if ("fault" in loaded) return loaded;
  const { transformers, name } = loaded;
  return beginModel(
    order,
    (options) => transformers.pipeline("feature-extraction", name, options) as Promise<Extractor>,
  );
}
