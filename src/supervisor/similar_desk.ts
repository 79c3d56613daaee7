// What people ask of the search for similar requests: its figures, and that it forgets.

import type { PurgeFilter } from "../cache/exact/purge_filter.ts";
import { tenantPrefix } from "../cache/key.ts";
import type { InferenceClient } from "../inference/client.ts";
import { inferenceSocketPath } from "../inference/socket.ts";

/** How long figures may be waited for, in milliseconds. */
const STATS_MAX_MS = 2_000;

/** Asks the inference process of a data folder. */
export class SimilarDesk {
  readonly #data: string;
  #client: InferenceClient | null = null;

  constructor(data: string) {
    this.#data = data;
  }

  /** Its code is loaded when somebody asks. */
  async #connect(): Promise<InferenceClient | null> {
    const socket = inferenceSocketPath(this.#data);
    if (this.#client === null && typeof socket === "string") {
      const { InferenceClient: Client } = await import("../inference/client.ts");
      this.#client ??= new Client(socket);
    }
    return this.#client;
  }

  /** The figures of the inference process; null while it does not answer. */
  async stats(): Promise<unknown> {
    const client = await this.#connect();
    const stats = await client?.stats(STATS_MAX_MS);
    return stats === undefined || "fault" in stats ? null : stats;
  }

  /**
   * Forgets the requests whose answers were removed, as far as one word tells which: of those that are left nothing is given, since
   * their answers are gone, and they go when they are met.
   */
  async forget({ tenant, model, tag, key_hex, all }: PurgeFilter): Promise<void> {
    const client = await this.#connect();
    if (client === null) return;
    const given = [tenant, model, tag, key_hex, all].filter((one) => one !== undefined);
    if (given.length !== 1) return;
    if (all) void client.remove({ by: "prefix", prefix: new Uint8Array(0) });
    else if (tenant !== undefined) void client.remove({ by: "prefix", prefix: tenantPrefix(tenant) });
    else if (model !== undefined) void client.remove({ by: "model", model });
    else if (tag !== undefined) void client.remove({ by: "tag", tag });
    else if (key_hex !== undefined) void client.remove({ by: "id", id: Buffer.from(key_hex, "hex") });
  }

  close(): void {
    this.#client?.close();
  }
}
