// Does what gateways ask of the inference process: texts become vectors, vectors are looked up and kept, names
// are found. What the built-in
// embedder can answer is answered at once.

import type { Embedder } from "./embedders/embedder.ts";
import {
  type AddRequest,
  type Asked,
  type EmbedRequest,
  NAMES_MAX,
  type NamesRequest,
  type SearchRequest,
  type ServerFault,
} from "./messages.ts";
import type { NameSet } from "./ner/name_set.ts";
import type { Outcome } from "./server.ts";
import type { Place } from "./vectors/entry.ts";
import type { EntryIndex } from "./vectors/entry_index.ts";

/** What the desk works with; it can change. */
export interface DeskTools {
  /** The embedder that requests know by this name; or in words why there is none. */
  embedder(name: string): Embedder | { readonly fault: string };
  /** Null while it is not open. */
  index(): EntryIndex | null;
  readonly names: NameSet;
  /** What a request for figures is answered. */
  stats(): Outcome;
}

const DOWN = { fault: "down" } as const satisfies { fault: ServerFault };
const BROKEN = { fault: "broken" } as const satisfies { fault: ServerFault };

/** Answers requests. */
export class Desk {
  readonly #tools: DeskTools;

  constructor(tools: DeskTools) {
    this.#tools = tools;
  }

  /** Does what is asked, at once where it can. It does not throw. */
  readonly work = (asked: Asked, deadline_ms = Number.POSITIVE_INFINITY): Outcome | Promise<Outcome> => {
    try {
      const outcome = this.#work(asked, deadline_ms);
      return outcome instanceof Promise ? outcome.catch(() => BROKEN) : outcome;
    } catch {
      return BROKEN;
    }
  };

  #work(asked: Asked, deadline_ms: number): Outcome | Promise<Outcome> {
    if (asked.kind === "stats") return this.#tools.stats();
    if (asked.kind === "embed") return this.#embed(asked);
    if (asked.kind === "names") return this.#names(asked, deadline_ms);
    const index = this.#tools.index();
    if (index === null) return DOWN;
    switch (asked.kind) {
      case "search":
        return this.#search(asked);
      case "add":
        return this.#add(asked);
      case "observe": {
        const embedder = this.#tools.embedder(asked.embedder);
        if ("fault" in embedder) return DOWN;
        const place = { partition: asked.partition, space: embedder.name };
        return after(index.observe(place, asked.id, [asked.similarity, asked.is_right]), counted);
      }
      case "remove":
        return index.remove(asked.filter).then(done);
      case "block":
        return index
          .block(asked.id, asked.until_ms)
          .then((is_blocked) => (is_blocked ? done(1) : { fault: "full" }));
    }
  }

  #search({ partition, embedder, text, limit, min_similarity }: SearchRequest): Outcome | Promise<Outcome> {
    return this.#withVector(embedder, text, (vector, space) => {
      const index = this.#tools.index();
      if (index === null) return DOWN;
      const found = index.search({ partition, space }, vector, limit, min_similarity, Date.now());
      return after(
        found,
        (candidates): Outcome => (candidates === null ? DOWN : { kind: "candidates", candidates }),
      );
    });
  }

  #add(entry: AddRequest): Outcome | Promise<Outcome> {
    return this.#withVector(entry.embedder, entry.text, (vector, space) => {
      const index = this.#tools.index();
      return index === null ? DOWN : after(index.add({ ...entry, space }, vector, Date.now()), counted);
    });
  }

  #embed({ embedder: name, texts }: EmbedRequest): Outcome | Promise<Outcome> {
    const embedder = this.#tools.embedder(name);
    if ("fault" in embedder) return DOWN;
    return after(embedder.embed(texts), (embedded): Outcome => {
      if ("fault" in embedded) return DOWN;
      const vectors = embedded.map(
        (vector) => new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength),
      );
      return { kind: "vectors", vectors };
    });
  }

  async #names({ model, texts }: NamesRequest, deadline_ms: number): Promise<Outcome> {
    const found = await this.#tools.names.find(model, texts, deadline_ms);
    if ("fault" in found) return DOWN;
    if (found.some((names) => names.length > NAMES_MAX)) return BROKEN;
    const packed = found.map((names) =>
      names.map(({ start, end, entity, score }) => [start, end, entity, score] as const),
    );
    return { kind: "names", names: packed };
  }

  /** Goes on with the vector of a text and the name of the space that it is in. */
  #withVector(
    name: string,
    text: string,
    goOn: (vector: Float32Array, space: Place["space"]) => Outcome | Promise<Outcome>,
  ): Outcome | Promise<Outcome> {
    const embedder = this.#tools.embedder(name);
    if ("fault" in embedder) return DOWN;
    return after(embedder.embed([text]), (embedded) => {
      const vector = "fault" in embedded ? undefined : embedded[0];
      return vector === undefined ? DOWN : goOn(vector, embedder.name);
    });
  }
}

function done(count: number): Outcome {
  return { kind: "done", count };
}

function counted(is_done: boolean): Outcome {
  return done(is_done ? 1 : 0);
}

/** Goes on at once with what is there, and later with what is promised. */
function after<T>(
  found: T | Promise<T>,
  goOn: (found: T) => Outcome | Promise<Outcome>,
): Outcome | Promise<Outcome> {
  return found instanceof Promise ? found.then(goOn) : goOn(found);
}
