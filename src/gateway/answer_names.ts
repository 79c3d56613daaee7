// Names in answers, found in this process: a stream is judged sentence by sentence while it flows, which leaves no time to ask another.

import { say } from "../config/say.ts";
import { type BuiltinNer, loadBuiltinNer } from "../inference/ner/ner.ts";
import type { Found } from "../privacy/entity.ts";
import type { FindNames } from "../privacy/guards/output/names.ts";

/** How long all other calls of the process may wait for the names of one text, whatever the configuration says; about 150 KB of text. */
const BUDGET_MAX_MS = 50;
/** Names count from 0.5 on in answers; what is less sure need not be found. */
const SCORE_MIN = 0.5;

/** Finds names with the model that comes with Venturi, which is loaded with the first text. */
export class AnswerNames {
  #ner: BuiltinNer | { readonly fault: string } | null = null;

  /** What finds names in a text within a time. */
  within(budget_ms: number): FindNames {
    return (text) => this.#find(text, performance.now() + Math.min(budget_ms, BUDGET_MAX_MS));
  }

  #find(text: string, end_ms: number): readonly Found[] | null {
    this.#ner ??= this.#load();
    const ner = this.#ner;
    if ("fault" in ner) return null;
    const found: Found[] = [];
    for (const name of ner.findByAndBy(text, SCORE_MIN)) {
      if (name !== null) found.push(name);
      else if (performance.now() > end_ms) return null;
    }
    return found;
  }

  #load(): BuiltinNer | { readonly fault: string } {
    const loaded = loadBuiltinNer();
    if ("fault" in loaded) say(`no names are found in answers: ${loaded.fault}`, "warn");
    return loaded;
  }
}
