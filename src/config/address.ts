// Addresses: base URLs, hosts that are this machine, header fields.
// Each rule is a function that says what is wrong, or null; the caller knows where it stands in the file.

import type { Origin } from "./plan.ts";

const EXAMPLES = {
  base_url: "https://llm.example.com/v1",
  proxy: "http://proxy.internal:3128",
  webhook: "https://guard.example.com/judge",
} as const;

/** Hosts that only this machine can reach: `localhost`, 127.0.0.0/8, `::1` (also in brackets, and IPv4-mapped). */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  if (bare === "localhost" || bare === "::1") return true;
  return /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(bare);
}

/** The URL of what listens at an address. */
export function listenerUrl(hostname: string, port: number, is_tls: boolean): string {
  return `${is_tls ? "https" : "http"}://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** The URL at which its own host reaches a listener: one of all addresses has none that could be asked. */
export function localUrl(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}

/** Where requests to a URL go. */
export function originOf(url: URL): Origin {
  const tls = url.protocol === "https:";
  return {
    tls,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port !== "" ? Number(url.port) : tls ? 443 : 80,
  };
}

/** What is wrong with an address of an API, a proxy or a guard, without showing it; null where nothing is. */
export function urlFault(text: string, use: keyof typeof EXAMPLES): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  const example = EXAMPLES[use];
  if (url === null || /[\s\x00-\x1f\x7f]/.test(text)) return `is not a URL; write it like ${example}`;
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return `must begin with http:// or https://, like ${example}`;
  if (use === "proxy") return null;
  if (url.username !== "" || url.password !== "")
    return `must not contain a user name or password; use ${use === "webhook" ? "headers" : "api_keys, or auth"}`;
  // `new URL` forgets an empty fragment.
  if (text.includes("#")) return 'must not contain a fragment; leave out "#" and what follows';
  return null;
}

/** Fields that frame the message or name the connection: the gateway alone sets them. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What is wrong with the name of a header field; null where nothing is. */
export function headerNameFault(name: string): string | null {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    return "is not a legal header name; it has letters, digits and dashes, and no spaces, colons or line breaks";
  if (OWN_FIELDS.has(name.toLowerCase())) return "is a header that the gateway itself sets; leave it out";
  return null;
}

/** What is wrong with a header field's value, without showing it; null where nothing is. */
export function headerValueFault(value: string): string | null {
  if (/[\r\n]/.test(value)) return "contains a line break, which no header value may have";
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) return "contains a character that no header value may have";
  if (value !== value.trim()) return "begins or ends with white space; leave it out";
  return null;
}

/** Whether a `NO_PROXY` list exempts this host: names, domains, addresses, each with an optional port, or `*`. */
export function isProxyExempt(host: string, port: number, list: string): boolean {
  for (const item of list.toLowerCase().split(/[\s,]+/)) {
    if (item === "*") return true;
    const [, name = "", only_port] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(item.replace(/^\*?\./, "")) ?? [];
    if (name === "" || (only_port !== undefined && Number(only_port) !== port)) continue;
    if (host.toLowerCase() === name || host.toLowerCase().endsWith(`.${name}`)) return true;
  }
  return false;
}
