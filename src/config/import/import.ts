// Configurations of other gateways: which there are, and how one is read, whole, into one of this gateway with a report.

import { type Document, readDocument } from "../document.ts";
import type { Path, Problem } from "../problem.ts";
import { pathKey } from "../problem.ts";
import { importBifrost } from "./bifrost/bifrost.ts";
import type { Draft } from "./draft.ts";
import { fitToSchema } from "./fit_to_schema.ts";
import { importLitellm } from "./litellm/litellm.ts";
import { importPortkey } from "./portkey/portkey.ts";
import { type Note, Source } from "./source.ts";

/** What an import reads. */
export interface ImportInput {
  /** The file's name without folder and ending. */
  readonly name: string;
  readonly top: Source;
}

const IMPORTS: Readonly<Record<string, (input: ImportInput) => Draft>> = {
  litellm: ({ top }) => importLitellm(top),
  portkey: ({ name, top }) => importPortkey(name, top),
  bifrost: ({ top }) => importBifrost(top),
};

/** The gateways whose configurations are understood. */
export const IMPORT_KINDS: readonly string[] = Object.keys(IMPORTS);

/** A note with the line of the source that it is about. */
export interface PlacedNote extends Note {
  readonly line: number;
}

/** What came of a source. */
export interface Imported {
  readonly draft: Draft;
  /** In the order of the source. */
  readonly notes: readonly PlacedNote[];
  /** Where in the source a part of the draft comes from; its nearest ancestor's place where it is not known. */
  readonly locate: Document["locate"];
}

/** Imports a document. */
export function importDocument(kind: string, { value, locate }: Document, file: string): Imported {
  const notes: Note[] = [];
  const name = file.replace(/^.*\//, "").replace(/\.[^.]*$/, "");
  const draft = IMPORTS[kind]!({ name, top: new Source(value, notes) });
  const originOf = (path: Path): Path => {
    for (let length = path.length; length > 0; length--) {
      const origin = draft.origins.get(pathKey(path.slice(0, length)));
      if (origin !== undefined) return origin;
    }
    return [];
  };
  fitToSchema(draft, (path, text) => notes.push({ fate: "left out", path: originOf(path), text }));
  const placed = notes.map((note) => ({ ...note, line: locate(note.path, "key").line }));
  return {
    draft,
    notes: placed.sort((a, b) => a.line - b.line),
    locate: (path, part) => locate(originOf(path), part),
  };
}

/** Imports the text of a file, or says what is wrong with it. */
export function importText(
  kind: string,
  bytes: Uint8Array,
  file: string,
):
  | { readonly ok: true; readonly imported: Imported }
  | { readonly ok: false; readonly problems: readonly Problem[] } {
  const read = readDocument(bytes, file);
  return read.ok ? { ok: true, imported: importDocument(kind, read.document, file) } : read;
}

/** A note as a person reads it. */
export function formatNote({ fate, line, path, text }: PlacedNote, file: string): string {
  return `${file}:${line}: ${fate}: ${pathText(path)}: ${text}`;
}

/** A path without quotes, whatever its keys are. */
export function pathText(path: Path): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
    .join("")
    .replace(/^\./, "");
}
