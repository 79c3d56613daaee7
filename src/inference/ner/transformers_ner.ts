// Names by a model that transformers.js runs, in a thread of its own. The package is optional, because it is large.

import { threadUrl } from "../../program/parts.ts";
import { Pool } from "../pool.ts";
import type { ModelOrder } from "../transformers.ts";
import type { Found } from "./ner.ts";
import type { NamesOrder } from "./transformers_ner_thread.ts";

/** Requests that wait for the thread. */
const QUEUE_MAX = 64;

/** A model that finds names elsewhere than here. */
export interface DistantNer {
  /** Name and version: findings of different names may differ. */
  readonly name: string;
  /** The names in texts, text by text; null for texts that there was no time for. Or in words why none can be found. */
  find(
    texts: readonly string[],
    deadline_ms: number,
  ): Promise<readonly (readonly Found[] | null)[] | { readonly fault: string }>;
  close(): Promise<void>;
}

/** A model that is run by transformers.js. */
export function transformersNer({ model, threads }: ModelOrder): DistantNer {
  const pool = new Pool({
    file: threadUrl("inference/ner/transformers_ner_thread.ts"),
    threads: 1,
    queue_max: QUEUE_MAX,
    data: { model, threads } satisfies ModelOrder,
  });
  return {
    name: `transformers:${model}`,
    async find(texts, deadline_ms) {
      const done = await pool.run("find", { texts, deadline_ms } satisfies NamesOrder);
      return "fault" in done ? done : readAnswer(done.value, texts.length);
    },
    close: () => pool.close(),
  };
}

function readAnswer(
  answer: unknown,
  count: number,
): readonly (readonly Found[] | null)[] | { readonly fault: string } {
  if (typeof answer !== "object" || answer === null) return { fault: "the model's thread answers nonsense" };
  if ("fault" in answer) return { fault: String(answer.fault) };
  const { names } = answer as { names?: unknown };
  if (!Array.isArray(names) || names.length !== count)
    return { fault: "the model's thread answers nonsense" };
  return names;
}
