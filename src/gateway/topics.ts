// Denied topics: the inference process makes vectors of what a request says, and here they are compared with those of the topics'
// examples, which are made once.

import type { DeniedTopicsPlan } from "../config/guards.ts";
import { InferenceClient } from "../inference/client.ts";
import { TEXTS_MAX } from "../inference/messages.ts";
import { inferenceSocketPath } from "../inference/socket.ts";
import { piecesOf, type TopicVectors, topicAmong, topicOf } from "../privacy/guards/input/topics.ts";

/** How long the vectors of examples may take; no call waits for them longer than its own budget. */
const EXAMPLES_MAX_MS = 60_000;

/** Finds the topics of requests. */
export class TopicFinder {
  readonly #client: InferenceClient | null;
  readonly #made = new WeakMap<DeniedTopicsPlan, Promise<readonly TopicVectors[] | null>>();

  /** @param folder the data folder, whose inference process is asked; null: there is none */
  constructor(folder: string | null) {
    const socket = folder === null ? null : inferenceSocketPath(folder);
    this.#client = typeof socket === "string" ? new InferenceClient(socket) : null;
  }

  /** The name of a denied topic that texts are about, or null; `unknown` where that cannot be told within the plan's budget. */
  async find(
    plan: DeniedTopicsPlan,
    texts: readonly string[],
  ): Promise<{ readonly topic: string | null } | "unknown"> {
    const pieces = piecesOf(texts);
    if (pieces === null || this.#client === null) return "unknown";
    if (pieces.length === 0) return { topic: null };
    const end_ms = performance.now() + plan.budget_ms;
    const topics = await within(plan.budget_ms, this.#topicsOf(plan, this.#client));
    if (topics === null) return "unknown";
    const { embedder } = plan;
    const answer = await this.#client.embed({ embedder, texts: pieces }, end_ms - performance.now());
    return "fault" in answer ? "unknown" : { topic: topicAmong(topics, answer.vectors)?.name ?? null };
  }

  close(): void {
    this.#client?.close();
  }

  /** The topics with their vectors: made by the first call that needs them, and again where that failed. */
  #topicsOf(plan: DeniedTopicsPlan, client: InferenceClient): Promise<readonly TopicVectors[] | null> {
    const known = this.#made.get(plan);
    if (known !== undefined) return known;
    const making = makeTopics(plan, client);
    this.#made.set(plan, making);
    void making.then((made) => {
      if (made === null) this.#made.delete(plan);
    });
    return making;
  }
}

async function makeTopics(
  { topics, embedder }: DeniedTopicsPlan,
  client: InferenceClient,
): Promise<readonly TopicVectors[] | null> {
  const texts = topics.flatMap(({ examples }) => examples);
  const vectors: Float32Array[] = [];
  while (vectors.length < texts.length) {
    const some = texts.slice(vectors.length, vectors.length + TEXTS_MAX);
    const answer = await client.embed({ embedder, texts: some }, EXAMPLES_MAX_MS);
    if ("fault" in answer) return null;
    vectors.push(...answer.vectors);
  }
  const made = topics.map((topic) => topicOf(topic, vectors.splice(0, topic.examples.length)));
  return made.includes(null) ? null : made.filter((topic) => topic !== null);
}

/** What is promised, or null where it does not come in time. */
async function within<T>(budget_ms: number, promised: Promise<T>): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), budget_ms);
  });
  const first = await Promise.race([promised, late]);
  clearTimeout(timer);
  return first;
}
