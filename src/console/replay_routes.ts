// `/admin/v1/replays`: makes a call again, a kept one by its id or one that is sent along, and tells what both answers are. It begins
// at once and is asked how far it is, so that nobody's connection has to last as long as a model takes.

import * as z from "zod";
import type { ClientFormatName } from "../dialects/client_format.ts";
import { GatewayError } from "../errors.ts";
import { formatOfPath } from "../gateway/endpoints.ts";
import { shownRow } from "../ledger/row.ts";
import { parseExact } from "../wire/exact_json.ts";
import type { AdminHooks } from "./admin.ts";
import { type ContentDesk, notAllowed, readContent, record } from "./content_desk.ts";
import { answerText } from "./content_routes.ts";
import { explain } from "./key_settings.ts";
import { type Replay, ReplayDesk, type ReplaySide, type ReplayWish } from "./replay_desk.ts";
import type { Ask, Reply, Routes } from "./router.ts";

const model = z.string().min(1).max(512);
/** A kept call to be made again. */
export const kept_schema = z.strictObject({ id: z.string().min(1).max(200), model: model.optional() });
/** A call that is sent along to be made again. */
export const given_schema = z.strictObject({
  request: z.record(z.string(), z.unknown()),
  model,
  endpoint: z.string().min(1).max(100).default("/chat/completions"),
  stream: z.boolean().default(false),
  tenant: z.string().min(1).max(128).default("default"),
  /** What the call is called where it comes from, for its row. */
  of: z.string().min(1).max(200).default("given"),
});

/** The endpoints of replays. */
export function replayRoutes(content: ContentDesk, hooks: AdminHooks): Routes {
  const desk = new ReplayDesk(content.ledger, hooks);
  /** Only those who may see content see what comes of them. */
  const seen = (action: (ask: Ask) => Reply | GatewayError | Promise<Reply | GatewayError>) => (ask: Ask) =>
    ask.may_see_content ? action(ask) : notAllowed(content);
  return {
    replays: {
      POST: seen(async (ask) => {
        const refusal = desk.refusal();
        if (refusal !== null) return refusal;
        const wish = await wishOf(ask, content, desk);
        return wish instanceof GatewayError ? wish : { status: 202, json: replayJson(desk.begin(wish)) };
      }),
    },
    "replays/*": {
      GET: seen(({ id }) => {
        const found = desk.find(id);
        return found instanceof GatewayError ? found : { json: replayJson(found) };
      }),
      DELETE: seen(({ id }) => {
        const found = desk.find(id);
        if (found instanceof GatewayError) return found;
        found.end();
        return { json: replayJson(found) };
      }),
    },
  };
}

/** What is to be made again, on record. */
function wishOf(ask: Ask, content: ContentDesk, desk: ReplayDesk): Promise<ReplayWish | GatewayError> {
  const is_given = typeof ask.body === "object" && ask.body !== null && "request" in ask.body;
  return is_given ? givenWish(ask, content) : keptWish(ask, content, desk);
}

async function keptWish(
  ask: Ask,
  content: ContentDesk,
  desk: ReplayDesk,
): Promise<ReplayWish | GatewayError> {
  const wish = kept_schema.safeParse(ask.body);
  if (!wish.success) return explain(wish.error.issues[0]!);
  const asked = wish.data.model;
  const kept = await readContent(
    content,
    ask,
    wish.data.id,
    "call.replay",
    asked === undefined ? {} : { model: asked },
  );
  if (kept instanceof GatewayError) return kept;
  const { id: of, tenant, endpoint, is_stream, request, format, choices, answer } = kept;
  return {
    order: { of, tenant, endpoint, model: asked ?? kept.model, is_stream, request },
    ...{ format, choices },
    before: { row: await desk.rowOf(of), answer },
  };
}

async function givenWish(ask: Ask, content: ContentDesk): Promise<ReplayWish | GatewayError> {
  const wish = given_schema.safeParse(ask.body);
  if (!wish.success) return explain(wish.error.issues[0]!);
  const { of, model: asked, endpoint, tenant, request, stream } = wish.data;
  const format = formatOfPath(endpoint);
  if (format === null) {
    const message = `Calls of '${endpoint}' cannot be made again.`;
    return new GatewayError("invalid_value", message, { param: "endpoint" });
  }
  const fault = record(content, ask.actor, "call.replay", of, { model: asked });
  if (fault !== null) return fault;
  const choices = typeof request["n"] === "number" ? request["n"] : 1;
  const order = { of, tenant, endpoint, model: asked, is_stream: stream };
  return {
    order: { ...order, request: Buffer.from(JSON.stringify(request)) },
    ...{ format, choices },
    before: { row: null, answer: null },
  };
}

/** A replay as it is shown. */
function replayJson(replay: Replay): unknown {
  const { id, wish, started_ms, ended_ms, bytes, after, fault } = replay;
  const { order, before, format } = wish;
  const state = ended_ms === null ? "running" : fault === null ? "done" : "failed";
  return {
    ...{ object: "replay", id, of: order.of, model: order.model, endpoint: order.endpoint, state },
    started: new Date(started_ms).toISOString(),
    elapsed_ms: (ended_ms ?? Date.now()) - started_ms,
    ...{ received_bytes: bytes, error: fault },
    before: sideJson(before, format),
    after: after === null ? null : sideJson(after, format),
  };
}

function sideJson({ row, answer }: ReplaySide, format: ClientFormatName): unknown {
  return {
    call: row === null ? null : shownRow(row),
    text: answerText({ format, answer }),
    answer: answer?.form === "whole" ? (parseExact(answer.bytes) ?? null) : null,
    // Of a stream that broke off: its events, as they came.
    answer_events: answer?.form === "events" ? Buffer.from(answer.bytes).toString() : null,
  };
}
