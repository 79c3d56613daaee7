// A turn of a conversation whose earlier turns the gateway keeps: what was said before comes into the request, and what is answered is
// kept for the next, as the client sees it.

import { mayCall } from "../access/client_keys.ts";
import type { ModelPlan, TargetPlan } from "../config/plan.ts";
import { isFields } from "../dialects/fields.ts";
import { readMembers } from "../dialects/members.ts";
import { offEffort } from "../dialects/openai/chat/quirks.ts";
import {
  inputItems,
  type ResponseView,
  referencedIds,
  repeatedOf,
  unstoredRequest,
  viewEdits,
  withItems,
  withPrevious,
} from "../dialects/responses/conversation.ts";
import { GatewayError } from "../errors.ts";
import { parseExact } from "../wire/exact_json.ts";
import { scanObject } from "../wire/json.ts";
import { splice } from "../wire/splice.ts";
import { type SseEvent, SseFramer } from "../wire/sse.ts";
import type { Call } from "./call.ts";
import type { KeptResponse, KeptResponses } from "./kept_responses.ts";
import type { Prepared } from "./prepare.ts";

/** A longer event is passed on as it is, and its answer is not kept. */
const EVENT_MAX_BYTES = 16 * 1024 * 1024;
/** References that are followed in one request. */
const REFERENCES_MAX = 256;

/** What a turn is made of. */
interface TurnOptions {
  readonly call: Call;
  /** Null: what is answered is for nobody. */
  readonly kept: KeptResponses | null;
  /** The model as the client asks for it. */
  readonly model: string;
  /** All that it is asked, of earlier turns as well. */
  readonly input: readonly unknown[];
  readonly previous: string | null;
  /** What responses repeat of the request. */
  readonly repeated: Readonly<Record<string, unknown>>;
  /** Whether the answer is kept. */
  readonly keeps: boolean;
}

/** One turn. */
export class ResponseTurn {
  readonly #options: TurnOptions;
  #view: ResponseView | null = null;

  constructor(options: TurnOptions) {
    this.#options = options;
  }

  /** A request as it goes to a provider of Responses: what the gateway keeps nobody else has to. */
  requestFor(bytes: Uint8Array, { speaks, model }: TargetPlan): Uint8Array {
    if (!this.#options.keeps || !speaks.includes("responses")) return bytes;
    return unstoredRequest(bytes, offEffort(model) !== undefined);
  }

  /** The same where the answer is for those alone who come later. */
  unheard(): ResponseTurn {
    return new ResponseTurn({ ...this.#options, kept: null });
  }

  /** A whole answer as the client gets it; it is kept where it came to a good end. */
  answered(body: Uint8Array): Uint8Array {
    const edits = viewEdits(body, { start: 0, end: body.length }, this.#viewOf());
    const given = edits.length === 0 ? body : Buffer.concat(splice(body, edits));
    this.#keep(given);
    return given;
  }

  /** What a stream's events go through on their way to the client. */
  frame(): ResponseFrame {
    return new ResponseFrame(this.#viewOf(), (response) => this.#keep(response));
  }

  /** Those who share an answer have conversations of their own, which must have names of their own. */
  #viewOf(): ResponseView {
    const { call, previous, keeps, repeated } = this.#options;
    this.#view ??= {
      id: call.kept_from !== null && keeps ? `resp_${crypto.randomUUID().replaceAll("-", "")}` : null,
      previous_response_id: previous,
      store: keeps,
      // Where privacy changed nothing, the provider says it as well.
      repeated: call.redacted_ms > 0 ? repeated : {},
    };
    return this.#view;
  }

  #keep(body: Uint8Array): void {
    const { call, kept, model, input, keeps } = this.#options;
    if (!keeps || kept === null) return;
    // Reading it takes its time: the answer goes out first.
    setImmediate(() => {
      const response = parseExact(body);
      if (!isFields(response) || !hasEnded(response)) return;
      const { id } = response;
      if (typeof id !== "string" || id === "") return;
      // Values that were put back into an answer which others get as well are their client's alone.
      const is_shared = call.lead !== null || call.kept_from !== null;
      const has_items = call.mapping === null || !is_shared;
      kept.keep(
        call.client!.tenant,
        { model, input, has_items, response: { ...response, id } },
        call.plan.responses,
      );
    });
  }
}

/** Whether a response came to an end that a conversation can go on from. */
function hasEnded(response: Readonly<Record<string, unknown>>): boolean {
  const { status, venturi } = response;
  return (status === "completed" || status === "incomplete") && venturi === undefined;
}

const NOTHING = new Uint8Array(0);

/** Writes into a stream's responses what its client is to be told of them, and hears of the last. */
export class ResponseFrame {
  readonly #view: ResponseView;
  readonly #onEnd: (response: Uint8Array) => void;
  readonly #framer: SseFramer;
  #given: Uint8Array[] = [];
  #last: Uint8Array | null = null;

  constructor(view: ResponseView, onEnd: (response: Uint8Array) => void) {
    this.#view = view;
    this.#onEnd = onEnd;
    this.#framer = new SseFramer(EVENT_MAX_BYTES, { onEvent: (event) => this.#see(event) });
  }

  feed(events: Uint8Array): Uint8Array {
    const unframed = this.#framer.feed(events);
    if (unframed !== null) {
      // What cannot be read is not kept.
      this.#last = null;
      this.#given.push(unframed);
    }
    return this.#take();
  }

  close(): Uint8Array {
    const rest = this.#framer.end();
    if (rest !== null) this.#see(rest);
    if (this.#last !== null) this.#onEnd(this.#last);
    this.#last = null;
    return this.#take();
  }

  #see({ raw, data }: SseEvent): void {
    this.#given.push(data === null || !mayHold(data) ? raw : this.#written(raw, data));
  }

  /** An event with its response as the client is to see it. */
  #written(raw: Uint8Array, data: Uint8Array): Uint8Array {
    const scan = scanObject(data);
    const response = scan.fault === null ? scan.find("response") : null;
    if (response?.kind !== "object") return raw;
    const at = Buffer.prototype.lastIndexOf.call(raw, Buffer.from(data));
    const edits = viewEdits(data, response, this.#view);
    const changed = Buffer.concat(splice(data, edits));
    // The view adds as much to the object as to the whole.
    this.#last = changed.subarray(response.start, response.end + changed.length - data.length);
    return at < 0 ? raw : Buffer.concat([raw.subarray(0, at), changed, raw.subarray(at + data.length)]);
  }

  #take(): Uint8Array {
    const given = this.#given;
    this.#given = [];
    if (given.length <= 1) return given[0] ?? NOTHING;
    return Buffer.concat(given);
  }
}

const RESPONSE = Buffer.from('"response"');

/** Whether an event may have a response in it; most have a piece of text. */
function mayHold(data: Uint8Array): boolean {
  return Buffer.prototype.includes.call(data, RESPONSE);
}

/** The request with all that was said before it; or why it cannot be. The call knows its turn from then on. */
export async function takeUp(
  call: Call,
  prepared: Prepared,
  kept: KeptResponses | null,
): Promise<Prepared | GatewayError> {
  const bytes = prepared.read_body!;
  const members = readMembers(bytes, [
    "previous_response_id",
    "store",
    "background",
    "conversation",
    "prompt",
  ]);
  const previous = typeof members[0] === "string" ? members[0] : null;
  const [, store, background, conversation, prompt] = members;
  if (kept === null || call.plan.responses.ttl_ms === 0)
    return previous === null || isSpokenBy(prepared.model) ? prepared : notFound(previous);
  const { tenant } = call.client!;
  const before = previous === null ? null : readable(call, await kept.find(tenant, previous));
  if (previous !== null && before === null && !isSpokenBy(prepared.model)) return notFound(previous);
  const asked = parseExact(bytes);
  // What nests too deeply to be read is for the provider to refuse.
  if (!isFields(asked)) return prepared;
  const turned =
    before === null
      ? asked
      : withPrevious(asked, { input: before.input, output: outputOf(before) }, isSpokenBy(prepared.model));
  const whole = await withReferences(call, turned, kept);
  // What comes before must be known whole, and the gateway does not wait for what nobody waits for.
  const is_known = (previous === null || before !== null) && referencedIds(whole).length === 0;
  const is_elsewhere = background === true || isGiven(conversation) || isGiven(prompt);
  const is_answered = prepared.counting === null;
  const keeps = is_answered && store !== false && is_known && !is_elsewhere;
  const continued = is_answered && before !== null ? previous : null;
  if (keeps || continued !== null) {
    const { name: model } = prepared.model;
    call.turn = new ResponseTurn({
      ...{ call, kept, model, keeps, previous: continued, repeated: repeatedOf(asked) },
      input: keeps ? inputItems(whole["input"]) : [],
    });
  }
  return whole === asked ? prepared : prepared.withBody(Buffer.from(JSON.stringify(whole)));
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function outputOf({ response }: KeptResponse): readonly unknown[] {
  const { output } = response;
  return Array.isArray(output) ? output : [];
}

/** What a caller may read of what is kept: answers of models that it may call. */
export function readable(call: Call, kept: KeptResponse | null): KeptResponse | null {
  return kept !== null && mayCall(call.client!, kept.model) ? kept : null;
}

/** Whether any of a model's targets keeps conversations by itself. */
function isSpokenBy(model: ModelPlan): boolean {
  return [model, ...model.fallbacks].some(({ targets }) =>
    targets.some(({ speaks }) => speaks.includes("responses")),
  );
}

/** OpenAI's words. */
function notFound(id: string): GatewayError {
  return new GatewayError(
    "previous_response_not_found",
    `Previous response with id '${id.slice(0, 200)}' not found.`,
    { param: "previous_response_id" },
  );
}

/** A request with items in place of the references to them, as far as they are known. */
async function withReferences(
  call: Call,
  body: Readonly<Record<string, unknown>>,
  kept: KeptResponses,
): Promise<Readonly<Record<string, unknown>>> {
  const ids = [...new Set(referencedIds(body))].slice(0, REFERENCES_MAX);
  if (ids.length === 0) return body;
  const items = new Map<string, unknown>();
  for (const id of ids) {
    if (items.has(id)) continue;
    const found = readable(call, await kept.findByItem(call.client!.tenant, id));
    if (found === null) continue;
    // One answer's items are mostly referred to together.
    for (const item of outputOf(found))
      if (isFields(item) && typeof item["id"] === "string") items.set(item["id"], item);
  }
  return withItems(body, (id) => items.get(id));
}
