// A request without the personal data that its client put in. What holds none goes out as the very bytes that came.

import { CANDIDATES } from "../wire/candidates.ts";
import {
  type JsonObjectScan,
  type JsonSpan,
  readKnownString,
  readString,
  scanElements,
  scanObject,
  spanText,
} from "../wire/json.ts";
import { fastest } from "../wire/kernels.ts";
import { type Edit, splice } from "../wire/splice.ts";
import { hashedUser } from "./discretion.ts";
import type { Entity, Recognise } from "./entity.ts";
import { Mapping } from "./mapping.ts";
import { PLACES, type RedactedEndpoint } from "./places/places.ts";
import type { KnownMessages } from "./plain_messages.ts";
import { type RedactionMode, TextRedaction } from "./redact_text.ts";
import type { RequestTreatment } from "./request_places.ts";
import { finish, type Steps } from "./steps.ts";
import { type Rule, ruleOfMember, type Visit, walk } from "./walk.ts";

/** The most characters that are recognised for one request, unless somebody says otherwise. */
const CHARS_MAX = 32 * 1024 * 1024;

/** What is kept and longer is no name that a model would write: media, signatures. */
const NAME_MAX_BYTES = 256;

/** A step is so many bytes of texts; a text that is longer takes several. */
const STEP_BYTES = 4096;

/** What may be given as tokens, in which nothing can be recognised. */
const TOKENS_OF = ["prompt", "input"];

/** So much is walked over in one step. */
const WALK_BYTES = 128 * 1024;

/** Shorter messages are looked through as soon as they are looked up; longer ones would hold everything else up. */
const MESSAGE_MIN_BYTES = 128;
const MESSAGE_MAX_BYTES = 256 * 1024;

/** A text of a request, and what is done with it. */
interface Place {
  readonly span: JsonSpan;
  readonly treatment: RequestTreatment;
  /** Whether it is an object that is a text as a whole. */
  readonly is_json: boolean;
}

/** How a request is redacted. */
export interface RequestRedaction {
  readonly endpoint: RedactedEndpoint;
  /** Called once for each text, in the order of the request. */
  readonly recognise: Recognise;
  /** The values of the conversation, to which those of this request are added. */
  readonly mapping: Mapping;
  readonly mode: RedactionMode;
  /** The entities that are redacted, counted or blocked. */
  readonly entities: readonly Entity[];
  /** What `user` is hashed with. */
  readonly secret: Uint8Array;
  /** The most characters of all texts together. */
  readonly chars_max?: number;
  /** Messages that were looked through with the same recogniser, mode and entities, and held nothing; those of this request are added. */
  readonly known?: KnownMessages | undefined;
}

/** A request that may go out, or that must not. */
export interface RedactedRequest {
  readonly fault: null;
  /** The very bytes that came where nothing had to be changed. */
  readonly bytes: Uint8Array;
  /** How often each entity was found; entities that were not are left out. */
  readonly counts: Readonly<Record<Entity, number>>;
  /** Something was found, and the mode is `block`. */
  readonly is_blocked: boolean;
}

/** Why a request could not be redacted, in words without its texts. It must not go out as it is. */
export interface RedactionFault {
  readonly fault: string;
}

/**
 * Redacts a request. In every mode but `audit` the client's names for its users become keyed hashes. Embeddings and moderations have no
 * answer to restore, so that each of their texts is numbered on its own: equal texts are equal ones to the model.
 */
export function redactRequest(
  bytes: Uint8Array,
  options: RequestRedaction,
): RedactedRequest | RedactionFault {
  return finish(redactInSteps(bytes, options));
}

/** The same in steps, for long requests: each is a text, or a part of one that is long. */
export function* redactInSteps(
  bytes: Uint8Array,
  options: RequestRedaction,
): Steps<RedactedRequest | RedactionFault> {
  const scan = scanObject(bytes);
  if (scan.fault !== null) return { fault: `the request is not JSON: ${scan.reason}` };
  if (TOKENS_OF.some((name) => isTokens(bytes, scan.find(name))))
    return { fault: "its texts are given as tokens" };
  const { endpoint, recognise, mapping, mode, entities, secret, chars_max = CHARS_MAX } = options;
  mapping.admit(entities);
  const redaction = new TextRedaction({ recognise, mode, entities, chars_max });
  const { request: root, has_answer } = PLACES[endpoint];
  const mappingOf = () => (has_answer ? mapping : ownMapping(entities));
  const edits: Edit[] = [];
  const messages = options.known === undefined ? null : new Messages(options.known);
  const places = yield* placesOf(scan, root, messages, {
    isFound: (span) => {
      if (redaction.isPlain(candidatesIn(bytes, span))) return false;
      const name = readString(bytes, span) ?? "";
      return !isPlainName(name) && redaction.isFoundIn(name);
    },
    onKept: (kept) => {
      if (!has_answer || redaction.isUnlike(candidatesIn(bytes, kept))) return;
      const met = redaction.met;
      redaction.keep(readString(bytes, kept) ?? "", mapping);
      if (redaction.met > met) messages?.holdsSomething(kept.start);
    },
  });
  let met = redaction.met;
  const change = (span: JsonSpan, text: string | null, is_json = false) => {
    if (text !== null) edits.push({ ...span, bytes: Buffer.from(is_json ? text : JSON.stringify(text)) });
    if (redaction.met > met) messages?.holdsSomething(span.start);
    met = redaction.met;
  };
  // Goes on from a place to one that is long, or to where enough is done for a step.
  const goOnFrom = (first: number): number => {
    let next = first;
    for (let done = 0; next < places.length && done < STEP_BYTES; next++) {
      const { span, treatment, is_json } = places[next]!;
      const length = span.end - span.start;
      done += length;
      if (is_json) {
        change(span, redaction.redact(spanText(bytes, span), mappingOf()), is_json);
      } else if (treatment === "name") {
        change(span, redaction.redactName(readString(bytes, span) ?? "", mappingOf()));
      } else if (treatment === "hash" && mode !== "audit") {
        change(span, hashedUser(readString(bytes, span) ?? "", secret));
      } else {
        const holds = candidatesIn(bytes, span);
        if (redaction.isPlain(holds)) continue;
        if (treatment === "data" && isBase64(readString(bytes, span) ?? "")) continue;
        if (length >= STEP_BYTES) break;
        change(span, redaction.redact(textOf(bytes, span, holds), mappingOf(), holds));
      }
    }
    return next;
  };
  for (let next = goOnFrom(0); next < places.length; next = goOnFrom(next)) {
    const { span, treatment, is_json } = places[next]!;
    const holds = candidatesIn(bytes, span);
    const is_long = !is_json && treatment !== "name" && span.end - span.start >= STEP_BYTES;
    if (is_long && !redaction.isPlain(holds)) {
      change(span, yield* redaction.redactInSteps(textOf(bytes, span, holds), mappingOf(), holds));
      next++;
    }
    yield;
  }
  if (redaction.fault !== null) return { fault: redaction.fault };
  messages?.remember();
  const is_blocked = mode === "block" && redaction.found.size > 0;
  return {
    fault: null,
    bytes: edits.length === 0 || is_blocked ? bytes : Buffer.concat(splice(bytes, edits)),
    counts: Object.fromEntries(redaction.found),
    is_blocked,
  };
}

/** Whether a member is a list of numbers, or of such lists. */
function isTokens(bytes: Uint8Array, member: JsonSpan | null): boolean {
  if (member === null || member.kind !== "array") return false;
  const items = scanElements(bytes, member.start, member.end);
  if (items.fault !== null || items.count === 0) return false;
  for (let index = 0; index < items.count; index++) {
    const item = items.at(index);
    if (item.kind === "number" || item.kind === "array") return true;
  }
  return false;
}

/** What the search for places asks and tells. */
interface PlaceSearch {
  /** Whether the name of a field holds something that is redacted. */
  isFound(name: JsonSpan): boolean;
  onKept(span: JsonSpan): void;
}

/** The members that hold a conversation's turns. */
const TURNS: ReadonlySet<string> = new Set(["messages", "contents", "input"]);

/** The texts of a request that are treated, in order, but for those of known messages. Those that are kept and may be names are told of. */
function* placesOf(
  scan: JsonObjectScan,
  root: Rule<RequestTreatment>,
  messages: Messages | null,
  { isFound, onKept }: PlaceSearch,
): Steps<Place[]> {
  const { bytes } = scan;
  const places: Place[] = [];
  const visit: Visit<RequestTreatment> = (span, treatment, visited) => {
    if (visited === "json" && treatment !== "keep") places.push({ span, treatment, is_json: true });
    if (span.kind !== "string") return;
    if (treatment !== "keep" && visited === "name") {
      if (isFound(span)) places.push({ span, treatment: "text", is_json: false });
      else onKept(span);
    } else if (treatment !== "keep") places.push({ span, treatment, is_json: false });
    else if (span.end - span.start <= NAME_MAX_BYTES) onKept(span);
  };
  if (bytes.length < WALK_BYTES && messages === null) {
    walk(bytes, root, visit);
    return places;
  }
  let walked = 0;
  for (let index = 0; index < scan.count; index++) {
    const { key_start, key_end, start, end, kind } = scan.at(index);
    const name = scan.keyAt(index);
    const treatment = root.members.has(name) ? "keep" : root.treatment;
    visit({ start: key_start, end: key_end, kind: "string" }, treatment, "name");
    const place = ruleOfMember(root, name);
    const elements = kind === "array" ? scanElements(bytes, start, end) : null;
    if (elements === null || elements.fault !== null) {
      walk(bytes, place, visit, start);
      continue;
    }
    for (const element of elements) {
      if (!TURNS.has(name) || !messages?.isKnown(bytes, element)) walk(bytes, place, visit, element.start);
      walked += element.end - element.start;
      if (walked < WALK_BYTES) continue;
      walked = 0;
      yield;
    }
  }
  return places;
}

/** A message of a request that is not known yet. */
interface NewMessage {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  is_plain: boolean;
}

/** The messages of a chat: which are known to hold nothing, and which turn out to. */
class Messages {
  readonly #known: KnownMessages;
  /** In order. */
  readonly #new: NewMessage[] = [];

  constructor(known: KnownMessages) {
    this.#known = known;
  }

  /** Whether a message is known. To be asked of all of them, in order. */
  isKnown(bytes: Uint8Array, { start, end }: JsonSpan): boolean {
    if (end - start < MESSAGE_MIN_BYTES || end - start > MESSAGE_MAX_BYTES) return false;
    const name = this.#known.nameOf(bytes.subarray(start, end));
    const is_known = this.#known.has(name);
    if (!is_known) this.#new.push({ start, end, name, is_plain: true });
    return is_known;
  }

  /** Hears that something was found at an offset. */
  holdsSomething(offset: number): void {
    let low = 0;
    let high = this.#new.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#new[middle]!.end <= offset) low = middle + 1;
      else high = middle;
    }
    const message = this.#new[low];
    if (message !== undefined && message.start <= offset) message.is_plain = false;
  }

  /** Remembers those in which nothing was found. */
  remember(): void {
    for (const { name, is_plain } of this.#new) if (is_plain) this.#known.add(name);
  }
}

/** The classes of candidates of what stands between the quotes of a string. */
function candidatesIn(bytes: Uint8Array, { start, end }: JsonSpan): number {
  return fastest.candidates(bytes, start + 1, end - 1);
}

function textOf(bytes: Uint8Array, span: JsonSpan, holds: number): string {
  return readKnownString(bytes, span, (holds & CANDIDATES.backslash) !== 0);
}

/** A shorter text is none of a file's; characters. */
const BASE64_MIN_CHARS = 64;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Whether a text is the bytes of a file: words would have spaces between them. */
function isBase64(text: string): boolean {
  return text.length >= BASE64_MIN_CHARS && BASE64.test(text);
}

/** The most characters of a field's name that is not looked into. */
const PLAIN_MAX_CHARS = 64;
const PLAIN = /^[A-Za-z_$.-]*$/;

/** Whether a field's name is what fields are called: nothing is recognised in letters alone. */
function isPlainName(name: string): boolean {
  return name.length <= PLAIN_MAX_CHARS && PLAIN.test(name);
}

function ownMapping(entities: readonly Entity[]): Mapping {
  const mapping = new Mapping();
  mapping.admit(entities);
  return mapping;
}
