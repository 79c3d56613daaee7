// Conversations whose history the client does not send again: their values lie sealed in a folder until they expire.

import { SealedFolder } from "../memory/sealed_folder.ts";
import { keyFor } from "./key.ts";
import type { Mapping } from "./mapping.ts";
import { mappingBytes, readMapping } from "./mapping_bytes.ts";

/** How long a vault keeps what. */
export interface VaultSettings {
  readonly folder: string;
  readonly key: Uint8Array;
  readonly ttl_ms: number;
  /** The most conversations; those kept first go first. */
  readonly conversations_max: number;
}

/** Keeps the values of conversations. What cannot be kept or read is missing, and nothing more: the caller tells its client. */
export class Vault {
  readonly #folder: SealedFolder;

  constructor({ folder, key, ttl_ms, conversations_max }: VaultSettings) {
    this.#folder = new SealedFolder({
      ...{ folder, ttl_ms, seal_key: keyFor(key, "seal"), name_key: keyFor(key, "name") },
      ...{ files_max: conversations_max, bytes_max: Number.POSITIVE_INFINITY },
    });
  }

  /**
   * Keeps the values of a conversation, in place of those that were kept of it. Gives in words why they could not be kept.
   * @param tenant whose conversation it is; nobody else finds it
   */
  async keep(tenant: string, conversation: string, mapping: Mapping): Promise<string | null> {
    const code = await this.#folder.keep(tenant, conversation, mappingBytes(mapping));
    return code === null ? null : `the values of a conversation cannot be kept (${code})`;
  }

  /** The values of a conversation; null where there are none, they have expired, or their file is damaged. */
  async find(tenant: string, conversation: string): Promise<Mapping | null> {
    const bytes = await this.#folder.find(tenant, conversation);
    return bytes === null ? null : readMapping(bytes);
  }

  /** Removes what is kept of a conversation. */
  async forget(tenant: string, conversation: string): Promise<void> {
    await this.#folder.forget(tenant, conversation);
  }

  /** Removes what has expired, what writers that died have left, and the first of what is too much. Gives how many files went. */
  sweep(): Promise<number> {
    return this.#folder.sweep();
  }
}
