// `/admin/v1/calls/{id}/content` and `/admin/v1/content`: what calls said, for whoever may see it, and its removal.

import * as z from "zod";
import { contentKeeping } from "../config/telemetry_schema.ts";
import type { KeptContent } from "../content/record.ts";
import { writtenIn } from "../dialects/other_form.ts";
import { GatewayError } from "../errors.ts";
import { parseExact } from "../wire/exact_json.ts";
import { type ContentDesk, contentStats, readContent, removeContent } from "./content_desk.ts";
import { instantOf, readQuery } from "./query.ts";
import type { Reply, Routes } from "./router.ts";

const DAY_MS = 86_400_000;

/** Whose content is deleted. */
export const delete_query = z.strictObject({
  tenant: z.string().min(1).max(128).optional(),
  user: z.string().min(1).max(1_000).optional(),
  before: z.string().optional(),
  all: z.enum(["true"]).optional(),
});

/** The endpoints of content. */
export function contentRoutes(desk: ContentDesk): Routes {
  return {
    "calls/*/content": {
      GET: async (ask) => {
        const found = await readContent(desk, ask, ask.id, "content.read");
        return found instanceof GatewayError ? found : { json: contentJson(found) };
      },
      DELETE: ({ id, actor }) => removeOne(desk, actor, id),
    },
    content: {
      GET: () => tellContent(desk),
      DELETE: ({ query, actor }) => removeMany(desk, actor, query),
    },
  };
}

/** A call's content as it is shown: bodies as JSON where they are. */
export function contentJson(kept: KeptContent): Record<string, unknown> {
  const { request, answer, left_out, time_ms, expires_ms, is_stream, choices: _, ...told } = kept;
  const is_whole = answer?.form === "whole";
  return {
    object: "call.content",
    ...told,
    ...{ time: new Date(time_ms).toISOString(), expires: new Date(expires_ms).toISOString() },
    stream: is_stream,
    request: shown(request),
    answer: is_whole ? shown(answer.bytes) : null,
    answer_text: is_whole ? answerText(kept) : null,
    // Of a stream that broke off: its events, as they came.
    answer_events: answer !== null && !is_whole ? Buffer.from(answer.bytes).toString() : null,
    answer_left_out: left_out,
  };
}

/** What an answer says; null where it says nothing in words. */
export function answerText({ format, answer }: Pick<KeptContent, "format" | "answer">): string | null {
  if (answer?.form !== "whole") return null;
  if (format === "embeddings" || format === "moderations" || format === "rerank") return null;
  return format === "completions" ? completionText(answer.bytes) : writtenIn(format, answer.bytes);
}

function completionText(bytes: Uint8Array): string | null {
  const read = z
    .object({ choices: z.array(z.object({ text: z.string() })).min(1) })
    .safeParse(parseExact(bytes));
  return read.success ? read.data.choices[0]!.text : null;
}

function shown(bytes: Uint8Array): unknown {
  return parseExact(bytes) ?? Buffer.from(bytes).toString();
}

async function removeOne(desk: ContentDesk, actor: string, id: string): Promise<Reply | GatewayError> {
  return removedReply(await removeContent(desk, actor, { id }));
}

async function removeMany(
  desk: ContentDesk,
  actor: string,
  query: URLSearchParams,
): Promise<Reply | GatewayError> {
  const wanted = readQuery(delete_query, query);
  if (wanted instanceof GatewayError) return wanted;
  const { tenant, user, before, all } = wanted;
  if (tenant === undefined && before === undefined && all === undefined) {
    const message = "Say what to remove: tenant, tenant and user, before, or all=true.";
    return new GatewayError("missing_required_parameter", message);
  }
  if (user !== undefined && tenant === undefined) {
    const message =
      "Users are known within their tenants: say which with 'tenant' (calls without keys are of 'default').";
    return new GatewayError("missing_required_parameter", message, { param: "tenant" });
  }
  const before_ms = before === undefined ? undefined : instantOf("before", before, 0, Date.now());
  if (before_ms instanceof GatewayError) return before_ms;
  return removedReply(await removeContent(desk, actor, { tenant, user, before_ms }));
}

function removedReply(removed: number | GatewayError): Reply | GatewayError {
  return removed instanceof GatewayError ? removed : { json: { object: "content.delete", removed } };
}

function tellContent(desk: ContentDesk): Reply | GatewayError {
  const stats = contentStats(desk);
  if (stats instanceof GatewayError) return stats;
  const telemetry = desk.config()?.telemetry ?? null;
  const keeping = telemetry === null ? null : contentKeeping(telemetry);
  return {
    json: {
      object: "content",
      // Null: no gateway runs here that would say.
      store: telemetry?.content.store ?? null,
      retention_days: keeping === null ? null : keeping.retention_ms / DAY_MS,
      max_bytes: keeping?.max_bytes ?? null,
      calls: stats.calls,
      bytes: stats.bytes,
      oldest: stats.oldest_ms === null ? null : new Date(stats.oldest_ms).toISOString(),
    },
  };
}
