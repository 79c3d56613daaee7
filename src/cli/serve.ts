// `venturi serve`: flags beat the file, the file beats the environment.

import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { loadConfig, type Overrides, zeroConfig } from "../config/load.ts";
import { supervise } from "../supervisor/supervisor.ts";

/** The file that is used when none is named and it is there. */
const DEFAULT_FILE = "venturi.yaml";

/** Runs the gateway until it is stopped; gives the exit status. */
export async function serve(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: "string" },
      host: { type: "string" },
      port: { type: "string" },
      workers: { type: "string" },
      data: { type: "string" },
    },
  });
  const port = numberFlag("port", values.port, 0, 65_535);
  const workers = values.workers === "auto" ? "auto" : numberFlag("workers", values.workers, 1, 1024);
  const overrides: Overrides = {
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(port === undefined ? {} : { port }),
    ...(workers === undefined ? {} : { workers }),
    ...(values.data === undefined ? {} : { data: values.data }),
  };
  const file = values.config ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : null);
  return supervise({
    load: () => (file === null ? zeroConfig({ overrides }) : loadConfig(file, { overrides })),
    file,
    log: (line) => console.error(`venturi: ${line}`),
  });
}

function numberFlag(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most && text.trim() !== "") return value;
  throw new TypeError(`--${name} must be a whole number from ${least} to ${most}, not "${text}"`);
}
