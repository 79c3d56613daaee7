// `/admin/v1/drills`: providers that are made to fail for a while, so that fallbacks can be rehearsed.

import * as z from "zod";
import type { KeyStore } from "../access/key_store.ts";
import { parseDuration } from "../config/duration.ts";
import { instead } from "../config/explain.ts";
import type { ResolvedConfig } from "../config/schema.ts";
import { GatewayError } from "../errors.ts";
import type { Drill } from "../memory/drill_table.ts";
import { appendAudit } from "./audit/log.ts";
import { explain } from "./key_settings.ts";
import type { Reply, Routes } from "./router.ts";

/** The longest drill: whoever forgets one has it over before long. */
const DRILL_MAX_MS = 3_600_000;
const DRILL_MIN_MS = 1_000;

/** What the drills' endpoints ask of the process that they run in. */
export interface DrillHooks {
  list(): readonly Drill[];
  /** Begins one; null where there is no room for another. */
  begin(wish: Pick<Drill, "provider" | "model" | "failure">, for_ms: number): Drill | null;
  /** Ends one, or all (null); gives those that were ended. */
  end(id: string | null): readonly Drill[];
}

/** What the drills' endpoints work with. */
export interface DrillDesk {
  /** The data folder. */
  readonly data: string;
  /** Null: it cannot be used, and drills are not recorded. */
  readonly keys: KeyStore | null;
  config(): ResolvedConfig | null;
  /** Null: no gateway runs. */
  readonly hooks: DrillHooks | null;
}

/** A drill as it is wished for. */
export const wish_schema = z.strictObject({
  provider: z.string().max(64),
  model: z.string().min(1).max(200).optional(),
  /** What its calls fail with. No status that would count against a key: that would outlive the drill. */
  status: z
    .union([
      z.enum(["timeout", "cut"]),
      z.coerce.number().int().min(500).max(599),
      z.coerce.number().pipe(z.literal(408)),
    ])
    .default(503),
  for: z.string().max(20),
});

/** The endpoints of drills. */
export function drillRoutes(desk: DrillDesk): Routes {
  return {
    drills: {
      GET: () => withHooks(desk, ({ list }) => ({ json: { object: "list", data: list().map(shown) } })),
      POST: ({ body, actor }) => withHooks(desk, (hooks) => begin(desk, hooks, body, actor)),
      DELETE: ({ actor }) => withHooks(desk, (hooks) => end(desk, hooks, null, actor)),
    },
    "drills/*": {
      DELETE: ({ id, actor }) => withHooks(desk, (hooks) => end(desk, hooks, id, actor)),
    },
  };
}

function withHooks(
  { hooks }: DrillDesk,
  action: (hooks: DrillHooks) => Reply | GatewayError,
): Reply | GatewayError {
  if (hooks === null) return new GatewayError("unavailable", "Without a gateway there are no drills.");
  return action(hooks);
}

function begin(desk: DrillDesk, hooks: DrillHooks, body: unknown, actor: string): Reply | GatewayError {
  const parsed = wish_schema.safeParse(body);
  if (!parsed.success) return explain(parsed.error.issues[0]!);
  const { provider, model = null, status, for: duration } = parsed.data;
  const providers = [...new Set([...Object.keys(desk.config()?.providers ?? {}), "sim"])];
  if (!providers.includes(provider)) {
    const message = `There is no provider "${provider}"; ${instead(provider, providers)}.`;
    return new GatewayError("invalid_value", message, { param: "provider" });
  }
  const for_ms = parseDuration(duration);
  if (for_ms === null || for_ms < DRILL_MIN_MS || for_ms > DRILL_MAX_MS) {
    const message = `'for' must be a time from 1s to 1h, such as 60s, not "${duration}".`;
    return new GatewayError("invalid_value", message, { param: "for" });
  }
  const drill = hooks.begin({ provider, model, failure: String(status) }, for_ms);
  if (drill === null) return new GatewayError("unavailable", "There are as many drills as can be at once.");
  record(desk, actor, "drill.begin", drill);
  return { status: 201, json: shown(drill) };
}

function end(desk: DrillDesk, hooks: DrillHooks, id: string | null, actor: string): Reply | GatewayError {
  const ended = hooks.end(id);
  if (id !== null && ended.length === 0) return new GatewayError("not_found", `There is no drill "${id}".`);
  for (const drill of ended) record(desk, actor, "drill.end", drill);
  return { json: { object: "list", data: ended.map(shown) } };
}

function record({ keys, data }: DrillDesk, actor: string, action: string, drill: Drill): void {
  const { id, provider, model, failure, end_ms } = drill;
  const change = { provider, model, failure, end: new Date(end_ms).toISOString() };
  keys?.change((writer) => appendAudit(data, writer, { actor, action, target: id, change }));
}

function shown({ id, provider, model, failure, began_ms, end_ms }: Drill) {
  const [began, end] = [began_ms, end_ms].map((ms) => new Date(ms).toISOString());
  return { object: "drill", id, provider, model, failure, began, end };
}
