// The documentation, held to what it says: its commands and programs run, its configurations are accepted, its links lead somewhere,
// and every page can be found. How blocks are marked is told in page.ts.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { allPages, blocksOf, expectationsOf, isRun, ROOT } from "./page.ts";
import { runPage } from "./page_run.ts";

const pages = allPages();
/** What is run or read, and what is shown alone. */
const LANGUAGES = new Set([
  ...["", "sh", "ts", "python", "yaml", "json"],
  ...["js", "sql", "nginx", "caddyfile", "ini", "toml", "dockerfile", "http", "diff", "text"],
]);

describe("every page", () => {
  test("has blocks of languages that the test knows, and hides no command in plain ones", () => {
    const wrong = pages.flatMap(({ name, blocks }) =>
      blocks
        .filter(
          ({ language, text }) =>
            !LANGUAGES.has(language) || (language === "" && /^(npx|npm|curl|bun) /m.test(text)),
        )
        .map(({ line, language }) => `${name}:${line}: ${language}`),
    );
    expect(wrong).toEqual([]);
  });

  test("has links that lead to what is there", () => {
    const broken = pages.flatMap(({ name, text }) =>
      [...text.replace(/^```[\s\S]*?^```|`[^`\n]*`/gm, "").matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)]
        .map((found) => found[1]!)
        .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(ROOT, dirname(name), target)))
        .map((target) => `${name}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test("of docs/ is in its index", () => {
    const index = pages.find(({ name }) => name === "docs/README.md")!.text;
    const missing = pages
      .map(({ name }) => name.replace("docs/", ""))
      .filter((name) => !/^[A-Z]/.test(name) && !index.includes(`(${name})`));
    expect(missing).toEqual([]);
  });
});

describe("configurations are accepted, but for what they name and do not have", () => {
  const all = pages.flatMap((page) =>
    page.blocks
      .filter(({ language, words }) => language === "yaml" && !words.includes("elsewhere"))
      .map((block) => ({ page, block })),
  );
  test.each(all.map(({ page, block }) => ({ name: `${page.name}:${block.line}`, block })))(
    "$name",
    ({ block }) => {
      const env = Object.fromEntries(
        [...block.text.matchAll(/\$\{([A-Z_0-9]+)\}|env(?:iron)?[./]([A-Z_0-9]+)/g)].map((found) => [
          found[1] ?? found[2]!,
          `0123456789abcdef-${found[1] ?? found[2]!}`,
        ]),
      );
      const is_part = block.words.join(" ") === "of a model";
      const text = is_part
        ? `models:\n  m:\n    targets: [sim/echo]\n${block.text.replace(/^/gm, "    ")}`
        : block.text;
      const loaded = parseConfig(new TextEncoder().encode(text), "page.yaml", { env });
      const problems = loaded.ok ? [] : loaded.problems.map(formatProblem);
      const NAMED =
        /there is no (provider|model|tier|kind)|needs api_keys|cannot be used: there is no such file|listens on loopback only|needs (google|aws|base_url)/;
      expect(problems.filter((problem) => !NAMED.test(problem))).toEqual([]);
    },
  );
});

test("JSON is JSON", () => {
  const wrong = pages.flatMap(({ name, blocks }) =>
    blocks
      .filter(({ language, words }) => language === "json" && !words.includes("elsewhere"))
      .filter(({ text }) => {
        try {
          JSON.parse(text);
          return false;
        } catch {
          return true;
        }
      })
      .map(({ line }) => `${name}:${line}`),
  );
  expect(wrong).toEqual([]);
});

test("blocks are found with their words and what they expect", () => {
  const text =
    "a\n```sh elsewhere\nx\n```\n  ```yaml venturi.yaml\n  a: 1\n  ```\n```sh\nls\n# => hello there\n```\n";
  const [first, second, third] = blocksOf(text);
  expect(first).toMatchObject({ language: "sh", words: ["elsewhere"], text: "x\n", line: 3 });
  expect(second).toMatchObject({ language: "yaml", words: ["venturi.yaml"], text: "a: 1\n" });
  expect([first, third].map((block) => isRun(block!))).toEqual([false, true]);
  expect(expectationsOf(third!)).toEqual(["hello there"]);
  expect(() => blocksOf("```sh\nls\n")).toThrow("has no end");
});

describe("what stands in pages runs", () => {
  const running = pages.filter(({ blocks }) => blocks.some(isRun));
  test.each(running.map((page) => ({ name: page.name, page })))(
    "$name",
    async ({ page }) => {
      const left = await runPage(page);
      if (left.length > 0) console.log(`not run: ${left.join(", ")}`);
    },
    240_000,
  );
});

test("a block that fails, or does not say what it is to say, is a fault", async () => {
  const text = "```sh\necho one\n# => one\n```\n```sh\necho one\n# => two\nfalse\n```\n";
  const page = { name: "made.md", text, blocks: blocksOf(text) };
  await expect(runPage(page)).rejects.toThrow('made.md:6: exit 1, without "two"');
}, 240_000);
