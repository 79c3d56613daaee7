// State that several hosts share, as a user configures it: `state`, `on_state_loss`, `state_budget_ms`.

import * as z from "zod";
import type { StatePlan } from "./plan.ts";
import { readStateAddress, shownAddress } from "./state_address.ts";

const whole = (least: number, most: number) => z.number().int().min(least).max(most);

/** What an address begins with; the rest is looked at by hand, with a message that says more. */
const ADDRESS = /^(valkey|redis)s?(\+(cluster|sentinel))?:\/\//;
const url = z
  .string()
  .max(4096)
  .regex(ADDRESS, "must be an address of Valkey or Redis, such as valkey://cache.internal:6379");

const details = z.strictObject({
  url: url.describe(
    "valkey://host:port, valkeys:// with TLS; valkey+cluster:// and valkey+sentinel:// with several hosts. User and password best as a reference to an environment variable.",
  ),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9_.:-]{1,64}$/, "must have 1 to 64 letters, digits, '.', '_', ':' or '-'")
    .default("venturi")
    .describe("What all keys begin with: hosts with the same one share their state."),
  secret: z
    .string()
    .regex(/^[!-~]{16,512}$/, "must have 16 to 512 visible ASCII characters and no spaces")
    .optional()
    .describe(
      "What kept answers are encrypted with, the same on all hosts; best a reference to an environment variable. Without it each host keeps its answers for itself.",
    ),
  tls: z
    .strictObject({
      ca: z
        .string()
        .min(1)
        .optional()
        .describe("File of certificates (PEM) that the servers' are signed with."),
    })
    .optional()
    .describe("TLS of valkeys:// beyond the system's own certificates."),
  sentinel_password: z.string().min(1).max(1024).optional().describe("Password of the sentinels themselves."),
  lease_ms: whole(500, 60_000)
    .default(4_000)
    .describe(
      "How long a host may use the part of a limit that it has taken ahead, without being heard of; what a host that died had comes back after that.",
    ),
});

/** `state` of the configuration. */
export const state = z.union([url, details]);

/** `on_state_loss` of the configuration. */
export const on_state_loss = z.enum(["local", "reject"]).default("local");

/** `state_budget_ms` of the configuration. */
export const state_budget_ms = whole(1, 10_000).default(100);

/** State as configured, its certificates read. */
export type StateConfig = z.output<typeof state>;

/** The parts of what was written as an address alone, or in full. */
export function stateDetails(config: StateConfig): z.output<typeof details> {
  return typeof config === "string" ? { url: config, prefix: "venturi", lease_ms: 4_000 } : config;
}

/** What is wrong with an address that has the form of one; null where nothing is. */
export function stateFault(config: StateConfig): string | null {
  const { url: address, tls } = stateDetails(config);
  const read = readStateAddress(address);
  if ("fault" in read) return read.fault;
  return tls !== undefined && !read.tls
    ? "has no TLS, but tls is configured; begin it with valkeys://"
    : null;
}

/** What the Plan has of it; null: the state is this host's own. */
export function compileState(config: {
  readonly state?: StateConfig | undefined;
  readonly on_state_loss: "local" | "reject";
  readonly state_budget_ms: number;
}): StatePlan | null {
  if (config.state === undefined) return null;
  const { url: address, prefix, secret, tls, sentinel_password, lease_ms } = stateDetails(config.state);
  const read = readStateAddress(address);
  if ("fault" in read) return null;
  return {
    address: read,
    shown: shownAddress(read),
    prefix,
    secret: secret ?? null,
    ca: tls?.ca ?? null,
    sentinel_password: sentinel_password ?? null,
    lease_ms,
    on_loss: config.on_state_loss,
    budget_ms: config.state_budget_ms,
  };
}
