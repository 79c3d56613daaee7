// Makes bundles of the modules, threads as entries of their own: for running the sources (`program/modules.ts`), or in an executable, with
// their bytecode, and beside them the parts that are no modules, under the names that `program/parts.ts` asks for.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BunPlugin } from "bun";
import { buildDashboard } from "../../console/dashboard/build.ts";
import { PREPARED_PRICES } from "../../ledger/prices/load.ts";
import type { PackageAddon } from "../../program/addon.ts";
import { modulesFolder } from "../../program/modules.ts";
import { preparePrices } from "./parts.ts";
import type { Target } from "./targets.ts";

/** How sources ask for the file of a thread. */
const THREAD = /threadUrl\("([^"]+)"\)/g;

/** Packages that are not bundled: what loads an addon or a thread's file from where it lies. */
const UNBUNDLED = ["piscina"];
const UNBUNDLED_ADDONS = ["lmdb", "msgpackr", "hnswlib-node"];

/** Where every process begins, then the files that threads run. */
function entriesOf(sources: string): string[] {
  const threads = readdirSync(sources, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => [...readFileSync(join(sources, name), "utf8").matchAll(THREAD)])
    .map(([, path]) => path!);
  return ["roles.ts", ...[...new Set(threads)].toSorted()].map((path) => join(sources, path));
}

/** What all bundles have in common. */
async function bundlesOf(project: string) {
  return {
    entrypoints: entriesOf(join(project, "src")),
    root: join(project, "src"),
    target: "bun",
    format: "esm",
    // A process loads what its role needs: of one bundle it would load all.
    splitting: true,
    minify: { whitespace: true, syntax: true, identifiers: false },
    sourcemap: "none",
    define: { VENTURI_DASHBOARD: JSON.stringify(JSON.stringify(await buildDashboard())) },
  } as const satisfies Partial<Bun.BuildConfig>;
}

/**
 * Makes the modules of the sources as they are now, and takes away those of former states but the last, which may still run. Gives their
 * folder. Throws what Bun.build throws.
 */
export async function bundleModules(project: string): Promise<string> {
  const folder = modulesFolder();
  const making = `${folder}.${process.pid}`;
  const { define, ...bundles } = await bundlesOf(project);
  try {
    await Bun.build({
      ...bundles,
      outdir: making,
      naming: { entry: "[dir]/[name].[ext]", chunk: "[name]-[hash].[ext]" },
      external: [...UNBUNDLED, ...UNBUNDLED_ADDONS],
      define: { ...define, VENTURI_MODULES: JSON.stringify(`${folder}/`) },
    });
    const prices = join(making, PREPARED_PRICES);
    mkdirSync(dirname(prices), { recursive: true });
    await preparePrices(prices);
    rmSync(folder, { recursive: true, force: true });
    renameSync(making, folder);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  const all = dirname(folder);
  const by_age = readdirSync(all)
    .map((name) => ({ path: join(all, name), made_ms: statSync(join(all, name)).mtimeMs }))
    .toSorted((a, b) => b.made_ms - a.made_ms);
  for (const { path } of by_age.slice(2)) rmSync(path, { recursive: true, force: true });
  return folder;
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
      ...(await bundlesOf(project)),
      bytecode: true,
      // Threads of models that packages run, which it does not hold.
      external: UNBUNDLED,
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
