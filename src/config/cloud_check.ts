// What the accounts of clouds need: a region or a project, and something that authorizes.

import { headerValueFault } from "./address.ts";
import { PROJECT, PROJECT_FAULT, REGION, REGION_FAULT } from "./clouds.ts";
import { METADATA, type ReadCredentials } from "./google.ts";
import { formatPath, type Path } from "./problem.ts";
import type { ProviderEntry } from "./providers.ts";
import type { ProviderConfig } from "./schema.ts";

/** Credentials of Google's that a configuration names or holds, or what is wrong with them. */
export type ReadGoogle = (
  given: NonNullable<NonNullable<ProviderConfig["google"]>["credentials"]>,
) => ReadCredentials | { readonly fault: string };

type Add = (path: Path, message: string, part?: "key" | "value") => void;

/** Whether a provider has no keys of its own kind alone. */
export function isCloud({ kind }: ProviderEntry): boolean {
  return kind === "bedrock" || kind === "vertex";
}

/** Findings about `aws` and `google`. */
export function checkCloud(
  at: Path,
  item: ProviderConfig,
  entry: ProviderEntry,
  add: Add,
  fault: (path: Path, what: string | null) => void,
  readGoogle: ReadGoogle,
): void {
  for (const [key, kind] of [
    ["aws", "bedrock"],
    ["google", "vertex"],
  ] as const)
    if (item[key] !== undefined && entry.kind !== kind)
      add([...at, key], `${formatPath([...at, key])} is only for the kind ${kind}; leave it out`, "key");
  if (entry.kind === "bedrock") checkAws(at, item, add, fault);
  if (entry.kind === "vertex") checkGoogle(at, item, add, fault, readGoogle);
}

function checkAws(
  at: Path,
  item: ProviderConfig,
  add: Add,
  fault: (path: Path, what: string | null) => void,
): void {
  const { region, access_key_id, session_token } = item.aws ?? {};
  if (region === undefined && (item.base_url === undefined || access_key_id !== undefined))
    add(at, `${formatPath(at)} needs aws.region, or the environment variable AWS_REGION`, "key");
  // What comes from the environment was not looked at.
  if (region !== undefined && !REGION.test(region)) fault([...at, "aws", "region"], REGION_FAULT);
  for (const [key, value] of Object.entries({ access_key_id, session_token }))
    if (value !== undefined) fault([...at, "aws", key], headerValueFault(value));
  const has_other = item.api_keys !== undefined || item.auth !== undefined;
  if (access_key_id !== undefined && has_other)
    add(
      [...at, "aws", "access_key_id"],
      `${formatPath(at)} has both ${item.auth === undefined ? "api_keys" : "auth"} and aws.access_key_id; keep one`,
      "key",
    );
  const missing = (["access_key_id", "secret_access_key"] as const).filter(
    (key) => item.aws?.[key] === undefined,
  );
  if (missing.length === 1)
    add([...at, "aws"], `${formatPath([...at, "aws"])} needs ${missing[0]} too`, "key");
  else if (missing.length === 2 && !has_other && item.base_url === undefined)
    add(
      at,
      `${formatPath(at)} needs aws.access_key_id and aws.secret_access_key (or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or api_keys (or AWS_BEARER_TOKEN_BEDROCK)`,
      "key",
    );
}

function checkGoogle(
  at: Path,
  item: ProviderConfig,
  add: Add,
  fault: (path: Path, what: string | null) => void,
  readGoogle: ReadGoogle,
): void {
  const { project, location, credentials } = item.google ?? {};
  const read = credentials === undefined ? null : readGoogle(credentials);
  if (read !== null && "fault" in read) fault([...at, "google", "credentials"], read.fault);
  const is_named = project !== undefined || (read !== null && "project" in read && read.project !== null);
  if (!is_named)
    add(
      at,
      `${formatPath(at)} needs google.project, or the environment variable GOOGLE_CLOUD_PROJECT`,
      "key",
    );
  if (project !== undefined && !PROJECT.test(project)) fault([...at, "google", "project"], PROJECT_FAULT);
  if (location !== undefined && !REGION.test(location)) fault([...at, "google", "location"], REGION_FAULT);
  if (location === undefined)
    add(
      at,
      `${formatPath(at)} needs google.location, or the environment variable GOOGLE_CLOUD_LOCATION`,
      "key",
    );
  const has_other = item.api_keys !== undefined || item.auth !== undefined;
  if (credentials === undefined && !has_other && item.base_url === undefined)
    add(
      at,
      `${formatPath(at)} needs google.credentials (${METADATA} on Google's own machines), or the environment variable GOOGLE_APPLICATION_CREDENTIALS`,
      "key",
    );
  if (credentials !== undefined && has_other)
    add(
      [...at, "google", "credentials"],
      `${formatPath(at)} has both ${item.auth === undefined ? "api_keys" : "auth"} and google.credentials; keep one`,
      "key",
    );
}
