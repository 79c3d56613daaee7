// Opens the stored entries. They are a cache: what is damaged is set aside, and a new store begun.

import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lmdb } from "../../memory/lmdb.ts";
import { lmdbFileFault } from "../../memory/lmdb_file.ts";
import { takeOwnership } from "./owner.ts";
import { isDamage, messageOf, type StoreHooks, VectorStore } from "./vector_store.ts";

/** How a store is opened. */
export interface StoreOptions extends StoreHooks {
  /** Address space to begin with. */
  readonly map_bytes: number;
  /** Whether what is there is not to be trusted. */
  readonly is_distrusted: boolean;
}

/** Beside a store that was found to be damaged while it was used. */
const DAMAGE_MARK = "damaged";

/** Opens the store in a folder, which is made if it is not there; or says why it cannot be. `null`: another process has it. */
export function openVectorStore(
  folder: string,
  options: StoreOptions,
): VectorStore | null | { readonly fault: string } {
  if ("fault" in lmdb) return { fault: lmdb.fault };
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // The mark stays where it is when the rest is set aside.
    if (!takeOwnership(join(folder, "owner"))) return null;
    const home = join(folder, "store");
    const damage = damageOf(folder, home, options.is_distrusted);
    if (damage !== null) setAside(home, damage, options.log);
    rmSync(join(folder, DAMAGE_MARK), { force: true });
    const store = openAt(home, folder, options);
    if (!("damage" in store)) return store;
    setAside(home, store.damage, options.log);
    const fresh = openAt(home, folder, options);
    return "damage" in fresh ? { fault: `${home} cannot be begun anew (${fresh.damage})` } : fresh;
  } catch (error) {
    return { fault: `${folder} cannot be opened (${messageOf(error)})` };
  }
}

/** What is known to be wrong with a store before it is opened; null for nothing. */
function damageOf(folder: string, home: string, is_distrusted: boolean): string | null {
  if (is_distrusted) return "processes that used it died of it";
  if (existsSync(join(folder, DAMAGE_MARK))) return "it was found to be damaged";
  return lmdbFileFault(join(home, "data.mdb"));
}

function openAt(
  home: string,
  folder: string,
  options: StoreOptions,
): VectorStore | { readonly damage: string } {
  if ("fault" in lmdb) return { damage: lmdb.fault };
  mkdirSync(join(home, "graphs"), { recursive: true, mode: 0o700 });
  const { map_bytes, log } = options;
  const onDamage = () => {
    writeFileSync(join(folder, DAMAGE_MARK), "", { mode: 0o600 });
    options.onDamage();
  };
  try {
    const root = lmdb.open({ path: home, mapSize: map_bytes, maxDbs: 8 });
    const store = new VectorStore(root, join(home, "graphs"), { log, onDamage });
    if (store.isUsable()) return store;
    void root.close();
    return { damage: "it is of another version" };
  } catch (error) {
    if (isDamage(messageOf(error))) return { damage: messageOf(error) };
    throw error;
  }
}

/** Puts what is damaged beside what is used, in place of what was there before. */
function setAside(home: string, why: string, log: (line: string) => void): void {
  if (!existsSync(home)) return;
  const aside = `${home}.damaged`;
  rmSync(aside, { recursive: true, force: true });
  renameSync(home, aside);
  log(`the semantic cache begins empty: what was stored is now ${aside} (${why})`);
}
