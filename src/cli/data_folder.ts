// Where a gateway's data lies, as commands find it: `--data`, else `data` of the configuration file, else ./data.
// Only that one value is read, so that a command needs none of the variables that the rest of the file refers to.

import { readFileSync } from "node:fs";
import { readDocument } from "../config/document.ts";
import { processEnvironment } from "../config/environment.ts";
import { type Environment, resolveReferences } from "../config/references.ts";
import { type LedgerReader, openLedgerReader } from "../ledger/store/query.ts";

const DEFAULT_FILE = "venturi.yaml";
const DEFAULT_FOLDER = "./data";

/** The folder, or in words why it is not known. */
export function findDataFolder(
  flag: string | undefined,
  file = DEFAULT_FILE,
  env: Environment = processEnvironment(),
): string | { readonly fault: string } {
  if (flag !== undefined) return flag === "" ? { fault: "--data must not be empty" } : flag;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    return DEFAULT_FOLDER;
  }
  const read = readDocument(bytes, file);
  if (!read.ok) return { fault: `${file} cannot be read; correct it, or say --data DIR` };
  const { data } = read.document.value;
  if (data === undefined) return DEFAULT_FOLDER;
  const { value, problems } = resolveReferences(data, env);
  const problem = problems[0];
  if (problem !== undefined) return { fault: `data of ${file}: ${problem.message}; or say --data DIR` };
  if (typeof value === "string" && value !== "") return value;
  return { fault: `data of ${file} is not the name of a folder; correct it, or say --data DIR` };
}

/** The ledger of the folder that a command means, or in words why it cannot be read. */
export function openLedgerOf(flag: string | undefined): LedgerReader | { readonly fault: string } {
  const folder = findDataFolder(flag);
  return typeof folder === "string" ? openLedgerReader(folder) : folder;
}
