// From a request to the admin API to its answer: the path's table, the body's JSON, errors in OpenAI's format.
// What an endpoint does is a function of what was asked, whoever carried it here: the socket, or a command without a gateway.

import { errorBody } from "../dialects/openai/error.ts";
import { GatewayError } from "../errors.ts";

/** Larger bodies are refused. */
export const ADMIN_BODY_MAX_BYTES = 1024 * 1024;
/** The header in which who passes a request on says for whom. */
export const ACTOR_HEADER = "x-venturi-actor";
/** And in which it says that they may see what calls said. */
export const CONTENT_HEADER = "x-venturi-may-see-content";

const PREFIX = "/admin/v1/";

/** What was asked of an endpoint. */
export interface Ask {
  /** The path's variable part, decoded; empty where it has none. */
  readonly id: string;
  readonly query: URLSearchParams;
  /** The body's JSON; an empty object for none. */
  readonly body: unknown;
  readonly headers: Headers;
  /** Who asks, as the audit log calls it. */
  readonly actor: string;
  /** Whether they may see what calls said: who asks at the socket by himself may read all files behind it. */
  readonly may_see_content: boolean;
}

/** What an endpoint answers. */
export interface Reply {
  /** 200 by default. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json: unknown;
}

/** An answer that goes on: an event stream. */
export interface EventsReply {
  readonly events: ReadableStream<Uint8Array>;
}

type Answered = Reply | EventsReply | GatewayError;

/** An endpoint's function. */
export type Answerer = (ask: Ask) => Answered | Promise<Answered>;

/** Endpoints by path below `/admin/v1/`, `*` for the variable part, and method. */
export type Routes = Readonly<Record<string, Readonly<Record<string, Answerer>>>>;

/**
 * Endpoints whose code is loaded when the first of them is asked for.
 * @param methods of each path
 */
export function routesOnDemand(
  methods: Readonly<Record<string, readonly string[]>>,
  load: () => Promise<Routes>,
): Routes {
  let loading: Promise<Routes> | null = null;
  const answerer =
    (path: string, method: string): Answerer =>
    async (ask) => {
      loading ??= load();
      return (await loading)[path]![method]!(ask);
    };
  return Object.fromEntries(
    Object.entries(methods).map(([path, all]) => [
      path,
      Object.fromEntries(all.map((method) => [method, answerer(path, method)])),
    ]),
  );
}

/** What answers requests by a table. `self` is who asks where nobody says so; `log` is told of faults. */
export function createRouter(
  routes: Routes,
  self: string,
  log: (line: string) => void,
): (request: Request) => Promise<Response> {
  async function reply(request: Request): Promise<Answered> {
    const url = new URL(request.url);
    const found = findRoute(routes, url.pathname);
    if (found === null) return new GatewayError("not_found", `There is no ${url.pathname} in the admin API.`);
    const answerer = found.methods[request.method];
    if (answerer === undefined) {
      const allowed = Object.keys(found.methods).join(", ");
      return new GatewayError(
        "method_not_allowed",
        `${url.pathname} takes ${allowed}, not ${request.method}.`,
      );
    }
    const body = await readJson(request);
    if (body instanceof GatewayError) return body;
    const { headers } = request;
    const named = headers.get(ACTOR_HEADER);
    return answerer({
      ...{ id: found.id, query: url.searchParams, body, headers },
      actor: named?.slice(0, 200) ?? self,
      may_see_content: named === null || headers.has(CONTENT_HEADER),
    });
  }

  return async (request) => {
    try {
      return toResponse(await reply(request));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      log(`the admin API failed at ${request.method} ${new URL(request.url).pathname}: ${message}`);
      return toResponse(new GatewayError("internal_error", `This could not be done: ${message}`));
    }
  };
}

interface Found {
  readonly methods: Readonly<Record<string, Answerer>>;
  readonly id: string;
}

function findRoute(routes: Routes, path: string): Found | null {
  if (!path.startsWith(PREFIX)) return null;
  const segments = path.slice(PREFIX.length).split("/");
  for (const [pattern, methods] of Object.entries(routes)) {
    const parts = pattern.split("/");
    if (parts.length !== segments.length) continue;
    if (!parts.every((part, index) => (part === "*" ? segments[index] !== "" : part === segments[index])))
      continue;
    const variable = segments[parts.indexOf("*")];
    const id = variable === undefined ? "" : decoded(variable);
    if (id !== null) return { methods, id };
  }
  return null;
}

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

async function readJson(request: Request): Promise<unknown> {
  const text = await request.text();
  if (text.length > ADMIN_BODY_MAX_BYTES) {
    return new GatewayError("body_too_large", `The admin API takes at most ${ADMIN_BODY_MAX_BYTES} bytes.`);
  }
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return new GatewayError("invalid_json", "The body is not JSON.");
  }
}

/** An answer or an error, as it is sent. */
export function toResponse(reply: Answered): Response {
  if ("events" in reply) {
    const headers = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" };
    return new Response(reply.events, { headers });
  }
  // Keys are shown here: nobody on the way may keep them.
  const always = { "content-type": "application/json", "cache-control": "no-store" };
  if (!(reply instanceof GatewayError)) {
    const headers = { ...always, ...reply.headers };
    return new Response(`${JSON.stringify(reply.json)}\n`, { status: reply.status ?? 200, headers });
  }
  const { status, message, type, param, code, retry_after_ms } = reply;
  const retry = retry_after_ms === null ? {} : { "retry-after": String(Math.ceil(retry_after_ms / 1000)) };
  return new Response(errorBody({ message, type, param, code }), {
    status,
    headers: { ...always, ...retry },
  });
}
