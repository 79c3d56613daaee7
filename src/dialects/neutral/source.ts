// Where bytes are, as one address: data URLs (RFC 2397) and plain ones.

import type { Source } from "./parts.ts";

/** The longest head of a data URL, up to its comma, that is read; characters. */
const HEAD_MAX = 256;

/** The source that a URL stands for: a data URL in base64 is the bytes themselves. */
export function sourceOfUrl(url: string): Source {
  const read = readDataUrl(url);
  return read === null ? { kind: "url", url } : { kind: "base64", ...read };
}

/** Media type (without parameters) and base64 of a data URL; null where it is none, or not in base64. */
export function readDataUrl(url: string): { readonly media_type: string; readonly data: string } | null {
  if (url.slice(0, 5).toLowerCase() !== "data:") return null;
  const comma = url.slice(0, HEAD_MAX).indexOf(",");
  if (comma < 0) return null;
  const [media_type, ...parameters] = url.slice(5, comma).split(";");
  if (parameters.at(-1)?.trim().toLowerCase() !== "base64") return null;
  return { media_type: media_type!.trim().toLowerCase() || "text/plain", data: url.slice(comma + 1) };
}

/** Bytes in base64 as a data URL. */
export function dataUrl(media_type: string, data: string): string {
  return `data:${media_type};base64,${data}`;
}

/** A source as a URL; null for a file that the provider keeps. */
export function urlOfSource(source: Source): string | null {
  switch (source.kind) {
    case "url":
      return source.url;
    case "base64":
      return dataUrl(source.media_type, source.data);
    case "text":
      return dataUrl("text/plain", Buffer.from(source.text).toString("base64"));
    case "file":
      return null;
  }
}
