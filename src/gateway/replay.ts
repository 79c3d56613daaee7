// A call made again for an operator, with the same request and perhaps another model: an ordinary call on the ordinary way, but in
// nobody's name. It is under no key's limits and budgets, takes no answer from a cache and leaves none there, and nothing is kept of
// it but its row, which says what it is.

import type { ClientKey, Plan } from "../config/plan.ts";
import { REPLAY_PREFIX } from "../ledger/row.ts";
import { scanObject } from "../wire/json.ts";
import { type Edit, insertMember, splice } from "../wire/splice.ts";
import { Call } from "./call.ts";
import { findEndpoint, type JsonEndpoint, type JsonPath } from "./endpoints.ts";
import { answerAs, failCall } from "./pipeline.ts";
import type { PipelineTools } from "./pipeline_tools.ts";

/** Longer answers are given up. */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024;
/** How often it is told how much has come. */
const TELL_MS = 200;

/** What is to be made again. */
export interface ReplayOrder {
  /** The call that it was, for its row. */
  readonly of: string;
  readonly tenant: string;
  /** What it is for, as `/chat/completions`. */
  readonly endpoint: string;
  /** The model to ask: one of the configuration, or `provider/model`. No rule looks at it. */
  readonly model: string;
  readonly is_stream: boolean;
  readonly request: Uint8Array;
}

/** What became of it. */
export interface ReplayOutcome {
  /** The id of its row in the ledger; null where there was no call. */
  readonly id: string | null;
  readonly status: number;
  /** The answer, or the error's body. */
  readonly body: Uint8Array;
  readonly is_events: boolean;
  /** Whether all of it came. */
  readonly is_whole: boolean;
}

/** What it is made with. */
export interface ReplayRoom {
  readonly plan: Plan;
  readonly tools: PipelineTools;
  /** Hears now and then how much of the answer has come. */
  onBytes(bytes: number): void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Makes a call again. */
export async function replayCall(
  order: ReplayOrder,
  { plan, tools, onBytes, signal }: ReplayRoom,
): Promise<ReplayOutcome> {
  const found = endpointOf(order);
  const endpoint = found?.endpoint ?? null;
  if (found === null || endpoint === null)
    return nothing(`There are no calls of '${order.endpoint}' to make again.`);
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  const request = new Request(`http://replay${found.path}`, { method: "POST", headers });
  // Which model is asked is said already.
  const call = new Call(null, request, { ...plan, routes: [] }, tools.clocks.deadlines);
  call.format = endpoint.format;
  call.endpoint = endpoint.path;
  call.replay_of = order.of;
  call.given_body = withMembers(order, endpoint);
  call.may_be_quiet = true;
  const stop = () => call.stop("gone");
  signal.addEventListener("abort", stop);
  let response: Response;
  try {
    // What conversations go on from is none of these answers.
    response = await answerAs(call, callerOf(order.tenant), endpoint, { ...tools, responses: null });
  } catch {
    response = failCall(call, tools);
  }
  const read = await readAnswer(response, onBytes, stop);
  signal.removeEventListener("abort", stop);
  const is_events = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
  return { id: call.ledger_id, status: response.status, is_events, ...read };
}

/** Whoever asks is nobody's key. */
function callerOf(tenant: string): ClientKey {
  return {
    ...{ name: "", hash: new Uint8Array(32), tenant: `${REPLAY_PREFIX}${tenant}`, team: null, models: ["*"] },
    ...{ tier: null, limits: null, per_user: null, region: null, privacy: null, guards: null },
  };
}

function endpointOf({ endpoint, model, is_stream }: ReplayOrder) {
  const action = is_stream ? "streamGenerateContent" : "generateContent";
  const is_gemini = endpoint === ("/generateContent" satisfies JsonPath);
  const path = is_gemini ? `/models/${encodeURIComponent(model)}:${action}` : endpoint;
  const found = findEndpoint(path, path, "?alt=sse", "POST", () => false);
  return found?.kind === "json" ? { path, endpoint: found satisfies JsonEndpoint } : null;
}

/** The request for the model that is asked; a provider of Responses is not to keep the answer either. */
function withMembers({ request, model }: ReplayOrder, { path, place }: JsonEndpoint): Uint8Array {
  const scan = scanObject(request);
  if (scan.fault !== null) return request;
  const wanted: [name: string, value: unknown][] = [
    ...(place === null ? [["model", model] as [string, unknown]] : []),
    ...(path === "/responses" ? [["store", false] as [string, unknown]] : []),
  ];
  const edits = wanted.map(([name, value]): Edit => {
    const bytes = Buffer.from(JSON.stringify(value));
    const member = scan.find(name);
    return member === null
      ? insertMember(scan, name, bytes)
      : { start: member.start, end: member.end, bytes };
  });
  edits.sort((a, b) => a.start - b.start);
  return Buffer.concat(splice(request, edits));
}

async function readAnswer(
  response: Response,
  onBytes: (bytes: number) => void,
  stop: () => void,
): Promise<Pick<ReplayOutcome, "body" | "is_whole">> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let told_ms = performance.now();
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > ANSWER_MAX_BYTES) {
        stop();
        return { body: Buffer.concat(chunks), is_whole: false };
      }
      chunks.push(Uint8Array.from(chunk));
      if (performance.now() - told_ms < TELL_MS) continue;
      told_ms = performance.now();
      onBytes(bytes);
    }
    return { body: Buffer.concat(chunks), is_whole: true };
  } catch {
    // A stream that broke off: what came of it is shown.
    return { body: Buffer.concat(chunks), is_whole: false };
  }
}

function nothing(message: string): ReplayOutcome {
  const body = Buffer.from(
    JSON.stringify({ error: { message, type: "invalid_request_error", code: "not_found" } }),
  );
  return { ...{ id: null, status: 404, is_events: false, is_whole: true }, body };
}
