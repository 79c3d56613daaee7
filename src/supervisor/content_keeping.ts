// The keeping of content, as the supervisor does it: what is older than it may be goes, and the oldest where it is too much, whether
// anything is still added or not. It goes in slices, between which gateway processes write and the supervisor does all else.

import type { ResolvedConfig } from "../config/schema.ts";
import { contentKeeping } from "../config/telemetry_schema.ts";
import { hasContent } from "../content/file.ts";
import { keyFor, openPrivacyKey } from "../privacy/key.ts";

const SWEEP_EVERY_MS = 60_000;
/** Calls that go at once where there is too much. */
const SURPLUS_CALLS = 100;

/** Sweeps the content of a data folder. */
export class ContentKeeping {
  readonly #log: (line: string) => void;
  readonly #config: () => ResolvedConfig;
  readonly #sweeping: ReturnType<typeof setInterval>;
  #sweep: Promise<void> | null = null;
  #is_closed = false;

  constructor(config: () => ResolvedConfig, log: (line: string) => void) {
    this.#config = config;
    this.#log = log;
    this.#sweeping = setInterval(() => void this.sweep(), SWEEP_EVERY_MS);
    this.#sweeping.unref();
  }

  /** Removes what has expired and what is too much. */
  sweep(): Promise<void> {
    this.#sweep ??= this.#sweepOnce()
      .catch((fault: unknown) => this.#log(`content cannot be swept (${String(fault)})`))
      .finally(() => {
        this.#sweep = null;
      });
    return this.#sweep;
  }

  async #sweepOnce(): Promise<void> {
    const config = this.#config();
    if (!hasContent(config.data)) return;
    const key = openPrivacyKey(config.data, config.privacy.key ?? null);
    if ("fault" in key) return;
    const { ContentStore } = await import("../content/store.ts");
    const keys = { seal: keyFor(key, "content seal"), name: keyFor(key, "content name") };
    const store = ContentStore.open(config.data, keys);
    if (!(store instanceof ContentStore)) {
      this.#log(store.fault);
      return;
    }
    try {
      const { retention_ms, max_bytes } = contentKeeping(config.telemetry);
      const before_ms = Date.now() - retention_ms;
      let removed = 0;
      const slice = async (remove: () => number) => {
        for (let gone = remove(); gone > 0 && !this.#is_closed; gone = remove()) {
          removed += gone;
          await Bun.sleep(0);
        }
      };
      await slice(() => store.remove({ before_ms }));
      await slice(() => (store.bytes > max_bytes ? store.remove({}, SURPLUS_CALLS) : 0));
      if (removed > 0) store.shrink();
    } finally {
      store.close();
    }
  }

  async close(): Promise<void> {
    this.#is_closed = true;
    clearInterval(this.#sweeping);
    await this.#sweep;
  }
}
