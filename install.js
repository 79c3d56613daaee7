// Makes `npx venturi` work in a checkout: npm links the commands of dependencies, but not the project's own.

import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const link = join(root, "node_modules", ".bin", "venturi");

if (process.platform !== "win32" && existsSync(join(root, "node_modules"))) {
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join("..", "..", "src", "main.ts"), link);
}
