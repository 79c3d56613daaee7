// The keeping of the kept answers, as the supervisor does it: begun when a model first keeps its answers, and then for good, since
// what is there has to be looked after until it is gone.

import type { ExactCache } from "../cache/exact/cache.ts";
import type { CacheKeeper } from "../cache/exact/keeper.ts";
import type { ResolvedConfig } from "../config/schema.ts";

const MB = 1024 * 1024;

/** Keeps the answers of a data folder. */
export class CacheKeeping {
  readonly #log: (line: string) => void;
  #keeper: CacheKeeper | null = null;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** The answers; null while none are kept. */
  get answers(): ExactCache | null {
    return this.#keeper?.cache ?? null;
  }

  /**
   * Does as a configuration says; before any gateway process hears of it, so that what is damaged is mended first. It is not where
   * processes of an earlier supervisor still use it: `is_alone` says that there are none.
   */
  async configure(config: ResolvedConfig, is_alone: boolean): Promise<void> {
    const max_bytes = config.cache.max_mb * MB;
    if (this.#keeper !== null) this.#keeper.resize(max_bytes);
    else if (keepsAnswers(config)) {
      // Most gateways keep none, and start without the code.
      const { openCacheKeeper } = await import("../cache/exact/keeper.ts");
      const opened = openCacheKeeper(config.data, { max_bytes, is_alone, log: this.#log });
      if ("fault" in opened) this.#log(opened.fault);
      else this.#keeper = opened;
    }
  }

  async close(): Promise<void> {
    await this.#keeper?.close();
  }
}

function keepsAnswers({ models }: ResolvedConfig): boolean {
  return Object.values(models).some(({ cache }) => cache !== "off");
}
