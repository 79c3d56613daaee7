// What is kept of an entry of the semantic cache, and how it is read back: files can be older than the program, or damaged.

/** A verdict: at this similarity, the entry's answer was right for another question, or it was not. */
export type Observation = readonly [similarity: number, is_right: boolean];

/** Verdicts that are remembered of an entry. */
export const OBSERVATIONS_MAX = 64;

/** What a partition's name can have at most, and an entry's id; bytes. Together with what stands beside them, LMDB's limit. */
export const KEY_MAX_BYTES = 1400;
/** What an entry's text can have at most, in UTF-16 units; longer questions are hardly asked twice. */
export const TEXT_MAX = 8_192;
/** Labels that an entry can have. */
export const TAGS_MAX = 32;
/** Candidates that can be asked for. */
export const CANDIDATES_MAX = 64;

/** An entry: a question whose answer is kept elsewhere. */
export interface Entry {
  /** The number of its partition. */
  readonly partition: number;
  /** What its answer is known by elsewhere. */
  readonly id: Uint8Array;
  readonly text: string;
  readonly model: string;
  readonly tags: readonly string[];
  readonly created_ms: number;
  readonly expires_ms: number;
  /** The newest last. */
  readonly observations: readonly Observation[];
}

/** What is kept of a partition: the questions that may be answered by each other's answers, under one embedder. */
export interface PartitionRecord {
  readonly number: number;
  readonly dims: number;
}

/** Which questions may be answered by each other's answers, and what made their vectors. */
export interface Place {
  readonly partition: Uint8Array;
  /** The name of the embedder's space. */
  readonly space: string;
}

/** An entry to be added. */
export interface NewEntry extends Place {
  readonly id: Uint8Array;
  readonly text: string;
  readonly model: string;
  readonly tags: readonly string[];
  readonly expires_ms: number;
}

/** An entry that is near a question. */
export interface Candidate {
  readonly id: Uint8Array;
  readonly text: string;
  /** The cosine of question and entry. */
  readonly similarity: number;
  readonly observations: readonly Observation[];
  readonly created_ms: number;
  readonly expires_ms: number;
}

/** Which entries to remove. */
export type Filter =
  | { readonly by: "id"; readonly id: Uint8Array }
  | { readonly by: "partition"; readonly partition: Uint8Array }
  /** What the names of partitions begin with; empty for all of them. */
  | { readonly by: "prefix"; readonly prefix: Uint8Array }
  | { readonly by: "model"; readonly model: string }
  | { readonly by: "tag"; readonly tag: string };

function isObservation(value: unknown): value is Observation {
  return Array.isArray(value) && typeof value[0] === "number" && typeof value[1] === "boolean";
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** An entry as it was stored; null if it is none. */
export function readEntry(value: unknown): Entry | null {
  if (typeof value !== "object" || value === null) return null;
  const { partition, id, text, model, tags, created_ms, expires_ms, observations } = value as Record<
    string,
    unknown
  >;
  if (typeof partition !== "number" || !(id instanceof Uint8Array)) return null;
  if (!isText(text) || !isText(model) || !Array.isArray(tags) || !tags.every(isText)) return null;
  if (typeof created_ms !== "number" || typeof expires_ms !== "number") return null;
  if (!Array.isArray(observations) || !observations.every(isObservation)) return null;
  return { partition, id, text, model, tags, created_ms, expires_ms, observations };
}

/** A partition as it was stored; null if it is none. */
export function readPartition(value: unknown): PartitionRecord | null {
  if (typeof value !== "object" || value === null) return null;
  const { number, dims } = value as Record<string, unknown>;
  return typeof number === "number" && typeof dims === "number" ? { number, dims } : null;
}

const EXPIRY_BYTES = 8;

/** A vector as it is stored: when its entry expires, and the bytes of the packed vector. */
export interface StoredVector {
  readonly expires_ms: number;
  readonly packed: Int8Array;
}

/** The bytes of a stored vector. */
export function vectorBytes({ expires_ms, packed }: StoredVector): Buffer {
  const bytes = Buffer.allocUnsafe(EXPIRY_BYTES + packed.length);
  bytes.writeDoubleLE(expires_ms);
  bytes.set(packed, EXPIRY_BYTES);
  return bytes;
}

/** A stored vector, a view of the bytes; null if it does not have so many dimensions. */
export function readVector(bytes: Uint8Array, dims: number): StoredVector | null {
  if (bytes.length !== EXPIRY_BYTES + dims) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, EXPIRY_BYTES);
  const packed = new Int8Array(bytes.buffer, bytes.byteOffset + EXPIRY_BYTES, dims);
  return { expires_ms: view.getFloat64(0, true), packed };
}
