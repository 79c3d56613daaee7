// What a gateway process keeps its accounts with: counters, notes of calls in flight, the ring of rows, prices.

import { KeyLimits } from "../access/key_limits.ts";
import { OutputAverages } from "../access/output_average.ts";
import type { ReservationTools } from "../access/reservation.ts";
import { type LeaseDesk, SharedLimits } from "../access/shared/limits.ts";
import type { ModelPlan, ProviderPlan, StatePlan, TargetPlan } from "../config/plan.ts";
import { type FlightNote, writeNote } from "../ledger/flight_note.ts";
import { findPrice, type PriceBook } from "../ledger/prices/book.ts";
import { type ModelPrice, priceOfPlan } from "../ledger/prices/cost.ts";
import type { LedgerRow } from "../ledger/row.ts";
import { appendRow } from "../ledger/row_line.ts";
import { type AnswerSketch, writeSketch } from "../ledger/sketch.ts";
import type { CallTable } from "../memory/call_table.ts";
import { monotonicMs, type SteadyClock } from "../memory/clock.ts";
import { LineBuffer } from "../memory/line_buffer.ts";
import type { SeriesBlock } from "../memory/series_block.ts";
import type { EventSink } from "../memory/spill.ts";
import type { State } from "../memory/state.ts";
import { Health } from "../routing/health/health.ts";
import { TokenCounter } from "./token_counter.ts";

/** Lines that were told; there are no more. */
const TOLD_MAX = 1_000;

/** What the books of a process are made of. */
export interface BooksOptions {
  readonly state: State;
  /** The process' place among the gateway's processes. */
  readonly index: number;
  readonly clock: SteadyClock;
  readonly sink: EventSink;
  /** Where more is asked for of limits that hosts share; null: they are this host's own. */
  readonly desk: LeaseDesk | null;
  log(line: string): void;
}

/** The books of a gateway process. */
export class Books {
  /** What all processes share. */
  readonly state: State;
  /** What this process counts. */
  readonly series: SeriesBlock;
  readonly reservations: ReservationTools;
  /** The clock that all processes share, in milliseconds since 1970. */
  readonly now_ms: () => number;
  /** How targets do, as all processes know it. */
  readonly health: Health;
  /** What providers' keys may be asked. */
  readonly key_limits: KeyLimits;
  readonly averages = new OutputAverages();
  readonly counter = new TokenCounter();
  readonly flights: CallTable;
  /** Where rows and notes are written before they go into shared memory. */
  readonly #line = new LineBuffer();
  readonly #sink: EventSink;
  readonly #log: (line: string) => void;
  #book: PriceBook | null = null;
  #prices = new WeakMap<TargetPlan, ModelPrice | { readonly unknown: true }>();
  readonly #own_prices = new WeakMap<ModelPlan, ModelPrice>();
  readonly #told = new Set<string>();

  constructor({ state, index, clock, sink, desk, log }: BooksOptions) {
    this.state = state;
    this.series = state.series(index);
    this.reservations = {
      counters: state.counters,
      column: index,
      shared: desk === null ? null : sharedLimits(state, desk),
      now_ms: () => clock.now_ms(),
      wall_ms: () => Date.now(),
    };
    this.now_ms = () => clock.now_ms();
    this.health = new Health({
      ...{ table: state.health, drills: state.drills },
      column: index,
      columns: state.areas,
      now_ms: () => clock.now_ms(),
      log,
    });
    this.key_limits = new KeyLimits(this.reservations, state.health);
    this.flights = state.area(index).calls;
    this.#sink = sink;
    this.#log = log;
  }

  /** What becomes of calls while the state that hosts share cannot be reached. */
  setState(plan: StatePlan | null): void {
    if (this.reservations.shared !== null) this.reservations.shared.on_loss = plan?.on_loss ?? "local";
  }

  /** Prices from now on. */
  setPrices(book: PriceBook): void {
    this.#book = book;
    this.#prices = new WeakMap();
  }

  /** What a target's tokens cost under a model; null where nobody knows, which is told once. */
  priceOf(model: ModelPlan, target: TargetPlan): ModelPrice | null {
    if (model.price !== null) {
      let own = this.#own_prices.get(model);
      if (own === undefined) {
        own = priceOfPlan(model.price);
        this.#own_prices.set(model, own);
      }
      return own;
    }
    const known = this.#prices.get(target);
    if (known !== undefined) return "unknown" in known ? null : known;
    if (this.#book === null) return null;
    const price = this.priceAt(target.provider, target.model);
    this.#prices.set(target, price ?? { unknown: true });
    return price;
  }

  /** What a provider's model costs by its name; null where nobody knows, which is told once. */
  priceAt(provider: ProviderPlan, model: string): ModelPrice | null {
    if (this.#book === null || model === "") return null;
    const price = findPrice(this.#book, provider.kind, provider.origin.host, model);
    if (price === null) {
      const name = `${provider.name}/${model}`;
      this.tell(`the price of ${name} is not known: its calls run, and their cost is told as unknown`);
    }
    return price;
  }

  /** Tells whoever runs the gateway, once. */
  tell(line: string): void {
    if (this.#told.has(line) || this.#told.size >= TOLD_MAX) return;
    this.#told.add(line);
    this.#log(line);
  }

  /** A call has ended: its one row. */
  record(row: LedgerRow): void {
    const line = this.#line;
    line.begin();
    appendRow(line, row);
    line.end();
    this.#sink.push(line);
  }

  /** An answer to a request that came before, to be compared. */
  recordSketch(sketch: AnswerSketch): void {
    const line = this.#line;
    line.begin();
    line.text(writeSketch(sketch));
    line.end();
    this.#sink.push(line);
  }

  /** Notes a call in flight; gives the note's place, -1 where there is none. */
  note(note: FlightNote): number {
    writeNote(this.#line, note);
    return this.flights.begin(this.#line);
  }
}

function sharedLimits(state: State, desk: LeaseDesk): SharedLimits {
  const offset_ms = monotonicMs() - performance.now();
  return new SharedLimits({
    ...{ table: state.counters, facts: state.facts, desk },
    steady_ms: () => performance.now() + offset_ms,
    wall_ms: () => Date.now(),
  });
}
