// Values that LiteLLM takes from the environment (`os.environ/NAME`), or from the variables that its configuration sets itself.

import { variable } from "../draft.ts";
import type { Source } from "../source.ts";

/** How a value of the source is written here. */
export class References {
  readonly #set = new Map<string, string>();

  /** @param variables `environment_variables` of the source */
  constructor(variables: Source) {
    for (const [name, value] of variables.entries()) {
      const text = value.text();
      if (text === null || /[{}]/.test(text)) value.left(`set ${name} in the environment`);
      else {
        this.#set.set(name, text);
        value.carried("stands as the default where the variable is read");
      }
    }
  }

  /** A value as text: a reference to the same variable, or what stands there; null where there is none. */
  of(source: Source): string | null {
    const text = source.text();
    if (text === null) return null;
    const name = /^os\.environ\/([A-Za-z_][A-Za-z0-9_]*)$/.exec(text)?.[1];
    if (name === undefined) return text;
    const set = this.#set.get(name);
    return set === undefined ? variable(name) : variable(name, set);
  }

  /** Whether a value is there and is no reference. */
  isWritten(source: Source): boolean {
    const text = source.text();
    return text !== null && !text.startsWith("os.environ/");
  }
}
