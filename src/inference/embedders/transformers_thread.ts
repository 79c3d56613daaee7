// The thread that runs a model by transformers.js: loaded with the first text, from a folder or the hub, quantised where it can be.

import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { workerData } from "node:worker_threads";
import { Fields } from "../fields.ts";

/** What a thread is told when it starts. */
export interface ModelOrder {
  readonly model: string;
  /** Threads that the runtime may use for one text: with several threads of ours it is known to crash. */
  readonly threads: number;
}

/** What a thread answers: all vectors one after another; or why there are none. */
export type ModelAnswer =
  | { readonly dims: number; readonly numbers: Float32Array }
  | { readonly fault: string };

/** The package's name is not a literal, because it need not be installed. */
const PACKAGE: string = "@huggingface/transformers";

/** What is used of the package. */
interface Transformers {
  readonly env: { allowRemoteModels: boolean; localModelPath: string };
  pipeline(task: "feature-extraction", model: string, options: object): Promise<Extractor>;
}

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

async function load({ model, threads }: ModelOrder): Promise<Extractor | { readonly fault: string }> {
  const found = await import(PACKAGE).catch((error: unknown) => ({ fault: messageOf(error) }));
  if (!isTransformers(found)) {
    return { fault: `install ${PACKAGE} to use this model (${String(found.fault)})` };
  }
  const is_folder = existsSync(model);
  if (is_folder) {
    found.env.localModelPath = `${dirname(resolve(model))}/`;
    found.env.allowRemoteModels = false;
  }
  const name = is_folder ? basename(resolve(model)) : model;
  const begin = (dtype: string) =>
    found.pipeline("feature-extraction", name, {
      dtype,
      device: "cpu",
      session_options: { intraOpNumThreads: threads },
    });
  try {
    return await begin("q8").catch(() => begin("fp32"));
  } catch (error) {
    return { fault: `the model cannot be loaded: ${messageOf(error)}` };
  }
}

function isTransformers(found: unknown): found is Transformers {
  return typeof found === "object" && found !== null && "pipeline" in found && "env" in found;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0]! : String(error);
}
