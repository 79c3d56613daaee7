// Writes request heads (RFC 9112 3). What is the same for many requests is checked and turned into bytes once;
// nothing that could end a line or smuggle a field is ever written.

import type { HeaderFields, Origin } from "../../config/plan.ts";
import type { UpstreamRequest } from "../exchange.ts";
import { isFieldValue, isTarget, isToken } from "./grammar.ts";

/** Requests up to this many bytes, head and body, leave in one buffer and one write. */
export const SMALL_REQUEST_BYTES = 32_768;

/** Fields that frame the message or steer the connection: only this client writes them. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "proxy-connection",
  "upgrade",
  "expect",
  "te",
  "trailer",
]);

/** The constant part of a head, kept as long as its array of fields lives. */
interface Constant {
  readonly error: string | null;
  readonly fields: string;
  /** The last request line written with these fields, and everything up to the fields of one request alone. */
  origin: Origin | null;
  method: string;
  path: string;
  prefix: Uint8Array;
}

const constants = new WeakMap<HeaderFields, Constant>();
const EMPTY = new Uint8Array(0);
/** Where small requests are put together. */
export const small_request = Buffer.allocUnsafeSlow(SMALL_REQUEST_BYTES);

/** What is wrong with a request, or null. Names fields, never their values. */
export function requestError(request: UpstreamRequest): string | null {
  const constant = constantOf(request.headers);
  if (constant.error !== null) return constant.error;
  if (!isPrepared(constant, request)) {
    if (!isToken(request.method) || request.method === "CONNECT") return "the method is not a token";
    if (!isTarget(request.path)) return "the path holds characters that may not be sent";
    if (!/^[\w.:%-]+$/.test(request.origin.host)) return "the host is not a name";
    const { port } = request.origin;
    if (!(Number.isInteger(port) && port > 0 && port < 65_536)) return "the port is not a port";
  }
  return request.extra_headers === undefined ? null : fieldsError(request.extra_headers);
}

/** Whether a body may go out in one piece with its head, as `smallRequest` puts it together. */
export function isSmall(body: readonly Uint8Array[] | null): boolean {
  return bodyLength(body) <= SMALL_REQUEST_BYTES;
}

/**
 * Puts head and whole body of a request that passes `requestError` into `small_request`, and gives their length; -1 where they do
 * not fit. The next call writes over them.
 */
export function writeSmallRequest(request: UpstreamRequest): number {
  const parts = request.body as readonly Uint8Array[] | null;
  const prefix = prefixOf(request);
  const tail = tailOf(request, bodyLength(parts));
  let length = prefix.length + tail.length;
  if (parts !== null) for (let i = 0; i < parts.length; i++) length += parts[i]!.length;
  if (length > SMALL_REQUEST_BYTES) return -1;
  small_request.set(prefix, 0);
  let at = prefix.length;
  small_request.write(tail, at, "latin1");
  at += tail.length;
  if (parts !== null) {
    for (let i = 0; i < parts.length; i++) {
      small_request.set(parts[i]!, at);
      at += parts[i]!.length;
    }
  }
  return length;
}

/** Head and body of a large request as parts to be written one after another; only small leading parts are copied. */
export function largeRequest(request: UpstreamRequest): Uint8Array[] {
  const parts = (request.body as readonly Uint8Array[] | null) ?? [];
  const head = streamHead(request, bodyLength(parts));
  let joined = head.length;
  let taken = 0;
  while (taken < parts.length && joined + parts[taken]!.length <= SMALL_REQUEST_BYTES) {
    joined += parts[taken]!.length;
    taken++;
  }
  return [Buffer.concat([head, ...parts.slice(0, taken)], joined), ...parts.slice(taken)];
}

/** The head alone, for a body of `length` bytes, or chunked when that is null. */
export function streamHead(request: UpstreamRequest, length: number | null): Uint8Array {
  return Buffer.concat([prefixOf(request), Buffer.from(tailOf(request, length), "latin1")]);
}

/** Bytes of a whole body; null parts are no body. */
function bodyLength(parts: readonly Uint8Array[] | null): number {
  let length = 0;
  if (parts !== null) for (let i = 0; i < parts.length; i++) length += parts[i]!.length;
  return length;
}

/** The `host` field of an origin (RFC 9110 7.2). */
export function hostField(origin: Origin): string {
  const host = origin.host.includes(":") ? `[${origin.host}]` : origin.host;
  return origin.port === (origin.tls ? 443 : 80) ? host : `${host}:${origin.port}`;
}

function constantOf(headers: HeaderFields): Constant {
  let constant = constants.get(headers);
  if (constant === undefined) {
    const error = fieldsError(headers);
    const fields = error === null ? fieldLines(headers) : "";
    constant = { error, fields, origin: null, method: "", path: "", prefix: EMPTY };
    constants.set(headers, constant);
  }
  return constant;
}

function isPrepared(constant: Constant, request: UpstreamRequest): boolean {
  return (
    constant.path === request.path && constant.origin === request.origin && constant.method === request.method
  );
}

/** Request line, host and constant fields. */
function prefixOf(request: UpstreamRequest): Uint8Array {
  const constant = constantOf(request.headers);
  if (!isPrepared(constant, request)) {
    const line = `${request.method} ${request.path} HTTP/1.1\r\nhost: ${hostField(request.origin)}\r\n`;
    constant.prefix = Buffer.from(line + constant.fields, "latin1");
    constant.origin = request.origin;
    constant.method = request.method;
    constant.path = request.path;
  }
  return constant.prefix;
}

/** The fields of this request alone, its framing, and the end of the head. */
function tailOf(request: UpstreamRequest, length: number | null): string {
  const extra = request.extra_headers === undefined ? "" : fieldLines(request.extra_headers);
  if (request.body === null && !expectsBody(request.method)) return `${extra}\r\n`;
  if (length === null) return `${extra}transfer-encoding: chunked\r\n\r\n`;
  return `${extra}content-length: ${length}\r\n\r\n`;
}

/** Methods whose empty body is said (RFC 9110 8.6). */
function expectsBody(method: string): boolean {
  return method === "POST" || method === "PUT" || method === "PATCH";
}

function fieldLines(fields: HeaderFields): string {
  let lines = "";
  for (let i = 0; i < fields.length; i++) lines += `${fields[i]![0]}: ${fields[i]![1]}\r\n`;
  return lines;
}

function fieldsError(fields: HeaderFields): string | null {
  for (let i = 0; i < fields.length; i++) {
    const [name, value] = fields[i]!;
    if (!isToken(name)) return `the name of field ${i} is not a token`;
    if (OWN_FIELDS.has(name.toLowerCase())) return `the field ${name} is the client's own`;
    if (!isFieldValue(value)) return `the value of ${name} holds characters that may not be sent`;
  }
  return null;
}
