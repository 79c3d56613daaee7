// The models for names of the configuration. What was looked for in a text is remembered, so that a conversation that is sent again
// and again costs its newest message only.

import type { BuiltinNer, Found } from "./ner.ts";
import { RememberedNames } from "./remembered_names.ts";
import { type DistantNer, transformersNer } from "./transformers_ner.ts";

/** Loads the built-in model, or says why it cannot be loaded. */
export type LoadNer = () => BuiltinNer | { readonly fault: string };

/** The name of the built-in model, and how those of transformers.js begin. */
const BUILTIN = "builtin";
const TRANSFORMERS = "transformers:";
/** How long it is worked before what else there is has its turn. */
const SLICE_MS = 1;
/** How long a model that could not be loaded is left before another try. */
const RETRY_MS = 30_000;

/** What is found in some texts; or in words why nothing can be. */
type FoundInAll = readonly (readonly Found[])[] | { readonly fault: string };

/** Models by the names that requests know them by. */
export class NameSet {
  readonly #load: LoadNer;
  readonly #log: (line: string) => void;
  readonly #makeDistant: (model: string, threads: number) => DistantNer;
  readonly #remembered = new RememberedNames();
  #is_wanted = false;
  #model: BuiltinNer | { readonly fault: string } | null = null;
  #tried_ms = 0;
  /** Models that others run, and what was last said to be wrong with each. */
  readonly #distant = new Map<string, DistantNer>();
  readonly #faults = new Map<string, string>();

  /** @param makeDistant makes a model that is run by transformers.js */
  constructor(
    load: LoadNer,
    log: (line: string) => void,
    makeDistant = (model: string, threads: number) => transformersNer({ model, threads }),
  ) {
    this.#load = load;
    this.#log = log;
    this.#makeDistant = makeDistant;
  }

  /** Takes the models of a configuration, and how many threads one may use. */
  configure(names: readonly string[], threads = 1): void {
    this.#is_wanted = names.includes(BUILTIN);
    if (this.#is_wanted) this.#get();
    else this.#model = null;
    for (const [name, model] of this.#distant) {
      if (names.includes(name)) continue;
      this.#distant.delete(name);
      void model.close();
    }
    for (const name of names) {
      if (name === BUILTIN || this.#distant.has(name)) continue;
      if (!name.startsWith(TRANSFORMERS)) this.#log(`no model for names is called ${name}`);
      else this.#distant.set(name, this.#makeDistant(name.slice(TRANSFORMERS.length), threads));
    }
  }

  /**
   * The names in texts, text by text; or in words why the model cannot find any. Long texts take turns with other work.
   * @param deadline_ms when nobody waits any more, by the host's clock
   */
  async find(
    model_name: string,
    texts: readonly string[],
    deadline_ms = Number.POSITIVE_INFINITY,
  ): Promise<FoundInAll> {
    const distant = this.#distant.get(model_name);
    if (distant !== undefined) return this.#findBy(distant, texts, deadline_ms);
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

  /** Ends what runs elsewhere. */
  async close(): Promise<void> {
    const models = [...this.#distant.values()];
    this.#distant.clear();
    await Promise.all(models.map((model) => model.close()));
  }

  /** What was found in time is remembered even where it is not all: who asks again has less to wait for. */
  async #findBy(model: DistantNer, texts: readonly string[], deadline_ms: number): Promise<FoundInAll> {
    const keys = texts.map((text) => this.#remembered.keyOf(model.name, text));
    const found = new Map<string, readonly Found[]>();
    const missing = new Map<string, string>();
    for (const [index, key] of keys.entries()) {
      const known = this.#remembered.get(key);
      if (known !== null) found.set(key, known);
      else missing.set(key, texts[index]!);
    }
    if (missing.size > 0) {
      const looked = await model.find([...missing.values()], deadline_ms);
      const fault = "fault" in looked ? looked.fault : null;
      this.#note(model.name, fault);
      if ("fault" in looked) return looked;
      for (const [index, key] of [...missing.keys()].entries()) {
        const names = looked[index];
        if (names === null || names === undefined) continue;
        this.#remembered.set(key, names);
        found.set(key, names);
      }
    }
    if (keys.some((key) => !found.has(key))) return { fault: "there was no time for all texts" };
    return keys.map((key) => found.get(key)!);
  }

  #note(name: string, fault: string | null): void {
    const before = this.#faults.get(name) ?? null;
    if (fault === before) return;
    if (fault === null) this.#faults.delete(name);
    else this.#faults.set(name, fault);
    this.#log(
      fault === null ? `names are found by ${name} again` : `no names are found by ${name}: ${fault}`,
    );
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
