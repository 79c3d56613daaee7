// `venturi serve`: flags beat the file, the file beats the environment.

import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { hasStoredKeys } from "../access/key_store.ts";
import { processEnvironment } from "../config/environment.ts";
import { loadConfig, type Overrides, parseConfig, zeroConfig } from "../config/load.ts";
import { say } from "../config/say.ts";
import { WORKERS_MAX } from "../config/schema.ts";
import { startAdmin } from "../console/admin.ts";
import { inheritedSocket } from "../supervisor/inherited_socket.ts";
import { serviceManager } from "../supervisor/service_manager.ts";
import { supervise } from "../supervisor/supervisor.ts";
import { predecessorOf } from "../supervisor/upgrade/predecessor.ts";
import { endWithTrial } from "../supervisor/upgrade/trial.ts";
import { checkCustom } from "./check_custom.ts";

const USAGE = "usage: venturi serve [--config venturi.yaml] [--host H] [--port N] [--workers N] [--data DIR]";

/** The file that is used when none is named and it is there. */
const DEFAULT_FILE = "venturi.yaml";

/** Runs the gateway until it is stopped; gives the exit status: 0, 1 if it cannot start, 2 for misuse. */
export async function serve(args: readonly string[]): Promise<number> {
  const flags = readFlags(args);
  if (typeof flags === "string") {
    console.error(`venturi serve: ${flags}\n${USAGE}`);
    return 2;
  }
  if (flags.is_help) {
    console.log(USAGE);
    return 0;
  }
  const env = processEnvironment();
  endWithTrial(env);
  const socket = inheritedSocket(env);
  if (socket !== null && "fault" in socket) {
    say(`cannot start with the socket that was handed over: ${socket.fault}`, "error");
    return 1;
  }
  // The socket listens where it does, whatever else says.
  const address = socket === null ? {} : { host: socket.hostname, port: socket.port };
  const overrides = { ...flags.overrides, ...address };
  const file = flags.config ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : null);
  const log = say;
  const options = { overrides, hasStoredKeys, checkCustom };
  return supervise({
    load: () => (file === null ? zeroConfig(options) : loadConfig(file, options)),
    loadDraft: (text) => parseConfig(Buffer.from(text), file ?? DEFAULT_FILE, options),
    file,
    socket,
    manager: serviceManager(env),
    predecessor: predecessorOf(env),
    args,
    log,
    startAdmin: (folder, view) => startAdmin({ folder, hooks: { ...view, log } }),
  });
}

interface Flags {
  readonly config: string | undefined;
  readonly overrides: Overrides;
  readonly is_help: boolean;
}

/** The flags, or in words what is wrong with them. */
function readFlags(args: readonly string[]): Flags | string {
  let values: Partial<Record<"config" | "host" | "port" | "workers" | "data", string>> & { help?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        config: { type: "string", short: "c" },
        host: { type: "string" },
        port: { type: "string" },
        workers: { type: "string" },
        data: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const { config, host, data } = values;
  const port = wholeNumber("port", values.port, 0, 65_535);
  if (typeof port === "string") return port;
  const workers = values.workers === "auto" ? "auto" : wholeNumber("workers", values.workers, 1, WORKERS_MAX);
  if (typeof workers === "string" && workers !== "auto") return workers;
  for (const name of ["config", "host", "data"] as const) {
    if (values[name] === "") return `--${name} must not be empty`;
  }
  return { config, overrides: { host, port, workers, data }, is_help: values.help === true };
}

function wholeNumber(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined | string {
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  return `--${name} must be a whole number from ${least} to ${most}, not "${text}"`;
}
