// The rules of the house, read off the tree: a rule that no test holds is not a rule.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { editorSchema } from "../src/config/editor.ts";
import { ERROR_KINDS } from "../src/errors.ts";
import { configurationReference } from "../tools/configuration_reference.ts";
import { packageTable } from "../tools/third_party_notices.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Rooms from the lowest up. Rooms of one level do not know each other. */
const LEVELS: readonly (readonly string[])[] = [
  ["errors", "program"],
  ["wire", "memory", "config"],
  ["dialects", "upstream", "postgres", "valkey"],
  ["access", "routing", "cache", "privacy", "ledger", "inference", "content"],
  ["gateway"],
  ["supervisor", "console"],
  ["cli"],
  ["roles"],
  ["main"],
];

interface SourceFile {
  readonly path: string;
  readonly room: string;
  readonly text: string;
  /** Paths of the project's own files that it imports. */
  readonly imports: readonly string[];
}

function sourceFiles(): SourceFile[] {
  return readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") || name.endsWith(".tsx"))
    .map((name) => {
      const path = join("src", name);
      const text = readFileSync(join(root, path), "utf8");
      const imports = [...text.matchAll(/(?:from |import |import\()"(\.[^"]+)"/g)]
        .map((match) => relative(root, resolve(root, dirname(path), match[1]!)))
        .filter((imported) => imported.startsWith("src/"));
      return { path, room: roomOf(path), text, imports };
    });
}

function roomOf(path: string): string {
  return path.split("/")[1]!.replace(/\.tsx?$/, "");
}

function levelOf(room: string): number {
  const level = LEVELS.findIndex((rooms) => rooms.includes(room));
  if (level < 0) throw new Error(`no level is given for the room "${room}"`);
  return level;
}

const files = sourceFiles();

/** Lines of code that match, as `path:line: text`; comments do not count. */
function linesWith(pattern: RegExp, except: (file: SourceFile) => boolean = () => false): string[] {
  return files
    .filter((file) => !except(file))
    .flatMap((file) =>
      file.text
        .split("\n")
        .map((line, index) => ({ line, place: `${file.path}:${index + 1}` }))
        .filter(({ line }) => !/^\s*(\/\/|\*|\/\*)/.test(line) && pattern.test(line))
        .map(({ line, place }) => `${place}: ${line.trim()}`),
    );
}

describe("the house rules", () => {
  test("imports point down, never up and never sideways", () => {
    const wrong = files.flatMap((file) =>
      file.imports
        .filter((imported) => roomOf(imported) !== file.room)
        .filter((imported) => levelOf(roomOf(imported)) >= levelOf(file.room))
        .map((imported) => `${file.path} imports ${imported}`),
    );
    expect(wrong).toEqual([]);
  });

  /** What is loaded when a file is: types are no code, and what is imported by a call is loaded when it is called. */
  function loadedBy(first: string): Set<string> {
    const by_path = new Map(files.map((file) => [file.path, file]));
    const loaded = new Set<string>();
    const load = (path: string): void => {
      const file = by_path.get(path);
      if (file === undefined || loaded.has(path)) return;
      loaded.add(path);
      for (const match of file.text.matchAll(/^(?:import|export) (?!type\b)[^;]*?"(\.[^"]+)";/gm))
        load(relative(root, resolve(root, dirname(path), match[1]!)));
    };
    load(first);
    return loaded;
  }

  test("a gateway process starts without what only some calls need", () => {
    const loaded = loadedBy("src/gateway/process.ts");
    expect(loaded).toContain("src/gateway/pipeline.ts");
    const lazy = [
      ...["src/dialects/formats.ts", "src/dialects/neutral/parts.ts", "src/gateway/caches.ts"],
      ...["src/gateway/privacy.ts", "src/gateway/guards.ts", "src/gateway/realtime/door.ts"],
      ...["src/gateway/counting.ts", "src/gateway/kept_responses.ts", "src/gateway/cascade.ts"],
    ];
    expect(lazy.filter((path) => !files.some((file) => file.path === path))).toEqual([]);
    expect(lazy.filter((path) => loaded.has(path))).toEqual([]);
  });

  test("a supervisor starts without what reads formats and other gateways' configurations", () => {
    const loaded = loadedBy("src/cli/serve.ts");
    expect(loaded).toContain("src/supervisor/supervisor.ts");
    const formats = /^src\/dialects\/(?!usage\.ts|openai\/error\.ts)|^src\/config\/import\//;
    expect([...loaded].filter((path) => formats.test(path))).toEqual([]);
  });

  test("every source file is reached from the door", () => {
    const by_path = new Map(files.map((file) => [file.path, file]));
    const reached = new Set<string>();
    const visit = (path: string) => {
      if (reached.has(path)) return;
      reached.add(path);
      for (const imported of by_path.get(path)?.imports ?? []) visit(imported);
    };
    visit("src/main.ts");
    // A browser comes in by its own.
    visit("src/console/ui/page.tsx");
    expect(files.map((file) => file.path).filter((path) => !reached.has(path))).toEqual([]);
  });

  test("the environment is read in one room", () => {
    expect(linesWith(/process\.env|Bun\.env|import\.meta\.env/, (file) => file.room === "config")).toEqual(
      [],
    );
  });

  test("there is no default export, no enum, no namespace, no any", () => {
    expect(
      linesWith(/^export default |^(export )?(const )?enum |^(export )?namespace |: any\b|\bas any\b|<any>/),
    ).toEqual([]);
  });

  test("nothing throws a string", () => {
    expect(linesWith(/\bthrow ["'`]/)).toEqual([]);
  });

  test("every error code that is used stands in the table, and every one in the table is used", () => {
    const used = new Set<string>();
    for (const { text } of files) {
      for (const match of text.matchAll(/(?:new GatewayError|refuse)\(\s*"([a-z_]+)"/g)) used.add(match[1]!);
    }
    expect([...used].filter((code) => !(code in ERROR_KINDS))).toEqual([]);
    expect(Object.keys(ERROR_KINDS).filter((code) => !used.has(code))).toEqual([]);
  });

  test("no room is a lumber room", () => {
    const lumber = /(^|\/)(utils?|helpers?|common|services?|handlers?|managers?|misc|index)(\.ts|\/)/;
    expect(files.map((file) => file.path).filter((path) => lumber.test(path))).toEqual([]);
  });

  test("every file says at its top what it is", () => {
    expect(files.filter((file) => !/^(#!.*\n)?\/\/ [A-Z`]/.test(file.text)).map((file) => file.path)).toEqual(
      [],
    );
  });

  test("everything exported has a doc comment", () => {
    const bare = files.flatMap((file) => {
      const lines = file.text.split("\n");
      return lines
        .map((line, index) => ({ line, before: lines[index - 1] ?? "", place: `${file.path}:${index + 1}` }))
        .filter(({ line }) =>
          /^export (async |abstract )?(function\*?|class|interface|type|const) /.test(line),
        )
        .filter(({ before }) => !before.trimEnd().endsWith("*/"))
        .map(({ line, place }) => `${place}: ${line}`);
    });
    expect(bare).toEqual([]);
  });

  test("the lock file names no place that packages were downloaded from", () => {
    const lock = readFileSync(join(root, "package-lock.json"), "utf8");
    expect(lock).not.toMatch(/"resolved": *"http/);
  });

  test("what is generated is as its sources are; `npm run generate` makes it so", () => {
    const read = (name: string) => readFileSync(join(root, name), "utf8");
    const is_current = {
      "venturi.schema.json": Bun.deepEquals(JSON.parse(read("venturi.schema.json")), editorSchema()),
      "docs/configuration.md": read("docs/configuration.md") === configurationReference(),
      THIRD_PARTY_NOTICES: read("THIRD_PARTY_NOTICES").includes(packageTable()),
    };
    const stale = Object.entries(is_current).filter(([, current]) => !current);
    expect(stale.map(([name]) => name)).toEqual([]);
  });
});
