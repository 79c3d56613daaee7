// A folder of sealed files, one for each thing that is kept, until they expire. All processes of a gateway share it, and it outlives
// them. A file is there whole or not at all, whoever dies while it is written.

import { createHash, createHmac } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openBytes, sealBytes } from "./seal.ts";

/** A file is named by a keyed hash: not even whose things there are can be read. */
const NAME = /^[0-9a-f]{64}$/;
/** Longer files are none of the folder's. */
const FILE_MAX_BYTES = 64 * 1024 * 1024;
/** A file that is being written is not older; milliseconds. */
const WRITE_MAX_MS = 60 * 60_000;

/** How long a folder keeps what. */
export interface SealedFolderSettings {
  readonly folder: string;
  /** What files are sealed and named with; 32 bytes each. */
  readonly seal_key: Uint8Array;
  readonly name_key: Uint8Array;
  readonly ttl_ms: number;
  /** The most that is kept; what was kept first goes first. */
  readonly files_max: number;
  readonly bytes_max: number;
}

/** Keeps sealed bytes by their owner and name. What cannot be kept or read is missing, and nothing more: the caller tells its client. */
export class SealedFolder {
  readonly #settings: SealedFolderSettings;
  #writes = 0;

  constructor(settings: SealedFolderSettings) {
    this.#settings = settings;
  }

  /**
   * Keeps bytes, in place of those that were kept under the same name. Gives the system's word on why they could not be kept; null
   * where they are.
   * @param owner whose they are; nobody else finds them
   */
  async keep(owner: string, name: string, bytes: Uint8Array): Promise<string | null> {
    const { folder, seal_key, ttl_ms } = this.#settings;
    const file = this.#fileOf(owner, name);
    const path = join(folder, file);
    const own = `${path}.${process.pid}.${this.#writes++}`;
    try {
      const sealed = sealBytes(bytes, seal_key, file, Date.now() + ttl_ms);
      if (sealed.length > FILE_MAX_BYTES) return "EFBIG";
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(own, sealed, { mode: 0o600 });
      await rename(own, path);
      return null;
    } catch (error) {
      await rm(own, { force: true }).catch(() => {});
      return codeOf(error);
    }
  }

  /** What is kept under a name; null where there is nothing, it has expired, or its file is damaged. */
  async find(owner: string, name: string): Promise<Uint8Array | null> {
    const file = this.#fileOf(owner, name);
    const path = join(this.#settings.folder, file);
    try {
      const { size } = await stat(path);
      if (size > FILE_MAX_BYTES) return null;
      return openBytes(await readFile(path), this.#settings.seal_key, file, Date.now());
    } catch {
      return null;
    }
  }

  /** Removes what is kept under a name. */
  async forget(owner: string, name: string): Promise<void> {
    await rm(join(this.#settings.folder, this.#fileOf(owner, name)), { force: true }).catch(() => {});
  }

  /** Removes what has expired, what writers that died have left, and the first of what is too much. Gives how many files went. */
  async sweep(): Promise<number> {
    const { folder, ttl_ms, files_max, bytes_max } = this.#settings;
    const names = await readdir(folder).catch(() => []);
    const files: FoundFile[] = [];
    for (const name of names) {
      const path = join(folder, name);
      const found = await stat(path).catch(() => null);
      if (found !== null)
        files.push({ path, kept_ms: found.mtimeMs, bytes: found.size, is_whole: NAME.test(name) });
    }
    files.sort((a, b) => b.kept_ms - a.kept_ms);
    const now_ms = Date.now();
    let whole = 0;
    let bytes = 0;
    const gone = files.filter((file) => {
      const { kept_ms, is_whole } = file;
      if (!is_whole) return kept_ms < now_ms - Math.min(ttl_ms, WRITE_MAX_MS);
      whole++;
      bytes += file.bytes;
      return kept_ms < now_ms - ttl_ms || whole > files_max || bytes > bytes_max;
    });
    await Promise.all(gone.map(({ path }) => rm(path, { force: true }).catch(() => {})));
    return gone.length;
  }

  #fileOf(owner: string, name: string): string {
    const whose = createHash("sha256").update(owner).digest();
    return createHmac("sha256", this.#settings.name_key).update(whose).update(name).digest("hex");
  }
}

interface FoundFile {
  readonly path: string;
  readonly kept_ms: number;
  readonly bytes: number;
  readonly is_whole: boolean;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}
