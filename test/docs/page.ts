// A page of the documentation as it is tested. Its fenced blocks say what they are by the words behind the fence:
//
//   sh                  commands, run by a shell in a folder of the page's own, where a gateway serves at the simulator
//   ts, python          a program, run in the same folder where the packages that it imports are installed
//   yaml venturi.yaml   the configuration of that gateway from there on (of another name: a file in that folder)
//   yaml                a configuration or a part of one: it must be accepted, but for what it names and does not have
//   yaml of a model     the same for what stands in an entry of models
//   json, js            shown; JSON must be JSON
//   … elsewhere         what cannot run on the machine of a test: other programs, clouds, packages, other languages
//   no word             shown: output, pictures
//
// In what runs, http://127.0.0.1:8080 is where the page's gateway is, and a line `# => TEXT` (`// => TEXT`) says what the output of its
// block contains.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A fenced block. */
export interface Block {
  readonly language: string;
  /** The words behind the language. */
  readonly words: readonly string[];
  readonly text: string;
  /** Of its first line in the page, counted from 1. */
  readonly line: number;
}

/** A page. */
export interface Page {
  /** From the project's folder: `docs/start.md`. */
  readonly name: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** All pages that are tested. */
export function allPages(): Page[] {
  const docs = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith(".md"));
  return ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...docs.map((name) => `docs/${name}`)].map(
    (name) => {
      const text = readFileSync(`${ROOT}${name}`, "utf8");
      return { name, text, blocks: blocksOf(text) };
    },
  );
}

/** The fenced blocks of a text. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const fence = /^(\s*)```(.*)$/.exec(lines[index]!);
    if (fence === null) continue;
    const [language = "", ...words] = fence[2]!.trim().split(/\s+/);
    const end = lines.findIndex((line, at) => at > index && line.trim() === "```");
    if (end < 0) throw new Error(`a block that begins in line ${index + 1} has no end`);
    const inside = lines
      .slice(index + 1, end)
      .map((line) => (line.startsWith(fence[1]!) ? line.slice(fence[1]!.length) : line));
    blocks.push({ language, words, text: `${inside.join("\n")}\n`, line: index + 2 });
    index = end;
  }
  return blocks;
}

/** Whether a block is run. */
export function isRun({ language, words }: Block): boolean {
  return ["sh", "ts", "python"].includes(language) && !words.includes("elsewhere");
}

/** What the output of a block must contain. */
export function expectationsOf({ text }: Block): string[] {
  return [...text.matchAll(/^\s*(?:#|\/\/) => (.+)$/gm)].map((found) => found[1]!.trim());
}
