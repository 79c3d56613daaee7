// A YAML text: its value, and where in the text each part of the value stands.
// Bun's parser gives the value; the slower one keeps positions, and says precisely where the syntax is wrong.

import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLError,
} from "yaml";
import type { Path, Problem } from "./problem.ts";

/** Larger files are refused; bytes. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** Values in a file, those that aliases repeat counted each time. */
export const MAX_NODES = 100_000;
/** Maps and lists inside each other. */
const MAX_DEPTH = 32;

/** A place in a file, both counted from 1. */
export interface Place {
  readonly line: number;
  readonly col: number;
}

/** A text that parsed into a map. */
export interface Document {
  readonly value: Record<string, unknown>;
  /** Where a path's key or value stands; of a path that is not there, the nearest ancestor. */
  readonly locate: (path: Path, part: "key" | "value") => Place;
}

/** A document, or why there is none. */
export type DocumentResult =
  | { readonly ok: true; readonly document: Document }
  | { readonly ok: false; readonly problems: Problem[] };

/** Parses the bytes of a file. `file` is how problems call it. */
export function readDocument(bytes: Uint8Array, file: string): DocumentResult {
  const failed = (message: string, place: Place = { line: 1, col: 1 }): DocumentResult => ({
    ok: false,
    problems: [{ file, ...place, message }],
  });
  if (bytes.length > MAX_FILE_BYTES) return failed(`the file is larger than ${MAX_FILE_BYTES} bytes`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return failed("the file is not UTF-8 text; save it as UTF-8", invalidUtf8(bytes));
  }
  const lines = new LineCounter();
  const at = (offset: number): Place => lines.linePos(offset);
  let tree: ReturnType<typeof parseDocument>;
  try {
    tree = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, merge: true });
  } catch {
    return failed("the file cannot be parsed as YAML: it is nested too deeply");
  }
  if (tree.errors.length > 0)
    // One slip often makes several errors; those after the first say where the parser was lost, not what is wrong.
    return { ok: false, problems: yamlProblems(tree.errors, text, at, file) };
  const contents = tree.contents;
  if (contents === null || (isScalar(contents) && contents.value === null))
    return failed(`the file is empty; expected a map with keys such as "providers" and "models"`);
  if (!isMap(contents)) {
    const found = isSeq(contents) ? "a list" : "a single value";
    return failed(
      `the top level is ${found}; expected a map with keys such as "providers" and "models"`,
      at(contents.range?.[0] ?? 0),
    );
  }
  const size = measure(contents as Node, tree);
  if (size === "nested") return failed(`the file is nested more than ${MAX_DEPTH} levels deep`);
  if (isAlias(size))
    return failed(
      `the alias *${size.source} has no anchor &${size.source} before it`,
      at(size.range?.[0] ?? 0),
    );
  if (size === "large")
    return failed(
      `the file stands for more than ${MAX_NODES} values; YAML aliases multiply what they repeat`,
    );
  let value: unknown;
  try {
    value = Bun.YAML.parse(text);
  } catch (error) {
    return failed(`the file is not valid YAML: ${parserMessage(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return failed("the top level is not a map");
  return {
    ok: true,
    document: {
      value: value as Record<string, unknown>,
      locate: (path, part) => at(find(contents as Node, tree, path, part)),
    },
  };
}

type Tree = ReturnType<typeof parseDocument>;

/** Offset of what a path names. */
function find(top: Node, tree: Tree, path: Path, part: "key" | "value"): number {
  let node: Node | null = top;
  let key_offset = 0;
  let offset = 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(tree) ?? null;
    if (isSeq(node) && typeof step === "number") {
      node = (node.items[step] as Node | undefined) ?? null;
      if (node === null) break;
      key_offset = offset = node.range?.[0] ?? offset;
    } else if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(
        (item) => isScalar(item.key) && String(item.key.value) === String(step),
      );
      if (pair === undefined) break;
      key_offset = (pair.key as Node).range?.[0] ?? offset;
      node = (pair.value as Node | null) ?? null;
      // An ancestor of what is missing is shown by its name; a map's first value would be some other key.
      const last = depth === path.length - 1;
      offset = last && node !== null ? (node.range?.[0] ?? key_offset) : key_offset;
    } else break;
  }
  return part === "key" ? key_offset : offset;
}

/** How many values there are, or why that cannot be said; an alias is one without an anchor. */
type Size = number | "large" | "nested" | Alias;

/** Counts values with aliases expanded, without expanding them: an alias costs what its anchor cost. */
function measure(top: Node, tree: Tree): Size {
  const known = new Map<Node, number>();
  const open = new Set<Node>();
  const visit = (node: unknown, depth: number): Size => {
    if (depth > MAX_DEPTH) return "nested";
    if (isAlias(node)) {
      const anchor = node.resolve(tree);
      if (anchor === undefined) return node;
      // An anchor that contains itself has no end.
      if (open.has(anchor)) return "large";
      return known.get(anchor) ?? visit(anchor, depth);
    }
    if (!isMap(node) && !isSeq(node)) return 1;
    open.add(node);
    let total = 1;
    for (const item of node.items) {
      const size = visit(isMap(node) ? (item as { value: unknown }).value : item, depth + 1);
      if (typeof size !== "number") return size;
      total += size;
      if (total > MAX_NODES) return "large";
    }
    open.delete(node);
    known.set(node, total);
    return total;
  };
  return visit(top, 0);
}

/** What an error code of the position-keeping parser means to someone who writes a configuration. */
const SYNTAX: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "a tab in the indentation; YAML is indented with spaces",
  BAD_INDENT: "the indentation does not fit, or a bracket is not closed",
  MISSING_CHAR: "a character is missing: a comma, a colon or a closing quote or bracket",
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " on one line; put the value in quotes if it contains one',
  BAD_SCALAR_START: "a value cannot begin with this character; put it in quotes",
  MULTIPLE_DOCS: 'a second document ("---"); a configuration is one document',
  UNEXPECTED_TOKEN: "something here does not belong; look for a missing quote, bracket or line break",
  MULTILINE_IMPLICIT_KEY: "a key without a colon after it",
};

function yamlProblems(
  errors: readonly YAMLError[],
  text: string,
  at: (offset: number) => Place,
  file: string,
): Problem[] {
  const problems: Problem[] = [];
  let lost = false;
  for (const error of errors) {
    const place = at(error.pos[0]);
    if (error.code === "DUPLICATE_KEY") {
      const key = /^[^\s:,{}[\]]+/.exec(text.slice(error.pos[0]))?.[0];
      problems.push({
        file,
        ...place,
        message: `the key ${key ?? ""} is here for the second time`.replace("  ", " "),
      });
      continue;
    }
    if (lost) continue;
    lost = true;
    let message = SYNTAX[error.code] ?? "this is not valid YAML";
    const line = text.split("\n", place.line)[place.line - 1] ?? "";
    if (/[[{,]\s*\$\{/.test(line)) message += `; inside [ ] and { } a reference needs quotes: "\${NAME}"`;
    problems.push({ file, ...place, message });
  }
  return problems;
}

/** The other parser's complaint, without its name. */
function parserMessage(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^YAML Parse error: /, "") : "unknown error";
}

/** Where the first byte is that UTF-8 does not allow. */
function invalidUtf8(bytes: Uint8Array): Place {
  let low = 0;
  let high = bytes.length;
  // The longest decodable prefix; `stream` forgives a sequence that is cut at its end.
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
      low = middle;
    } catch {
      high = middle - 1;
    }
  }
  // A character that is cut at the prefix's end is not decoded, so this ends before the first bad one.
  const good = new TextDecoder("utf-8").decode(bytes.subarray(0, low), { stream: true });
  const lines = good.split("\n");
  return { line: lines.length, col: lines.at(-1)!.length + 1 };
}
