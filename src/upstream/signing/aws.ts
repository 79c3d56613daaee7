// AWS's signatures of requests, version 4. Of our own, as the library that does it (@smithy/signature-v4) brings three packages for these lines.
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.

import { createHash, createHmac } from "node:crypto";
import type { AwsCredentials, HeaderFields } from "../../config/plan.ts";

/** A request, as far as its signature says something of it. */
export interface SignedRequest {
  readonly method: string;
  /** As on the wire: path and query, escaped once. */
  readonly path: string;
  /** The fields that are signed, `host` among them. */
  readonly headers: HeaderFields;
  readonly body: readonly Uint8Array[];
}

/** For whom and when a signature is good. */
export interface SigningScope {
  readonly service: string;
  /** Milliseconds since 1970. */
  readonly time_ms: number;
}

const ALGORITHM = "AWS4-HMAC-SHA256";

/** The fields that authorize a request, to be sent besides those that it is signed with. */
export function signatureFields(
  request: SignedRequest,
  credentials: AwsCredentials,
  { service, time_ms }: SigningScope,
): HeaderFields {
  const time = `${new Date(time_ms).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
  const date = time.slice(0, 8);
  const { region, access_key_id, secret_access_key, session_token } = credentials;
  const added: [string, string][] = [["x-amz-date", time]];
  if (session_token !== null) added.push(["x-amz-security-token", session_token]);
  const canonical = canonicalRequest({ ...request, headers: [...request.headers, ...added] });
  const scope = `${date}/${region}/${service}/aws4_request`;
  const to_sign = [ALGORITHM, time, scope, sha256([Buffer.from(canonical.text)])].join("\n");
  const key = [date, region, service, "aws4_request"].reduce<Buffer | string>(
    hmac,
    `AWS4${secret_access_key}`,
  );
  const signature = hmac(key, to_sign).toString("hex");
  const authorization = `${ALGORITHM} Credential=${access_key_id}/${scope}, SignedHeaders=${canonical.names}, Signature=${signature}`;
  return [...added, ["authorization", authorization]];
}

/** SHA-256 of the pieces of a body, in hexadecimal. */
export function sha256(pieces: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** The request in the one form that both sides sign. */
export function canonicalRequest({ method, path, headers, body }: SignedRequest): {
  readonly text: string;
  readonly names: string;
} {
  const question = path.indexOf("?");
  const plain_path = question < 0 ? path : path.slice(0, question);
  const query = question < 0 ? "" : path.slice(question + 1);
  const fields = new Map<string, string>();
  for (const [written, value] of headers) {
    const name = written.toLowerCase();
    const known = fields.get(name);
    const trimmed = value.trim().replace(/\s+/g, " ");
    fields.set(name, known === undefined ? trimmed : `${known},${trimmed}`);
  }
  const sorted = [...fields].sort(([a], [b]) => (a < b ? -1 : 1));
  const names = sorted.map(([name]) => name).join(";");
  const lines = sorted.map(([name, value]) => `${name}:${value}\n`).join("");
  const text = [method, canonicalPath(plain_path), canonicalQuery(query), lines, names, sha256(body)].join(
    "\n",
  );
  return { text, names };
}

/** Every service but S3 signs the path that it gets with its escapes escaped once more, steps and empty segments taken out. */
function canonicalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(escaped(segment));
  }
  const is_folder = /\/\.{0,2}$/.test(path) && segments.length > 0;
  return `/${segments.join("/")}${is_folder ? "/" : ""}`;
}

function canonicalQuery(query: string): string {
  if (query === "") return "";
  const pairs = query.split("&").map((pair): [string, string] => {
    const equals = pair.indexOf("=");
    const [name, value] = equals < 0 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
    return [escaped(unescaped(name)), escaped(unescaped(value))];
  });
  const inOrder = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1);
  pairs.sort((a, b) => inOrder(a[0], b[0]) || inOrder(a[1], b[1]));
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** All but what RFC 3986, 2.3 calls unreserved. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
