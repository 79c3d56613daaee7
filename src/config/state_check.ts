// What the schema cannot say of the state that hosts share: whether its address is one, and what belongs together.

import type { ReadCa } from "./crosscheck.ts";
import { formatPath, type Path } from "./problem.ts";
import type { Config } from "./schema.ts";
import { stateDetails, stateFault } from "./state_schema.ts";

/** Finds what is wrong with it. */
export function checkState(
  { state }: Config,
  add: (path: Path, message: string, part?: "key" | "value") => void,
  fault: (path: Path, what: string | null) => void,
  readCa: ReadCa,
): void {
  if (state === undefined) return;
  fault(typeof state === "string" ? ["state"] : ["state", "url"], stateFault(state));
  const { tls, sentinel_password, url } = stateDetails(state);
  if (tls?.ca !== undefined) {
    const result = readCa(tls.ca);
    if ("fault" in result) fault(["state", "tls", "ca"], result.fault);
  }
  if (sentinel_password !== undefined && !url.includes("+sentinel://")) {
    const path = ["state", "sentinel_password"];
    add(path, `${formatPath(path)} has no effect: ${formatPath(["state", "url"])} names no sentinels`, "key");
  }
}
