// What a call that is passed through used, by its answer in whatever format: its JSON is kept up to a bound and read at the end,
// events that speak of usage are read as they go by.

import { laterUsage, type Usage } from "../dialects/usage.ts";
import { usageOfBody } from "../dialects/usage_of.ts";
import { indexOf, needle } from "../wire/search.ts";

/** A longer answer is not read: it is a file, not an answer of tokens. */
const KEPT_MAX_BYTES = 1024 * 1024;
/** `usage`, `usageMetadata`, `Usage` of whatever provider, and Cohere's `meta`. */
const TELLTALES = ['sage"', "usageM", '"meta"', '"eval_count"', "invocationMetrics"].map(needle);

/** Reads the usage of one answer that is passed through. */
export class UsageTap {
  /** The model that says it answered; null where it does not say. */
  model: string | null = null;
  /** The provider's. */
  readonly kind: string;
  #kept: Uint8Array[] | null = [];
  #kept_bytes = 0;
  #usage: Usage | null = null;

  constructor(kind: string) {
    this.kind = kind;
  }

  /** Bytes of a JSON answer. */
  take(chunk: Uint8Array): void {
    if (this.#kept === null) return;
    this.#kept_bytes += chunk.length;
    if (this.#kept_bytes > KEPT_MAX_BYTES) this.#kept = null;
    else this.#kept.push(chunk);
  }

  /** The data of an event. */
  see(data: Uint8Array | null): void {
    if (data !== null && TELLTALES.some((telltale) => indexOf(data, telltale) >= 0)) this.#read(data);
  }

  /** The answer is over. */
  usage(): Usage | null {
    if (this.#kept !== null && this.#kept_bytes > 0) this.#read(Buffer.concat(this.#kept));
    this.#kept = null;
    return this.#usage;
  }

  #read(json: Uint8Array): void {
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.length).toString());
    } catch {
      return;
    }
    const found = usageOfBody(this.kind, value);
    if (found === null) return;
    this.#usage = laterUsage(this.#usage, found);
    this.model ??= modelIn(value);
  }
}

/** The model that an answer or an event names: beside its usage, or one level down. */
function modelIn(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return null;
  const answer = value as Readonly<Record<string, unknown>>;
  for (const name of ["model", "modelVersion"]) if (typeof answer[name] === "string") return answer[name];
  return modelIn(answer["message"] ?? answer["response"] ?? null);
}
