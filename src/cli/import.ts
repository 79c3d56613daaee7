// `venturi import`: another gateway's configuration as one of this gateway. The configuration goes to a file or to standard
// output; what was carried, changed and left out goes to standard error, by lines of the source.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { formatNote, IMPORT_KINDS, importText, type PlacedNote } from "../config/import/import.ts";
import { writeDraft } from "../config/import/write.ts";
import { formatProblem } from "../config/problem.ts";
import { FLAG, HELP, parseFlags, SWITCH, voiceOf } from "./command_line.ts";

const USAGE = `usage: venturi import ${IMPORT_KINDS.join("|")} FILE [-o venturi.yaml] [--force]
FILE is - for standard input; without -o the configuration goes to standard output.`;
const { help, misuse, failed } = voiceOf("import", USAGE);

/** Imports a file. Returns the exit code: 0, 1 where it cannot be read or written, 2 for misuse. */
export async function importConfig(args: readonly string[]): Promise<number> {
  const options = { output: { ...FLAG, short: "o" }, force: SWITCH, help: HELP } as const;
  const parsed = parseFlags(args, { options, allowPositionals: true });
  if (typeof parsed === "string") return misuse(parsed);
  const { values, positionals } = parsed;
  if (values.help === true) return help();
  const [kind, file, ...more] = positionals;
  if (kind === undefined || !IMPORT_KINDS.includes(kind)) return misuse("say whose configuration it is");
  if (file === undefined || more.length > 0) return misuse("it reads one file");
  const { output = null } = values;
  if (output === "") return misuse("-o must not be empty");
  if (output !== null && values.force !== true && existsSync(output))
    return failed(`${output} is there already; name another file, or say --force`);

  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file === "-" ? 0 : file);
  } catch (error) {
    return failed(`${file} cannot be read: ${messageOf(error)}`);
  }
  const read = importText(kind, bytes, file);
  if (!read.ok) {
    for (const problem of read.problems) console.error(formatProblem(problem));
    return 1;
  }
  const { draft, notes } = read.imported;
  const text = writeDraft(draft, notes, [
    `Made of ${file} by: venturi import ${kind}`,
    `Check it with: venturi check --config ${output ?? "venturi.yaml"}`,
  ]);
  try {
    // It may have secrets in it, where the source had.
    if (output === null) process.stdout.write(text);
    else writeFileSync(output, text, { mode: 0o600 });
  } catch (error) {
    return failed(`${output} cannot be written: ${messageOf(error)}`);
  }
  for (const note of notes) console.error(formatNote(note, file));
  console.error(summaryOf(notes, output));
  return 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function summaryOf(notes: readonly PlacedNote[], output: string | null): string {
  const count = (fate: PlacedNote["fate"]) => notes.filter((note) => note.fate === fate).length;
  const where = output === null ? "" : `${output}: `;
  return `${where}${count("carried")} carried, ${count("changed")} changed, ${count("left out")} left out`;
}
