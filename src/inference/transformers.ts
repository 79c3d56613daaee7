// The package that runs models of the hub, transformers.js. It is optional, because it is large: loaded where a configuration names a
// model, by the threads that run it.

import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";

/** The package's name is not a literal, because it need not be installed. */
const PACKAGE: string = "@huggingface/transformers";

/** How exact the numbers of a model's file are, from the smallest that is good enough on. */
const DTYPES = ["q8", "fp32", "q4"] as const;

/** What is used of the package. */
export interface Transformers {
  readonly env: { allowRemoteModels: boolean; localModelPath: string };
  pipeline(task: "feature-extraction", model: string, options: object): Promise<unknown>;
  readonly AutoTokenizer: { from_pretrained(model: string): Promise<unknown> };
  readonly AutoModelForTokenClassification: {
    from_pretrained(model: string, options: object): Promise<unknown>;
  };
  readonly Tensor: new (type: "int64", data: BigInt64Array, dims: readonly number[]) => unknown;
}

/** What a thread is told when it starts. */
export interface ModelOrder {
  /** A folder with the model's files, or its name on the hub. */
  readonly model: string;
  /** Threads that the runtime may use for one text: with several threads of ours it is known to crash. */
  readonly threads: number;
}

/** The package, and what it calls the model; or what is to be installed. */
export async function loadTransformers(
  model: string,
): Promise<{ readonly transformers: Transformers; readonly name: string } | { readonly fault: string }> {
  const found = await import(PACKAGE).catch((error: unknown) => ({ fault: messageOf(error) }));
  if (!isTransformers(found))
    return { fault: `install ${PACKAGE} to use this model (${String(found.fault)})` };
  const is_folder = existsSync(model);
  if (is_folder) {
    found.env.localModelPath = `${dirname(resolve(model))}/`;
    found.env.allowRemoteModels = false;
  }
  return { transformers: found, name: is_folder ? basename(resolve(model)) : model };
}

/** Begins a model with the smallest file that it has; or says why it cannot be loaded. */
export async function beginModel<T>(
  { threads }: ModelOrder,
  begin: (options: object) => Promise<T>,
): Promise<T | { readonly fault: string }> {
  let fault = "";
  for (const dtype of DTYPES) {
    try {
      return await begin({ dtype, device: "cpu", session_options: { intraOpNumThreads: threads } });
    } catch (error) {
      fault = messageOf(error);
    }
  }
  return { fault: `the model cannot be loaded: ${fault}` };
}

/** The first line of what an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0]! : String(error);
}

function isTransformers(found: unknown): found is Transformers {
  return typeof found === "object" && found !== null && "pipeline" in found && "env" in found;
}
