// `venturi restore DIR`: puts a backup into a data folder that no gateway uses. What was there is moved aside, never removed.

import { existsSync } from "node:fs";
import { chown, copyFile, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { adminSocketPath } from "../../config/admin_socket.ts";
import { isAnswered } from "../../console/admin.ts";
import { readCounters } from "../../memory/counter_file.ts";
import { openState } from "../../memory/state.ts";
import { FLAG, HELP, parseFlags, SWITCH, voiceOf } from "../command_line.ts";
import { findDataFolder } from "../data_folder.ts";
import { summaryOf } from "./backup.ts";
import { type Manifest, readManifest, sync } from "./manifest.ts";
import { verifyBackup } from "./verify.ts";

const USAGE = `usage: venturi restore DIR [--replace] [--data DIR]
DIR is a backup, which is verified first. The data folder must be empty or not there;
with --replace, what is in it is moved into a folder before-restore-TIME in it.
A gateway that uses the data folder must be stopped before.`;

const OPTIONS = { replace: SWITCH, data: FLAG, help: HELP } as const;

/** Made of the counters when they are restored, not copied. */
const COUNTERS = "counters.bin";

/** Runs it. Returns the exit code: 0, 1 where it cannot be restored, 2 for misuse. */
export async function restore(args: readonly string[]): Promise<number> {
  const voice = voiceOf("restore", USAGE);
  const parsed = parseFlags(args, { options: OPTIONS, allowPositionals: true });
  if (typeof parsed === "string") return voice.misuse(parsed);
  const { values, positionals } = parsed;
  if (values.help) return voice.help();
  const [folder, ...more] = positionals;
  if (folder === undefined) return voice.misuse("it needs the folder of the backup");
  if (more.length > 0) return voice.misuse(`what is "${more[0]}"?`);
  const data = findDataFolder(values.data);
  if (typeof data !== "string") return voice.misuse(data.fault);
  if (await isInUse(data)) return voice.failed(`a gateway runs on ${data}; stop it first`);
  const there = await entriesIn(data);
  if (there.length > 0 && values.replace !== true)
    return voice.failed(`${data} is not empty; name another, or say --replace to move aside what is in it`);
  const manifest = await readManifest(folder);
  if ("fault" in manifest) return voice.failed(manifest.fault);
  const faults = await verifyBackup(folder, manifest);
  for (const fault of faults) console.error(join(folder, fault));
  if (faults.length > 0) return voice.failed(`${folder} is damaged; nothing was restored`);
  try {
    await put(resolve(folder), manifest, data);
  } catch (error) {
    return voice.failed(`${error instanceof Error ? error.message : String(error)}; nothing was restored`);
  }
  console.log(`${data}: ${summaryOf(manifest)}`);
  return 0;
}

async function isInUse(data: string): Promise<boolean> {
  const socket = adminSocketPath(data);
  if (typeof socket === "string" && (await isAnswered(socket))) return true;
  try {
    return openState(data).supervisor_pid !== 0;
  } catch {
    // There is no state, or one that no gateway of this version has.
    return false;
  }
}

/** What is in a folder, but for what earlier restores have moved aside. */
async function entriesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => !/^(before-restore-|lost\+found$)/.test(name));
}

/** The new files lie beside the old until all of them are there. */
async function put(folder: string, { files }: Manifest, data: string): Promise<void> {
  await mkdir(data, { recursive: true, mode: 0o700 });
  const staging = join(data, `before-restore-staging-${process.pid}`);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { mode: 0o700 });
  const owner = await stat(data);
  try {
    for (const { path } of files) {
      if (path === COUNTERS) continue;
      await mkdir(dirname(join(staging, path)), { recursive: true, mode: 0o700 });
      await copyFile(join(folder, path), join(staging, path));
      await sync(join(staging, path));
    }
    if (existsSync(join(folder, COUNTERS))) {
      const fault = readCounters(join(folder, COUNTERS), staging);
      if (fault !== null) {
        await rm(join(staging, "state"), { force: true });
        console.error(`venturi restore: limits and budgets count from zero: ${fault}`);
      }
    }
    if (process.getuid?.() === 0) await giveTo(staging, owner.uid, owner.gid);
    const old = await entriesIn(data);
    if (old.length > 0) {
      const aside = join(data, `before-restore-${new Date().toISOString().replaceAll(/[-:.]/g, "")}`);
      await mkdir(aside, { mode: 0o700 });
      for (const name of old) await rename(join(data, name), join(aside, name));
    }
    for (const name of await readdir(staging)) await rename(join(staging, name), join(data, name));
    await sync(data);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** The data folder's owner owns what is restored into it, whoever restores it. */
async function giveTo(folder: string, uid: number, gid: number): Promise<void> {
  await chown(folder, uid, gid);
  for (const name of await readdir(folder, { recursive: true })) await chown(join(folder, name), uid, gid);
}
