// Runs after `npm install`: makes `npx venturi` work in a checkout, and builds the native part where a compiler is.
// npm links the commands of dependencies, but not the project's own. Nothing here may fail an install.

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
