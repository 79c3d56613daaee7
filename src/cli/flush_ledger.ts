// Has the gateway of a data folder write the rows that wait, so that a command sees every call until now.

import { adminSocketPath } from "../config/admin_socket.ts";

/** How long it may take. */
const FLUSH_MS = 30_000;

/**
 * What came of it: rows were written; the gateway did not answer in time; it answered with a status that tells of a fault; or there is
 * none that runs, and so none that wait.
 */
export type Flushed = "flushed" | "late" | "absent" | number;

/** Asks at the admin API's socket. */
export async function flushLedger(data: string): Promise<Flushed> {
  const unix = adminSocketPath(data);
  if (typeof unix !== "string") return "absent";
  try {
    const response = await fetch("http://venturi/admin/v1/ledger/flush", {
      ...{ method: "POST", unix, signal: AbortSignal.timeout(FLUSH_MS) },
    });
    return response.ok ? "flushed" : response.status;
  } catch (error) {
    return error instanceof Error && error.name === "TimeoutError" ? "late" : "absent";
  }
}
