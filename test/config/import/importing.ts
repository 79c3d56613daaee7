// Imports from text in the tests of this room: the YAML that is written, the notes, and the configuration that comes of it.

import { importText } from "../../../src/config/import/import.ts";
import { writeDraft } from "../../../src/config/import/write.ts";
import { parseConfig } from "../../../src/config/load.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import type { ResolvedConfig } from "../../../src/config/schema.ts";

/** What providers take from the environment where the configuration says nothing. */
const TAKEN = {
  ...{ AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b", OPENAI_API_KEY: "c" },
  ...{ AZURE_OPENAI_API_KEY: "d", AZURE_OPENAI_ENDPOINT: "https://e.example.com" },
};

/** What came of a source. */
export interface Made {
  readonly yaml: string;
  readonly config: ResolvedConfig;
  /** `line fate path: text`. */
  readonly notes: readonly string[];
}

/** Imports a text, and loads what is written with every variable set that it reads. */
export function importOf(kind: string, source: string | object, name = "source.yaml"): Made {
  const text = typeof source === "string" ? source : JSON.stringify(source, null, 2);
  const read = importText(kind, new TextEncoder().encode(text), name);
  if (!read.ok) throw new Error(read.problems.map(formatProblem).join("\n"));
  const { draft, notes } = read.imported;
  const yaml = writeDraft(draft, notes, ["made by a test"]);
  const loaded = parseConfig(new TextEncoder().encode(yaml), "made.yaml", {
    env: { ...TAKEN, ...variablesOf(yaml) },
  });
  if (!loaded.ok) throw new Error(`${loaded.problems.map(formatProblem).join("\n")}\n${yaml}`);
  const lines = notes.map(({ line, fate, path, text }) => `${line} ${fate} ${path.join(".")}: ${text}`);
  return { yaml, config: loaded.config, notes: lines };
}

/** A value for every variable that a text reads. */
export function variablesOf(yaml: string): Record<string, string> {
  const names = [...yaml.matchAll(/\$\{([A-Z_0-9]+)\}|os\.environ\/([A-Z_0-9]+)/g)].map(
    (one) => one[1] ?? one[2]!,
  );
  return Object.fromEntries(
    names.map((name) => [
      name,
      /URL|BASE|ENDPOINT/.test(name)
        ? "https://llm.example.com"
        : /PROJECT/.test(name)
          ? "project-1"
          : /LOCATION|REGION/.test(name)
            ? "us-east1"
            : `value-of-${name}`,
    ]),
  );
}

/** The notes of a fate. */
export function fateOf(made: Made, fate: "carried" | "changed" | "left out"): string[] {
  return made.notes.filter((note) => note.includes(` ${fate} `));
}
