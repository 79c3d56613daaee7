// What the process's environment contributes: provider keys, an Azure address, proxies, a whole zero configuration.
// The only place that reads it; everything takes a record, so that a test can stand in for a machine.

import { isLoopback, isProxyExempt, urlFault } from "./address.ts";
import { cloudUrl } from "./clouds.ts";
import { METADATA_HOST, METADATA_VARIABLE } from "./google.ts";
import { type Path, type Problem, pathKey } from "./problem.ts";
import { AZURE_ENDPOINT_VARIABLE, PROVIDERS, type ProviderEntry, providerEntry } from "./providers.ts";
import type { Environment } from "./references.ts";
import { SAYING_VARIABLE, sayingText } from "./say.ts";
import type { Config, ProviderConfig } from "./schema.ts";

/** The variables of this process, as they are at the moment. */
export function processEnvironment(): Environment {
  return process.env;
}

/** The heap size below which the engine of a gateway process does not hurry to collect garbage, in bytes. */
const GATEWAY_HEAP_BYTES = 64 * 1024 * 1024;
const HEAP_VARIABLE = "BUN_JSC_largeHeapSize";
/** How much the heap of a gateway process may grow before it is collected, as a multiple of what was alive after the last time. */
const HEAP_GROWTH = 1.5;
const GROWTH_VARIABLE = "BUN_JSC_smallHeapGrowthFactor";
/** How long the allocator of a gateway process leaves freed memory alone before it gives it back to the system. */
const PURGE_INTERVAL_MS = 300;
const PURGE_VARIABLE = "MIMALLOC_PURGE_HOLES_MIN_INTERVAL";
/** After how many seconds in which nothing happens the engine of a gateway process collects all of its garbage. */
const IDLE_SECONDS = 1;
const IDLE_VARIABLE = "BUN_IDLE_GC_SECONDS";
/** How often a function of a gateway process has been used, as the engine counts, when its best machine code is made. */
const WARM_COUNT = 16_000;
const WARM_VARIABLE = "BUN_JSC_thresholdForFTLOptimizeAfterWarmUp";

/**
 * The environment of a gateway process. A heap that may grow to twice the engine's default is collected half as often, and
 * a collection costs about the same however much is garbage: what is alive are the calls in flight. Streams live long enough to be
 * taken for what stays, and only a full collection finds that they have ended: with the engine's own factor of 2 it comes when the
 * heap has three times what is alive, with this one when it has half as much again. Memory that is given back is wanted again by the
 * next calls: the allocator's thread that does so, and the pages that are cleared anew, would take a tenth of all processor time.
 * What lived while its stream began is garbage that a usual collection does not look at: when many streams have begun and none of them
 * says anything, all of it is collected, which would take too long while something happens. A quarter of the engine's own count makes
 * it compile what begins a stream after 20 seconds of two hundred a second, in place of more than a minute.
 */
export function gatewayEnvironment(): Environment {
  return {
    [HEAP_VARIABLE]: String(GATEWAY_HEAP_BYTES),
    [GROWTH_VARIABLE]: String(HEAP_GROWTH),
    [PURGE_VARIABLE]: String(PURGE_INTERVAL_MS),
    [IDLE_VARIABLE]: String(IDLE_SECONDS),
    [WARM_VARIABLE]: String(WARM_COUNT),
    ...inferenceEnvironment(),
  };
}

/** Names the process that a supervisor follows, which is also the one that started it. */
export const PREDECESSOR_VARIABLE = "VENTURI_PREDECESSOR";

/** The environment of a supervisor that is to follow this one: what a service manager says to one process alone is said to that one. */
export function successorEnvironment(pid: number, handed_sockets: number): Environment {
  const sockets = handed_sockets === 0 ? {} : { LISTEN_PID: String(pid), LISTEN_FDS: String(handed_sockets) };
  const { WATCHDOG_PID: _, ...rest } = process.env;
  return {
    ...rest,
    LISTEN_PID: undefined,
    LISTEN_FDS: undefined,
    ...sockets,
    [PREDECESSOR_VARIABLE]: String(pid),
  };
}

/** Names the process that tries a program, and with which the trial ends. */
export const TRIAL_VARIABLE = "VENTURI_TRIAL";

/** The environment of a program that is only tried, by the process `pid`: nobody else hears of it. */
export function trialEnvironment(pid: number): Environment {
  const { NOTIFY_SOCKET: _, LISTEN_PID: __, LISTEN_FDS: ___, ...rest } = process.env;
  return { ...rest, [PREDECESSOR_VARIABLE]: undefined, [TRIAL_VARIABLE]: String(pid) };
}

/** The environment that the inference process is started with: the supervisor's, and how it is to tell of itself. */
export function inferenceEnvironment(): Environment {
  return { ...process.env, [SAYING_VARIABLE]: sayingText() };
}

/** The text of a variable; null where it is not set, or blank. Line breaks at the end are those of a secret's file. */
function read(env: Environment, name: string): string | null {
  return env[name]?.trim() || null;
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html */
const AWS_REGIONS = ["AWS_REGION", "AWS_DEFAULT_REGION"] as const;
const ACCESS_KEY = "AWS_ACCESS_KEY_ID";
const SECRET_KEY = "AWS_SECRET_ACCESS_KEY";
const AWS_KEYS = {
  access_key_id: [ACCESS_KEY],
  secret_access_key: [SECRET_KEY],
  session_token: ["AWS_SESSION_TOKEN"],
} as const;

/** The host of the machine's metadata server, where Google's machines have one. */
export function metadataHost(env: Environment): string {
  return read(env, METADATA_VARIABLE) ?? METADATA_HOST;
}

/** Zero configuration: a provider, by its own name, for every known key that the environment has. */
export function environmentProviders(env: Environment): Record<string, { kind: string }> {
  const providers: Record<string, { kind: string }> = {};
  for (const [name, entry] of Object.entries(PROVIDERS)) {
    if (hasKey(entry, env) && hasAddress(entry, env)) providers[name] = { kind: name };
  }
  return providers;
}

function hasKey({ kind, key_variable }: ProviderEntry, env: Environment): boolean {
  if (key_variable !== null && read(env, key_variable) !== null) return true;
  return kind === "bedrock" && read(env, ACCESS_KEY) !== null && read(env, SECRET_KEY) !== null;
}

function hasAddress({ kind, base_url }: ProviderEntry, env: Environment): boolean {
  if (kind === "bedrock") return AWS_REGIONS.some((name) => read(env, name) !== null);
  return base_url !== null || (kind === "azure" && read(env, AZURE_ENDPOINT_VARIABLE) !== null);
}

/** By field, the variables that it may come from. */
type VariablesOf = Readonly<Record<string, readonly string[]>>;

/** Fills in the fields of one of a provider's groups that are not there. */
function fillGroup(
  provider: ProviderConfig,
  group: "aws" | "google",
  fields: VariablesOf,
  env: Environment,
  came: (field: string, variable: string) => void,
): void {
  const given: Readonly<Record<string, unknown>> = provider[group] ?? {};
  for (const [field, variables] of Object.entries(fields)) {
    const variable = variables.find((one) => read(env, one) !== null);
    if (variable === undefined || given[field] !== undefined) continue;
    provider[group] = { ...provider[group], [field]: read(env, variable) };
    came(field, variable);
  }
}

/** Fills in keys and addresses that `config` leaves to the environment. Their variables are reported to `came`. */
export function applyEnvironment(
  config: Config,
  env: Environment,
  came: (path: Path, variable: string) => void,
): void {
  for (const [name, provider] of Object.entries(config.providers)) {
    const entry = providerEntry(name, provider.kind, provider.base_url);
    const fill = (group: "aws" | "google", fields: VariablesOf): void => {
      fillGroup(provider, group, fields, env, (field, variable) =>
        came(["providers", name, group, field], variable),
      );
    };
    if (entry.kind === "bedrock") fill("aws", { region: AWS_REGIONS });
    if (entry.kind === "vertex")
      fill("google", { project: ["GOOGLE_CLOUD_PROJECT"], location: ["GOOGLE_CLOUD_LOCATION"] });
    // The key of a known provider never goes to another address than its own.
    if (provider.base_url !== undefined) continue;
    const has_own = provider.auth !== undefined || provider.aws?.access_key_id !== undefined;
    if (provider.api_keys === undefined && !has_own && entry.key_variable !== null) {
      const key = read(env, entry.key_variable);
      if (key !== null) {
        provider.api_keys = [key];
        came(["providers", name, "api_keys", 0], entry.key_variable);
      }
    }
    if (provider.api_keys === undefined && provider.auth === undefined) {
      if (entry.kind === "bedrock" && !has_own) fill("aws", AWS_KEYS);
      if (entry.kind === "vertex") fill("google", { credentials: ["GOOGLE_APPLICATION_CREDENTIALS"] });
    }
    const endpoint = entry.kind === "azure" ? read(env, AZURE_ENDPOINT_VARIABLE) : null;
    if (endpoint !== null) {
      provider.base_url = endpoint;
      came(["providers", name, "base_url"], AZURE_ENDPOINT_VARIABLE);
    }
  }
}

/**
 * Gives providers without a proxy the environment's, as curl does: HTTPS_PROXY or HTTP_PROXY (also in lower case) but
 * for NO_PROXY; never for this machine, nor for a provider with `client: http1`.
 */
export function applyProxies(config: Config, env: Environment): Problem[] {
  const problems = new Map<string, Problem>();
  const exempt = read(env, "NO_PROXY") ?? read(env, "no_proxy") ?? "";
  for (const [name, provider] of Object.entries(config.providers)) {
    const entry = providerEntry(name, provider.kind, provider.base_url);
    const base = provider.base_url ?? entry.base_url ?? cloudUrl(entry.kind, provider);
    if (provider.proxy !== undefined || provider.client === "http1" || entry.kind === "sim") continue;
    if (base === null || !URL.canParse(base)) continue;
    const url = new URL(base);
    const upper = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
    const variable = read(env, upper) === null ? upper.toLowerCase() : upper;
    const written = read(env, variable);
    if (written === null || isLoopback(url.hostname)) continue;
    const port = url.port !== "" ? Number(url.port) : url.protocol === "https:" ? 443 : 80;
    if (isProxyExempt(url.hostname, port, exempt)) continue;
    const proxy = written.includes("://") ? written : `http://${written}`;
    const fault = urlFault(proxy, "proxy");
    if (fault === null) provider.proxy = proxy;
    else
      problems.set(pathKey([variable]), {
        file: "environment",
        line: 0,
        col: 0,
        message: `${variable} ${fault}`,
      });
  }
  return [...problems.values()];
}
