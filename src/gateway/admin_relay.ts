// The admin API and the dashboard on the public port: whoever has the token, and whoever asks for the page, is passed on to the
// supervisor, by its socket.
// Of the request goes on what the API understands, and nothing that could say who asks but what is known here.

import { adminRank } from "../access/client_keys.ts";
import type { Plan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Alarms } from "./alarms.ts";
import { readBody } from "./body.ts";
import type { RelayedStreams } from "./relayed_streams.ts";

/** Larger bodies are none that the admin API takes. */
const BODY_MAX_BYTES = 1024 * 1024;
/** How long the supervisor may take; the longest are questions over a month of calls. */
const ANSWER_MAX_MS = 60_000;
/** Who asks, as the audit log calls it. */
const ACTOR_HEADER = "x-venturi-actor";
/** That they may see what calls said. */
const CONTENT_HEADER = "x-venturi-may-see-content";
/** Fields of the request and of the answer that go on. */
const REQUEST_FIELDS = ["content-type", "if-match"];
const ANSWER_FIELDS = ["content-type", "cache-control", "etag", "location", "allow", "retry-after"];
/** And of the dashboard's, which asks for a login itself. */
const PAGE_REQUEST_FIELDS = [
  ...REQUEST_FIELDS,
  ...["cookie", "origin", "sec-fetch-site", "x-venturi-ui", "accept-encoding"],
];
const PAGE_ANSWER_FIELDS = [
  ...ANSWER_FIELDS,
  ...["set-cookie", "content-encoding", "vary", "content-security-policy", "x-content-type-options"],
  ...["referrer-policy", "cross-origin-opener-policy", "cross-origin-resource-policy"],
];
/** What the dashboard compares and counts: the client's address, and the host that it asked. */
const FROM_HEADER = "x-venturi-from";
const HOST_HEADER = "x-venturi-host";

/** Whether a path is the admin API's. */
export function isAdminPath(path: string): boolean {
  return path.startsWith("/admin/") || path === "/admin";
}

/** Whether a path is the dashboard's. */
export function isDashboardPath(path: string): boolean {
  return path === "/ui" || path.startsWith("/ui/");
}

/** What passes requests on to the admin API. */
export interface AdminRelayOptions {
  /** Where the supervisor listens. */
  readonly socket: string;
  readonly alarms: Alarms;
  readonly streams: RelayedStreams;
}

/**
 * Passes a request on, or says why not.
 * @param target path and query
 * @param from the client's address
 */
export async function relayToAdmin(
  request: Request,
  target: string,
  from: string | null,
  plan: Plan,
  options: AdminRelayOptions,
): Promise<Response | GatewayError> {
  const rank = adminRank(plan, request.headers);
  if (rank === null) return adminTokenMissing();
  const headers = picked(request.headers, REQUEST_FIELDS);
  headers.set(ACTOR_HEADER, from === null ? `${rank} token` : `${rank} token from ${from}`);
  if (rank === "content") headers.set(CONTENT_HEADER, "yes");
  return passOn({ request, target, headers, plan, answer_fields: ANSWER_FIELDS }, options);
}

/** Passes a request of the dashboard on: its door is in the supervisor. */
export function relayToDashboard(
  request: Request,
  target: string,
  from: string | null,
  plan: Plan,
  options: AdminRelayOptions,
): Promise<Response | GatewayError> {
  const headers = picked(request.headers, PAGE_REQUEST_FIELDS);
  headers.set(FROM_HEADER, from ?? "an unknown address");
  headers.set(HOST_HEADER, request.headers.get("host") ?? "");
  return passOn({ request, target, headers, plan, answer_fields: PAGE_ANSWER_FIELDS }, options);
}

interface Passing {
  readonly request: Request;
  readonly target: string;
  readonly headers: Headers;
  readonly plan: Plan;
  readonly answer_fields: readonly string[];
}

async function passOn(
  { request, target, headers, plan, answer_fields }: Passing,
  { socket, alarms, streams }: AdminRelayOptions,
): Promise<Response | GatewayError> {
  const { max_body_bytes, body_idle_ms } = plan.listen;
  const body = await readBody(request, { max_bytes: max_body_bytes, idle_ms: body_idle_ms }, alarms);
  if (body instanceof GatewayError) return body;
  if (body.length > BODY_MAX_BYTES) {
    return new GatewayError("body_too_large", `The admin API takes at most ${BODY_MAX_BYTES} bytes.`);
  }
  try {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), ANSWER_MAX_MS);
    const answer = await fetch(`http://admin${target}`, {
      method: request.method,
      headers,
      unix: socket,
      redirect: "manual",
      // As it was compressed it goes on.
      decompress: false,
      signal: abort.signal,
      ...(body.length === 0 ? {} : { body }),
    });
    const is_stream = answer.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
    const content = is_stream && answer.body !== null ? streams.pass(answer.body) : await answer.bytes();
    clearTimeout(timer);
    return new Response(content, {
      status: answer.status,
      headers: picked(answer.headers, answer_fields),
    });
  } catch {
    return new GatewayError("unavailable", "The supervisor does not answer at its socket. Try again.", {
      retry_after_ms: 1_000,
    });
  }
}

/** The refusal of who has not the admin API's token. */
export function adminTokenMissing(): GatewayError {
  return new GatewayError(
    "invalid_api_key",
    "This needs the admin token (admin.token of the configuration) as 'Authorization: Bearer TOKEN'.",
  );
}

function picked(from: Headers, names: readonly string[]): Headers {
  const headers = new Headers();
  for (const name of names) {
    const value = from.get(name);
    if (value !== null) headers.set(name, value);
  }
  return headers;
}
