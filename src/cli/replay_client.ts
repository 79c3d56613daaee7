// Calls made again through the gateway that runs, as commands ask for them: begun, asked how far they are, and their ends.

import type { ShownRow } from "../ledger/row.ts";
import type { AdminClient } from "./admin_client.ts";

/** How often it is asked how far a replay is. */
const LOOK_MS = 150;
/** How long a gateway may have too many of them. */
const BUSY_MAX_MS = 60_000;
const TOO_MANY = 429;

/** What the admin API tells of one side. */
export interface ToldSide {
  readonly call: ShownRow | null;
  readonly text: string | null;
  readonly answer: unknown;
  readonly answer_events: string | null;
}

/** What it tells of a replay; see `/admin/v1/replays`. */
export interface ToldReplay {
  readonly id: string;
  readonly of: string;
  readonly model: string;
  readonly state: "running" | "done" | "failed";
  readonly elapsed_ms: number;
  readonly received_bytes: number;
  readonly error: string | null;
  readonly before: ToldSide;
  readonly after: ToldSide | null;
}

/**
 * Makes a call again; in words, why it could not be begun or followed to its end.
 * @param wish the body of `POST /admin/v1/replays`
 * @param onProgress hears of it while it goes on
 */
export async function runReplay(
  client: AdminClient,
  wish: object,
  onProgress: (told: ToldReplay) => void = () => {},
): Promise<ToldReplay | { readonly fault: string }> {
  let begun = await client.ask("POST", "replays", wish);
  for (const end_ms = Date.now() + BUSY_MAX_MS; begun.status === TOO_MANY && Date.now() < end_ms; ) {
    await Bun.sleep(LOOK_MS);
    begun = await client.ask("POST", "replays", wish);
  }
  if (begun.fault !== null) return { fault: begun.fault };
  for (let told = begun.json as ToldReplay; ; ) {
    if (told.state !== "running") return told;
    onProgress(told);
    await Bun.sleep(LOOK_MS);
    const { json, fault } = await client.ask("GET", `replays/${told.id}`);
    if (fault !== null) return { fault };
    told = json as ToldReplay;
  }
}
