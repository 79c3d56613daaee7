// Makes an executable: the modules in one bundle with their bytecode, threads as entries of their own, and beside them the parts that are
// no modules, under the names that `program/parts.ts` asks for.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BunPlugin } from "bun";
import { buildDashboard } from "../../console/dashboard/build.ts";
import type { PackageAddon } from "../../program/addon.ts";
import type { Target } from "./targets.ts";

/** How sources ask for the file of a thread. */
const THREAD = /threadUrl\("([^"]+)"\)/g;

/** The door, then the files that threads run. */
function entriesOf(sources: string): string[] {
  const threads = readdirSync(sources, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => [...readFileSync(join(sources, name), "utf8").matchAll(THREAD)])
    .map(([, path]) => path!);
  return ["main.ts", ...[...new Set(threads)].toSorted()].map((path) => join(sources, path));
}

/** What an executable is made of. */
export interface Ingredients {
  /** The project's folder. */
  readonly project: string;
  readonly target: Target;
  /** Bun for the target. */
  readonly runtime: string;
  /** Files by the names that the executable knows them by. */
  readonly parts: ReadonlyMap<string, string>;
}

/** Its name, which stands in it: that it is the same wherever it is made. */
const NAME = "venturi";

/** Makes it. Throws what Bun.build throws. */
export async function bundle(
  { project, target, runtime, parts }: Ingredients,
  outfile: string,
): Promise<void> {
  const folder = `${outfile}.making`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, file] of parts) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    copyFileSync(file, join(folder, name));
  }
  const rooms = [...new Set([...parts.keys()].map((name) => join(folder, name.split("/")[0]!)))];
  try {
    await Bun.build({
      entrypoints: entriesOf(join(project, "src")),
      root: join(project, "src"),
      target: "bun",
      format: "esm",
      bytecode: true,
      // A process loads what its role needs: of one bundle it would load all.
      splitting: true,
      minify: { whitespace: true, syntax: true, identifiers: false },
      sourcemap: "none",
      // Threads of models that packages run, which it does not hold.
      external: ["piscina"],
      define: { VENTURI_DASHBOARD: JSON.stringify(JSON.stringify(await buildDashboard())) },
      plugins: [heldAddons(project)],
      compile: {
        target: `bun-${target.name}` as Bun.Build.CompileTarget,
        executablePath: runtime,
        outfile: join(folder, NAME),
        assets: rooms,
        // What stands in the folder that it is run from is none of its business.
        autoloadBunfig: false,
        autoloadDotenv: false,
      },
    });
    renameSync(join(folder, NAME), outfile);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What packages load their addons by: a loader that looks for them on the disk, or a package that is the addon. */
const LOADERS: Readonly<
  Record<string, { readonly of: string; readonly addon: PackageAddon; readonly gives: string }>
> = {
  "node-gyp-build-optional-packages": { of: "lmdb", addon: "lmdb", gives: "() => load()" },
  bindings: { of: "hnswlib-node", addon: "hnswlib", gives: "() => load()" },
  "msgpackr-extract": { of: "msgpackr", addon: "msgpackr", gives: "load()" },
};

/** In the place of those stands what takes the addons that the executable holds. */
function heldAddons(project: string): BunPlugin {
  const module = JSON.stringify(join(project, "src/program/addon.ts"));
  return {
    name: "held addons",
    setup(build) {
      const names = new RegExp(`^(${Object.keys(LOADERS).join("|")})$`);
      build.onResolve({ filter: names }, ({ path, importer }) =>
        importer.includes(`/node_modules/${LOADERS[path]!.of}/`)
          ? { path: `held:${path}`, namespace: "held-addon" }
          : undefined,
      );
      build.onLoad({ filter: /.*/, namespace: "held-addon" }, ({ path }) => {
        const { addon, gives } = LOADERS[path.slice("held:".length)]!;
        const load = `const load = () => require(${module}).loadPackageAddon("${addon}");`;
        return { loader: "js", contents: `${load}\nmodule.exports = ${gives};\n` };
      });
    },
  };
}
