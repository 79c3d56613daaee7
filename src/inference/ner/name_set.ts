// The models for names of the configuration. What was looked for in a text is remembered, so that a conversation that is sent again
// and again costs its newest message only.

import type { BuiltinNer, Found } from "./ner.ts";
import { RememberedNames } from "./remembered_names.ts";

/** Loads the built-in model, or says why it cannot be loaded. */
export type LoadNer = () => BuiltinNer | { readonly fault: string };

/** The name of the built-in model. */
const BUILTIN = "builtin";
/** How long it is worked before what else there is has its turn. */
const SLICE_MS = 1;
/** How long a model that could not be loaded is left before another try. */
const RETRY_MS = 30_000;

/** Models by the names that requests know them by. */
export class NameSet {
  readonly #load: LoadNer;
  readonly #log: (line: string) => void;
  readonly #remembered = new RememberedNames();
  #is_wanted = false;
  #model: BuiltinNer | { readonly fault: string } | null = null;
  #tried_ms = 0;

  constructor(load: LoadNer, log: (line: string) => void) {
    this.#load = load;
    this.#log = log;
  }

  /** Takes the models of a configuration. */
  configure(names: readonly string[]): void {
    this.#is_wanted = names.includes(BUILTIN);
    for (const name of names) if (name !== BUILTIN) this.#log(`no model for names is called ${name}`);
    if (this.#is_wanted) this.#get();
    else this.#model = null;
  }

  /** The names in texts, text by text; or in words why the model cannot find any. Long texts take turns with other work. */
  async find(
    model_name: string,
    texts: readonly string[],
  ): Promise<readonly (readonly Found[])[] | { readonly fault: string }> {
    if (model_name !== BUILTIN || !this.#is_wanted) return { fault: "no model of this name is configured" };
    const model = this.#get();
    if ("fault" in model) return model;
    const found: (readonly Found[])[] = [];
    let from_ms = performance.now();
    for (const text of texts) {
      const key = this.#remembered.keyOf(model.name, text);
      const known = this.#remembered.get(key);
      if (known !== null) {
        found.push(known);
        continue;
      }
      const names: Found[] = [];
      for (const name of model.findByAndBy(text)) {
        if (name !== null) names.push(name);
        else if (performance.now() - from_ms > SLICE_MS) {
          await new Promise((turn) => setImmediate(turn));
          from_ms = performance.now();
        }
      }
      this.#remembered.set(key, names);
      found.push(names);
    }
    return found;
  }

  #get(): BuiltinNer | { readonly fault: string } {
    const is_due =
      this.#model === null || ("fault" in this.#model && performance.now() - this.#tried_ms > RETRY_MS);
    if (!is_due) return this.#model!;
    this.#tried_ms = performance.now();
    this.#model = this.#load();
    if ("fault" in this.#model) this.#log(`no names are found: ${this.#model.fault}`);
    return this.#model;
  }
}
