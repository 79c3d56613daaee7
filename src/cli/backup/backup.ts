// `venturi backup DIR`: a copy of all that a data folder must not lose, while a gateway writes to it; and `--verify`, whether one is intact.

import { existsSync, statSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import package_json from "../../../package.json" with { type: "json" };
import { FLAG, HELP, parseFlags, SWITCH, type Voice, voiceOf } from "../command_line.ts";
import { findDataFolder } from "../data_folder.ts";
import { flushLedger } from "../flush_ledger.ts";
import { BACKUP_FORMAT, type Manifest, readManifest, sync, writeManifest } from "./manifest.ts";
import { STORES } from "./stores.ts";
import { ledgerSums, verifyBackup } from "./verify.ts";

const USAGE = `usage: venturi backup DIR [--with-cache] [--data DIR]
       venturi backup --verify DIR
DIR is made and must not be there yet. A gateway may run meanwhile.
It holds hashes of keys, the ledger and the keys that data is sealed with: keep it as you keep the data folder.`;

const OPTIONS = { verify: SWITCH, "with-cache": SWITCH, data: FLAG, help: HELP } as const;

/** Runs it. Returns the exit code: 0, 1 where it cannot be made or is not intact, 2 for misuse. */
export async function backup(args: readonly string[]): Promise<number> {
  const voice = voiceOf("backup", USAGE);
  const parsed = parseFlags(args, { options: OPTIONS, allowPositionals: true });
  if (typeof parsed === "string") return voice.misuse(parsed);
  const { values, positionals } = parsed;
  if (values.help) return voice.help();
  const [folder, ...more] = positionals;
  if (folder === undefined) return voice.misuse("it needs the folder of the backup");
  if (more.length > 0) return voice.misuse(`what is "${more[0]}"?`);
  if (values.verify) return verify(folder, voice);
  const data = findDataFolder(values.data);
  if (typeof data !== "string") return voice.misuse(data.fault);
  if (!isFolder(data)) return voice.failed(`there is no data folder ${data}`);
  if (`${resolve(folder)}/`.startsWith(`${resolve(data)}/`))
    return voice.failed(`${folder} is in the data folder; name one that is elsewhere`);
  if (existsSync(folder)) return voice.failed(`${folder} is there already; name a folder that is not`);
  const waiting = await flushLedger(data);
  if (waiting === "late")
    console.error("venturi backup: rows that wait are not in it: the gateway did not write them in time");
  try {
    const manifest = await make(data, resolve(folder), values["with-cache"] === true);
    console.log(`${folder}: ${summaryOf(manifest)}`);
    return 0;
  } catch (error) {
    return voice.failed(error instanceof Error ? error.message : String(error));
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Until it is whole, a backup lies under another name. */
async function make(data: string, folder: string, with_cache: boolean): Promise<Manifest> {
  const created = new Date().toISOString();
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true, mode: 0o700 });
  try {
    const stores: Manifest["stores"] = [];
    for (const store of STORES) {
      if (store.is_cache && !with_cache) continue;
      if (await store.copy(data, partial)) stores.push({ name: store.name, path: store.path });
    }
    if (stores.length === 0)
      throw new Error(`${data} has nothing that could be kept; is it the data folder?`);
    const { version } = package_json;
    const about = { format: BACKUP_FORMAT, version, created, stores, ledger: ledgerSums(partial) };
    const manifest = await writeManifest(partial, about);
    await rename(partial, folder);
    await sync(dirname(folder));
    return manifest;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function verify(folder: string, voice: Voice): Promise<number> {
  const manifest = await readManifest(folder);
  if ("fault" in manifest) return voice.failed(manifest.fault);
  const faults = await verifyBackup(folder, manifest);
  for (const fault of faults) console.error(`${join(folder, fault)}`);
  if (faults.length > 0) return voice.failed(`${folder} is damaged`);
  console.log(`${folder}: intact; ${summaryOf(manifest)}`);
  return 0;
}

/** What a backup holds, in a line. */
export function summaryOf({ created, version, stores, files, ledger }: Manifest): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const calls = ledger === null ? "" : `, ${ledger.calls} calls`;
  const names = stores.map(({ name }) => name).join(", ");
  return `${(bytes / 1_000_000).toFixed(1)} MB of ${created} by version ${version}${calls} (${names || "nothing"})`;
}
