// Where a gateway's data lies, as commands find it: `--data`, else `data` of the configuration file, else ./data.
// Only that one value is read, so that a command needs none of the variables that the rest of the file refers to.

import { existsSync, readFileSync } from "node:fs";
import { readDocument } from "../config/document.ts";
import { processEnvironment } from "../config/environment.ts";
import { type Environment, resolveReferences } from "../config/references.ts";
import { LedgerSource } from "../ledger/source.ts";
import type { LedgerReader } from "../ledger/store/query.ts";

const DEFAULT_FILE = "venturi.yaml";
const DEFAULT_FOLDER = "./data";

/** The folder, or in words why it is not known. */
export function findDataFolder(
  flag: string | undefined,
  file = DEFAULT_FILE,
  env: Environment = processEnvironment(),
): string | { readonly fault: string } {
  if (flag !== undefined) return flag === "" ? { fault: "--data must not be empty" } : flag;
  const value = readSetting("data", file, env);
  if (value === undefined) return DEFAULT_FOLDER;
  if (typeof value === "string" && value !== "") return value;
  if (isFault(value)) return value;
  return { fault: `data of ${file} is not the name of a folder; correct it, or say --data DIR` };
}

/** A ledger, as commands find it. */
export interface FoundLedger {
  readonly folder: string;
  /** `ledger.store`. */
  readonly store: string;
}

/**
 * The ledger that is asked: that of the configuration, which may be shared with other hosts; with `--data` alone, that of the
 * folder, which has this host's calls. Or in words why it is not known.
 */
export function findLedger(
  data: string | undefined,
  config?: string,
  env: Environment = processEnvironment(),
): FoundLedger | { readonly fault: string } {
  if (config !== undefined && !existsSync(config)) return { fault: `there is no file ${config}` };
  const file = config ?? DEFAULT_FILE;
  const folder = findDataFolder(data, file, env);
  if (typeof folder !== "string") return folder;
  const store =
    data !== undefined && config === undefined ? undefined : readSetting("ledger", file, env, "store");
  if (isFault(store)) return store;
  return { folder, store: typeof store === "string" ? store : "sqlite" };
}

/**
 * The database that keys are shared in by the configuration; null where they are not, and with `--data` alone, which means the keys
 * of that folder. Or in words why it is not known.
 */
export function findKeyStore(
  data: string | undefined,
  file = DEFAULT_FILE,
  env: Environment = processEnvironment(),
): string | null | { readonly fault: string } {
  if (data !== undefined) return null;
  const store = readSetting("keys", file, env, "store");
  if (isFault(store)) return store;
  return typeof store === "string" ? store : null;
}

/** One setting of a configuration's file, or a part of it; undefined where there is no such file or setting. */
function readSetting(name: string, file: string, env: Environment, part?: string): unknown {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    return undefined;
  }
  const read = readDocument(bytes, file);
  if (!read.ok) return { fault: `${file} cannot be read; correct it, or say --data DIR` };
  const whole = read.document.value[name];
  const has_part = part !== undefined && typeof whole === "object" && whole !== null;
  const setting = has_part ? (whole as Record<string, unknown>)[part] : whole;
  if (setting === undefined) return undefined;
  const { value, problems } = resolveReferences(setting, env);
  const problem = problems[0];
  if (problem !== undefined) return { fault: `${name} of ${file}: ${problem.message}; or say --data DIR` };
  return value;
}

function isFault(value: unknown): value is { readonly fault: string } {
  return typeof value === "object" && value !== null && "fault" in value && typeof value.fault === "string";
}

/** Opens the ledger that a command means; or tells in words why it cannot be asked. */
export async function openLedgerOf(
  data: string | undefined,
  config?: string,
): Promise<LedgerReader | { readonly fault: string }> {
  const found = findLedger(data, config);
  if ("fault" in found) return found;
  const source = new LedgerSource(found.folder, () => found.store);
  const reader = await source.open();
  if ("fault" in reader) return reader;
  const close = () => {
    reader.close();
    source.close();
  };
  return { ...reader, close };
}
