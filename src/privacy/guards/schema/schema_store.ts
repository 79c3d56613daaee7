// Schemas that were read, for calls to come: most clients send the same few again and again. The oldest that nobody asked for go first.

import { readSchema, SCHEMA_MAX_BYTES, type Schema } from "./schema.ts";

const SCHEMAS_MAX = 256;
/** Bytes of JSON that they were read from, all together. */
const BYTES_MAX = 4 * 1024 * 1024;

/** What a schema was read as. */
export type ReadSchema = Schema | { readonly fault: string };

/** Keeps schemas by tenant and by what they say. */
export class SchemaStore {
  readonly #kept = new Map<string, { readonly schema: ReadSchema; readonly bytes: number }>();
  #bytes = 0;

  /** The schema in some bytes. */
  of(tenant: string, json: Uint8Array): ReadSchema {
    if (json.length > SCHEMA_MAX_BYTES) return { fault: `it has more than ${SCHEMA_MAX_BYTES} bytes` };
    const name = `${new Bun.CryptoHasher("sha256").update(json).digest("hex")} ${tenant}`;
    const known = this.#kept.get(name);
    if (known !== undefined) {
      this.#kept.delete(name);
      this.#kept.set(name, known);
      return known.schema;
    }
    const schema = read(json);
    this.#kept.set(name, { schema, bytes: json.length });
    this.#bytes += json.length;
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#kept.size <= SCHEMAS_MAX && this.#bytes <= BYTES_MAX) break;
      this.#kept.delete(oldest);
      this.#bytes -= bytes;
    }
    return schema;
  }
}

function read(json: Uint8Array): ReadSchema {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.length).toString());
  } catch {
    return { fault: "it is no JSON" };
  }
  return readSchema(value);
}
