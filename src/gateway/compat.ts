// Request headers of other gateways, for clients that still speak to those: what has an equal is put into the gateway's own
// headers, where the client has not set them itself. Nothing is looked at unless the configuration says so (listen.compat).

import type { CompatName, Plan } from "../config/plan.ts";

/** Most retries that a client may wish for. */
export const RETRIES_MAX = 10;
/** The longest JSON of metadata that is read; characters. */
const METADATA_MAX = 4_096;

/** Rewrites a request's headers in place. Gives the retries that its client wishes for; null where it says nothing. */
export function understandHeaders(headers: Headers, { listen, providers }: Plan): number | null {
  const words = new Words(headers, (name) => providers.has(name));
  for (const name of listen.compat) READERS[name](words);
  words.write();
  return words.retries;
}

const READERS: Readonly<Record<CompatName, (words: Words) => void>> = {
  // https://docs.litellm.ai/docs/proxy/request_headers
  litellm(words) {
    words.key(words.of("x-litellm-api-key"));
    words.seconds(words.of("x-litellm-timeout"));
    words.set("x-venturi-session", words.of("x-litellm-session-id") ?? words.of("x-litellm-trace-id"));
    words.set("x-venturi-user", words.of("x-litellm-end-user-id") ?? words.of("x-litellm-customer-id"));
    words.retry(words.of("x-litellm-num-retries"));
    for (const tag of words.of("x-litellm-tags")?.split(",") ?? []) words.tag(tag, null);
    for (const [name, value] of words.json("x-litellm-spend-logs-metadata")) words.tag(name, value);
  },
  // https://portkey.ai/docs/api-reference/inference-api/headers
  portkey(words) {
    words.key(words.of("x-portkey-api-key"));
    words.provider(words.of("x-portkey-provider") ?? words.of("x-portkey-virtual-key"));
    words.milliseconds(words.of("x-portkey-request-timeout"));
    words.set("x-venturi-session", words.of("x-portkey-trace-id"));
    words.retry(words.of("x-portkey-retry-count"));
    if (words.of("x-portkey-cache-force-refresh") === "true") words.set("x-venturi-cache", "refresh");
    for (const [name, value] of words.json("x-portkey-metadata")) {
      if (name === "_user") words.set("x-venturi-user", value);
      else words.tag(name, value);
    }
  },
  // https://docs.helicone.ai/helicone-headers/header-directory
  helicone(words) {
    words.key(words.of("helicone-auth"));
    words.set("x-venturi-user", words.of("helicone-user-id"));
    words.set("x-venturi-session", words.of("helicone-session-id"));
    words.set("x-venturi-feature", words.of("helicone-property-feature") ?? words.of("helicone-prompt-id"));
    words.set("x-request-id", words.of("helicone-request-id"));
    if (words.of("helicone-cache-enabled") === "false") words.set("x-venturi-cache", "off");
    const retries = words.of("helicone-retry-enabled");
    if (retries !== null) words.retry(retries === "true" ? words.of("helicone-retry-num") : "0");
    for (const [name, value] of words.beginningWith("helicone-property-")) words.tag(name, value);
  },
};

/** Sets one of the gateway's own headers, unless the client has. */
export function setOwn(headers: Headers, name: string, value: string): void {
  if (headers.has(name)) return;
  try {
    headers.set(name, value);
  } catch {
    // A value from within JSON may have characters that no header has.
  }
}

/** A text as it can stand in a list of tags. */
export function tagText(text: string): string {
  return text.replaceAll(/[,\r\n]/g, " ").trim();
}

/** What other headers have said so far. */
class Words {
  retries: number | null = null;
  readonly #headers: Headers;
  readonly #isProvider: (name: string) => boolean;
  readonly #tags: string[] = [];
  #key: string | null = null;

  constructor(headers: Headers, isProvider: (name: string) => boolean) {
    this.#headers = headers;
    this.#isProvider = isProvider;
  }

  of(name: string): string | null {
    return this.#headers.get(name)?.trim() || null;
  }

  set(name: string, value: string | null): void {
    if (value !== null) setOwn(this.#headers, name, value);
  }

  /** The client's key, with or without `Bearer` before it: in place of a key for the provider, which is not the client's to say. */
  key(value: string | null): void {
    if (value !== null) this.#key ??= value.replace(/^bearer\s+/i, "");
  }

  seconds(value: string | null): void {
    const ms = value === null ? 0 : Number(value) * 1_000;
    if (ms > 0 && Number.isFinite(ms)) this.set("x-venturi-deadline-ms", String(Math.ceil(ms)));
  }

  milliseconds(value: string | null): void {
    const ms = value === null ? 0 : Number(value);
    if (ms > 0 && Number.isFinite(ms)) this.set("x-venturi-deadline-ms", String(Math.ceil(ms)));
  }

  retry(value: string | null): void {
    if (value !== null && /^\d{1,6}$/.test(value)) this.retries ??= Math.min(RETRIES_MAX, Number(value));
  }

  /** A provider that is configured by this name; others are not for the client to choose. */
  provider(value: string | null): void {
    const name = value?.replace(/^@/, "") ?? "";
    if (this.#isProvider(name)) this.set("x-venturi-provider", name);
  }

  tag(name: string, value: string | null): void {
    const word = tagText(name).replaceAll("=", " ").trim();
    if (word !== "") this.#tags.push(value === null ? tagText(name) : `${word}=${tagText(value)}`);
  }

  /** The texts of a header's JSON object; nothing where it is none. */
  json(name: string): readonly (readonly [string, string])[] {
    const text = this.of(name);
    if (text === null || text.length > METADATA_MAX) return [];
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return [];
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
    return Object.entries(value).flatMap(([key, item]) =>
      ["string", "number", "boolean"].includes(typeof item) ? [[key, String(item)] as const] : [],
    );
  }

  /** Names behind a beginning, with their values. */
  beginningWith(prefix: string): readonly (readonly [string, string])[] {
    const found: [string, string][] = [];
    for (const [name, value] of this.#headers)
      if (name.startsWith(prefix)) found.push([name.slice(prefix.length), value]);
    return found;
  }

  /** Writes what stands in one header for all of them. */
  write(): void {
    if (this.#key !== null) {
      for (const name of ["x-api-key", "api-key", "x-goog-api-key"]) this.#headers.delete(name);
      this.#headers.set("authorization", `Bearer ${this.#key}`);
    }
    if (this.#tags.length > 0) this.set("x-venturi-tags", this.#tags.join(","));
  }
}
