// Which browsers' pages may call (Fetch Standard, "HTTP-CORS protocol"). Off unless origins are configured.
// A gateway that asks for no keys also refuses pages of other origins: else any page could spend its owner's money.

import type { Plan } from "../config/plan.ts";

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Whether an origin is configured as allowed. */
function isConfigured(plan: Plan, origin: string): boolean {
  const { cors_origins } = plan.listen;
  return cors_origins.includes("*") || cors_origins.includes(origin);
}

/** Whether a page of this origin must be refused: there are no keys, and the page is not of this host. */
export function isForeignPage(plan: Plan, headers: Headers): boolean {
  if (plan.keys.length > 0) return false;
  const origin = headers.get("origin");
  if (origin === null || isConfigured(plan, origin)) return false;
  return !LOOPBACK_HOST.test(hostOf(origin));
}

/**
 * Whether a page of this origin may not open a WebSocket: browsers ask for no leave there, as they do for calls, so that the gateway has to
 * say it. Pages of this host may, and those that the gateway itself is the host of.
 */
export function isForeignSocket(plan: Plan, headers: Headers): boolean {
  const origin = headers.get("origin");
  if (origin === null || isConfigured(plan, origin)) return false;
  const is_own = origin.slice(origin.indexOf("://") + 3) === headers.get("host");
  return !is_own && !LOOPBACK_HOST.test(hostOf(origin));
}

function hostOf(origin: string): string {
  return /^https?:\/\/(\[[^\]]*\]|[^/:]*)/.exec(origin)?.[1] ?? "";
}

/** The headers that let an allowed page read a response; none for others. */
export function corsHeaders(plan: Plan, headers: Headers): Record<string, string> {
  const origin = headers.get("origin");
  if (origin === null || !isConfigured(plan, origin)) return {};
  return {
    "access-control-allow-origin": plan.listen.cors_origins.includes("*") ? "*" : origin,
    "access-control-expose-headers": "*",
    vary: "origin",
  };
}

/** The answer to a preflight request. */
export function preflightHeaders(plan: Plan, headers: Headers): Record<string, string> {
  const allowed = corsHeaders(plan, headers);
  if (allowed["access-control-allow-origin"] === undefined) return {};
  return {
    ...allowed,
    "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
    "access-control-allow-headers": headers.get("access-control-request-headers") ?? "*",
    "access-control-max-age": "86400",
  };
}
