// Google's credentials as their files hold them (application default credentials).
// Sources: https://google.aip.dev/auth/4112, "Service account key"; https://google.aip.dev/auth/4113, "Authorized user".

import { createPrivateKey } from "node:crypto";
import * as z from "zod";
import type { GoogleCredentials } from "./plan.ts";

/** The word for the credentials of the machine that the gateway runs on. */
export const METADATA = "metadata";
/** Environment variable of the metadata server's host. */
export const METADATA_VARIABLE = "GCE_METADATA_HOST";
/** Where it is without that. */
export const METADATA_HOST = "metadata.google.internal";

const TOKEN_URI = "https://oauth2.googleapis.com/token";

const token_uri = z
  .string()
  .regex(/^https?:\/\/[^\s/]+/)
  .default(TOKEN_URI);

const file_schema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("service_account"),
    client_email: z.string().min(1),
    private_key: z.string().min(1),
    private_key_id: z.string().optional(),
    project_id: z.string().optional(),
    token_uri,
  }),
  z.object({
    type: z.literal("authorized_user"),
    client_id: z.string().min(1),
    client_secret: z.string().min(1),
    refresh_token: z.string().min(1),
    quota_project_id: z.string().optional(),
    token_uri,
  }),
  z.object({ type: z.literal(METADATA), host: z.string().min(1) }),
]);

/** Credentials that were read. */
export interface ReadCredentials {
  readonly credentials: GoogleCredentials;
  /** The project that they are of; null where they do not say. */
  readonly project: string | null;
}

/** Reads credentials, as JSON or as its value; or says what is wrong with them, without a value of theirs. */
export function readGoogleCredentials(given: unknown): ReadCredentials | { readonly fault: string } {
  let value = given;
  if (typeof given === "string") {
    try {
      value = JSON.parse(given);
    } catch {
      return { fault: "is no JSON" };
    }
  }
  const read = file_schema.safeParse(value);
  if (!read.success) return { fault: faultOf(read.error.issues[0]!) };
  const { data } = read;
  if (data.type === METADATA) return { credentials: data, project: null };
  if (data.type === "authorized_user") {
    const { quota_project_id, ...credentials } = data;
    return { credentials, project: quota_project_id ?? null };
  }
  const { project_id, private_key_id, ...account } = data;
  if (!isPrivateKey(account.private_key)) return { fault: "has a private_key that is none (PEM)" };
  return {
    credentials: { ...account, private_key_id: private_key_id ?? null },
    project: project_id ?? null,
  };
}

function faultOf({ path, code }: z.core.$ZodIssue): string {
  const field = path.join(".");
  if (field === "type" || code === "invalid_union" || field === "")
    return "must be of the type service_account or authorized_user; other kinds of credentials are not read";
  return `has no usable ${field}`;
}

function isPrivateKey(pem: string): boolean {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}
