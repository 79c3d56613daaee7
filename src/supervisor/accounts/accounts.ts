// What a gateway keeps its accounts with, opened before its first process and closed after its last: the mapped file, the ledger,
// the bookkeeper between them. What an earlier run left behind is accounted for first.

import type { Level } from "../../config/say.ts";
import type { ResolvedConfig } from "../../config/schema.ts";
import type { Budget } from "../../ledger/budgets.ts";
import { earlierAreas, forgetEarlier } from "../../memory/earlier.ts";
import { adoptSpills } from "../../memory/spill.ts";
import { createState, type State } from "../../memory/state.ts";
import { handingWriter } from "../upgrade/handing_writer.ts";
import { Bookkeeper } from "./bookkeeper.ts";
import { type LedgerWriter, startLedgerWriter } from "./ledger_writer.ts";
import { Places } from "./places.ts";

/** Most gateway processes that can live at once, those that drain included. */
const PLACES_MAX = 64;
/** Calls of one process that are accounted for when it dies. */
const FLIGHTS_MAX = 65_536;

/** How often it is looked whether processes that start have taken their places, and how often at most. */
const SETTLE_LOOK_MS = 20;
const SETTLE_LOOKS = 250;

/** What they are opened with. */
export interface AccountsOptions {
  readonly config: ResolvedConfig;
  log(line: string, level?: Level): void;
  /** Budgets that the configuration does not have. */
  budgets(): readonly Budget[];
  /** These rows, a line each, are in the ledger; the bytes are the listener's. */
  onWritten(lines: Uint8Array): void;
}

/** The accounts of a gateway. */
export class Accounts {
  readonly state: State;
  readonly keeper: Bookkeeper;
  readonly places: Places;
  /** Whether there is no gateway process but those that are started now. */
  readonly is_alone: boolean;
  readonly #options: AccountsOptions;
  #writer: LedgerWriter;
  #config: ResolvedConfig;
  /** Kept; another's, with the processes that are there; or another's, which is handed what those leave. */
  #hold: "kept" | "released" | "handing" = "kept";

  constructor(
    options: AccountsOptions,
    open: Pick<Accounts, "state" | "keeper" | "places" | "is_alone"> & { readonly writer: LedgerWriter },
  ) {
    this.#options = options;
    this.#config = options.config;
    this.#writer = open.writer;
    this.state = open.state;
    this.keeper = open.keeper;
    this.places = open.places;
    this.is_alone = open.is_alone;
  }

  /** Opens the ledger; in words, why it cannot be. */
  openLedger(): Promise<string | null> {
    return this.#writer.open();
  }

  /** Takes another configuration, or other budgets. */
  configure(config: ResolvedConfig): void {
    this.#config = config;
    this.#writer.configure(config);
  }

  /** Everything until now is in the ledger, and with those who are told of it, when this resolves. */
  async flush(): Promise<void> {
    await this.keeper.flush();
    await this.#writer.flush();
  }

  /**
   * Lets go of them while calls go on, so that another supervisor can take them: every row until now is in the ledger. One whose mapped
   * file `is_alike` looks after the processes of this one; others are handed their rows.
   */
  async release(is_alike: boolean): Promise<void> {
    const taken = this.places.hold();
    // A process that has just been started is not to be taken for none.
    const hasMark = (index: number) => this.state.area(index).owner_pid !== 0;
    for (let look = 0; look < SETTLE_LOOKS && ![...taken].every(hasMark); look++)
      await Bun.sleep(SETTLE_LOOK_MS);
    await this.keeper.close();
    this.state.leaveSupervision();
    this.#hold = is_alike ? "released" : "handing";
    if (is_alike) return;
    this.keeper.start(handingWriter(this.state.folder));
    this.places.close();
  }

  /** Writes what is left and closes them, as far as they are not another's. */
  async close(): Promise<void> {
    if (this.#hold !== "released") await this.keeper.close();
    if (this.#hold === "handing") forgetEarlier(this.state.folder);
  }

  /** Takes them back; in words, why it cannot. */
  async regain(): Promise<string | null> {
    if (this.#hold === "handing") await this.keeper.close();
    this.state.putBack();
    const other_pid = this.state.superviseOrTell();
    if (other_pid !== 0) return `process ${other_pid} supervises it`;
    this.#writer = writerOf(this.#options, this.#config, this.state);
    this.#hold = "kept";
    this.keeper.start(this.#writer);
    this.places.unhold();
    return this.openLedger();
  }
}

/** Writes the ledger; what it tells of itself goes to whoever asks for metrics. */
function writerOf(
  { log, budgets }: AccountsOptions,
  config: ResolvedConfig,
  { folder, facts }: State,
): LedgerWriter {
  return startLedgerWriter({
    ...{ folder, config, budgets, log },
    onStatus: (status) => facts.setStoreStatus(status),
    onShifts: (count) => {
      facts.quality_shifts = count;
    },
  });
}

/** Opens them; in words, why they cannot be. The ledger itself may be opened later, and its keeper is still to be started. */
export async function openAccounts(options: AccountsOptions): Promise<Accounts | { readonly fault: string }> {
  const { config, log, onWritten } = options;
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
  const earlier = earlierAreas(config.data);
  if (!earlier.is_anyone_there) adoptSpills(config.data);
  const writer = writerOf(options, config, state);
  // Whose rows wait does not start without it.
  const fault = left.size + earlier.left.length > 0 ? await writer.open() : null;
  if (fault !== null) return { fault };
  const keeper = new Bookkeeper({ state, writer, log, onWritten });
  // Nobody of an earlier run lives: what they held is free, what they left is written.
  for (let index = 0; index < state.areas; index++) {
    if (state.area(index).owner_pid !== 0) continue;
    if (left.has(index)) await keeper.bury(index);
    else state.releaseColumn(index);
  }
  for (const area of earlier.left) await keeper.inherit(area);
  if (!earlier.is_anyone_there) forgetEarlier(config.data);
  const all = Array.from({ length: state.areas }, (_, index) => index);
  const [free = [], taken = []] = [true, false].map((is_free) =>
    all.filter((index) => (state.area(index).owner_pid === 0) === is_free),
  );
  const places = new Places(config.data, free, keeper);
  for (const index of taken) places.awaitLeft(index, () => state.area(index).owner_pid === 0);
  return new Accounts(options, { state, keeper, writer, places, is_alone: taken.length === 0 });
}
