// The public listener: Bun.serve, and what is answered without the pipeline (health, metrics, models, preflights).
// A gateway is one of these in a process; tests start the same in theirs.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { adminRank, asksForKeys, authenticate } from "../access/client_keys.ts";
import type { StoredKeys } from "../access/stored_keys.ts";
import { isLoopback } from "../config/address.ts";
import { isServed } from "../config/configured.ts";
import type { Plan, ProviderPlan } from "../config/plan.ts";
import { say } from "../config/say.ts";
import { MESSAGES_CLIENT } from "../dialects/anthropic/client.ts";
import { GEMINI_CLIENT } from "../dialects/gemini/client.ts";
import { CHAT_CLIENT } from "../dialects/openai/client.ts";
import { errorBody } from "../dialects/openai/error.ts";
import { faultText, GatewayError } from "../errors.ts";
import { collectMetrics } from "../ledger/collect.ts";
import { Metrics, renderPrometheus } from "../ledger/metrics.ts";
import { endOfTurn, TOGETHER_MIN } from "../memory/end_of_turn.ts";
import { Roster } from "../memory/roster.ts";
import { CLOSED } from "../privacy/discretion.ts";
import { keyFor } from "../privacy/key.ts";
import { KeyRotation } from "../routing/rotation.ts";
import type { UpstreamClient } from "../upstream/exchange.ts";
import { createFetchClient } from "../upstream/fetch.ts";
import { createHttp1Client } from "../upstream/http1/client.ts";
import { createSimClient } from "../upstream/sim/client.ts";
import { Dialler } from "../upstream/websocket/dialler.ts";
import {
  adminTokenMissing,
  isAdminPath,
  isDashboardPath,
  relayToAdmin,
  relayToDashboard,
} from "./admin_relay.ts";
import { Alarms } from "./alarms.ts";
import { callHeaders, errorResponse, requestId } from "./answer.ts";
import { readBody } from "./body.ts";
import type { Books } from "./books.ts";
import type { Caches } from "./caches.ts";
import { Call } from "./call.ts";
import { type SocketSession, socketHandlers } from "./client_socket.ts";
import { understandHeaders } from "./compat.ts";
import { corsHeaders, isForeignPage, isForeignSocket, preflightHeaders } from "./cors.ts";
import {
  type CountEndpoint,
  decodeSegment,
  type Endpoint,
  findEndpoint,
  hidesSteps,
  JSON_ENDPOINTS,
  type JsonEndpoint,
  pathOf,
  withoutVersion,
} from "./endpoints.ts";
import { ownAnswer } from "./failure.ts";
import { Front } from "./front.ts";
import { healthMetrics } from "./health_metrics.ts";
import { certificateMetrics, hostMetrics } from "./host_metrics.ts";
import { lookAfterLasting } from "./lasting_calls.ts";
import { Lazy } from "./lazy.ts";
import { getModel, listModels, modelsShape } from "./models.ts";
import { answerCall, failCall } from "./pipeline.ts";
import type { PipelineTools } from "./pipeline_tools.ts";
import { startProber } from "./prober.ts";
import { QualityWatch } from "./quality_watch.ts";
import { Queues } from "./queues.ts";
import { type RealtimePlace, readOffer, realtimePlace, sessionHeaders } from "./realtime/opening.ts";
import { RelayedStreams } from "./relayed_streams.ts";
import type { ReplayOrder, ReplayOutcome } from "./replay.ts";
import { draining } from "./settle.ts";
import { stateMetrics } from "./state_metrics.ts";
import { isHandshake, type SocketData, SocketDoor } from "./websocket/door.ts";

/** Seconds of silence after which a client's connection is closed; not while its call waits for a provider. */
const CLIENT_IDLE_S = 120;
/** After how long a quiet stream gets a comment, in milliseconds. */
const QUIET_MS = 15_000;
/** How long a stopping gateway leaves idle connections open: a call may just have been sent on any of them. */
const DRAIN_GRACE_MS = 1_000;
/** How often a stopping gateway looks whether connections are left, and whether its calls have ended. */
const GRACE_LOOK_MS = 100;
const DRAIN_LOOK_MS = 20;
/** How long the last words to clients whose calls are cut may take. */
const CUT_MAX_MS = 500;

/** How a gateway is started. */
export interface GatewayOptions {
  readonly plan: Plan;
  /** Where to listen; the Plan's address by default. */
  readonly hostname?: string;
  readonly port?: number;
  /** Let other processes listen on the same port too. */
  readonly share_port?: boolean;
  /** Descriptor of a socket that listens on that address already. */
  readonly descriptor?: number | null;
  /** After how long a quiet stream gets a comment. */
  readonly quiet_ms?: number;
  /** After how many seconds of silence a client's connection is closed; longer than `quiet_ms`. */
  readonly idle_s?: number;
  /** Keys besides those of the Plan; by default there are none. */
  readonly stored_keys?: StoredKeys | null;
  /** The socket of the admin API; without one, the public port has no admin API. */
  readonly admin_socket?: string;
  /** Where limits are held, rows go and counts are kept. */
  readonly books: Books;
  /** What personal data is hashed and sealed with, and where it is kept; by default a key of this process' own, and nowhere. */
  readonly privacy?: { readonly key: Uint8Array; readonly folder: string };
  /** Where the processes of one port find each other's sessions of WebSockets; by default they are each process' own. */
  readonly sessions_folder?: string;
  /** Opens the caches, once a model keeps its answers; without it, none does. */
  readonly openCaches?: () => Promise<Caches>;
}

/** A gateway that listens. */
export interface Gateway {
  readonly port: number;
  readonly metrics: Metrics;
  /** Calls in flight. */
  readonly calls: { readonly size: number };
  /** Calls that arrive from now on are under this Plan; those in flight keep theirs. The address does not change. */
  setPlan(plan: Plan): void;
  /** Makes a call again for an operator; `onBytes` hears now and then how much of the answer has come. */
  replay(order: ReplayOrder, onBytes: (bytes: number) => void, signal: AbortSignal): Promise<ReplayOutcome>;
  /** Stops: takes no connections, lets calls in flight end within `drain_ms`, then cuts. Resolves when all is closed. */
  stop(drain_ms?: number): Promise<void>;
}

type Server = Bun.Server<SocketData | SocketSession>;

/** Starts a gateway. Throws what Bun.serve throws when the address cannot be had. */
export function startGateway(options: GatewayOptions): Gateway {
  let plan = options.plan;
  options.books.setState(plan.state);
  let stage: "serving" | "draining" | "cutting" = "serving";
  const quiet_ms = options.quiet_ms ?? QUIET_MS;
  const idle_s = options.idle_s ?? CLIENT_IDLE_S;
  const { series, state } = options.books;
  const metrics = new Metrics(series, (provider, model) => isServed(plan, provider, model));
  const calls = new Roster<"call_slot", Call>("call_slot");
  const clients: Record<ProviderPlan["client"], UpstreamClient> = {
    http1: createHttp1Client(),
    fetch: createFetchClient(),
    sim: createSimClient(),
  };
  const { key_limits, health, now_ms: sharedNowMs } = options.books;
  const rotation = new KeyRotation(
    {
      // A key that fails is used where there is no other.
      shareOf: (provider, key, model) =>
        health.isKeyIll(provider, key) ? 0 : key_limits.shareOf(provider, key, model),
      restOf: (provider, key, model) => key_limits.restOf(provider, key, model),
    },
    { table: state.rests, ahead_ms: sharedNowMs() - performance.now() },
  );
  const queues = new Queues(options.books, rotation, metrics);
  const looks = new Lazy(async () => {
    const { AnswerLooks } = await import("./answer_look.ts");
    return new AnswerLooks(options.privacy?.folder ?? null, options.books);
  });
  const tools: PipelineTools = {
    metrics,
    books: options.books,
    health: options.books.health,
    rotation,
    queues,
    key_limits: options.books.key_limits,
    clocks: {
      deadlines: new Alarms(20),
      quiet: { alarms: new Alarms(Math.min(1_000, quiet_ms)), after_ms: quiet_ms },
    },
    stored_keys: options.stored_keys ?? null,
    guards: new Lazy(async () => {
      const { Guards } = await import("./guards.ts");
      return new Guards(options.privacy?.folder ?? null);
    }),
    privacy: new Lazy(async () => {
      const { Privacy } = await import("./privacy.ts");
      const key = options.privacy?.key ?? crypto.getRandomValues(new Uint8Array(32));
      return new Privacy({ folder: null, ...options.privacy, key, ttl_ms: plan.privacy.session_ttl_ms });
    }),
    caches: options.openCaches === undefined ? null : new Lazy(options.openCaches),
    responses: options.privacy === undefined ? null : new Lazy(openResponses(options.privacy)),
    shadows: new Lazy(async () => {
      const { Shadows } = await import("./shadows.ts");
      return new Shadows(tools, () => stage === "serving");
    }),
    content: options.privacy === undefined ? null : new Lazy(openContent(options.privacy)),
    quality: new QualityWatch(looks, options.books),
    clientOf: (provider) => clients[provider.client],
    onCallBegin: (call) => {
      calls.add(call);
      metrics.in_flight = calls.size;
    },
    onCallEnd: (call) => {
      calls.remove(call);
      metrics.in_flight = calls.size;
    },
  };

  /** Opens what conversations go on from. */
  function openResponses({ folder, key }: { readonly folder: string; readonly key: Uint8Array }) {
    return async () => {
      const { KeptResponses } = await import("./kept_responses.ts");
      const is_shared = options.share_port ?? false;
      const log = (line: string) => options.books.tell(line);
      return new KeptResponses({ folder: join(folder, "responses"), key, is_shared, log }, plan.responses);
    };
  }

  /** Opens what keeps prompts and answers. */
  function openContent({ folder, key }: { readonly folder: string; readonly key: Uint8Array }) {
    return async () => {
      const { Content } = await import("./content.ts");
      const keys = { seal: keyFor(key, "content seal"), name: keyFor(key, "content name") };
      return new Content({ folder, keys, facts: state.facts, log: (line) => options.books.tell(line) });
    };
  }

  const sockets = new SocketDoor({
    calling: {
      get plan() {
        return plan;
      },
      makeCall,
      answer: answerApart,
    },
    stored_keys: tools.stored_keys,
    folder: options.sessions_folder ?? null,
  });

  const dialler = new Dialler();
  const streams = new RelayedStreams();
  const front = new Front<SocketData | SocketSession>({
    hostname: options.hostname ?? plan.listen.host,
    port: options.port ?? plan.listen.port,
    share_port: options.share_port ?? false,
    descriptor: options.descriptor ?? null,
    tls: plan.listen.tls,
    idle_s,
    // The commonest calls come without a look at their URL, which the server would have to put together first.
    routes: jsonRoutes(answerAt),
    fetch: answer,
    websocket: socketHandlers(sockets.handler, (open) => {
      metrics.sockets = open;
    }),
    error: (error) => {
      say(`a call failed by a fault of the gateway: ${faultText(error)}`, "error");
      return plainError(
        new GatewayError("internal_error", "The gateway failed at this call by a fault of its own."),
      );
    },
  });

  const endLooking = lookAfterLasting({
    ...{ calls, idle_s },
    timeout: (request, seconds) => front.timeout(request, seconds),
  });

  /** Any request that has no route of its own: the path says what it is for. */
  function answer(request: Request, server: Server): Response | Promise<Response | undefined> | undefined {
    const { path: full_path, query } = pathOf(request.url);
    const path = withoutVersion(full_path);
    const own = answerWithoutCall(request, path, server);
    if (own !== null) return own;
    const place =
      request.method === "GET" ? realtimePlace(full_path, query, (name) => plan.providers.has(name)) : null;
    if (place !== null) return openSession(request, place, server);
    const call = makeCall(request);
    const refusal = refuseAtDoor(call);
    if (refusal !== null) return refused(call, refusal);
    if (isHandshake(request)) return openSocket(call, path, query, server);
    if (path === "/explain") return explained(call, query);
    const is_list = path === "/models" || (path.startsWith("/models/") && request.method !== "POST");
    if (is_list) return closing(call, answerModels(call, path, full_path, query));
    if (hidesSteps(path)) return refused(call, hiddenSteps());
    const endpoint = findEndpoint(path, full_path, query, request.method, (name) => plan.providers.has(name));
    if (endpoint === null) return refused(call, unknownPath(request, full_path));
    if (isRead(endpoint) && request.method !== "POST")
      return closing(call, wrongMethod(call, full_path, "POST"));
    return run(call, endpoint);
  }

  /** A Realtime session: refused as any other call, or a socket from now on. */
  async function openSession(
    request: Request,
    place: RealtimePlace,
    server: Server,
  ): Promise<Response | undefined> {
    const offer = readOffer(request.headers.get("sec-websocket-protocol"));
    // The request itself ends with the upgrade, and what it says beside its session is nobody's business.
    const call = makeCall(new Request(request.url, { headers: sessionHeaders(request.headers, offer) }));
    const refusal = sockets.is_leaving ? draining() : refuseSocket(call, request);
    if (refusal !== null) return refused(call, refusal);
    const { admitSession } = await import("./realtime/door.ts");
    const admitted = await admitSession(call, place, { ...tools, dialler });
    if (admitted instanceof Response) return closing(call, admitted);
    call.may_be_quiet = true;
    const headers = { "x-request-id": call.id, "sec-websocket-protocol": offer.chosen };
    // An upgraded request has no response.
    if (server.upgrade(request, { data: admitted, headers })) return undefined;
    admitted.drop();
    return plainError(notUpgraded());
  }

  function refuseSocket(call: Call, request: Request): GatewayError | null {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return notUpgraded();
    const refusal = refuseAtDoor(call);
    if (refusal !== null) return refusal;
    return isForeignSocket(plan, request.headers) ? foreignSocket() : null;
  }

  function answerAt(endpoint: Endpoint, request: Request): Response | Promise<Response> {
    const call = makeCall(request);
    enter(call, endpoint);
    const refusal = refuseAtDoor(call);
    return refusal === null ? run(call, endpoint) : refused(call, refusal);
  }

  /** A call that came over a connection of other calls' too. */
  async function answerApart(call: Call, endpoint: Endpoint): Promise<Response> {
    // There is no connection of its own whose silence the server would count.
    call.may_be_quiet = true;
    enter(call, endpoint);
    const refusal = refuseAtDoor(call);
    if (refusal !== null) return errorResponse(call, ownAnswer(refusal));
    try {
      return await answerCall(call, endpoint, tools);
    } catch (fault) {
      return faulty(call, fault);
    }
  }

  /** Undefined: the server has answered. */
  function openSocket(call: Call, path: string, query: string, server: Server): Response | undefined {
    const { request, id } = call;
    const refusal = sockets.is_leaving ? draining() : sockets.enter({ request, path, query, id }, server);
    if (refusal === undefined) return undefined;
    return refused(call, refusal ?? unknownPath(request, path));
  }

  function makeCall(request: Request): Call {
    const retries = plan.listen.compat.length === 0 ? null : understandHeaders(request.headers, plan);
    const call = new Call(requestId(request.headers), request, plan, tools.clocks.deadlines);
    call.retries = retries;
    // Of who may not call, or names no model, the books tell as well.
    if (plan.privacy.is_asked) call.discreet = tools.privacy.value?.discretionOf(plan) ?? CLOSED;
    return call;
  }

  function refused(call: Call, error: GatewayError): Response {
    return closing(call, errorResponse(call, ownAnswer(error)));
  }

  function run(call: Call, endpoint: Endpoint): Response | Promise<Response> {
    enter(call, endpoint);
    const answered = answerCall(call, endpoint, tools);
    return answered instanceof Response ? closing(call, answered) : whenAnswered(call, answered);
  }

  /** The response, which is given with the others of its turn. */
  async function whenAnswered(call: Call, answered: Promise<Response>): Promise<Response> {
    let response: Response;
    try {
      response = await answered;
    } catch (fault) {
      response = faulty(call, fault);
    }
    const closed = closing(call, response);
    if (calls.size >= TOGETHER_MIN) await endOfTurn();
    return closed;
  }

  function faulty(call: Call, fault: unknown): Response {
    say(`a call failed by a fault of the gateway: ${faultText(fault)}`, "error");
    return failCall(call, tools);
  }

  /** Health, metrics and preflights: no key, no call. Null: it is none of these. */
  function answerWithoutCall(
    request: Request,
    path: string,
    server: Server,
  ): Response | Promise<Response> | null {
    if (request.method === "OPTIONS") {
      return new Response(null, { status: 204, headers: preflightHeaders(plan, request.headers) });
    }
    if (path === "/health/live") return Response.json({ status: "ok" });
    if (path === "/health/ready") {
      const is_ready = stage === "serving";
      return Response.json({ status: is_ready ? "ok" : "draining" }, { status: is_ready ? 200 : 503 });
    }
    if (isAdminPath(path)) return relayAdmin(request, server, relayToAdmin, plan.admin_token_hash !== null);
    if (isDashboardPath(path)) {
      // Others than this machine's are not shown a page that nobody can log in to.
      const is_there = plan.admin_token_hash !== null || isLoopback(plan.listen.host);
      return relayAdmin(request, server, relayToDashboard, is_there);
    }
    // It says what there is, and nothing of this gateway.
    if (path === "/openapi.json") return relayAdmin(request, server, relayToDashboard, true);
    if (path === "/metrics") {
      // Who can reach another address than loopback need not know what goes on here.
      const is_closed = plan.admin_token_hash !== null && !isLoopback(plan.listen.host);
      if (is_closed && adminRank(plan, request.headers) === null) return plainError(adminTokenMissing());
      return answerMetrics();
    }
    return null;
  }

  async function answerMetrics(): Promise<Response> {
    const keeps_answers = [...plan.models.values()].some(({ cache }) => cache !== null);
    const caches = keeps_answers ? await tools.caches?.get() : null;
    const { snapshot, processes, lag_events } = collectMetrics(state);
    const others = [
      ...hostMetrics(state.facts),
      ...certificateMetrics(plan.listen.tls),
      ...stateMetrics(state.facts),
      queues.lengths(plan),
      ...(caches?.metrics() ?? []),
      ...(tools.content?.value?.metrics() ?? []),
      ...healthMetrics(plan, snapshot, options.books.health),
    ];
    return new Response(renderPrometheus(snapshot, processes, lag_events, others), {
      headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
    });
  }

  /** The admin API or the dashboard, where there is one on this port. */
  async function relayAdmin(
    request: Request,
    server: Server,
    relayTo: typeof relayToAdmin,
    is_there: boolean,
  ): Promise<Response> {
    const { path, query } = pathOf(request.url);
    if (!is_there || options.admin_socket === undefined) return plainError(unknownPath(request, path));
    const from = server.requestIP(request)?.address ?? null;
    const relay = { socket: options.admin_socket, alarms: tools.clocks.deadlines, streams };
    const answer = await relayTo(request, path + query, from, plan, relay);
    const response = answer instanceof GatewayError ? plainError(answer) : answer;
    response.headers.set("x-request-id", requestId(request.headers) ?? crypto.randomUUID());
    return response;
  }

  function refuseAtDoor(call: Call): GatewayError | null {
    if (stage === "cutting") return draining();
    if (calls.size >= plan.listen.max_calls) {
      return new GatewayError(
        "unavailable",
        `This gateway answers ${calls.size} calls already, as many as it may (listen.max_calls). Try again in a moment.`,
        { retry_after_ms: 1_000 },
      );
    }
    const is_foreign = isForeignPage(plan, call.request.headers) && !asksForKeys(plan, tools.stored_keys);
    return is_foreign ? foreignPage() : null;
  }

  function answerModels(call: Call, path: string, full_path: string, query: string): Response {
    const { method, headers } = call.request;
    const shape = modelsShape(full_path, headers);
    call.format = MODELS_CLIENTS[shape];
    if (method !== "GET" && method !== "HEAD") return wrongMethod(call, "/v1/models", "GET");
    const client = authenticate(call.plan, tools.stored_keys, call.request.headers);
    if (client instanceof GatewayError) return errorResponse(call, ownAnswer(client));
    const segment = path.slice("/models/".length);
    const found =
      path === "/models"
        ? listModels(call.plan, client, shape, new URLSearchParams(query))
        : getModel(call.plan, client, decodeSegment(segment) ?? segment, shape);
    if (found instanceof GatewayError) return errorResponse(call, ownAnswer(found));
    return Response.json(found, { headers: callHeaders(call, "application/json") });
  }

  /** What would happen to a call; nothing does. */
  async function explained(call: Call, query: string): Promise<Response> {
    if (call.request.method !== "POST") return closing(call, wrongMethod(call, "/v1/explain", "POST"));
    const client = authenticate(call.plan, tools.stored_keys, call.request.headers);
    if (client instanceof GatewayError) return refused(call, client);
    call.client = client;
    const { max_body_bytes, body_idle_ms } = call.plan.listen;
    const { deadlines } = tools.clocks;
    const body = await readBody(
      call.request,
      { max_bytes: max_body_bytes, idle_ms: body_idle_ms },
      deadlines,
    );
    if (body instanceof GatewayError) return refused(call, body);
    const { explain } = await import("./explain/explain.ts");
    const told = await explain(call, body, query, tools);
    if (told instanceof GatewayError) return refused(call, told);
    return closing(call, Response.json(told, { headers: callHeaders(call, "application/json") }));
  }

  /** The last touches to every response: CORS, and the end of a connection that may not be used again. */
  function closing(call: Call, response: Response): Response {
    const { request } = call;
    // The server keeps it with the connection.
    if (call.may_be_quiet) front.timeout(request, idle_s);
    call.may_be_quiet = false;
    if (plan.listen.cors_origins.length > 0) {
      for (const [name, value] of Object.entries(corsHeaders(plan, request.headers)))
        response.headers.set(name, value);
    }
    // One call more is answered on every connection that a stopping gateway still has.
    if (stage !== "serving") response.headers.set("connection", "close");
    return response;
  }

  async function stop(drain_ms = plan.listen.drain_ms): Promise<void> {
    const began_ms = performance.now();
    stage = "draining";
    tools.shadows.value?.close();
    series.is_in_service = false;
    sockets.goAway();
    streams.end();
    queues.drain();
    const has_closed = await front.closeListener();
    const grace_end_ms = has_closed ? began_ms + Math.min(DRAIN_GRACE_MS, drain_ms) : 0;
    await until(() => !front.hasConnections(), grace_end_ms, GRACE_LOOK_MS);
    // Connections that are idle are closed; those with a call stay until it is answered.
    const stopped = front.stop();
    sockets.leave();
    const isBusy = () => calls.size > 0 || front.pending > 0 || sockets.size > 0;
    await until(() => !isBusy(), began_ms + drain_ms);
    stage = "cutting";
    for (const call of [...calls.members]) call.stop("draining");
    await until(() => !isBusy(), performance.now() + CUT_MAX_MS);
    sockets.close();
    await Promise.race([stopped, Bun.sleep(DRAIN_LOOK_MS * 5)]);
    await front.stop(true);
    for (const client of Object.values(clients)) client.close();
    await tools.caches?.value?.close();
    await tools.responses?.value?.close();
    await tools.content?.value?.close();
    tools.privacy.value?.close();
    tools.guards.value?.close();
    looks.value?.close();
    endLooking();
    endProber();
  }

  const endProber = startProber({
    ...{ health, rotation, plan: () => plan, clientOf: tools.clientOf },
    log: (line) => options.books.tell(line),
  });

  // What has expired goes, whether anybody goes on from it or not.
  if (options.privacy !== undefined && existsSync(join(options.privacy.folder, "responses")))
    void tools.responses?.get();
  series.is_in_service = true;
  return {
    port: front.port,
    metrics,
    calls,
    replay: async (order, onBytes, signal) => {
      const { replayCall } = await import("./replay.ts");
      return replayCall(order, { plan, tools, onBytes, signal });
    },
    setPlan: (next) => {
      plan = next;
      front
        .setTls(next.listen.tls)
        .catch((error: unknown) => say(`certificates stay as they were: ${faultText(error)}`, "error"));
      options.books.setState(plan.state);
    },
    stop,
  };
}

/** How those who read a list of models are told of errors. */
const MODELS_CLIENTS = { openai: CHAT_CLIENT, anthropic: MESSAGES_CLIENT, gemini: GEMINI_CLIENT } as const;

/** A route for every JSON endpoint, with and without `/v1`; other methods are left to `fetch`. */
function jsonRoutes(answerAt: (endpoint: Endpoint, request: Request) => Response | Promise<Response>) {
  const routes: Record<string, { POST: (request: Request) => Response | Promise<Response> }> = {};
  for (const endpoint of JSON_ENDPOINTS.values()) {
    const route = { POST: (request: Request) => answerAt(endpoint, request) };
    routes[endpoint.path] = route;
    routes[`/v1${endpoint.path}`] = route;
  }
  return routes;
}

/** What a call is for tells how its client is spoken to. */
function enter(call: Call, endpoint: Endpoint): void {
  if (!isRead(endpoint)) return;
  call.format = endpoint.format;
  call.endpoint = endpoint.path;
}

function isRead(endpoint: Endpoint): endpoint is JsonEndpoint | CountEndpoint {
  return endpoint.kind === "json" || endpoint.kind === "count";
}

function notUpgraded(): GatewayError {
  return new GatewayError(
    "invalid_value",
    "Realtime sessions are WebSockets: ask for 'upgrade: websocket' (RFC 6455).",
  );
}

function foreignSocket(): GatewayError {
  return new GatewayError(
    "origin_not_allowed",
    "Pages of this origin may not open sessions on this gateway. Configure the origin in listen.cors.origins.",
  );
}

function foreignPage(): GatewayError {
  return new GatewayError(
    "origin_not_allowed",
    "Pages of this origin may not call this gateway: it asks for no keys. Configure keys, or the origin in listen.cors.origins.",
  );
}

function wrongMethod(call: Call, path: string, allow: string): Response {
  const error = new GatewayError("method_not_allowed", `${path} takes ${allow}, not ${call.request.method}.`);
  return errorResponse(call, ownAnswer(error), { allow });
}

function hiddenSteps(): GatewayError {
  return new GatewayError("not_found", "Paths with escaped '.' and '..' lead nowhere on this gateway.");
}

function unknownPath(request: Request, path: string): GatewayError {
  return new GatewayError(
    "not_found",
    `There is no ${request.method} ${path.slice(0, 200)} on this gateway. Chat is at POST /v1/chat/completions.`,
  );
}

function plainError(error: GatewayError): Response {
  const body = errorBody({ message: error.message, type: error.type, param: error.param, code: error.code });
  const { retry_after_ms } = error;
  return new Response(body, {
    status: error.status,
    headers: {
      "content-type": "application/json",
      ...(retry_after_ms === null ? {} : { "retry-after": String(Math.ceil(retry_after_ms / 1000)) }),
    },
  });
}

async function until(isSo: () => boolean, end_ms: number, look_ms = DRAIN_LOOK_MS): Promise<void> {
  while (performance.now() < end_ms && !isSo()) await Bun.sleep(look_ms);
}
