// Personal data in requests: taken out before anything else sees them, and put back into the answers on their way to the client.
// What may not go out goes nowhere: where a request cannot be looked through, it is refused.

import { join } from "node:path";
import { NAME_ENTITIES } from "../config/entities.ts";
import type { Plan, PrivacyMode, PrivacyPlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import { type Discretion, makeDiscretion } from "../privacy/discretion.ts";
import type { Found, Recognise } from "../privacy/entity.ts";
import { keyFor } from "../privacy/key.ts";
import { Mapping } from "../privacy/mapping.ts";
import { withNote, withNoteInSession } from "../privacy/note.ts";
import type { RedactedEndpoint } from "../privacy/places/places.ts";
import { type KnownMessages, PlainMessages, wayKey } from "../privacy/plain_messages.ts";
import { withoutOverlaps } from "../privacy/recognisers/overlaps.ts";
import { makeRecogniser, type Recognisers } from "../privacy/recognisers/recognisers.ts";
import { redactInSteps, redactRequest } from "../privacy/redact_request.ts";
import { finish, inTurns, type Steps } from "../privacy/steps.ts";
import { Vault } from "../privacy/vault.ts";
import { readString, scanMembers, scanObject } from "../wire/json.ts";
import type { Call } from "./call.ts";
import { NameFinder } from "./name_finder.ts";
import type { Prepared } from "./prepare.ts";
import { privacyPlan } from "./privacy_mode.ts";

/** Conversations whose values are kept, and how often those that have expired are removed. */
const CONVERSATIONS_MAX = 100_000;
const SWEEP_EVERY_MS = 60 * 60_000;
/** How sure a name must be where nothing else is asked for: to miss one is worse than to take a word for one. */
const NAME_SCORE_MIN = 0.2;
/** Longer requests are looked through in turns with everything else that the process does. */
const LONG_BYTES = 64 * 1024;
/** The history of shorter requests is looked through in less time than it is looked up. */
const HISTORY_MIN_BYTES = 8 * 1024;
/** The most characters of a conversation's name. */
const SESSION_MAX_CHARS = 256;

/** What is needed to take personal data out of requests. */
export interface PrivacyOptions {
  /** What users' names are hashed with and kept values are sealed with. */
  readonly key: Uint8Array;
  /** The data folder, where the values of conversations that have a name are kept; null: nowhere. */
  readonly folder: string | null;
  /** How long they are kept after the last call. */
  readonly ttl_ms: number;
}

/** How a text of JSON is cleaned. */
interface Cleaning {
  readonly endpoint: RedactedEndpoint;
  readonly mode: PrivacyMode;
  readonly plan: PrivacyPlan;
  readonly mapping: Mapping;
  /** The conversation's name; null for none. */
  readonly session: string | null;
}

/** What is done about personal data in a process. */
export class Privacy {
  readonly #secret: Uint8Array;
  readonly #vault: Vault | null;
  readonly #names: NameFinder;
  readonly #recognisers = new WeakMap<
    PrivacyPlan,
    { readonly recognise: Recognisers; readonly key: Uint8Array }
  >();
  readonly #plain = new PlainMessages();
  readonly #discretions = new WeakMap<Plan, Discretion>();
  readonly #sweeping: ReturnType<typeof setInterval>;

  constructor({ key, folder, ttl_ms }: PrivacyOptions) {
    this.#secret = keyFor(key, "user");
    this.#vault =
      folder === null
        ? null
        : new Vault({ folder: join(folder, "privacy"), key, ttl_ms, conversations_max: CONVERSATIONS_MAX });
    this.#names = new NameFinder(folder);
    this.#sweeping = setInterval(() => void this.#vault?.sweep(), SWEEP_EVERY_MS);
    this.#sweeping.unref();
  }

  /** The call with a request that may go on: itself where nothing is found; or why it may not. */
  async clean(call: Call, prepared: Prepared, mode: PrivacyMode): Promise<Prepared | GatewayError> {
    const plan = privacyPlan(call, prepared);
    const { endpoint, read_body } = prepared;
    if (endpoint === null || read_body === null) {
      call.may_be_kept = false;
      return mode === "audit"
        ? prepared
        : blocked("Requests of this kind cannot be searched for personal data");
    }
    const session = mode === "redact" ? sessionOf(call) : null;
    const missing =
      mode === "redact" && (session === null || this.#vault === null) ? heldElsewhere(read_body) : null;
    if (missing !== null) return missing;
    const mapping = (await this.#valuesOf(call, session)) ?? new Mapping();
    const cleaned = await this.#clean(call, read_body, { endpoint, mode, plan, mapping, session });
    if (cleaned instanceof GatewayError) return cleaned;
    if (mode !== "redact") return cleaned === read_body ? prepared : prepared.withBody(cleaned);
    if (mapping.size > 0) call.mapping = mapping;
    const is_told = mapping.size > 0 && call.plan.privacy.note;
    const body = is_told ? withNote(cleaned, endpoint) : cleaned;
    return body === read_body ? prepared : prepared.withBody(body);
  }

  /** What stands for what in a session, which may have a name and values from before. */
  async valuesOfSession(call: Call, mode: PrivacyMode): Promise<Mapping> {
    return (await this.#valuesOf(call, mode === "redact" ? sessionOf(call) : null)) ?? new Mapping();
  }

  /** An event of a session that may go on: the very bytes that came where nothing is found; or why it may not. */
  async cleanEvent(
    call: Call,
    bytes: Uint8Array,
    mode: PrivacyMode,
    plan: PrivacyPlan,
    mapping: Mapping,
  ): Promise<Uint8Array | GatewayError> {
    const session = mode === "redact" ? sessionOf(call) : null;
    const cleaned = await this.#clean(call, bytes, { endpoint: "/realtime", mode, plan, mapping, session });
    if (cleaned instanceof GatewayError) return cleaned;
    return mode === "redact" && call.plan.privacy.note ? withNoteInSession(cleaned) : cleaned;
  }

  /** Takes out what is found in a text of JSON, and keeps the values where their conversation has a name. */
  async #clean(
    call: Call,
    body: Uint8Array,
    { endpoint, mode, plan, mapping, session }: Cleaning,
  ): Promise<Uint8Array | GatewayError> {
    const recognise = await this.#recogniserOf(call, body, endpoint, plan);
    if (recognise === null) {
      call.may_be_kept = false;
      if (plan.on_failure === "pass") return body;
      return blocked("The request cannot be searched for names at this moment");
    }
    const known = mapping.size;
    const steps = redactInSteps(body, {
      ...{ endpoint, mapping, mode, entities: plan.entities, secret: this.#secret },
      recognise,
      known: this.#knownTo(call, plan, mode, body),
    });
    const redacted = body.length < LONG_BYTES ? finish(steps) : await inTurns(steps);
    call.redacted_ms = performance.now();
    if (redacted.fault !== null) {
      call.may_be_kept = false;
      if (mode === "audit") return body;
      return blocked(`The request cannot be searched for personal data: ${redacted.fault}`);
    }
    call.redactions = sumOf(call.redactions, redacted.counts);
    const found = Object.keys(redacted.counts);
    // What goes out as it came must not lie in the caches as it came.
    if (mode === "audit" && found.length > 0) call.may_be_kept = false;
    if (redacted.is_blocked) return blocked(`The request holds personal data (${found.join(", ")})`);
    if (session !== null && mapping.size > known && !call.is_rehearsal) {
      const fault = await this.#vault?.keep(call.client!.tenant, session, mapping);
      if (fault)
        return blocked(`The values of this conversation (x-venturi-session) could not be kept: ${fault}`);
    }
    return redacted.bytes;
  }

  /** What words that go into the books with a call are kept as: names and addresses of people are not for those. */
  discretionOf(plan: Plan): Discretion {
    let discreet = this.#discretions.get(plan);
    if (discreet === undefined) {
      discreet = makeDiscretion(this.#byForm(plan.privacy.by_default, plan), this.#secret);
      this.#discretions.set(plan, discreet);
    }
    return discreet;
  }

  /** The messages that need not be looked through again; none where they are few, or names are looked for. */
  #knownTo(call: Call, plan: PrivacyPlan, mode: PrivacyMode, body: Uint8Array): KnownMessages | undefined {
    const key = this.#recognisers.get(plan)?.key;
    if (key === undefined || body.length < HISTORY_MIN_BYTES || namesOf(plan).length > 0) return undefined;
    return this.#plain.under(key, call.client?.tenant ?? "", mode);
  }

  close(): void {
    clearInterval(this.#sweeping);
    this.#names.close();
  }

  /** The values that a conversation has had so far; null for none. */
  #valuesOf(call: Call, session: string | null): Promise<Mapping | null> | null {
    return session === null || this.#vault === null ? null : this.#vault.find(call.client!.tenant, session);
  }

  /** What finds all that a plan names in the texts of a request; null where names cannot be found in time, and have to be. */
  async #recogniserOf(
    call: Call,
    body: Uint8Array,
    endpoint: RedactedEndpoint,
    plan: PrivacyPlan,
  ): Promise<Recognise | null> {
    const byForm = this.#byForm(plan, call.plan);
    const wanted = namesOf(plan);
    if (wanted.length === 0) return byForm;
    const names = await this.#names.find(textsOf(body, endpoint, this.#secret), call.plan.privacy);
    if (names === null) {
      call.may_be_kept = false;
      return plan.on_failure === "recognisers-only" ? byForm : null;
    }
    const withNames = (text: string, found: readonly Found[]) => {
      const named = names(text).filter(
        ({ entity, score }) =>
          wanted.includes(entity) && score >= (plan.thresholds[entity] ?? NAME_SCORE_MIN),
      );
      return named.length === 0 ? found : withoutOverlaps([...found, ...named]);
    };
    return Object.assign((text: string) => withNames(text, byForm(text)), {
      *inSteps(text: string): Steps<readonly Found[]> {
        return withNames(text, yield* byForm.inSteps(text));
      },
    });
  }

  #byForm(plan: PrivacyPlan, { privacy: { custom } }: Plan): Recognisers {
    let known = this.#recognisers.get(plan);
    if (known === undefined) {
      const { entities, thresholds } = plan;
      const wanted = custom.filter(({ name }) => entities.includes(name));
      known = { recognise: makeRecogniser({ entities, thresholds, custom: wanted }), key: wayKey() };
      this.#recognisers.set(plan, known);
    }
    return known.recognise;
  }
}

/** What a plan looks for that a model finds. */
function namesOf(plan: PrivacyPlan): readonly string[] {
  return NAME_ENTITIES.filter((entity) => plan.entities.includes(entity));
}

/** The texts of a request, as a recogniser is given them. */
function textsOf(body: Uint8Array, endpoint: RedactedEndpoint, secret: Uint8Array): string[] {
  const texts = new Set<string>();
  const note = (text: string) => {
    texts.add(text);
    return [];
  };
  redactRequest(body, {
    endpoint,
    secret,
    recognise: note,
    mapping: new Mapping(),
    mode: "audit",
    entities: [],
  });
  return [...texts];
}

/** What the client calls the conversation; null: it has no name, and its history alone tells what belongs together. */
function sessionOf(call: Call): string | null {
  const session = call.request.headers.get("x-venturi-session");
  return session === null || session === "" ? null : session.slice(0, SESSION_MAX_CHARS);
}

/** Counts of both. */
function sumOf(before: Counts, after: Counts): Counts {
  const sum: Record<string, number> = { ...before };
  for (const [entity, count] of Object.entries(after)) sum[entity] = (sum[entity] ?? 0) + count;
  return sum;
}

type Counts = Readonly<Record<string, number>>;

/**
 * Why a request cannot go on that leaves out what came before, because the provider holds it: its placeholders would be taken for those
 * of other values. Null where it says all.
 */
function heldElsewhere(body: Uint8Array): GatewayError | null {
  const scan = scanObject(body);
  if (scan.fault !== null) return null;
  const why = "The values of a conversation that the provider holds are not known here";
  const param = ["previous_response_id", "conversation"].find((name) => {
    const member = scan.find(name);
    return member !== null && member.kind !== "null";
  });
  if (param !== undefined) {
    const message = `${why}: send the whole of it, or name it in each call (x-venturi-session).`;
    return new GatewayError("invalid_value", message, { param });
  }
  const thread = scan.find("thread");
  const told = thread?.kind === "object" ? scanMembers(body, thread.start, thread.end) : null;
  const type = told === null || told.fault !== null ? null : told.find("type");
  if (type === null || readString(body, type) !== "continue") return null;
  return new GatewayError("thread_not_found", `${why}: send the whole of it.`, { param: "thread" });
}

function blocked(what: string): GatewayError {
  const why = "and the privacy settings of this model or key do not let it go out";
  return new GatewayError("content_blocked", `${what}, ${why}.`);
}
