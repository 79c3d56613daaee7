// Finding one text field in the beginning of a multipart body (RFC 7578), by its bytes.
// Uploads are passed on while they arrive; all that is looked for is the field that says where to.

import { indexOf, needle } from "./search.ts";

const HEADERS_END = needle("\r\n\r\n");

/** Longest boundary (RFC 2046, 5.1.1). */
const BOUNDARY_MAX_CHARS = 70;

/** A field's value in the body; `end` is exclusive. */
export interface FieldSpan {
  readonly start: number;
  readonly end: number;
}

/** The boundary that a content type names, or null if it is no multipart form. */
export function boundaryOf(content_type: string | null): string | null {
  if (content_type === null || !/^multipart\/form-data\s*;/i.test(content_type)) return null;
  const match = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(content_type);
  const boundary = match?.[1] ?? match?.[2] ?? "";
  return boundary !== "" && boundary.length <= BOUNDARY_MAX_CHARS ? boundary : null;
}

/**
 * The value of the field `name`.
 * Null: it is not there as far as the bytes go, which may be cut anywhere.
 */
export function findField(bytes: Uint8Array, boundary: string, name: string): FieldSpan | null {
  const delimiter = needle(`--${boundary}`);
  let at = indexOf(bytes, delimiter);
  while (at >= 0) {
    const headers_start = at + delimiter.length + 2;
    const headers_end = indexOf(bytes, HEADERS_END, headers_start - 2);
    if (headers_end < 0) return null;
    const start = headers_end + HEADERS_END.length;
    const next = indexOf(bytes, delimiter, start);
    if (next < 0) return null;
    const headers = Buffer.from(bytes.subarray(headers_start, Math.min(headers_end, headers_start + 4096)));
    // The line end before the delimiter belongs to the delimiter.
    if (isField(headers.toString(), name)) return { start, end: Math.max(start, next - 2) };
    at = next;
  }
  return null;
}

function isField(headers: string, name: string): boolean {
  for (const line of headers.split("\r\n")) {
    if (!line.toLowerCase().startsWith("content-disposition:")) continue;
    const parameters = line.split(";").map((parameter) => parameter.trim());
    const is_file = parameters.some((parameter) => parameter.toLowerCase().startsWith("filename"));
    return !is_file && (parameters.includes(`name="${name}"`) || parameters.includes(`name=${name}`));
  }
  return false;
}
