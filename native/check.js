// `npm run test:native`: compiles the native part with sanitizers and runs its test program over the published parsing cases.
// Where there is no compiler it says so and succeeds, as everything works without the native part.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileHarness, findCompiler } from "./compile.js";

const here = dirname(fileURLToPath(import.meta.url));
const program = join(here, "build", "harness");
const cases = join(here, "..", "..", "shared", "fixtures", "_json", "test_parsing");
const MUTATIONS = process.argv[2] ?? "30000";

const compiler = findCompiler();
if (compiler === null) {
  console.log("test:native is skipped: there is no C++ compiler");
  process.exit(0);
}
const failure = compileHarness(compiler, program);
if (failure !== null) {
  console.error(failure);
  process.exit(1);
}
const files = existsSync(cases) ? readdirSync(cases).map((name) => join(cases, name)) : [];
if (files.length === 0) console.log("the published parsing cases are not here; own texts only");
const { status } = spawnSync(program, [MUTATIONS, ...files], { stdio: "inherit" });
process.exit(status ?? 1);
