// Undoing a content coding (RFC 9110, 8.4) of a whole body. The gateway asks providers for none; some code all the same.

import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";

const DECODERS = {
  gzip: gunzipSync,
  "x-gzip": gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
} as const;

/** Whether a `content-encoding` means that the body is not what it is about. */
export function isCoded(content_encoding: string | null): boolean {
  return content_encoding !== null && content_encoding.trim().toLowerCase() !== "identity";
}

/**
 * The body without its coding, or null: an unknown coding, a broken body, or one that would grow over `max_bytes`.
 * Several codings on top of each other are taken off in reverse order.
 */
export function decode(body: Uint8Array, content_encoding: string, max_bytes: number): Uint8Array | null {
  let decoded = body;
  for (const coding of content_encoding.toLowerCase().split(",").reverse()) {
    const name = coding.trim();
    if (name === "" || name === "identity") continue;
    if (!(name in DECODERS)) return null;
    try {
      decoded = DECODERS[name as keyof typeof DECODERS](decoded, { maxOutputLength: max_bytes });
    } catch {
      return null;
    }
  }
  return decoded;
}
