// The dashboard's files as a browser gets them: named by what is in them, so that they may be kept for ever, and compressed once.

import { buildDashboard, type DashboardFile } from "./build.ts";

/** In the executable, the files as JSON, put in when it is built; elsewhere they are built when they are first asked for. */
declare const VENTURI_DASHBOARD: string | undefined;

/** A year: a file with another content has another name. */
const FOR_EVER = "public, max-age=31536000, immutable";

interface ReadyFile {
  readonly headers: Readonly<Record<string, string>>;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer>;
}

/** The files, ready to be sent. */
export class DashboardFiles {
  readonly script: string;
  readonly stylesheet: string;
  readonly #by_name: ReadonlyMap<string, ReadyFile>;

  constructor(files: readonly DashboardFile[]) {
    const nameOf = (ending: string) => files.find(({ name }) => name.endsWith(ending))?.name ?? "";
    this.script = nameOf(".js");
    this.stylesheet = nameOf(".css");
    this.#by_name = new Map(files.map((file) => [file.name, readyFile(file)]));
  }

  /** The answer to whoever asks for a file; null where there is none of that name. */
  answer(name: string, headers: Headers): Response | null {
    const file = this.#by_name.get(name);
    if (file === undefined) return null;
    const takes_gzip = /\bgzip\b/.test(headers.get("accept-encoding") ?? "");
    return takes_gzip
      ? new Response(file.gzip, { headers: { ...file.headers, "content-encoding": "gzip" } })
      : new Response(file.plain, { headers: file.headers });
  }
}

function readyFile({ text, type }: DashboardFile): ReadyFile {
  const plain = new TextEncoder().encode(text);
  const headers = { "content-type": type, "cache-control": FOR_EVER, vary: "accept-encoding" };
  return { headers, plain, gzip: Bun.gzipSync(plain) };
}

let loading: Promise<DashboardFiles> | null = null;

/** The files, built once. */
export function dashboardFiles(): Promise<DashboardFiles> {
  loading ??= filesOf().then((files) => new DashboardFiles(files));
  // What failed may succeed after the sources were put right.
  loading.catch(() => {
    loading = null;
  });
  return loading;
}

async function filesOf(): Promise<readonly DashboardFile[]> {
  if (typeof VENTURI_DASHBOARD === "string") return JSON.parse(VENTURI_DASHBOARD) as DashboardFile[];
  return buildDashboard();
}
