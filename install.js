// Runs after `npm install`: makes `npx venturi` work in a checkout, builds the native part where a compiler is, and makes the modules by
// which the sources start faster. npm links the commands of dependencies, but not the project's own. Nothing here may fail an install.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileAddon, findCompiler } from "./native/compile.js";

const root = dirname(fileURLToPath(import.meta.url));
const link = join(root, "node_modules", ".bin", "venturi");

if (process.platform !== "win32" && existsSync(join(root, "node_modules"))) {
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join("..", "..", "src", "main.ts"), link);
}

try {
  const compiler = findCompiler();
  const failure = compiler === null ? "there is no C++ compiler" : compileAddon(compiler);
  if (failure !== null) {
    console.log(`venturi: no native part (${failure.split("\n")[0]}); TypeScript does its work, slower`);
  }
} catch (error) {
  console.log(`venturi: no native part (${error.message}); TypeScript does its work, slower`);
}

const MODULES_MS_MAX = 60_000;
const main = join(root, "src", "main.ts");
// Who installs before the sources are there, as images do, makes something else of them.
if (existsSync(main)) {
  const bun = join(root, "node_modules", ".bin", "bun");
  const { error, status, stderr } = spawnSync(bun, [main, "build", "--modules"], {
    encoding: "utf8",
    timeout: MODULES_MS_MAX,
  });
  if (status !== 0) {
    const why = error?.message ?? stderr.trim().split("\n").at(-1);
    console.log(`venturi: no modules (${why}); it runs from its sources, which start slower`);
  }
}
