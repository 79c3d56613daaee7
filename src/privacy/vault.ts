// Conversations whose history the client does not send again: their values lie sealed in a folder, one file each, until they expire.
// All processes of a gateway share it, and it outlives them.

import { createHash, createHmac } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { keyFor } from "./key.ts";
import type { Mapping } from "./mapping.ts";
import { openMapping, sealMapping } from "./seal.ts";

/** A file of the vault is named by a keyed hash: not even whose conversations there are can be read. */
const NAME = /^[0-9a-f]{64}$/;
/** Longer files are none of the vault's. */
const FILE_MAX_BYTES = 64 * 1024 * 1024;

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
  readonly #settings: VaultSettings;
  readonly #name_key: Uint8Array;
  #writes = 0;

  constructor(settings: VaultSettings) {
    this.#settings = settings;
    this.#name_key = keyFor(settings.key, "name");
  }

  /**
   * Keeps the values of a conversation, in place of those that were kept of it. Gives in words why they could not be kept.
   * @param tenant whose conversation it is; nobody else finds it
   */
  async keep(tenant: string, conversation: string, mapping: Mapping): Promise<string | null> {
    const { folder, key, ttl_ms } = this.#settings;
    const name = this.#nameOf(tenant, conversation);
    const path = join(folder, name);
    const own = `${path}.${process.pid}.${this.#writes++}`;
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(own, sealMapping(mapping, key, name, Date.now() + ttl_ms), { mode: 0o600 });
      await rename(own, path);
      return null;
    } catch (error) {
      await rm(own, { force: true }).catch(() => {});
      return `the values of a conversation cannot be kept (${codeOf(error)})`;
    }
  }

  /** The values of a conversation; null where there are none, they have expired, or their file is damaged. */
  async find(tenant: string, conversation: string): Promise<Mapping | null> {
    const name = this.#nameOf(tenant, conversation);
    const path = join(this.#settings.folder, name);
    try {
      const { size } = await stat(path);
      if (size > FILE_MAX_BYTES) return null;
      return openMapping(await readFile(path), this.#settings.key, name, Date.now());
    } catch {
      return null;
    }
  }

  /** Removes what is kept of a conversation. */
  async forget(tenant: string, conversation: string): Promise<void> {
    await rm(join(this.#settings.folder, this.#nameOf(tenant, conversation)), { force: true }).catch(
      () => {},
    );
  }

  /** Removes what has expired, what writers that died have left, and the first of what is too much. Gives how many files went. */
  async sweep(): Promise<number> {
    const { folder, ttl_ms, conversations_max } = this.#settings;
    const names = await readdir(folder).catch(() => []);
    const files: { readonly path: string; readonly kept_ms: number; readonly is_whole: boolean }[] = [];
    for (const name of names) {
      const path = join(folder, name);
      const kept_ms = await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => null,
      );
      if (kept_ms !== null) files.push({ path, kept_ms, is_whole: NAME.test(name) });
    }
    files.sort((a, b) => b.kept_ms - a.kept_ms);
    const expired_ms = Date.now() - ttl_ms;
    let whole = 0;
    const gone = files.filter(({ kept_ms, is_whole }) => {
      if (is_whole) whole++;
      return kept_ms < expired_ms || (is_whole && whole > conversations_max);
    });
    await Promise.all(gone.map(({ path }) => rm(path, { force: true }).catch(() => {})));
    return gone.length;
  }

  #nameOf(tenant: string, conversation: string): string {
    const whose = createHash("sha256").update(tenant).digest();
    return createHmac("sha256", this.#name_key).update(whose).update(conversation).digest("hex");
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}
