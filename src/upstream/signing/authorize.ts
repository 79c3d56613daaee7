// Authorizes requests that no constant header field authorizes: what is added depends on the request, or on a token that ends.

import type { GoogleCredentials, Signing } from "../../config/plan.ts";
import { UpstreamError, type UpstreamRequest } from "../exchange.ts";
import { hostField } from "../http1/request_head.ts";
import { signatureFields } from "./aws.ts";
import { GoogleTokens } from "./google.ts";

/** A body whose bytes are signed is read whole before it is sent, up to this size. */
const SIGNED_BYTES_MAX = 64 * 1024 * 1024;

const BEARER = "Bearer ";

const tokens = new WeakMap<GoogleCredentials, GoogleTokens>();

function tokensOf(credentials: GoogleCredentials): GoogleTokens {
  let known = tokens.get(credentials);
  if (known === undefined) {
    known = new GoogleTokens(credentials);
    tokens.set(credentials, known);
  }
  return known;
}

/** Requests with what authorizes them, or why there is nothing that does. */
export async function authorized(
  requests: readonly UpstreamRequest[],
  signing: Signing,
): Promise<readonly UpstreamRequest[] | UpstreamError> {
  const ready: UpstreamRequest[] = [];
  for (const request of requests) {
    const one = await authorizedOne(request, signing);
    if (one instanceof UpstreamError) return one;
    ready.push(one);
  }
  return ready;
}

async function authorizedOne(
  request: UpstreamRequest,
  signing: Signing,
): Promise<UpstreamRequest | UpstreamError> {
  if (signing.kind === "google") {
    const token = await tokensOf(signing.credentials).token(request.origin.proxy);
    if (token instanceof UpstreamError) return token;
    return withFields(request, [["authorization", BEARER + token]]);
  }
  const body = await wholeBody(request.body);
  if (body instanceof UpstreamError) return body;
  const { method, path, origin } = request;
  const signed = { method, path, headers: [["host", hostField(origin)]] as const, body };
  const scope = { service: signing.service, time_ms: Date.now() };
  const fields = signatureFields(signed, signing.credentials, scope);
  return withFields({ ...request, body: request.body === null ? null : body }, fields);
}

/** The provider took what authorizes a request. */
export function wasAccepted(signing: Signing, request: UpstreamRequest): void {
  if (signing.kind === "google") tokensOf(signing.credentials).accepted(tokenIn(request));
}

/** The provider refused it (401). Returns whether the same request may be taken with what authorizes it now. */
export function wasRefused(signing: Signing, request: UpstreamRequest): boolean {
  return signing.kind === "google" && tokensOf(signing.credentials).refused(tokenIn(request));
}

function tokenIn({ extra_headers = [] }: UpstreamRequest): string {
  const field = extra_headers.find(([name]) => name === "authorization");
  return field?.[1].slice(BEARER.length) ?? "";
}

function withFields(
  request: UpstreamRequest,
  fields: NonNullable<UpstreamRequest["extra_headers"]>,
): UpstreamRequest {
  return { ...request, extra_headers: [...(request.extra_headers ?? []), ...fields] };
}

async function wholeBody(body: UpstreamRequest["body"]): Promise<readonly Uint8Array[] | UpstreamError> {
  if (body === null) return [];
  if (!("stream" in body)) return body;
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const piece of body.stream) {
      size += piece.length;
      if (size > SIGNED_BYTES_MAX)
        return new UpstreamError("bad_request", "the body is too large to be signed");
      pieces.push(piece);
    }
  } catch (error) {
    return new UpstreamError("upload", "the upload broke off", error);
  }
  return pieces;
}
