// A draft as the YAML of a person: sections in the order in which one reads them, a line for what is small, comments where
// something is not as it was, and at the end what could not be carried over.

import { isMap, isPair, isScalar, isSeq, type Node, parseDocument, stringify, visit } from "yaml";
import { type Path, pathKey } from "../problem.ts";
import type { Draft } from "./draft.ts";
import { type PlacedNote, pathText } from "./import.ts";

const SECTIONS = [
  ...["listen", "data", "providers", "models", "routes", "keys", "tiers", "teams", "tenants", "admin"],
  ...["ledger", "alerts", "log", "telemetry", "privacy", "cache"],
] as const;

const TITLES: Readonly<Partial<Record<(typeof SECTIONS)[number], string>>> = {
  providers: "Where models are served. Secrets are read from the environment.",
  models: "What clients ask for.",
  routes: "Rules that are read before models: the first whose conditions all hold decides.",
  tenants: "Limits over all keys of a tenant; keys that name none are of the tenant default.",
  teams: "Limits over all keys of a team.",
  keys: "Who may call. More of them: venturi keys create.",
};

/** Maps and lists of at most so many characters stand on one line. */
const LINE_MAX = 88;

/**
 * Writes a draft.
 * @param hints lines at its beginning, such as where it comes from
 */
export function writeDraft(draft: Draft, notes: readonly PlacedNote[], hints: readonly string[]): string {
  const head = [...hints, ...variablesOf(draft)];
  const parts = SECTIONS.flatMap((section) => {
    const value = draft.config[section];
    const is_empty = value === undefined || Object.keys(value as object).length === 0;
    return is_empty ? [] : [sectionText(section, value, draft)];
  });
  if (parts.length === 0)
    parts.push("# Nothing could be carried over: only the simulator can be called.\nmodels: {}\n");
  const left = notes
    .filter(({ fate }) => fate === "left out")
    .map(({ line, path, text }) => `  line ${line}, ${pathText(path)}: ${text}`);
  const foot = left.length === 0 ? [] : [comment(["Not carried over:", ...left])];
  return [comment(head), ...parts, ...foot].join("\n");
}

function sectionText(section: (typeof SECTIONS)[number], value: unknown, draft: Draft): string {
  const document = parseDocument(
    stringify({ [section]: sorted(section, value) }, { lineWidth: 0, aliasDuplicateObjects: false }),
  );
  const has_lines = TITLES[section] !== undefined;
  visit(document, {
    Pair: (_, pair, ancestors) => {
      const path = pathOf([...ancestors, pair]);
      const text = draft.comments.get(pathKey(path));
      if (text !== undefined && isScalar(pair.key)) pair.key.commentBefore = indented(text);
    },
    Map: (_, node, ancestors) => inLine(node, ancestors.length, has_lines),
    Seq: (_, node, ancestors) => {
      const path = pathOf(ancestors);
      node.items.forEach((item, index) => {
        const text = draft.comments.get(pathKey([...path, index]));
        if (text !== undefined) (item as Node).commentBefore = indented(text);
      });
      inLine(node, ancestors.length, has_lines);
    },
  });
  const title = TITLES[section];
  const text = document.toString({ lineWidth: 0, flowCollectionPadding: true });
  return title === undefined ? text : `${comment([title])}${text}`;
}

/** The order of what a model says, most important first. */
const OF_MODELS = ["strategy", "targets", "fallbacks", "cascade", "retries", "deadline_ms", "on_unsupported"];

function sorted(section: string, value: unknown): unknown {
  if (section !== "models") return value;
  const place = (key: string) => (OF_MODELS.includes(key) ? OF_MODELS.indexOf(key) : OF_MODELS.length);
  const models = Object.entries(value as Record<string, object>);
  return Object.fromEntries(
    models.map(([name, model]) => [
      name,
      Object.fromEntries(Object.entries(model).toSorted(([a], [b]) => place(a) - place(b))),
    ]),
  );
}

function indented(text: string): string {
  return text.replace(/^/gm, " ");
}

/** Puts what is small on one line, but for the file and the sections of things with names. */
function inLine(node: Node, depth: number, has_lines: boolean): void {
  if (depth < (has_lines ? 4 : 3) || !(isMap(node) || isSeq(node))) return;
  const plain = JSON.stringify(node.toJSON());
  if (plain.length <= LINE_MAX) node.flow = true;
}

/** Keys and indexes to the last of some nodes. */
function pathOf(nodes: readonly unknown[]): Path {
  const path: (string | number)[] = [];
  nodes.forEach((node, index) => {
    if (isPair(node) && isScalar(node.key)) path.push(String(node.key.value));
    if (isSeq(node) && index + 1 < nodes.length) path.push(node.items.indexOf(nodes[index + 1]));
  });
  return path;
}

function comment(lines: readonly string[]): string {
  return lines.map((line) => (line === "" ? "#\n" : `# ${line}\n`)).join("");
}

/** The environment variables that must be there, as a line. */
function variablesOf({ config }: Draft): string[] {
  const names = new Set<string>();
  for (const [, name, has_default] of JSON.stringify(config).matchAll(
    /(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)(:-)?/g,
  ))
    if (has_default === undefined) names.add(name!);
  return names.size === 0 ? [] : [`It reads these variables: ${[...names].sort().join(", ")}.`];
}
