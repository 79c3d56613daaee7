// What is written in a file of content, sealed: cards of calls and blobs, and the hashes that they are found by. Whose they are is
// part of every hash and of every seal, so that nothing of one tenant's opens for another.

import { createHash, createHmac } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { ClientFormatName } from "../dialects/client_format.ts";
import { openBytes, sealBytes } from "../memory/seal.ts";
import { type Card, card_schema, type KeptContent } from "./record.ts";

/** Shorter bytes are not compressed. */
const COMPRESSED_MIN_BYTES = 200;
/** What is opened becomes at most this long. */
const OPENED_MAX_BYTES = 256 * 1024 * 1024;
const PLAIN = 0;
const COMPRESSED = 1;

/** What content is sealed and named with; 32 bytes each. */
export interface ContentKeys {
  readonly seal: Uint8Array;
  readonly name: Uint8Array;
}

/** Seals and opens. */
export class Cards {
  readonly #keys: ContentKeys;

  constructor(keys: ContentKeys) {
    this.#keys = keys;
  }

  /** What a tenant's calls are found by. */
  tenantHash(tenant: string): Uint8Array {
    return this.#hash("tenant", tenant, "");
  }

  /** What those of a tenant's user are. */
  userHash(tenant: string, user: string): Uint8Array {
    return this.#hash("user", tenant, user);
  }

  /** What the same bytes of a tenant's are found by. */
  blobName(tenant: string, bytes: Uint8Array): Uint8Array {
    return this.#hash("blob", tenant, bytes);
  }

  sealBlob(tenant: string, name: Uint8Array, bytes: Uint8Array): Uint8Array {
    // Whoever needs it says how long it is kept.
    return sealBytes(packed(bytes), this.#keys.seal, blobContext(tenant, name), Number.POSITIVE_INFINITY);
  }

  openBlob(tenant: string, name: Uint8Array, sealed: Uint8Array): Uint8Array | null {
    const opened = openBytes(sealed, this.#keys.seal, blobContext(tenant, name), 0);
    return opened === null ? null : unpacked(opened);
  }

  sealCard(card: Card): Uint8Array {
    const bytes = packed(Buffer.from(JSON.stringify(card)));
    return sealBytes(bytes, this.#keys.seal, cardContext(card.id), card.expires_ms);
  }

  /** The card of a call; null where it has expired, or is damaged. */
  openCard(id: string, sealed: Uint8Array, now_ms: number): Card | null {
    const opened = openBytes(sealed, this.#keys.seal, cardContext(id), now_ms);
    const bytes = opened === null ? null : unpacked(opened);
    if (bytes === null) return null;
    try {
      const read = card_schema.safeParse(JSON.parse(Buffer.from(bytes).toString()));
      return read.success ? read.data : null;
    } catch {
      return null;
    }
  }

  #hash(kind: string, tenant: string, of: string | Uint8Array): Uint8Array {
    const whose = createHash("sha256").update(tenant).digest();
    return createHmac("sha256", this.#keys.name).update(`${kind}\n`).update(whose).update(of).digest();
  }
}

/** A card's call, with what its blobs hold. */
export function contentOf(card: Card, request: Uint8Array, answer: Uint8Array | null): KeptContent {
  const { request: _request, answer: told, format, ...rest } = card;
  return {
    ...rest,
    format: format as ClientFormatName,
    request,
    answer: told === null || answer === null ? null : { bytes: answer, form: told.form },
  };
}

function blobContext(tenant: string, name: Uint8Array): string {
  return `content blob\n${tenant}\n${Buffer.from(name).toString("hex")}`;
}

function cardContext(id: string): string {
  return `content card\n${id}`;
}

function packed(bytes: Uint8Array): Uint8Array {
  if (bytes.length < COMPRESSED_MIN_BYTES) return Buffer.concat([Buffer.of(PLAIN), bytes]);
  return Buffer.concat([Buffer.of(COMPRESSED), zstdCompressSync(bytes)]);
}

function unpacked(bytes: Uint8Array): Uint8Array | null {
  if (bytes[0] === PLAIN) return bytes.subarray(1);
  try {
    return zstdDecompressSync(bytes.subarray(1), { maxOutputLength: OPENED_MAX_BYTES });
  } catch {
    return null;
  }
}
