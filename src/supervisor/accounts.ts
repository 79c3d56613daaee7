// What a gateway keeps its accounts with, opened before its first process and closed after its last: the mapped file, the ledger,
// the bookkeeper between them. What an earlier run left behind is accounted for first.

import type { ResolvedConfig } from "../config/schema.ts";
import type { Budget } from "../ledger/budgets.ts";
import { createState, type State } from "../memory/state.ts";
import { Bookkeeper } from "./bookkeeper.ts";
import { type LedgerWriter, startLedgerWriter } from "./ledger_writer.ts";
import { Places } from "./places.ts";

/** Most gateway processes that can live at once, those that drain included. */
const PLACES_MAX = 64;
/** Calls of one process that are accounted for when it dies. */
const FLIGHTS_MAX = 65_536;

/** The accounts of a gateway. */
export interface Accounts {
  readonly state: State;
  readonly keeper: Bookkeeper;
  readonly places: Places;
  readonly writer: LedgerWriter;
}

/** Opens them; in words, why they cannot be. The ledger itself may be opened later. */
export async function openAccounts(
  config: ResolvedConfig,
  log: (line: string) => void,
  budgets: () => readonly Budget[],
  onWritten: (lines: Uint8Array) => void,
): Promise<Accounts | { readonly fault: string }> {
  const { workers, max_calls } = config.listen;
  const geometry = {
    areas: Math.min(PLACES_MAX, 2 * workers + 2),
    call_slots: Math.min(FLIGHTS_MAX, max_calls),
  };
  const left = new Set<number>();
  let state: State;
  try {
    state = createState(config.data, geometry, (area) => left.add(area.index));
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
  if (state.notice !== null) log(state.notice);
  const writer = startLedgerWriter({
    ...{ folder: config.data, config, budgets, log },
    onStatus: (status) => state.facts.setStoreStatus(status),
  });
  // Whose rows wait does not start without it.
  const fault = left.size > 0 ? await writer.open() : null;
  if (fault !== null) return { fault };
  const keeper = new Bookkeeper({ state, writer, log, onWritten });
  // Nobody of an earlier run lives: what they held is free, what they left is written.
  for (let index = 0; index < state.areas; index++) {
    if (state.area(index).owner_pid !== 0) continue;
    if (left.has(index)) await keeper.bury(index);
    else state.releaseColumn(index);
  }
  const all = Array.from({ length: state.areas }, (_, index) => index);
  const [free = [], taken = []] = [true, false].map((is_free) =>
    all.filter((index) => (state.area(index).owner_pid === 0) === is_free),
  );
  const places = new Places(config.data, free, keeper);
  for (const index of taken) places.awaitLeft(index, () => state.area(index).owner_pid === 0);
  return { state, keeper, writer, places };
}
