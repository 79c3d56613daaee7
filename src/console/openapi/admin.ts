// What `/openapi.json` says of the admin API's endpoints, by method and path as the router knows them. Parameters and bodies are the
// very schemas that requests are checked by.

import * as z from "zod";
import { audit_query } from "../audit_routes.ts";
import { entries_query, purge_query } from "../cache_routes.ts";
import { draft_schema } from "../config_routes.ts";
import { delete_query } from "../content_routes.ts";
import { wish_schema as drill_schema } from "../drill_routes.ts";
import { series_query } from "../insight_routes.ts";
import { list_query } from "../key_routes.ts";
import { settings_schema } from "../key_settings.ts";
import { calls_query, experiments_query, usage_query } from "../ledger_routes.ts";
import { live_query } from "../live_routes.ts";
import { given_schema, kept_schema } from "../replay_routes.ts";
import { wish_schema as upgrade_schema } from "../upgrade_routes.ts";

/** What is said of an endpoint. */
export interface About {
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** The status of a good answer; 200 by default. */
  readonly status?: number;
  /** What a good answer is, where it is no JSON. */
  readonly content?: string;
  /** Whether it takes the permission to see what calls said. */
  readonly needs_content?: boolean;
}

/** All endpoints, by `METHOD path`. */
export const ADMIN_ENDPOINTS: Readonly<Record<string, About>> = {
  "GET keys": { summary: "Lists stored keys.", query: list_query },
  "POST keys": {
    summary: "Makes a key; its secret is in this answer alone.",
    body: settings_schema,
    status: 201,
  },
  "GET keys/*": { summary: "A stored key, by its id or its name." },
  "PATCH keys/*": {
    summary:
      "Changes a key by a JSON merge patch (RFC 7396); with `version` or `If-Match`, only if nobody else has.",
    body: z.looseObject({ version: z.number().int().optional() }),
  },
  "DELETE keys/*": { summary: "Revokes a key, for good." },
  "POST keys/*/rotate": {
    summary: "Gives a key another secret; the one before stays valid for a while.",
    body: z.strictObject({ overlap: z.string().optional() }),
  },
  "GET usage": { summary: "Tokens and cost, by any fields.", query: usage_query },
  "GET usage/series": { summary: "Usage over time.", query: series_query },
  "GET usage/forecast": { summary: "What the month is expected to cost." },
  "GET quality": { summary: "How models answer, day by day, and what has shifted." },
  "GET pulse": { summary: "How the gateway does at this moment." },
  "GET gateway": { summary: "Where the gateway listens, as its own host reaches it." },
  "GET health": { summary: "Every target with its breaker, its latency and its load." },
  "GET experiments": { summary: "What tests and shadows have shown.", query: experiments_query },
  "GET calls": { summary: "Calls, the newest first.", query: calls_query },
  "GET calls/live": { summary: "Calls as they end.", query: live_query, content: "text/event-stream" },
  "GET calls/*/content": { summary: "What a call was asked and answered. On record.", needs_content: true },
  "DELETE calls/*/content": { summary: "Deletes what a call was asked and answered." },
  "GET content": { summary: "How much is kept of prompts and answers, and how." },
  "DELETE content": {
    summary: "Deletes what is kept of a tenant, a user, what is old, or all.",
    query: delete_query,
  },
  "POST replays": {
    summary: "Begins to make a call again: a kept one, or one that is sent along. On record.",
    ...{ body: z.union([kept_schema, given_schema]), status: 202, needs_content: true },
  },
  "GET replays/*": { summary: "How far a replay is, and what came of it.", needs_content: true },
  "DELETE replays/*": { summary: "Ends a replay.", needs_content: true },
  "POST ledger/flush": { summary: "Answers when every call that has ended is in the ledger." },
  "GET limits": { summary: "The state of all limits." },
  "GET cache": { summary: "What the caches hold and have done." },
  "DELETE cache": { summary: "Removes kept answers.", query: purge_query },
  "GET cache/entries": { summary: "The kept answers, without their texts.", query: entries_query },
  "GET drills": { summary: "Drills that are under way." },
  "POST drills": { summary: "Makes a provider fail for a while.", body: drill_schema, status: 201 },
  "DELETE drills": { summary: "Ends all drills." },
  "DELETE drills/*": { summary: "Ends a drill." },
  "GET config": { summary: "The configuration that runs, its secrets masked." },
  "GET config/file": { summary: "What the configuration's file would give at a reload." },
  "POST config/check": { summary: "Whether a draft would be accepted.", body: draft_schema },
  "POST ui/link": { summary: "A link that opens the dashboard once." },
  "GET audit": { summary: "The newest entries of the audit log.", query: audit_query },
  "POST upgrade": { summary: "Begins an upgrade; from the gateway's own host alone.", body: upgrade_schema },
};
