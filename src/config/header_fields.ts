// The constant fields of requests that the gateway sends.

import { version } from "../../package.json";
import type { HeaderFields } from "./plan.ts";

/** Fields of the gateway's own and configured ones; of the same name, the configured one. Names in lower case. */
export function constantFields(
  own: HeaderFields,
  configured: Readonly<Record<string, string>> = {},
): HeaderFields {
  const fields = new Map<string, string>(own);
  fields.set("accept-encoding", "identity");
  fields.set("user-agent", `venturi/${version}`);
  for (const [name, value] of Object.entries(configured)) fields.set(name.toLowerCase(), value);
  return [...fields];
}
