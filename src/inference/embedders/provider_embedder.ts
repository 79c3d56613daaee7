// Vectors from a provider's `/v1/embeddings`. Texts that are asked for at the same time go in one request.

import type { ProviderSource } from "../config.ts";
import { Fields, readOrNull } from "../fields.ts";
import { DIMS_MAX } from "../vectors/vector_memory.ts";
import { type Embedded, type Embedder, normalised } from "./embedder.ts";

/** Requests to the provider at once. */
const REQUESTS_MAX = 8;
/** Texts that wait for a request. */
const WAITING_MAX = 1_024;
/** An answer has at most so many bytes for a vector, and for what stands around them. */
const VECTOR_MAX_BYTES = 32 * DIMS_MAX;
const AROUND_MAX_BYTES = 64 * 1024;

interface Waiting {
  readonly text: string;
  resolve(vector: Float32Array | { readonly fault: string }): void;
}

/** An embedder that asks a provider. */
export function providerEmbedder(source: ProviderSource): Embedder {
  return new ProviderEmbedder(source);
}

class ProviderEmbedder implements Embedder {
  readonly name: string;
  readonly #source: ProviderSource;
  #dims: number | null;
  readonly #waiting: Waiting[] = [];
  #requests = 0;
  #is_due = false;

  constructor(source: ProviderSource) {
    this.#source = source;
    this.#dims = source.dims ?? null;
    this.name = `provider:${source.provider}/${source.model}`;
  }

  async embed(texts: readonly string[]): Promise<Embedded> {
    if (this.#waiting.length + texts.length > WAITING_MAX) return { fault: "too many texts wait" };
    const vectors = await Promise.all(texts.map((text) => this.#one(text)));
    const failed = vectors.find((vector) => "fault" in vector);
    return failed ?? vectors.filter((vector) => vector instanceof Float32Array);
  }

  #one(text: string): Promise<Float32Array | { readonly fault: string }> {
    return new Promise((resolve) => {
      this.#waiting.push({ text, resolve });
      if (this.#is_due) return;
      this.#is_due = true;
      setImmediate(() => {
        this.#is_due = false;
        this.#begin();
      });
    });
  }

  #begin(): void {
    while (this.#requests < REQUESTS_MAX && this.#waiting.length > 0) {
      void this.#request(this.#waiting.splice(0, this.#source.batch_max));
    }
  }

  async #request(batch: readonly Waiting[]): Promise<void> {
    this.#requests += 1;
    const embedded = await this.#ask(batch.map(({ text }) => text));
    this.#requests -= 1;
    for (const [at, { resolve }] of batch.entries()) {
      resolve("fault" in embedded ? embedded : (embedded[at] ?? { fault: "a vector is missing" }));
    }
    this.#begin();
  }

  async #ask(texts: readonly string[]): Promise<Embedded> {
    const { url, headers, model, timeout_ms, proxy } = this.#source;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ model, input: texts, encoding_format: "float" }),
        redirect: "error",
        ...(proxy === undefined ? {} : { proxy }),
        signal: AbortSignal.timeout(timeout_ms),
      });
      if (!response.ok) {
        await response.body?.cancel();
        return { fault: `the provider answers with status ${response.status}` };
      }
      const body = await readBody(response, AROUND_MAX_BYTES + texts.length * VECTOR_MAX_BYTES);
      return body === null ? { fault: "the provider's answer is too long" } : this.#read(body, texts.length);
    } catch (error) {
      if (error instanceof DOMException && error.name === "TimeoutError") {
        return { fault: `the provider did not answer within ${timeout_ms} ms` };
      }
      // The message may hold the address, which is configured, and nothing of the texts.
      return {
        fault: `the provider cannot be asked (${error instanceof Error ? error.message : "unknown"})`,
      };
    }
  }

  #read(body: string, count: number): Embedded {
    const vectors = readOrNull(() => {
      const found: Float32Array[] = [];
      const fields = new Fields(parsed(body));
      const rows = fields.list("data", count, (row) => new Fields(row));
      for (const row of rows) {
        const numbers = row.list("embedding", DIMS_MAX, (value) =>
          typeof value === "number" ? value : Number.NaN,
        );
        const vector = normalised(Float32Array.from(numbers));
        if (vector !== null) found[row.number("index")] = vector;
      }
      return found;
    });
    if (vectors === null) return { fault: "the provider's answer is no list of embeddings" };
    for (let at = 0; at < count; at++) {
      const vector = vectors[at];
      if (vector === undefined) return { fault: "the provider's answer lacks embeddings" };
      this.#dims ??= vector.length;
      if (vector.length !== this.#dims) {
        return { fault: `the provider's embeddings have ${vector.length} numbers instead of ${this.#dims}` };
      }
    }
    return vectors;
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** A body as text; null if it is longer. */
async function readBody(response: Response, max_bytes: number): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop ends the stream.
    if (size > max_bytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
