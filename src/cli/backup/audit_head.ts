// The end of the audit log as copied keys remember it. Opening an environment writes into its folder, and a backup stays as it was
// written: the keys are looked at in a copy.

import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isThereKeyStore, openKeyStore } from "../../access/key_store.ts";
import type { AuditHead } from "../../console/audit/line.ts";
import { rememberedHead } from "../../console/audit/log.ts";

/** That end; null where the folder has no keys, or they know of no log. Throws where they cannot be opened. */
export async function auditHeadOf(folder: string): Promise<AuditHead | null> {
  if (!isThereKeyStore(folder)) return null;
  // Beside the backup, where it is as safe; a medium that cannot be written to leaves the folder for temporary files.
  const copy = await mkdtemp(`${resolve(folder)}.keys-`).catch(() =>
    mkdtemp(join(tmpdir(), "venturi-keys-")),
  );
  try {
    await mkdir(join(copy, "keys"), { mode: 0o700 });
    await copyFile(join(folder, "keys", "data.mdb"), join(copy, "keys", "data.mdb"));
    const keys = openKeyStore(copy);
    if ("fault" in keys) throw new Error(keys.fault);
    const head = rememberedHead(keys);
    await keys.close();
    return head;
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}
