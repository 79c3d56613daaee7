// The configuration with every secret masked. What is a secret is decided by what a setting is called, at any depth, so that
// a new place for one is masked before anybody thinks of it.

import type { ResolvedConfig } from "../config/schema.ts";

const MASK = "***";

/** Settings whose value is a secret, or all of whose values may be. */
const SECRET_NAME = /^(value|headers)$|(^|_)(keys?|tokens?|secrets?|password)$/;
/** Amounts of tokens, not tokens. */
const AMOUNT_NAME = /^(prompt|context|input|output|max)_tokens$/;
/** Lists of settings, which are looked into. */
const LISTS: ReadonlySet<string> = new Set(["keys"]);

/** A copy of a configuration that may be shown. */
export function maskedConfig(config: ResolvedConfig): unknown {
  return masked(config);
}

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value === "string") return maskedText(value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      if (name === "when") return [name, maskedRule(item)];
      const is_secret = SECRET_NAME.test(name) && !AMOUNT_NAME.test(name) && !isListOfSettings(name, item);
      return [name, is_secret ? hidden(item) : masked(item)];
    }),
  );
}

/** The conditions of a rule: `key` is a key's name there, and what a header field must be may be a secret. */
function maskedRule(when: unknown): unknown {
  if (typeof when !== "object" || when === null || Array.isArray(when)) return masked(when);
  return Object.fromEntries(
    Object.entries(when).map(([name, item]) => {
      if (name === "header") return [name, hidden(item)];
      return name === "key" ? [name, item] : Object.entries(masked({ [name]: item }) as object)[0]!;
    }),
  );
}

function isListOfSettings(name: string, item: unknown): boolean {
  return LISTS.has(name) && Array.isArray(item) && item.every((entry) => typeof entry === "object");
}

/** The same shape with nothing in it. "none" says that there is no secret. */
function hidden(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hidden);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, hidden(item)]));
  return value === "none" || value === null || typeof value === "boolean" ? value : MASK;
}

/** URLs hold secrets in their user, path (webhooks) and query; certificates are long. */
function maskedText(text: string): string {
  if (text.startsWith("-----BEGIN")) return "(certificates)";
  if (!/^[a-z][a-z0-9+.-]*:\/\//.test(text)) return text;
  // Of several servers in one address: who logs in.
  if (!URL.canParse(text)) return text.replace(/:\/\/[^/]*@/, `://${MASK}@`);
  const url = new URL(text);
  const user = url.username === "" && url.password === "" ? "" : `${MASK}@`;
  const query = url.search === "" ? "" : `?${MASK}`;
  return `${url.protocol}//${user}${url.host}${maskedPath(url.pathname)}${query}`;
}

/** A path but for its segments that are long enough to be a secret. */
function maskedPath(path: string): string {
  return path
    .split("/")
    .map((segment) => (segment.length >= 16 ? MASK : segment))
    .join("/");
}
