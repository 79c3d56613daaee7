// Modules made of the sources beforehand, so that a start need not read and translate hundreds of files one by one. `npm ci` makes them
// (`venturi build --modules`); they lie in a folder whose name says of what state of the sources they are, so that nobody runs old ones.

import { existsSync, readdirSync, statSync } from "node:fs";
import { partPath } from "./parts.ts";

/** Where they lie, in the project's folder. */
const MODULES = "dist/modules";
/** The first of them. */
const FIRST_MODULE = "roles.js";

/** npm writes it whenever it changes what is installed. */
const PACKAGES = "node_modules/.package-lock.json";

/** The folder of modules that are made of the sources and packages as they are now, be it there or not. Throws where those cannot be read. */
export function modulesFolder(): string {
  const project = partPath("");
  const hash = new Bun.CryptoHasher("sha256").update(`${Bun.version}\t${project}\n`);
  const sources = readdirSync(`${project}src`, { recursive: true, encoding: "utf8" }).toSorted();
  for (const path of [PACKAGES, ...sources.map((name) => `src/${name}`)]) {
    const found = statSync(`${project}${path}`);
    if (found.isFile()) hash.update(`${path}\t${found.mtimeMs}\t${found.size}\n`);
  }
  return `${project}${MODULES}/${hash.digest("hex").slice(0, 16)}`;
}

/** The first module of those that are made of the sources as they are now; null: there are none. */
export function freshModules(): string | null {
  try {
    const path = `${modulesFolder()}/${FIRST_MODULE}`;
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}
