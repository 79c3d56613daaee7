// What the process's environment contributes: provider keys, an Azure address, proxies, a whole zero configuration.
// The only place that reads it; everything takes a record, so that a test can stand in for a machine.

import { isLoopback, isProxyExempt, urlFault } from "./address.ts";
import { type Path, type Problem, pathKey } from "./problem.ts";
import { AZURE_ENDPOINT_VARIABLE, PROVIDERS, providerEntry } from "./providers.ts";
import type { Environment } from "./references.ts";
import type { Config } from "./schema.ts";

/** The variables of this process, as they are at the moment. */
export function processEnvironment(): Environment {
  return process.env;
}

/** The heap size below which the engine of a gateway process does not hurry to collect garbage, in bytes. */
const GATEWAY_HEAP_BYTES = 64 * 1024 * 1024;
const HEAP_VARIABLE = "BUN_JSC_largeHeapSize";
/** How long the allocator of a gateway process leaves freed memory alone before it gives it back to the system. */
const PURGE_INTERVAL_MS = 300;
const PURGE_VARIABLE = "MIMALLOC_PURGE_HOLES_MIN_INTERVAL";

/**
 * The environment of a gateway process. A heap that may grow to twice the engine's default is collected half as often, and
 * a collection costs about the same however much is garbage: what is alive are the calls in flight. Memory that is given back
 * is wanted again by the next calls: the allocator's thread that does so, and the pages that are cleared anew, would take a tenth
 * of all processor time.
 */
export function gatewayEnvironment(): Environment {
  return {
    [HEAP_VARIABLE]: String(GATEWAY_HEAP_BYTES),
    [PURGE_VARIABLE]: String(PURGE_INTERVAL_MS),
    ...process.env,
  };
}

/** The text of a variable; null where it is not set, or blank. Line breaks at the end are those of a secret's file. */
function read(env: Environment, name: string): string | null {
  return env[name]?.trim() || null;
}

/** Zero configuration: a provider, by its own name, for every known key that the environment has. */
export function environmentProviders(env: Environment): Record<string, { kind: string }> {
  const providers: Record<string, { kind: string }> = {};
  for (const [name, entry] of Object.entries(PROVIDERS)) {
    if (entry.key_variable === null || read(env, entry.key_variable) === null) continue;
    if (entry.base_url === null && read(env, AZURE_ENDPOINT_VARIABLE) === null) continue;
    providers[name] = { kind: name };
  }
  return providers;
}

/** Fills in keys and addresses that `config` leaves to the environment. Their variables are reported to `came`. */
export function applyEnvironment(
  config: Config,
  env: Environment,
  came: (path: Path, variable: string) => void,
): void {
  for (const [name, provider] of Object.entries(config.providers)) {
    // The key of a known provider never goes to another address than its own.
    if (provider.base_url !== undefined) continue;
    const entry = providerEntry(name, provider.kind, provider.base_url);
    if (provider.api_keys === undefined && provider.auth === undefined && entry.key_variable !== null) {
      const key = read(env, entry.key_variable);
      if (key !== null) {
        provider.api_keys = [key];
        came(["providers", name, "api_keys", 0], entry.key_variable);
      }
    }
    const endpoint = entry.base_url === null ? read(env, AZURE_ENDPOINT_VARIABLE) : null;
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
    const base = provider.base_url ?? entry.base_url;
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
