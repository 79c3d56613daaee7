// The embedders of the configuration, each made when it is first asked for. What one cannot do is said once, not at every text.

import { type EmbedderSource, embedderName, type InferenceConfig } from "../config.ts";
import type { Embedded, Embedder } from "./embedder.ts";

/** Makes the embedder of a source; or says why it cannot be. */
export type EmbedderMaker = (
  source: EmbedderSource,
  threads: number,
) => Embedder | { readonly fault: string };

/** How long an embedder that could not be made is left before another try. */
const RETRY_MS = 30_000;

interface Slot {
  readonly source: EmbedderSource;
  readonly threads: number;
  /** Null before it is asked for the first time. */
  embedder: Embedder | { readonly fault: string } | null;
  tried_ms: number;
  fault: string | null;
}

/** Embedders by the names that requests know them by. */
export class EmbedderSet {
  readonly #make: EmbedderMaker;
  readonly #log: (line: string) => void;
  readonly #slots = new Map<string, Slot>();

  constructor(make: EmbedderMaker, log: (line: string) => void) {
    this.#make = make;
    this.#log = log;
  }

  /** Takes the embedders of a configuration; those whose source is the same stay as they are. */
  configure({ embedders, threads }: InferenceConfig): void {
    const sources = new Map(embedders.map((source) => [embedderName(source), source]));
    for (const [name, slot] of this.#slots) {
      const is_same = Bun.deepEquals(slot.source, sources.get(name)) && slot.threads === threads;
      if (is_same) continue;
      this.#slots.delete(name);
      void closeSlot(slot);
    }
    for (const [name, source] of sources) {
      if (this.#slots.has(name)) continue;
      this.#slots.set(name, { source, threads, embedder: null, tried_ms: 0, fault: null });
    }
  }

  /** The embedder of this name; or in words why there is none. */
  get(name: string): Embedder | { readonly fault: string } {
    const slot = this.#slots.get(name);
    if (slot === undefined) return { fault: "no embedder of this name is configured" };
    const is_due =
      slot.embedder === null || ("fault" in slot.embedder && Date.now() - slot.tried_ms > RETRY_MS);
    return is_due ? this.#makeIn(name, slot) : slot.embedder!;
  }

  /** What went wrong with an embedder last; null if nothing did, or it was not asked yet. */
  faultOf(name: string): string | null {
    return this.#slots.get(name)?.fault ?? null;
  }

  /** Lets go of all embedders. */
  async close(): Promise<void> {
    const slots = [...this.#slots.values()];
    this.#slots.clear();
    await Promise.all(slots.map(closeSlot));
  }

  #makeIn(name: string, slot: Slot): Embedder | { readonly fault: string } {
    const made = this.#make(slot.source, slot.threads);
    slot.tried_ms = Date.now();
    if ("fault" in made) {
      this.#note(name, slot, made.fault);
      slot.embedder = made;
      return made;
    }
    const heard = (embedded: Embedded): Embedded => {
      this.#note(name, slot, "fault" in embedded ? embedded.fault : null);
      return embedded;
    };
    const embedder: Embedder = {
      get name() {
        return made.name;
      },
      embed: (texts) => {
        const embedded = made.embed(texts);
        return embedded instanceof Promise ? embedded.then(heard) : heard(embedded);
      },
      close: async () => made.close?.(),
    };
    slot.embedder = embedder;
    return embedder;
  }

  /** Remembers what is wrong, and says it when it is news. */
  #note(name: string, slot: Slot, fault: string | null): void {
    if (fault === slot.fault) return;
    slot.fault = fault;
    this.#log(fault === null ? `${name} works again` : `${name}: ${fault}`);
  }
}

async function closeSlot({ embedder }: Slot): Promise<void> {
  if (embedder !== null && !("fault" in embedder)) await embedder.close?.();
}
