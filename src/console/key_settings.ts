// What an operator may say about a key, as JSON: the settings of `keys` in the configuration, an expiry and a note.
// A change is a JSON Merge Patch (RFC 7396): what is left out stays, null takes a setting back, limits merge one by one.

import * as z from "zod";
import type { KeyRecord, KeySettings } from "../access/key_record.ts";
import { isKeyId } from "../access/key_record.ts";
import { parseInstant } from "../config/duration.ts";
import { modeOf } from "../config/privacy.ts";
import { formatPath, type Path } from "../config/problem.ts";
import { client_key_schema } from "../config/schema.ts";
import { GatewayError } from "../errors.ts";

/** What a key is made with. */
export const settings_schema = client_key_schema.omit({ key: true, guards: true }).extend({
  // A name is shown in tables and may stand in a path.
  name: z
    .string()
    .regex(/^[^\p{C}]{1,128}$/u, "must have 1 to 128 characters, none of them a control character")
    .refine((name) => !isKeyId(name), "must not look like the id of a key"),
  expires: z.string().optional(),
  note: z.string().min(1).max(1_000).optional(),
});

/** Settings as JSON. */
export type SettingsJson = z.output<typeof settings_schema>;

/** The settings of a key as JSON says them. */
export function settingsJson(record: KeyRecord): SettingsJson {
  const { name, tenant, team, tier, models, limits, per_user, region, privacy, note, expires_ms } = record;
  return {
    name,
    tenant,
    models: [...models],
    ...(team === null ? {} : { team }),
    ...(tier === null ? {} : { tier }),
    ...(limits === null ? {} : { limits }),
    ...(per_user === null ? {} : { per_user }),
    ...(region ? { region } : {}),
    ...(privacy ? { privacy } : {}),
    ...(note === null ? {} : { note }),
    ...(expires_ms === null ? {} : { expires: new Date(expires_ms).toISOString() }),
  };
}

/** Changes settings (those of a new key are empty) by a patch; or says what is wrong with it. */
export function patchSettings(
  before: SettingsJson | Readonly<Record<string, never>>,
  patch: unknown,
  now_ms: number,
): KeySettings | GatewayError {
  if (!isObject(patch)) return new GatewayError("invalid_type", "The body must be a JSON object.");
  if (patch["models"] === null) {
    // Taking it back would silently allow every model.
    return new GatewayError("invalid_value", `'models' must be a list; ["*"] is every model.`, {
      param: "models",
    });
  }
  const parsed = settings_schema.safeParse(mergePatch(before, patch));
  if (!parsed.success) return explain(parsed.error.issues[0]!);
  const { name, tenant, models, team, tier, limits, per_user, region, privacy, note, expires } = parsed.data;
  const expires_ms = expires === undefined ? null : parseInstant(expires, now_ms, "ahead");
  if (expires !== undefined && expires_ms === null) {
    return wrong(["expires"], "must be a duration such as 30d, or a date such as 2030-01-31");
  }
  if (typeof patch["expires"] === "string" && expires_ms !== null && expires_ms <= now_ms) {
    return wrong(["expires"], "is over already; to end a key now, revoke it");
  }
  return {
    name,
    tenant,
    team: team ?? null,
    tier: tier ?? null,
    models,
    limits: noneIfEmpty(limits),
    per_user: noneIfEmpty(per_user),
    region: region ?? null,
    privacy: modeOf(privacy),
    note: note ?? null,
    expires_ms,
  };
}

/** RFC 7396, section 2. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map<string, unknown>(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

/** What is wrong with JSON that a schema has refused, as the API says it. */
export function explain(issue: z.core.$ZodIssue): GatewayError {
  const path = issue.path as Path;
  if (issue.code === "unrecognized_keys") {
    const param = formatPath([...path, issue.keys[0] ?? ""]);
    return new GatewayError("invalid_value", `There is no setting '${param}'.`, { param });
  }
  if (issue.code === "invalid_type" && issue.message.endsWith("received undefined")) {
    const param = formatPath(path);
    return new GatewayError("missing_required_parameter", `'${param}' is missing.`, { param });
  }
  return wrong(path, `is not right: ${issue.message}`, issue.code === "invalid_type");
}

function wrong(path: Path, what: string, is_type = false): GatewayError {
  const param = formatPath(path);
  return is_type
    ? new GatewayError("invalid_type", `'${param}' ${what}.`, { param })
    : new GatewayError("invalid_value", `'${param}' ${what}.`, { param });
}

function noneIfEmpty<T extends object>(settings: T | undefined): T | null {
  return settings === undefined || Object.keys(settings).length === 0 ? null : settings;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
