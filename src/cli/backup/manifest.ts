// What a backup says of itself: which program wrote it, what is in it, and the length and SHA-256 of every file.

import { createReadStream, existsSync } from "node:fs";
import { chmod, open, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import * as z from "zod";

/** The format that this program writes, and the newest that it reads. */
export const BACKUP_FORMAT = 1;

const FILE = "manifest.json";

const manifest = z.object({
  format: z.int().min(1),
  /** The version of Venturi that wrote it. */
  version: z.string(),
  /** RFC 3339, in UTC: when it was begun. */
  created: z.string(),
  stores: z.array(z.object({ name: z.string(), path: z.string() })),
  files: z.array(z.object({ path: z.string(), bytes: z.int().min(0), sha256: z.string() })),
  /** Of the ledger: rows, the last one's number, and what all calls that it ever summed up have cost. Null without one. */
  ledger: z.object({ calls: z.int(), last_seq: z.int(), cost_nano_usd: z.string() }).nullable(),
});

/** What a backup says of itself. */
export type Manifest = z.output<typeof manifest>;
/** A file of a backup, by its path there. */
export type BackupFile = Manifest["files"][number];

/** Reads a backup's manifest; or says why it is none that can be used. */
export async function readManifest(folder: string): Promise<Manifest | { readonly fault: string }> {
  const path = join(folder, FILE);
  if (!existsSync(path)) return { fault: `${folder} is no backup: it has no ${FILE}` };
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch {
    return { fault: `${path} is damaged: it is not JSON` };
  }
  const { format } = (json ?? {}) as { readonly format?: unknown };
  if (typeof format === "number" && format > BACKUP_FORMAT) {
    return {
      fault: `${folder} was written by a newer version of Venturi (its format is ${format}, this program knows ${BACKUP_FORMAT})`,
    };
  }
  const read = manifest.safeParse(json);
  if (!read.success) return { fault: `${path} is damaged: ${z.prettifyError(read.error)}` };
  const wrong = read.data.files.find(({ path: named }) => /(^|\/)\.\.(\/|$)|^\//.test(named));
  return wrong === undefined ? read.data : { fault: `${path} is damaged: it names a file outside of it` };
}

/** Writes a backup's manifest, and brings all of the backup to the disk; from then on it is one. */
export async function writeManifest(folder: string, about: Omit<Manifest, "files">): Promise<Manifest> {
  const files: BackupFile[] = [];
  for (const path of await filesIn(folder)) {
    await chmod(join(folder, path), 0o600);
    files.push({
      path,
      bytes: (await stat(join(folder, path))).size,
      sha256: await hashOf(join(folder, path)),
    });
    await sync(join(folder, path));
  }
  const whole = { ...about, files };
  const path = join(folder, FILE);
  await writeFile(path, `${JSON.stringify(whole, null, 2)}\n`, { mode: 0o600 });
  await sync(path);
  await sync(folder);
  return whole;
}

/** What differs between a backup and its manifest, in words; nothing where it is as it was written. */
export async function damageOf(folder: string, { files }: Manifest): Promise<string[]> {
  const found: string[] = [];
  for (const { path, bytes, sha256 } of files) {
    const full_path = join(folder, path);
    const state = await stat(full_path).catch(() => null);
    if (state === null) found.push(`${path} is missing`);
    else if (state.size !== bytes) found.push(`${path} has ${state.size} bytes, and had ${bytes}`);
    else if ((await hashOf(full_path)) !== sha256) found.push(`${path} is not what was written`);
  }
  return found;
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

async function hashOf(path: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const part of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    hash.update(part as Buffer);
  return hash.digest("hex");
}

/** Brings a file, or the names in a folder, to the disk. */
export async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
