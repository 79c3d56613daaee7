// What gateway and inference processes say to each other. Every request has an id and a deadline, by the clock of the host;
// whoever cannot answer in time does not answer.

import { FieldFault, Fields, readOrNull, readText } from "./fields.ts";
import {
  CANDIDATES_MAX,
  type Candidate,
  type Filter,
  OBSERVATIONS_MAX,
  type Observation,
  TAGS_MAX,
} from "./vectors/entry.ts";
import type { IndexStats } from "./vectors/vector_index.ts";

/** Texts that can be embedded by one request. */
export const TEXTS_MAX = 256;
/** Names in one text; where there are more, the request is not answered. */
export const NAMES_MAX = 65_536;

/** Entries near a text. */
export interface SearchRequest {
  readonly kind: "search";
  readonly partition: Uint8Array;
  readonly embedder: string;
  readonly text: string;
  readonly limit: number;
  readonly min_similarity: number;
}

/** An entry to keep. */
export interface AddRequest {
  readonly kind: "add";
  readonly partition: Uint8Array;
  readonly embedder: string;
  readonly id: Uint8Array;
  readonly text: string;
  readonly model: string;
  readonly tags: readonly string[];
  readonly expires_ms: number;
}

/** Whether the answer of an entry was right for another question. */
export interface ObserveRequest {
  readonly kind: "observe";
  readonly partition: Uint8Array;
  readonly embedder: string;
  readonly id: Uint8Array;
  readonly similarity: number;
  readonly is_right: boolean;
}

/** Entries to remove. */
export interface RemoveRequest {
  readonly kind: "remove";
  readonly filter: Filter;
}

/** An id that is bad until then. */
export interface BlockRequest {
  readonly kind: "block";
  readonly id: Uint8Array;
  readonly until_ms: number;
}

/** Texts whose vectors are wanted. */
export interface EmbedRequest {
  readonly kind: "embed";
  readonly embedder: string;
  readonly texts: readonly string[];
}

/** Texts in which names are looked for. */
export interface NamesRequest {
  readonly kind: "names";
  /** `builtin`, or `transformers:MODEL`. */
  readonly model: string;
  readonly texts: readonly string[];
}

/** How it stands. */
export interface StatsRequest {
  readonly kind: "stats";
}

/** What can be asked for. */
export type Asked =
  | SearchRequest
  | AddRequest
  | ObserveRequest
  | RemoveRequest
  | BlockRequest
  | EmbedRequest
  | NamesRequest
  | StatsRequest;

/** From the client. Nobody waits for the answer to a request with the id 0, and there is none. */
export type Request =
  | { readonly id: number; readonly deadline_ms: number; readonly asked: Asked }
  | { readonly id: number; readonly asked: "cancel" };

/** Why there is no answer: as many requests wait as may, what would answer is not there, or something went wrong. */
export type ServerFault = "full" | "down" | "broken";

/** Figures of the inference process. */
export interface InferenceStats {
  /** Null while the index is not open. */
  readonly index: IndexStats | null;
  /** Why the index cannot be opened; null where it can. */
  readonly index_fault: string | null;
  readonly embedders: readonly { readonly name: string; readonly fault: string | null }[];
  readonly queued: number;
  readonly answered: number;
  /** Requests whose time was over before their turn. */
  readonly late: number;
  readonly full: number;
  readonly memory_bytes: number;
}

/** A name as it travels: where it begins and ends, what it is, how sure that is. */
export type PackedName = readonly [start: number, end: number, entity: string, score: number];

/** What can be the answer. */
export type Answer =
  | { readonly kind: "candidates"; readonly candidates: readonly Candidate[] }
  | { readonly kind: "done"; readonly count: number }
  | { readonly kind: "vectors"; readonly vectors: readonly Uint8Array[] }
  | { readonly kind: "names"; readonly names: readonly (readonly PackedName[])[] }
  | { readonly kind: "stats"; readonly stats: InferenceStats };

/** From the server. */
export type Response =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly fault: ServerFault };

/** A request as it was sent; null if it is none. */
export function readRequest(value: unknown): Request | null {
  return readOrNull(() => {
    const fields = new Fields(value);
    const id = fields.number("id");
    const asked = fields.raw("asked");
    if (asked === "cancel") return { id, asked };
    return { id, deadline_ms: fields.number("deadline_ms"), asked: readAsked(new Fields(asked)) };
  });
}

function readAsked(fields: Fields): Asked {
  const kind = fields.text("kind");
  switch (kind) {
    case "search":
      return {
        kind,
        partition: fields.bytes("partition"),
        embedder: fields.text("embedder"),
        text: fields.text("text"),
        limit: fields.number("limit"),
        min_similarity: fields.number("min_similarity"),
      };
    case "add":
      return {
        kind,
        partition: fields.bytes("partition"),
        embedder: fields.text("embedder"),
        id: fields.bytes("id"),
        text: fields.text("text"),
        model: fields.text("model"),
        tags: fields.list("tags", TAGS_MAX, readText),
        expires_ms: fields.number("expires_ms"),
      };
    case "observe":
      return {
        kind,
        partition: fields.bytes("partition"),
        embedder: fields.text("embedder"),
        id: fields.bytes("id"),
        similarity: fields.number("similarity"),
        is_right: fields.flag("is_right"),
      };
    case "remove":
      return { kind, filter: readFilter(new Fields(fields.raw("filter"))) };
    case "block":
      return { kind, id: fields.bytes("id"), until_ms: fields.number("until_ms") };
    case "embed":
      return { kind, embedder: fields.text("embedder"), texts: fields.list("texts", TEXTS_MAX, readText) };
    case "names":
      return { kind, model: fields.text("model"), texts: fields.list("texts", TEXTS_MAX, readText) };
    case "stats":
      return { kind };
    default:
      throw new FieldFault("kind");
  }
}

function readFilter(fields: Fields): Filter {
  const by = fields.text("by");
  switch (by) {
    case "id":
      return { by, id: fields.bytes("id") };
    case "partition":
      return { by, partition: fields.bytes("partition") };
    case "prefix":
      return { by, prefix: fields.bytes("prefix") };
    case "model":
      return { by, model: fields.text("model") };
    case "tag":
      return { by, tag: fields.text("tag") };
    default:
      throw new FieldFault("by");
  }
}

/** An answer as it was sent; null if it is none. */
export function readResponse(value: unknown): Response | null {
  return readOrNull(() => {
    const fields = new Fields(value);
    const id = fields.number("id");
    if (!fields.has("fault")) return { id, answer: readAnswer(new Fields(fields.raw("answer"))) };
    const fault = fields.text("fault");
    if (fault !== "full" && fault !== "down" && fault !== "broken") throw new FieldFault("fault");
    return { id, fault };
  });
}

function readAnswer(fields: Fields): Answer {
  const kind = fields.text("kind");
  switch (kind) {
    case "candidates":
      return { kind, candidates: fields.list("candidates", CANDIDATES_MAX, readCandidate) };
    case "done":
      return { kind, count: fields.number("count") };
    case "vectors":
      return { kind, vectors: fields.list("vectors", TEXTS_MAX, readBytes) };
    case "names":
      return { kind, names: fields.list("names", TEXTS_MAX, readNames) };
    case "stats":
      return { kind, stats: readStats(new Fields(fields.raw("stats"))) };
    default:
      throw new FieldFault("kind");
  }
}

function readBytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new FieldFault("bytes");
  return value;
}

function readNames(value: unknown): readonly PackedName[] {
  if (!Array.isArray(value) || value.length > NAMES_MAX) throw new FieldFault("names");
  return value.map(readName);
}

function readName(value: unknown): PackedName {
  if (!Array.isArray(value)) throw new FieldFault("a name");
  const [start, end, entity, score] = value;
  const is_name = typeof entity === "string" && typeof score === "number";
  if (!is_name || !Number.isInteger(start) || !Number.isInteger(end)) throw new FieldFault("a name");
  return [start, end, entity, score];
}

function readCandidate(value: unknown): Candidate {
  const fields = new Fields(value);
  return {
    id: fields.bytes("id"),
    text: fields.text("text"),
    similarity: fields.number("similarity"),
    observations: fields.list("observations", OBSERVATIONS_MAX, readObservation),
    created_ms: fields.number("created_ms"),
    expires_ms: fields.number("expires_ms"),
  };
}

function readObservation(value: unknown): Observation {
  if (!Array.isArray(value)) throw new FieldFault("an observation");
  const [similarity, is_right] = value;
  if (typeof similarity !== "number" || typeof is_right !== "boolean") throw new FieldFault("an observation");
  return [similarity, is_right];
}

/** A text, or null. */
function readReason(fields: Fields, name: string): string | null {
  return fields.raw(name) === null ? null : fields.text(name);
}

function readStats(fields: Fields): InferenceStats {
  const index = fields.raw("index");
  return {
    index: index === null ? null : readIndexStats(new Fields(index)),
    index_fault: readReason(fields, "index_fault"),
    embedders: fields.list("embedders", 64, (value) => {
      const embedder = new Fields(value);
      return { name: embedder.text("name"), fault: readReason(embedder, "fault") };
    }),
    queued: fields.number("queued"),
    answered: fields.number("answered"),
    late: fields.number("late"),
    full: fields.number("full"),
    memory_bytes: fields.number("memory_bytes"),
  };
}

function readIndexStats(fields: Fields): IndexStats {
  return {
    entries: fields.number("entries"),
    max_entries: fields.number("max_entries"),
    partitions_loaded: fields.number("partitions_loaded"),
    vectors_loaded: fields.number("vectors_loaded"),
    graphs: fields.number("graphs"),
    memory_bytes: fields.number("memory_bytes"),
    is_working: fields.flag("is_working"),
    added: fields.number("added"),
    removed: fields.number("removed"),
    evicted: fields.number("evicted"),
    expired: fields.number("expired"),
    refused: fields.number("refused"),
    no_graphs: readReason(fields, "no_graphs"),
    is_fast: fields.flag("is_fast"),
  };
}
