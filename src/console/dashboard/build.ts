// Makes the files that a browser loads out of `ui/`: one script and one stylesheet, each named by what is in it.

import { partPath } from "../../program/parts.ts";

const SOURCE = partPath("src/console/ui/");

/** A file of the dashboard, by the name that it is asked for. */
export interface DashboardFile {
  readonly name: string;
  readonly type: string;
  readonly text: string;
}

/** Builds the dashboard's files. Throws what Bun.build throws where the sources are wrong. */
export async function buildDashboard(): Promise<DashboardFile[]> {
  const built = await Bun.build({
    entrypoints: [`${SOURCE}page.tsx`, `${SOURCE}style.css`],
    target: "browser",
    minify: true,
    naming: "[name]-[hash].[ext]",
  });
  return Promise.all(
    built.outputs.map(async (output) => ({
      name: output.path.replace(/^.*\//, ""),
      type: output.path.endsWith(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8",
      text: await output.text(),
    })),
  );
}
