// The account of a call: what it reserves before it is sent, what it turns out to have used, and the one row that it leaves.
// It is opened once the model is known, and closed by whatever ends the call; a call refused before that leaves a row as well.

import { KeyPlace, type KeyRefusal, type PlaceAsker, type Wanted } from "../access/key_limits.ts";
import type { ToldAmounts } from "../access/learned_limits.ts";
import { type LimitPart, type LimitSet, partOf } from "../access/limit_set.ts";
import { limitsOfCall } from "../access/limits.ts";
import { previewRefusal } from "../access/preview.ts";
import { limitHeaders } from "../access/rate_headers.ts";
import { type Amounts, type Refusal, Reservation, type ReservationTools } from "../access/reservation.ts";
import type { ModelPlan, ProviderKey, ProviderPlan, TargetPlan } from "../config/plan.ts";
import { NO_USAGE, sumOf, type Usage } from "../dialects/usage.ts";
import { GatewayError } from "../errors.ts";
import { dollarsOf } from "../ledger/dollars.ts";
import type { FlightNote } from "../ledger/flight_note.ts";
import { type Charge, chargeOf, expectedCost, type ModelPrice } from "../ledger/prices/cost.ts";
import { CACHE_HITS, type LedgerRow, NOTHING, type Timings } from "../ledger/row.ts";
import type { Books } from "./books.ts";
import type { Call } from "./call.ts";
import { type CallEnd, type Labels, labelsOf, rowOf } from "./call_row.ts";
import { wordOf } from "./labels.ts";
import { refusalError } from "./limit_refusal.ts";
import type { Prepared } from "./prepare.ts";
import { reserveWhenRefilled } from "./refill.ts";
import type { MeteredAccount } from "./stream_meter.ts";
import { timingsOf } from "./timings.ts";
import type { Texts } from "./token_counter.ts";

/** What an account is about: what is asked for, and of which model. */
export interface Asked
  extends Pick<
    Prepared,
    | "user"
    | "model"
    | "has_tokens"
    | "max_output_tokens"
    | "choices"
    | "read_body"
    | "is_stream"
    | "estimateInput"
  > {
  /** Which part of the limits it takes from; all by default. */
  readonly limits?: LimitPart;
  /** Whether its tokens may all be audio, which costs more than text. */
  readonly is_spoken?: boolean;
}

/** The account of one call. */
export class Account implements MeteredAccount, PlaceAsker {
  readonly sets: readonly LimitSet[];
  readonly user: string | null;
  readonly #labels: Labels;
  readonly #call: Call;
  #prepared: Asked;
  readonly #books: Books;
  #reservation: Reservation | null = null;
  /** What is taken of the limits of the provider's key that is being tried. */
  #at_provider: KeyPlace | null = null;
  /** Whose key that is, where it was taken for a try that is not sent yet. */
  #kept_for: ProviderKey | null = null;
  #input_tokens: number | null = null;
  #expected_output = 0;
  /** The model that money is held for. */
  #priced_as: ModelPlan;
  /** The place of its note in shared memory; -1 for none. */
  #slot = -1;
  /** What answers used that were asked for anew. */
  #earlier: Spent = NOTHING_SPENT;
  /** What tries beside the answer used, of which the limits do not know yet. */
  #beside: Amounts = NOTHING_BESIDE;
  /** Output tokens that the money held is enough for. */
  #paid_tokens = Number.POSITIVE_INFINITY;

  constructor(call: Call, prepared: Asked, books: Books) {
    const { plan, request } = call;
    this.#call = call;
    this.#prepared = prepared;
    this.#books = books;
    this.#priced_as = prepared.model;
    const { discreet } = call;
    this.user = wordOf(request.headers.get("x-venturi-user"), discreet) ?? wordOf(prepared.user, discreet);
    this.#labels = labelsOf(call);
    this.sets = partOf(limitsOfCall(plan, call.client!, this.user, prepared.model), prepared.limits ?? "all");
  }

  /**
   * Reserves what the call may use, from all its limits or from none. Where hosts share them and this one's part is used up, it may
   * take as long as the configuration says.
   */
  reserve(): GatewayError | null | Promise<GatewayError | null> {
    const { sets } = this;
    if (sets.length === 0) return null;
    const amounts = this.#amounts();
    const taken = Reservation.take(sets, amounts, this.#tools);
    if (!(taken instanceof Reservation) && taken.lack !== undefined)
      return this.#reserveWhenRefilled(amounts, taken);
    return this.#take(taken);
  }

  /** The same for what cannot wait: a part that is used up is owed until more of it is there. */
  reserveAtOnce(): GatewayError | null {
    const { sets } = this;
    if (sets.length === 0) return null;
    const amounts = this.#amounts();
    const taken = Reservation.take(sets, amounts, this.#tools);
    if (taken instanceof Reservation || taken.lack === undefined) return this.#take(taken);
    if (taken.lack === "lost") return this.#goOnAlone(amounts);
    const { shared } = this.#books.reservations;
    return this.#take(Reservation.take(sets, amounts, { ...this.#tools, shared: shared!.owing }));
  }

  async #reserveWhenRefilled(amounts: Amounts, first: Refusal): Promise<GatewayError | null> {
    const taken = await reserveWhenRefilled(this.sets, amounts, first, this.#tools, this.#call.plan.state);
    return taken === null ? this.#goOnAlone(amounts) : this.#take(taken);
  }

  /** The shared state cannot be asked, or does not answer in time. */
  #goOnAlone(amounts: Amounts): GatewayError | null {
    const call = this.#call;
    const { shared } = this.#books.reservations;
    if (call.plan.state?.on_loss === "reject") {
      call.state_loss = "rejected";
      shared?.facts.countShared("rejected");
      const message =
        "The state that this gateway's limits are shared by cannot be reached. Try again in a moment.";
      return new GatewayError("unavailable", message, { retry_after_ms: 1_000 });
    }
    call.state_loss = "local";
    return this.#take(Reservation.take(this.sets, amounts, this.#tools));
  }

  #take(taken: Reservation | Refusal): GatewayError | null {
    const { shared } = this.#books.reservations;
    if (shared?.is_lost === true && shared.on_loss === "local") this.#call.state_loss ??= "local";
    if (this.#call.state_loss === "local") shared?.facts.countShared("local");
    if (!(taken instanceof Reservation)) {
      this.#call.refused_by = taken;
      return refusalError(taken);
    }
    this.#reservation = taken;
    return null;
  }

  /** What limits are kept with: by this host's own counts, once the shared ones did not answer. */
  get #tools(): ReservationTools {
    const { reservations } = this.#books;
    if (reservations.shared === null || this.#call.state_loss !== "local") return reservations;
    return { ...reservations, shared: reservations.shared.alone };
  }

  /** What the call may use, about, and what its limits would say of it at this moment; nothing is taken. */
  preview(): {
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly refusal: GatewayError | null;
  } {
    const refusal = previewRefusal(this.sets, this.#amounts(), this.#books.reservations);
    return {
      input_tokens: this.#estimatedInput(),
      output_tokens: this.#expectedOutput(),
      refusal: refusal === null ? null : refusalError(refusal),
    };
  }

  /** Tokens and money to hold: only what some limit is about is worked out. */
  #amounts(): Amounts {
    const needs_money = this.sets.some(({ money }) => money.length > 0);
    const needs_tokens = this.sets.some(({ windows }) => windows.some(({ of }) => of === "tokens"));
    if (!needs_money && !needs_tokens) return { tokens: 0, nano_usd: 0 };
    const model = this.#priced_as;
    const input_tokens = this.#estimatedInput();
    const expected = this.#expectedOutput();
    this.#expected_output = expected;
    this.#paid_tokens = needs_money ? expected : Number.POSITIVE_INFINITY;
    let nano_usd = 0;
    // Whichever target answers, the dearest of them is paid for.
    if (needs_money) {
      for (const one of [model, ...model.fallbacks]) {
        for (const target of one.targets) {
          const price = this.#books.priceOf(one, target);
          if (price !== null)
            nano_usd = Math.max(nano_usd, this.#expectedCost(price, input_tokens, expected));
        }
      }
    }
    return { tokens: input_tokens + expected, nano_usd };
  }

  /**
   * Takes a try from the limits of a provider's key, unless that was done before; why it cannot be, or null.
   * @param at_once whether it cannot wait: a part of a shared limit that is used up is owed
   */
  takeProviderKey(
    provider: ProviderPlan,
    key: ProviderKey,
    model: string,
    at_once = false,
  ): KeyRefusal | null {
    if (this.#kept_for === key) {
      this.#kept_for = null;
      return null;
    }
    const { shared } = this.#tools;
    const kept = at_once && shared !== null ? shared.owing : shared;
    const taken = this.#books.key_limits.take(provider, key, model, this, kept);
    if (!(taken instanceof KeyPlace)) return taken;
    this.#at_provider = taken;
    return null;
  }

  wanted(): Wanted {
    return {
      part: this.#prepared.limits ?? "all",
      input_tokens: this.#estimatedInput(),
      output_tokens: this.#expectedOutput(),
    };
  }

  told(): ToldAmounts {
    const { input_tokens, output_tokens } = this.wanted();
    return { requests: 1, tokens: input_tokens + output_tokens, input_tokens, output_tokens };
  }

  /** The same for a try that is still to be made: the place is kept until then. */
  keepProviderKey(provider: ProviderPlan, key: ProviderKey, model: string): KeyRefusal | null {
    const refusal = this.takeProviderKey(provider, key, model);
    if (refusal === null) this.#kept_for = key;
    return refusal;
  }

  /** Whether a place is kept for a try with this key. */
  hasPlaceAt(key: ProviderKey): boolean {
    return this.#kept_for === key;
  }

  /** The try that a place was kept for is not made. */
  cancelKept(): void {
    if (this.#kept_for === null) return;
    this.#kept_for = null;
    this.#at_provider?.cancel();
    this.#at_provider = null;
  }

  /** What the try at hand holds of a provider's key; null: there is none. */
  get place(): KeyPlace | null {
    return this.#at_provider;
  }

  /** What is held in memory of its request, in bytes. */
  get request_bytes(): number {
    return this.#prepared.read_body?.length ?? 0;
  }

  /**
   * Lets go of the request's body, which may be half a megabyte while its answer comes for minutes. It is kept to be counted should
   * the provider not tell what was used: an estimate of its tokens stays.
   */
  letGoOfBody(): void {
    if (this.#prepared.read_body === null) return;
    this.#prepared = new Outline(this.#prepared, this.#estimatedInput());
  }

  /** The try at a provider's key is over. */
  leaveProviderKey({ input_tokens, output_tokens }: Usage): void {
    this.cancelKept();
    this.#at_provider?.settle({ tokens: input_tokens + output_tokens, nano_usd: 0 });
    this.#at_provider = null;
  }

  /** Another try is about to be made beside the one at hand, whose place is the caller's from now on. */
  setAsidePlace(): KeyPlace | null {
    const place = this.#at_provider;
    this.#at_provider = null;
    return place;
  }

  /** The call goes on with the try that has this place. */
  takeUpPlace(place: KeyPlace | null): void {
    this.#at_provider = place;
  }

  /** A try beside the one that answers was given up after it had used something: that is paid for as well. */
  usedBeside(model: ModelPlan, target: TargetPlan, usage: Usage): void {
    const { cost_nano_usd } = chargeOf(this.#books.priceOf(model, target), usage, this.#call.wall_ms);
    const { usage: before, cost_nano_usd: cost_before, is_estimated } = this.#earlier;
    this.#earlier = {
      ...{ usage: sumOf(before, usage), is_estimated },
      cost_nano_usd: bothOf(cost_before, cost_nano_usd),
    };
    this.#beside = {
      tokens: this.#beside.tokens + usage.input_tokens + usage.output_tokens,
      nano_usd: this.#beside.nano_usd + (cost_nano_usd ?? 0),
    };
  }

  /** What the limits are to know of an answer: what was used beside it is theirs too. */
  #amountsOf({ input_tokens, output_tokens }: Usage, cost_nano_usd: number | null): Amounts {
    const { tokens, nano_usd } = this.#beside;
    return {
      tokens: input_tokens + output_tokens + tokens,
      nano_usd: (cost_nano_usd ?? 0) + nano_usd,
    };
  }

  /** What the call would cost at a target, in nano-dollars; null where nobody knows. */
  expectedCostAt(model: ModelPlan, target: TargetPlan): number | null {
    const price = this.#books.priceOf(model, target);
    return price === null ? null : this.#expectedCost(price, this.#estimatedInput(), this.#expectedOutput());
  }

  #expectedCost(price: ModelPrice, input_tokens: number, output_tokens: number): number {
    return expectedCost(price, input_tokens, output_tokens, Date.now(), this.#prepared.is_spoken);
  }

  #expectedOutput(): number {
    const { max_output_tokens, choices, model } = this.#prepared;
    return max_output_tokens ?? this.#books.averages.expect(model.name) * choices;
  }

  #estimatedInput(): number {
    this.#input_tokens ??= this.#prepared.estimateInput();
    return this.#input_tokens;
  }

  /** A try is about to be sent: from now on the death of this process is accounted for. */
  sending(model: ModelPlan, target: TargetPlan): void {
    const price = this.#books.priceOf(model, target);
    // Where no limit asked for an estimate, the bytes tell enough for a note that is hardly ever read.
    const input_tokens = this.#input_tokens ?? Math.ceil((this.#prepared.read_body?.length ?? 0) / 4);
    const usage: Usage = { ...NO_USAGE, input_tokens };
    this.#note({
      // What it cost is worked out when it is known how far its answer came.
      row: this.#row(SENT, usage, { cost_nano_usd: null, version: price?.version ?? null }, true, NOTHING),
      input_cost:
        price === null
          ? null
          : bothOf(this.#earlier.cost_nano_usd, this.#expectedCost(price, input_tokens, 0)),
      output_cost: price === null ? null : this.#expectedCost(price, 0, 1_000) / 1_000,
      held: String(this.#held()),
    });
  }

  /** Whether its budget may end an answer. */
  get may_stop(): boolean {
    return this.#reservation?.has_money ?? false;
  }

  /** So many tokens of the answer have come; false: the budget has no money for more. */
  progressed(tokens: number): boolean {
    if (this.#slot >= 0) this.#books.flights.progress(this.#slot, tokens);
    if (tokens <= this.#paid_tokens) return true;
    const reservation = this.#reservation;
    if (reservation === null || !reservation.has_money) return true;
    const price = this.#price();
    if (price === null) return true;
    // As much again as was expected at first, so that long answers ask less often.
    const more = Math.max(64, Math.ceil(this.#expected_output / 4));
    if (!reservation.takeMore(this.#expectedCost(price, 0, more))) return false;
    this.#paid_tokens += more;
    return true;
  }

  /**
   * An answer came that is asked for once more: it is settled as if it had been a call of its own, and what the next may use is
   * reserved; or why it cannot be.
   * @param input_tokens of the next request, about
   * @param model whose answer is asked for next
   */
  async again(
    came: Pick<CallEnd, "usage" | "counted_tokens">,
    input_tokens: number,
    model: ModelPlan = this.#priced_as,
  ): Promise<GatewayError | null> {
    const usage = came.usage ?? this.#estimatedUsage(came);
    const { cost_nano_usd } = this.#charge(this.#price(), usage);
    const { usage: before, cost_nano_usd: cost_before } = this.#earlier;
    this.#earlier = {
      usage: sumOf(before, usage),
      cost_nano_usd: bothOf(cost_before, cost_nano_usd),
      is_estimated: this.#earlier.is_estimated || came.usage === null,
    };
    this.#reservation?.settle(this.#amountsOf(usage, cost_nano_usd));
    this.#reservation = null;
    this.#beside = NOTHING_BESIDE;
    this.leaveProviderKey(usage);
    this.#input_tokens = input_tokens;
    this.#priced_as = model;
    const refusal = await this.reserve();
    // The note of the first would have its reservation, which is gone.
    if (refusal === null && this.#slot >= 0) this.sending(this.#call.model!, this.#call.target!);
    return refusal;
  }

  /** What its budgets hold of it, the cost of earlier answers included. */
  #held(): bigint {
    const held = this.#reservation?.nano_usd ?? 0n;
    return held === 0n ? 0n : held + BigInt(this.#earlier.cost_nano_usd ?? 0);
  }

  /** What the response says of the limits; null where there are none. */
  headers(): Readonly<Record<string, string>> | null {
    if (this.sets.length === 0) return null;
    const { reservations } = this.#books;
    return limitHeaders(this.sets, reservations, this.#call.format.header_style, reservations.wall_ms());
  }

  /** The call is over: limits are set right, the row is written, the note goes. Gives the cost in nano-dollars. */
  close(end: CallEnd): number | null {
    const price = this.#price(end.model ?? null);
    const known = end.usage ?? this.#estimatedUsage(end);
    const is_estimated = end.is_partial === true || (end.usage === null && known !== NO_USAGE);
    const charge = CACHE_HITS.has(this.#call.cache) ? NO_CHARGE : this.#charge(price, known);
    const row = this.#row(end, known, charge, is_estimated, timingsOf(this.#call));
    if (end.usage !== null && end.usage !== NO_USAGE && end.is_partial !== true)
      this.#books.averages.learn(this.#prepared.model.name, known.output_tokens);
    this.#reservation?.settle(this.#amountsOf(known, charge.cost_nano_usd));
    this.leaveProviderKey(known);
    const { read_body } = this.#prepared;
    if (is_estimated && end.usage === null && end.answer && read_body !== null) {
      this.#call.keepBody();
      void this.#recordCounted(row, price, { request: read_body, answer: end.answer });
      // What it cost is known when it is counted.
      return null;
    }
    this.#finish(row);
    return row.cost_nano_usd;
  }

  /** The row goes out with its tokens counted by a tokenizer, a moment after the call; or as it is, where they cannot be. */
  async #recordCounted(row: LedgerRow, price: ModelPrice | null, texts: Texts): Promise<void> {
    this.#note({ row, input_cost: null, output_cost: null, held: "0", is_answered: true });
    const counts = await this.#books.counter.count(texts);
    if (counts === null) return this.#finish(row);
    const usage = { ...NO_USAGE, ...counts };
    const { cost_nano_usd, version } = chargeOf(price, usage, this.#call.wall_ms);
    this.#reservation?.amend(this.#amountsOf(usage, cost_nano_usd));
    this.#finish({ ...row, ...this.#total(usage, cost_nano_usd), price_version: version });
  }

  /** The row is in the ring before the note goes: whoever dies between the two leaves both, and the ledger takes an id once. */
  #finish(row: LedgerRow): void {
    this.#books.record(row);
    if (this.#slot >= 0) this.#books.flights.end(this.#slot);
    this.#slot = -1;
  }

  /** Puts a note in the place of the one before, which goes when it is there: the rows of both have the same id. */
  #note(note: FlightNote): void {
    const { flights } = this.#books;
    const before = this.#slot;
    this.#slot = this.#books.note(note);
    if (before >= 0) flights.end(before);
  }

  /** What was used where no provider told it: nothing if no answer has come. */
  #estimatedUsage(end: Pick<CallEnd, "counted_tokens">): Usage {
    if (end.counted_tokens === null || !this.#prepared.has_tokens) return NO_USAGE;
    return this.countedUsage(end.counted_tokens);
  }

  countedUsage(output_tokens: number): Usage {
    return { ...NO_USAGE, input_tokens: this.#estimatedInput(), output_tokens };
  }

  costText(usage: Usage): string | null {
    const { cost_nano_usd } = chargeOf(this.#price(), usage, this.#call.wall_ms);
    return cost_nano_usd === null ? null : dollarsOf(cost_nano_usd);
  }

  /** Of the target that answers, or was tried last. */
  #price(named: string | null = null): ModelPrice | null {
    const { target, model } = this.#call;
    if (target === null || model === null) return null;
    if (target.model === "" && named !== null) return this.#books.priceAt(target.provider, named);
    return this.#books.priceOf(model, target);
  }

  /** What used nothing costs nothing, whoever knows the price. */
  #charge(price: ModelPrice | null, usage: Usage): Charge {
    return usage === NO_USAGE ? NO_CHARGE : chargeOf(price, usage, this.#call.wall_ms);
  }

  #row(end: CallEnd, usage: Usage, charge: Charge, estimated: boolean, timings_us: Timings): LedgerRow {
    return rowOf(this.#call, this.#labels, {
      end,
      ...this.#total(usage, charge.cost_nano_usd),
      estimated: estimated || this.#earlier.is_estimated,
      timings_us,
      user: this.user,
      model: this.#prepared.model.name,
      stream: this.#prepared.is_stream,
      price_version: charge.version,
    });
  }

  /** What the last answer used, and those before it. */
  #total(usage: Usage, cost_nano_usd: number | null): Pick<LedgerRow, "usage" | "cost_nano_usd"> {
    const earlier = this.#earlier;
    if (earlier === NOTHING_SPENT) return { usage, cost_nano_usd };
    return {
      usage: sumOf(earlier.usage, usage),
      cost_nano_usd: bothOf(earlier.cost_nano_usd, cost_nano_usd),
    };
  }
}

/** What is still to be known of a request whose body is gone. */
class Outline implements Asked {
  readonly user: string | null;
  readonly model: ModelPlan;
  readonly has_tokens: boolean;
  readonly max_output_tokens: number | null;
  readonly choices: number;
  readonly read_body = null;
  readonly is_stream: boolean;
  readonly limits: LimitPart;
  readonly is_spoken: boolean;
  readonly #input_tokens: number;

  constructor(asked: Asked, input_tokens: number) {
    this.user = asked.user;
    this.model = asked.model;
    this.has_tokens = asked.has_tokens;
    this.max_output_tokens = asked.max_output_tokens;
    this.choices = asked.choices;
    this.is_stream = asked.is_stream;
    this.limits = asked.limits ?? "all";
    this.is_spoken = asked.is_spoken ?? false;
    this.#input_tokens = input_tokens;
  }

  estimateInput(): number {
    return this.#input_tokens;
  }
}

/** What was used, and what it cost; null where nobody knows. */
interface Spent {
  readonly usage: Usage;
  readonly cost_nano_usd: number | null;
  readonly is_estimated: boolean;
}

const NOTHING_BESIDE: Amounts = { tokens: 0, nano_usd: 0 };
const NOTHING_SPENT: Spent = { usage: NO_USAGE, cost_nano_usd: 0, is_estimated: false };

function bothOf(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one + other;
}

/** A call that is under way. */
const SENT: CallEnd = { status: 0, code: null, usage: null, finish_reason: null, counted_tokens: null };
const NO_CHARGE: Charge = { cost_nano_usd: 0, version: null };
