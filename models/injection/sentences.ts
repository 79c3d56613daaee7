// Sentences of this project's own: attacks and harmless texts that look like them, from the patterns in sentences.txt.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pick } from "../ner/random.ts";

/** A list of sentences.txt. */
export type Kind = "user attack" | "tool attack" | "user harmless" | "tool harmless";

/** A pattern: a line in which `{a|b}` stands for one of the two, `¦`, `«` and `»` for a bar and braces. */
export interface Pattern {
  readonly kind: Kind;
  readonly line: string;
}

/** All patterns. */
export function readPatterns(): Pattern[] {
  const patterns: Pattern[] = [];
  let kind: Kind = "user attack";
  for (const line of readFileSync(join(import.meta.dir, "sentences.txt"), "utf8").split("\n")) {
    const title = /^# ((?:user|tool) (?:attack|harmless))$/.exec(line);
    if (title !== null) kind = title[1] as Kind;
    else if (line !== "") patterns.push({ kind, line });
  }
  return patterns;
}

/** A sentence of a pattern. */
export function fill({ line }: Pattern, random: () => number): string {
  return line
    .replace(/\{([^{}]*)\}/g, (_, choices: string) => pick(choices.split("|"), random))
    .replaceAll("¦", "|")
    .replaceAll("«", "{")
    .replaceAll("»", "}")
    .trim();
}
