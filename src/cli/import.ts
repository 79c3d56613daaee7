// `venturi import`: another gateway's configuration as one of this gateway. The configuration goes to a file or to standard
// output; what was carried, changed and left out goes to standard error, by lines of the source.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { formatNote, IMPORT_KINDS, importText, type PlacedNote } from "../config/import/import.ts";
import { writeDraft } from "../config/import/write.ts";
import { formatProblem } from "../config/problem.ts";

const USAGE = `usage: venturi import ${IMPORT_KINDS.join("|")} FILE [-o venturi.yaml] [--force]`;

/** Imports a file. Returns the exit code: 0, 1 where it cannot be read or written, 2 for misuse. */
export async function importConfig(args: readonly string[]): Promise<number> {
  const flags = readFlags(args);
  if (typeof flags === "string") {
    console.error(`venturi import: ${flags}\n${USAGE}`);
    return 2;
  }
  const { kind, file, output } = flags;
  let bytes: Uint8Array;
  try {
    bytes = file === "-" ? readFileSync(0) : readFileSync(file);
  } catch (error) {
    console.error(
      `venturi import: ${file} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
    return 1;
  }
  const read = importText(kind, bytes, file);
  if (!read.ok) {
    for (const problem of read.problems) console.error(formatProblem(problem));
    return 1;
  }
  const { draft, notes } = read.imported;
  const text = writeDraft(draft, notes, [
    `Made of ${file} by: venturi import ${kind}`,
    "Check it with: venturi check --config venturi.yaml",
  ]);
  if (output === null) process.stdout.write(text);
  else if (existsSync(output) && !flags.force) {
    console.error(`venturi import: ${output} is there already; name another file, or say --force`);
    return 1;
  } else {
    try {
      // It may have secrets in it, where the source had.
      writeFileSync(output, text, { mode: 0o600 });
    } catch (error) {
      console.error(
        `venturi import: ${output} cannot be written: ${error instanceof Error ? error.message : error}`,
      );
      return 1;
    }
  }
  for (const note of notes) console.error(formatNote(note, file));
  console.error(summaryOf(notes, output));
  return 0;
}

function summaryOf(notes: readonly PlacedNote[], output: string | null): string {
  const count = (fate: PlacedNote["fate"]) => notes.filter((note) => note.fate === fate).length;
  const where = output === null ? "" : `${output}: `;
  return `${where}${count("carried")} carried, ${count("changed")} changed, ${count("left out")} left out`;
}

interface Flags {
  readonly kind: string;
  readonly file: string;
  /** Null: standard output. */
  readonly output: string | null;
  readonly force: boolean;
}

/** The flags, or in words what is wrong with them. */
function readFlags(args: readonly string[]): Flags | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { output: { type: "string", short: "o" }, force: { type: "boolean" } },
      allowPositionals: true,
    });
    const [kind, file, ...more] = positionals;
    if (kind === undefined || !IMPORT_KINDS.includes(kind))
      return "which gateway's configuration it is must be named first";
    if (file === undefined || more.length > 0) return "it reads one file, or - for standard input";
    if (values.output === "") return "-o must not be empty";
    return { kind, file, output: values.output ?? null, force: values.force === true };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
