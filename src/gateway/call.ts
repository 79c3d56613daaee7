// One call from its arrival to its end: who calls, under which Plan, until when, and what became of it.
// Whatever ends a call early (the client leaves, its time is over, the gateway stops) goes through `stop`, in the same tick.

import type { Refusal } from "../access/reservation.ts";
import type { CacheKey } from "../cache/key.ts";
import type { NeedBits } from "../config/needs.ts";
import type { CascadeReason, ClientKey, ModelPlan, Plan, TargetPlan } from "../config/plan.ts";
import type { Complexity } from "../config/routes.ts";
import type { ClientFormat } from "../dialects/client_format.ts";
import { CHAT_CLIENT } from "../dialects/openai/client.ts";
import type { Usage } from "../dialects/usage.ts";
import type { Judged } from "../ledger/judged.ts";
import { NOTHING, SHADOW_PREFIX, type ShadowRow } from "../ledger/row.ts";
import { type ClientTrace, readTraceparent } from "../ledger/trace.ts";
import { type Discretion, OPEN } from "../privacy/discretion.ts";
import type { GuardAction } from "../privacy/guards/guard.ts";
import type { AnswerGuard } from "../privacy/guards/output/answer_guard.ts";
import type { Mapping } from "../privacy/mapping.ts";
import type { Trial } from "../routing/health/trial.ts";
import type { RouteChoice } from "../routing/policy.ts";
import { SHORT_BYTES } from "../wire/view.ts";
import type { Account } from "./account.ts";
import type { Alarm, Alarms } from "./alarms.ts";
import type { CheckedFormat } from "./answer_guarding.ts";
import { giveBack } from "./body.ts";
import type { ClientStream, StreamOwner } from "./client_stream.ts";
import type { CallContent } from "./content.ts";
import type { JsonPath } from "./endpoints.ts";
import type { Lead } from "./lead.ts";
import type { Tried } from "./one_try.ts";
import type { RemoteAnswer } from "./remote_answer.ts";
import type { ResponseTurn } from "./response_turn.ts";
import type { Rest } from "./rest_reader.ts";
import type { Witness } from "./witness.ts";

/** Why a call ends before its answer is complete. */
export type StopReason = "gone" | "deadline" | "draining";

/** What the caches did for a call, as `x-venturi-cache` says it. */
export type CacheOutcome = "hit" | "semantic" | "stale" | "joined" | "miss" | "bypass";

/** Where a kept answer came from. */
export interface KeptFrom {
  readonly provider: string;
  readonly model: string;
  /** Age of the answer in whole seconds; null while it is still coming. */
  readonly age_s: number | null;
  /** How similar the request was that it answered; null where it was the same. */
  readonly similarity: number | null;
  /** Names the answer for whoever wants it removed; null while it is still coming. */
  readonly cache_key: CacheKey | null;
}

/** What the policy table said of a request. */
export interface Routed {
  /** The model as its client named it; null where it named none. */
  readonly asked: string | null;
  /** Null: no rule held. */
  readonly choice: RouteChoice | null;
  /** What was worked out of it on the way; null for what no rule had asked about. */
  readonly needs: NeedBits | null;
  readonly complexity: Complexity | null;
}

/** What has to hear at once that a call is stopped. */
export interface StopListener {
  onStop(reason: StopReason): void;
  /** The call lasts: what it needs no more can be let go of. Told now and then. */
  onLasting?(): void;
}

/** What became of a finding: what its guard does about it, or that a better answer was got. */
export type GuardOutcome = GuardAction | "repair";

/** What a request of a format says beside its body. */
const FORMAT_FIELDS = ["anthropic-version", "anthropic-beta"];

const NO_TRIES: readonly Tried[] = [];
const NO_NAMES: readonly string[] = [];
const NO_REQUEST = new Request("http://gone/");

/** A request's id made of a UUID. Five slices take half the time of a search for the dashes. */
function requestName(uuid: string): string {
  return `req_${uuid.slice(0, 8)}${uuid.slice(9, 13)}${uuid.slice(14, 18)}${uuid.slice(19, 23)}${uuid.slice(24)}`;
}

/** A call being answered. Moments are on the clock of `performance.now()`, in milliseconds; 0 until they have come. */
export class Call implements Alarm, EventListenerObject, StreamOwner {
  /** What the client knows it by. */
  readonly id: string;
  /** What the ledger knows it by: unique for ever. In order of time (UUID version 7), so that an index of many stays small work. */
  readonly ledger_id: string;
  /** What its client asks. A stream lets go of it when it has begun: then this one says nothing. */
  request: Request;
  readonly plan: Plan;
  client: ClientKey | null = null;
  /** What its client speaks. */
  format: ClientFormat = CHAT_CLIENT;
  /** What it is for, where its request is read; null where it is passed on. */
  endpoint: JsonPath | null = null;
  /** The request's body, where it did not come over HTTP. */
  given_body: Uint8Array | null = null;
  /** Its answer, where that is a stream; null until it has begun. */
  stream: ClientStream | null = null;
  /** What was used, once the call is over and somebody has told it. */
  usage: Usage | null = null;
  /** What the policy table said of it; null where there is no table, or it was not read. */
  routed: Routed | null = null;
  /** What of its request could not be said to the target that was tried last, and was left out. */
  dropped: readonly string[] = NO_NAMES;
  /** Tries after the first on one target, where its client wishes for other than the model's. */
  retries: number | null = null;
  /** Tries sent upstream. */
  attempts = 0;
  /** Where the last try went, and the model that it was a target of. */
  target: TargetPlan | null = null;
  model: ModelPlan | null = null;
  cache: CacheOutcome = "bypass";
  /** What words of its client's, and of who answered it, are kept as. */
  discreet: Discretion = OPEN;
  /** What became of it for want of the state that hosts share; null: nothing. */
  state_loss: "local" | "rejected" | null = null;
  /** Whether it is only asked what would happen to it: nothing is kept of it. */
  is_rehearsal = false;
  /** Whether its request and answer may lie in the caches: they hold no personal data that is known of. */
  may_be_kept = true;
  /** How often each kind of personal data was found in its request. */
  redactions: Readonly<Record<string, number>> = NOTHING;
  /** What became of what guards found in it, by their names. */
  guards: Readonly<Record<string, GuardOutcome>> = NOTHING;
  /** Judges its answer; null where nobody does. */
  answer_guard: AnswerGuard | null = null;
  /** The form that its answer is to have; null where nobody looks. */
  asked_format: CheckedFormat | null = null;
  /** Has it judged over the network as well; null where nobody is asked. */
  remote_answer: RemoteAnswer | null = null;
  /** What stands for which of its client's values; null: nothing is to be put back. */
  mapping: Mapping | null = null;
  /** Its turn of a conversation that the gateway keeps; null where it keeps none. */
  turn: ResponseTurn | null = null;
  /** Where its answer came from, if that was no try of its own. */
  kept_from: KeptFrom | null = null;
  /** Its part in an answer that others may get as well. */
  lead: Lead | null = null;
  /** What came of the tries so far. */
  tries: readonly Tried[] = NO_TRIES;
  /** The try whose answer is on its way to the client. */
  trial: Trial | null = null;
  /** From the moment that its model is known. */
  account: Account | null = null;
  /** The gateway's own share of the time to the answer's beginning, once that is known. */
  overhead_us: number | null = null;
  /** Whether its answer says that it is a refusal. */
  refused = false;
  /** What its answer was seen to be; null where nobody looked. */
  judged: Judged | null = null;
  /** Looks at its answer, or asks a candidate the same when it is over; null where nobody does. */
  witness: Witness | null = null;
  /** Gathers what is kept of it; null where nothing is. */
  content: CallContent | null = null;
  /** What it is the shadow of; null for a call of its own. */
  shadow: ShadowRow | null = null;
  /** The call that it makes again for an operator; null for a call of its own. */
  replay_of: string | null = null;
  /** Why its first answer was not good enough, and another model's is given; null where that is not so. */
  cascade: CascadeReason | null = null;
  /** The limit that refused it; null for none. */
  refused_by: Pick<Refusal, "set" | "of"> | null = null;
  /** What it cost in nano-dollars; null while that is not known, or for ever. */
  cost_nano_usd: number | null = null;
  stopped: StopReason | null = null;
  /** What became of the rest of its answer after its client had left; null: nobody read it. */
  rest: Rest | null = null;
  /** Whether the client's connection may be quiet for as long as the call lasts. */
  may_be_quiet = false;
  /** When its time is over; the sweep stops it then. */
  at_ms = Number.POSITIVE_INFINITY;
  alarm_slot = -1;
  /** Its place among the calls in flight. */
  call_slot = -1;
  /** Who hears of its stop: one at a time. */
  listener: StopListener | null = null;

  readonly arrived_ms = performance.now();
  /** The same on the host's clock, in milliseconds since 1970. */
  readonly wall_ms = Date.now();
  authenticated_ms = 0;
  /** The request body was complete. */
  body_ms = 0;
  scanned_ms = 0;
  routed_ms = 0;
  /** Its request had been looked through for personal data. */
  redacted_ms = 0;
  /** How long guards elsewhere were waited for, before the answer could begin; no moment, but milliseconds. */
  guards_ms = 0;
  /** Whether it may stand in a queue, where others would have to wait behind it. */
  may_wait = true;
  /** How long it waited in queues, in milliseconds; and how much of that before its first try. */
  queued_ms = 0;
  queued_first_ms = 0;
  /** Guards have said what they have to say of its request. */
  guarded_ms = 0;
  /** The caches were asked. */
  looked_ms = 0;
  /** The first try was handed to the upstream client. */
  asked_ms = 0;
  /** The last try got its connection. */
  connected_ms = 0;
  /** The last try's first byte arrived. */
  first_byte_ms = 0;
  /** What the answer to the client could begin with had arrived. */
  answered_ms = 0;

  readonly #alarms: Alarms;
  readonly #is_own_id: boolean;
  /** Its request's body as it came over its connection; null: there is none, or somebody goes on with it. */
  #body: Uint8Array | null = null;
  /** Whether its request's signal is listened to. */
  #hears_client = false;
  #trace: ClientTrace | null | undefined;

  /**
   * @param id the client's own name for it; null for none
   * @param is_own_id whether the name is the gateway's
   */
  constructor(id: string | null, request: Request, plan: Plan, alarms: Alarms, is_own_id = id === null) {
    this.ledger_id = Bun.randomUUIDv7();
    this.#is_own_id = is_own_id;
    this.id = id ?? requestName(this.ledger_id);
    this.request = request;
    this.plan = plan;
    this.#alarms = alarms;
  }

  /** A call of the same caller for the same, that no client waits for. */
  twin(): Call {
    const { url, method, headers } = this.request;
    const twin = new Call(null, new Request(url, { method, headers }), this.plan, this.#alarms);
    twin.client = this.client;
    twin.format = this.format;
    twin.endpoint = this.endpoint;
    twin.discreet = this.discreet;
    twin.routed = this.routed;
    twin.retries = this.retries;
    twin.turn = this.turn?.unheard() ?? null;
    return twin;
  }

  /** A call for the same that is made in nobody's name: what it uses is that of its tenant's shadow, and no key's or user's. */
  candidate(): Call {
    const { url, method, headers } = this.request;
    const kept = FORMAT_FIELDS.flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value] as [string, string]];
    });
    const call = new Call(null, new Request(url, { method, headers: kept }), this.plan, this.#alarms);
    const client = this.client!;
    call.client = {
      ...client,
      ...{ name: "", tenant: `${SHADOW_PREFIX}${client.tenant}`, team: null, tier: null },
      ...{ limits: null, per_user: null },
    };
    call.may_wait = false;
    call.format = this.format;
    call.endpoint = this.endpoint;
    call.discreet = this.discreet;
    call.turn = this.turn?.unheard() ?? null;
    return call;
  }

  /** A part of this call that has an account of its own, and the same name. */
  part(): Call {
    const { url, headers } = this.request;
    const part = new Call(this.id, new Request(url, { headers }), this.plan, this.#alarms, this.#is_own_id);
    part.client = this.client;
    part.discreet = this.discreet;
    part.routed = this.routed;
    part.authenticated_ms = part.arrived_ms;
    return part;
  }

  /** The id that is kept of it: what its client calls it is shown to the client, and may hold what must not be kept. */
  get kept_id(): string {
    return this.#is_own_id ? this.id : this.discreet(this.id);
  }

  /** The trace that its client has begun; null where it told of none. */
  get trace(): ClientTrace | null {
    if (this.#trace === undefined) this.#trace = readTraceparent(this.request.headers.get("traceparent"));
    return this.#trace;
  }

  /** Sets or moves the deadline; Infinity takes it away. */
  setDeadline(at_ms: number): void {
    this.at_ms = at_ms;
    if (at_ms === Number.POSITIVE_INFINITY) this.#alarms.remove(this);
    else this.#alarms.add(this);
  }

  /**
   * Its stream is with the client, of whose leaving the stream tells: what the request alone knew is let go of, unless somebody
   * asks the same once more, or keeps what was asked.
   */
  onAttached(): void {
    if (this.#is_gone_on_with) return;
    const { request, trace } = this;
    this.#trace = trace;
    if (this.#hears_client) request.signal.removeEventListener("abort", this);
    this.request = NO_REQUEST;
  }

  /** Whether somebody asks the same once more, or keeps what was asked. */
  get #is_gone_on_with(): boolean {
    const { witness, lead, content, turn } = this;
    return witness !== null || lead !== null || content !== null || turn !== null;
  }

  /** Its request's body has been read. */
  tookBody(body: Uint8Array): void {
    // What somebody else has read may be read by them again.
    if (this.given_body === null) this.#body = body;
  }

  /** Somebody goes on with the request's body. */
  keepBody(): void {
    this.#body = null;
  }

  /**
   * The request's body is read no more, unless somebody goes on with it.
   * @param lasts the call goes on without it: what has lived until now is garbage that is found late
   */
  giveBackBody(lasts = false): void {
    if (this.#body !== null && !this.#is_gone_on_with) giveBack(this.#body, lasts ? SHORT_BYTES : undefined);
    this.#body = null;
  }

  /**
   * From now on it hears of its client's leaving, which may be past. Not from the beginning: what the runtime keeps for it of each
   * request is what collections of garbage take longest over.
   */
  hearClient(): void {
    // A call of a socket has no connection of its own that could close; of a stream's client the stream tells.
    if (this.#hears_client || this.given_body !== null || this.request === NO_REQUEST) return;
    this.#hears_client = true;
    const { signal } = this.request;
    if (signal.aborted) this.onClientGone();
    else signal.addEventListener("abort", this);
  }

  onClientGone(): void {
    this.stop("gone");
  }

  /** Time left until the deadline, in milliseconds. */
  get left_ms(): number {
    return this.at_ms - performance.now();
  }

  ring(): void {
    this.stop("deadline");
  }

  /** Its request's signal tells that the client is gone. */
  handleEvent(): void {
    this.onClientGone();
  }

  /** Ends it, for the first reason that there is; what is still read of its answer ends with a second. */
  stop(reason: StopReason): void {
    this.stopped ??= reason;
    const { listener } = this;
    this.listener = null;
    listener?.onStop(reason);
  }

  /** Waits, but not beyond the call's end. */
  sleep(duration_ms: number): Promise<void> {
    if (this.stopped !== null || duration_ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.listener = null;
        resolve();
      };
      const timer = setTimeout(wake, duration_ms);
      this.listener = { onStop: wake };
    });
  }

  /** Ends the bookkeeping. */
  close(): void {
    this.#alarms.remove(this);
    this.listener = null;
    this.trial?.end();
  }
}
