// Where a command finds the gateway's data: `--data`, else `data:` of ./venturi.yaml, else ./data.
// Of the file only that one value is looked at: a command works where the file's variables are not set.

import { readFileSync } from "node:fs";
import { readDocument } from "../config/document.ts";
import { processEnvironment } from "../config/environment.ts";
import { resolveReferences } from "../config/references.ts";

/** The file that is looked at when no folder is named. */
const DEFAULT_FILE = "venturi.yaml";
const DEFAULT_FOLDER = "./data";

/** The data folder; `named` is what `--data` says. */
export function dataFolder(named: string | undefined, file = DEFAULT_FILE): string {
  if (named !== undefined) return named;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    return DEFAULT_FOLDER;
  }
  const read = readDocument(bytes, file);
  if (!read.ok) return DEFAULT_FOLDER;
  const { value } = resolveReferences(read.document.value["data"], processEnvironment());
  return typeof value === "string" && value !== "" ? value : DEFAULT_FOLDER;
}
