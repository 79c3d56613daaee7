// Whose work is in what is shipped, and under which licence: the packages that run, by package-lock.json, and the data of the built-in models.
// Packages for one platform alone are parts of those that name them, and not told of apart.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Where it lies, from the project's folder. */
  readonly folder: string;
}

interface LockEntry {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly os?: readonly string[];
}

/** What is needed to run, in order of names. */
function packages(): Package[] {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, LockEntry>>;
  };
  return Object.entries(lock.packages)
    .filter(
      ([folder, { dev, devOptional, os }]) =>
        folder !== "" && !dev && !devOptional && (os === undefined || folder === "node_modules/bun"),
    )
    .map(([folder, { version, license }]) => ({
      ...{ name: folder.replace(/^.*node_modules\//, ""), version, folder },
      license: license ?? "see its text",
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
}

/** The table of packages: what a test holds against the lock file, whatever is installed where it runs. */
export function packageTable(): string {
  const rows = packages().map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`);
  return ["| package | version | licence |", "| --- | --- | --- |", ...rows].join("\n");
}

/** The table of sources in a model's own page. */
function sourcesOf(file: string): string {
  const lines = readFileSync(join(root, file), "utf8").split("\n");
  const first = lines.findIndex((line) => /^\|.*\blicence\b.*\|$/.test(line));
  const last = lines.findIndex((line, index) => index > first && !line.startsWith("|"));
  return lines.slice(first, last < 0 ? undefined : last).join("\n");
}

function licenceText({ folder }: Package): string | null {
  let names: string[];
  try {
    names = readdirSync(join(root, folder));
  } catch {
    return null;
  }
  const name = names.find((one) => /^(licen[cs]e|copying)(\.(md|txt))?$/i.test(one));
  return name === undefined ? null : readFileSync(join(root, folder, name), "utf8").trim();
}

/** The whole file; the texts of what is installed here. */
export function thirdPartyNotices(): string {
  const by_text = new Map<string, string[]>();
  for (const one of packages()) {
    const text = licenceText(one);
    if (text === null) continue;
    by_text.set(text, [...(by_text.get(text) ?? []), `${one.name} ${one.version}`]);
  }
  const texts = [...by_text].map(([text, names]) => `${"-".repeat(78)}\n${names.join(", ")}\n\n${text}\n`);
  return `Venturi: notices for the work of others
=======================================

Written by \`npm run generate\`. Venturi itself is under the Apache License 2.0 (LICENSE). What runs with it are the packages in the
first table; the dashboard and the executable have some of them within. Bun (https://bun.com, MIT) has JavaScriptCore, uWebSockets,
BoringSSL and others within, whose licences are told at https://bun.com/docs/project/licensing.

${packageTable()}

Data
----

Prices come from @pydantic/genai-prices (above), what else is known of models from models.dev (https://models.dev, MIT).

The built-in embedder (models/embedder/venturi-embed.bin) was trained from:

${sourcesOf("models/embedder/LICENSE.md")}

The built-in recogniser of names (models/ner/venturi-names.bin) was trained from:

${sourcesOf("models/ner/README.md")}

The built-in guard against attacks on the model (models/injection/venturi-injection.bin) was trained from:

${sourcesOf("models/injection/README.md")}

WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved. THIS SOFTWARE AND DATABASE IS PROVIDED "AS IS" AND PRINCETON
UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES, EXPRESS OR IMPLIED.

Licences of the packages
------------------------

${texts.join("\n")}`;
}
