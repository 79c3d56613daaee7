// Names of people, places and organisations in texts, as the inference process finds them. Texts that it has seen before cost it
// nothing, so that of a chat whose history is sent again its newest message is looked through alone.

import type { Plan } from "../config/plan.ts";
import { InferenceClient } from "../inference/client.ts";
import { TEXTS_MAX } from "../inference/messages.ts";
import { inferenceSocketPath } from "../inference/socket.ts";
import type { Found } from "../privacy/entity.ts";

/** Characters of texts in one request, and of all together; more is not looked through, and counts as a failure. */
const REQUEST_MAX_CHARS = 256 * 1024;
const ALL_MAX_CHARS = 8 * 1024 * 1024;

/** Asks the inference process of a data folder for names. */
export class NameFinder {
  readonly #client: InferenceClient | null;

  /** @param folder the data folder; null: there is no such process */
  constructor(folder: string | null) {
    const socket = folder === null ? null : inferenceSocketPath(folder);
    this.#client = typeof socket === "string" ? new InferenceClient(socket) : null;
  }

  /** The names that a model finds in some texts, by text; null where they cannot all be had within `budget_ms`. */
  async find(
    texts: readonly string[],
    { names: model, names_budget_ms: budget_ms }: Pick<Plan["privacy"], "names" | "names_budget_ms">,
  ): Promise<((text: string) => readonly Found[]) | null> {
    const client = this.#client;
    const chars = texts.reduce((sum, text) => sum + text.length, 0);
    if (client === null || chars > ALL_MAX_CHARS) return null;
    const end_ms = performance.now() + budget_ms;
    const found = new Map<string, readonly Found[]>();
    for (const some of portions(texts)) {
      const left_ms = end_ms - performance.now();
      const answer = await client.names({ model, texts: some }, left_ms);
      if ("fault" in answer) return null;
      for (const [index, text] of some.entries()) found.set(text, answer.names[index] ?? []);
    }
    return (text) => found.get(text) ?? [];
  }

  close(): void {
    this.#client?.close();
  }
}

function* portions(texts: readonly string[]): Generator<string[]> {
  let portion: string[] = [];
  let chars = 0;
  for (const text of texts) {
    if (portion.length === TEXTS_MAX || (portion.length > 0 && chars + text.length > REQUEST_MAX_CHARS)) {
      yield portion;
      portion = [];
      chars = 0;
    }
    portion.push(text);
    chars += text.length;
  }
  if (portion.length > 0) yield portion;
}
