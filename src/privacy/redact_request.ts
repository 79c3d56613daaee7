// A request without the personal data that its client put in. What holds none goes out as the very bytes that came.

import { createHmac } from "node:crypto";
import { type JsonSpan, readString, scanElements, scanObject, spanText } from "../wire/json.ts";
import { type Edit, splice } from "../wire/splice.ts";
import type { Entity, Recognise } from "./entity.ts";
import { Mapping } from "./mapping.ts";
import { PLACES, type RedactedEndpoint } from "./places/places.ts";
import { type RedactionMode, TextRedaction } from "./redact_text.ts";
import type { RequestTreatment } from "./request_places.ts";
import { type Rule, walk } from "./walk.ts";

/** The most characters that are recognised for one request, unless somebody says otherwise. */
const CHARS_MAX = 32 * 1024 * 1024;

/** What is kept and longer is no name that a model would write: media, signatures. */
const NAME_MAX_BYTES = 256;

/** What may be given as tokens, in which nothing can be recognised. */
const TOKENS_OF = ["prompt", "input"];

/** The most characters of a field's name that is not looked into. */
const PLAIN_MAX_CHARS = 64;
const PLAIN = /^[A-Za-z_$.-]*$/;

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
  const scan = scanObject(bytes);
  if (scan.fault !== null) return { fault: `the request is not JSON: ${scan.reason}` };
  if (TOKENS_OF.some((name) => isTokens(bytes, scan.find(name))))
    return { fault: "its texts are given as tokens" };
  const { endpoint, recognise, mapping, mode, secret, chars_max = CHARS_MAX } = options;
  const entities = new Set(options.entities);
  mapping.admit(entities);
  const redaction = new TextRedaction({ recognise, mode, entities, chars_max });
  const { request: root, has_answer } = PLACES[endpoint];
  const mappingOf = () => (has_answer ? mapping : ownMapping(entities));
  const edits: Edit[] = [];
  const places = placesOf(bytes, root, {
    isFound: (name) => redaction.isFoundIn(name),
    onKept: (kept) => has_answer && redaction.escape(kept, mapping),
  });
  for (const { span, treatment, is_json } of places) {
    if (is_json) {
      const changed = redaction.redact(spanText(bytes, span), mappingOf());
      if (changed !== null) edits.push({ ...span, bytes: Buffer.from(changed) });
      continue;
    }
    const text = readString(bytes, span) ?? "";
    let changed: string | null;
    if (treatment === "hash" && mode !== "audit") changed = hashed(text, secret);
    else if (treatment === "data" && isBase64(text)) changed = null;
    else if (treatment === "name") changed = redaction.redactName(text, mappingOf());
    else changed = redaction.redact(text, mappingOf());
    if (changed !== null) edits.push({ ...span, bytes: Buffer.from(JSON.stringify(changed)) });
  }
  if (redaction.fault !== null) return { fault: redaction.fault };
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
  isFound(name: string): boolean;
  onKept(text: string): void;
}

/** The texts of a request that are treated, in order. Those that are kept and may be names are told of. */
function placesOf(
  bytes: Uint8Array,
  root: Rule<RequestTreatment>,
  { isFound, onKept }: PlaceSearch,
): Place[] {
  const places: Place[] = [];
  walk(bytes, root, (span, treatment, visited) => {
    if (visited === "json" && treatment !== "keep") places.push({ span, treatment, is_json: true });
    if (span.kind !== "string") return;
    if (treatment !== "keep" && visited === "name") {
      const name = readString(bytes, span) ?? "";
      if (isPlain(name) || !isFound(name)) onKept(name);
      else places.push({ span, treatment: "text", is_json: false });
    } else if (treatment !== "keep") places.push({ span, treatment, is_json: false });
    else if (span.end - span.start <= NAME_MAX_BYTES) onKept(readString(bytes, span) ?? "");
  });
  return places;
}

/** A shorter text is none of a file's; characters. */
const BASE64_MIN_CHARS = 64;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Whether a text is the bytes of a file: words would have spaces between them. */
function isBase64(text: string): boolean {
  return text.length >= BASE64_MIN_CHARS && BASE64.test(text);
}

/** Whether a field's name is what fields are called: nothing is recognised in letters alone. */
function isPlain(name: string): boolean {
  return name.length <= PLAIN_MAX_CHARS && PLAIN.test(name);
}

function ownMapping(entities: Iterable<Entity>): Mapping {
  const mapping = new Mapping();
  mapping.admit(entities);
  return mapping;
}

/** The same for the same user, and nobody can tell who: 128 bits of a keyed hash. */
function hashed(user: string, secret: Uint8Array): string {
  return createHmac("sha256", secret).update(user).digest("hex").slice(0, 32);
}
