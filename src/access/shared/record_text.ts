// A stored key as the text that a database keeps: JSON, hashes of secrets in hexadecimal digits. Nothing is taken for a key that is none.

import * as z from "zod";
import type { KeyRecord } from "../key_record.ts";

const text = z.string().nullable();
const moment = z.number().nullable();
const limits = z.record(z.string(), z.number()).nullable();

/** Fields of newer versions stay: a host must not lose what it does not know. */
const record_schema = z.looseObject({
  ...{ id: z.string(), name: z.string(), tenant: z.string(), team: text, tier: text, note: text },
  ...{ models: z.array(z.string()), limits, per_user: limits, expires_ms: moment },
  ...{ created_ms: z.number(), revoked_ms: moment, version: z.int().min(1) },
  secrets: z.array(
    z.object({ hash: z.string().regex(/^[0-9a-f]{64}$/), created_ms: z.number(), ends_ms: moment }),
  ),
});

/** The text of a key. */
export function keyText(record: KeyRecord): string {
  const secrets = record.secrets.map((secret) => ({
    ...secret,
    hash: Buffer.from(secret.hash).toString("hex"),
  }));
  return JSON.stringify({ ...record, secrets });
}

/** The key of a text; null where it is none. */
export function readKeyText(text: string): KeyRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const read = record_schema.safeParse(value);
  if (!read.success) return null;
  const secrets = read.data.secrets.map((secret) => ({
    ...secret,
    hash: Uint8Array.from(Buffer.from(secret.hash, "hex")),
  }));
  return { ...(read.data as unknown as KeyRecord), secrets };
}
