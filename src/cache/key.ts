// Under what an answer is kept. Whose it is stands in front, outside of every hash: a key cannot be made without it, so that no
// two tenants ever share one, and all of one tenant's can be found and removed.

/** Whose answers: a tenant's, or where the configuration narrows it those of one key or user within the tenant. */
export interface CacheScope {
  readonly tenant: string;
  /** Names what it is narrowed to, such as `key:checkout` or `user:jo`; empty for the whole tenant. */
  readonly within: string;
}

/** Bytes of a hash that a key ends with: 256 bits of a keyed hash, so that nobody can craft two requests of one key. */
export const HASH_BYTES = 32;

/** What every key of a tenant begins with, whatever its scope: lengths make it unambiguous, whatever the names hold. */
export function tenantPrefix(tenant: string): Buffer {
  const length = Buffer.byteLength(tenant);
  const prefix = Buffer.allocUnsafe(2 + length);
  writeName(prefix, tenant, length, 0);
  return prefix;
}

/** Writes a name behind its length; gives where it ends. */
function writeName(bytes: Buffer, name: string, length: number, at: number): number {
  bytes.writeUInt16BE(length, at);
  bytes.write(name, at + 2, length, "utf8");
  return at + 2 + length;
}

function keyBytes({ tenant, within }: CacheScope, hash: Uint8Array): Buffer {
  const [tenant_length, within_length] = [Buffer.byteLength(tenant), Buffer.byteLength(within)];
  const bytes = Buffer.allocUnsafe(4 + tenant_length + within_length + hash.length);
  const at = writeName(bytes, within, within_length, writeName(bytes, tenant, tenant_length, 0));
  bytes.set(hash, at);
  return bytes;
}

/** The key of one answer, or of one neighbourhood of answers: the scope in clear, then a hash. */
export class CacheKey {
  /** What stores know it by; at most 1,064 bytes. */
  readonly bytes: Buffer;

  readonly scope: CacheScope;

  /** @param hash of `HASH_BYTES` bytes */
  constructor(scope: CacheScope, hash: Uint8Array) {
    this.scope = scope;
    this.bytes = keyBytes(scope, hash);
  }

  /** The key that has these bytes; null where they are none. */
  static parse(bytes: Uint8Array): CacheKey | null {
    const names: string[] = [];
    let at = 0;
    for (let name = 0; name < 2; name++) {
      const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      names.push(Buffer.from(bytes.subarray(at + 2, at + 2 + length)).toString());
      at += 2 + length;
    }
    if (bytes.length !== at + HASH_BYTES) return null;
    const [tenant = "", within = ""] = names;
    const key = new CacheKey({ tenant, within }, bytes.subarray(at));
    return key.bytes.equals(bytes) ? key : null;
  }

  /** For maps, headers and commands: the bytes in hexadecimal. */
  get hex(): string {
    return this.bytes.toString("hex");
  }
}
