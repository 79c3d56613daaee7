// Fetches media that a client names by a URL, for providers that take bytes alone. What a client names is not trusted: only public addresses are
// connected to (each name is looked at when it has been resolved, each redirect anew), and size and time are bounded.

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { UpstreamClient, UpstreamError, UpstreamHead } from "./exchange.ts";
import { createHttp1Client } from "./http1/client.ts";
import { isPublicAddress } from "./public_address.ts";

/** Redirects that are followed. */
const REDIRECTS_MAX = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const CONNECT_MS = 5_000;

/** Bounds of one fetch. */
export interface MediaLimits {
  readonly max_bytes: number;
  readonly timeout_ms: number;
  /** Hosts that may be anywhere: the operator vouches for them. */
  readonly trusted_hosts: readonly string[];
}

/** What was fetched; `media_type` as its server says it, without parameters, empty where it does not. */
export interface FetchedMedia {
  readonly bytes: Uint8Array;
  readonly media_type: string;
}

/** Fetches media. */
export class MediaFetch {
  readonly #limits: MediaLimits;
  readonly #client: UpstreamClient;

  constructor(limits: MediaLimits) {
    this.#limits = limits;
    // No connection outlives its fetch: the next one goes somewhere else.
    this.#client = createHttp1Client({ max_idle: 0, lookup: (host) => this.#lookUp(host) });
  }

  /** Fetches what is at a URL; or says in words why it cannot, without the URL's query. */
  async fetch(url: string): Promise<FetchedMedia | { readonly fault: string }> {
    const end_ms = performance.now() + this.#limits.timeout_ms;
    let at = url;
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      const answer = await this.#ask(at, end_ms);
      if ("fault" in answer || "bytes" in answer) return answer;
      at = answer.location;
    }
    return { fault: "it is redirected too often" };
  }

  async #ask(
    url: string,
    end_ms: number,
  ): Promise<FetchedMedia | { readonly location: string } | { readonly fault: string }> {
    const to = URL.canParse(url) ? new URL(url) : null;
    if (to === null || (to.protocol !== "https:" && to.protocol !== "http:")) {
      return { fault: "it is no http or https URL" };
    }
    const host = to.hostname.replace(/^\[|\]$/g, "");
    if (to.username !== "" || to.password !== "") return { fault: "its URL has credentials" };
    if (!this.#isTrusted(host) && !mayBePublic(host)) return { fault: `${host} is no public host` };
    const left_ms = Math.ceil(end_ms - performance.now());
    if (left_ms <= 0) return { fault: "it took too long" };
    const tls = to.protocol === "https:";
    const port = to.port === "" ? (tls ? 443 : 80) : Number(to.port);
    const timeouts = {
      connect_ms: Math.min(CONNECT_MS, left_ms),
      first_byte_ms: left_ms,
      idle_ms: left_ms,
      total_ms: left_ms,
    };
    return new Promise((resolve) => {
      const pieces: Uint8Array[] = [];
      let size = 0;
      let head: UpstreamHead | null = null;
      const { max_bytes } = this.#limits;
      const exchange = this.#client.exchange(
        {
          ...{
            origin: { tls, host, port },
            pool: "",
            method: "GET",
            path: to.pathname + to.search,
            timeouts,
          },
          headers: MEDIA_HEADERS,
          body: null,
        },
        {
          onHead: (came) => {
            head = came;
            const length = Number(came.headers.get("content-length") ?? 0);
            const location = came.headers.get("location");
            const is_redirect = REDIRECTS.has(came.status) && location !== null;
            if (is_redirect)
              stop({ location: URL.canParse(location, url) ? new URL(location, url).href : "" });
            else if (came.status !== 200) stop({ fault: `${host} answered ${came.status}` });
            else if (length > max_bytes) stop({ fault: tooLarge(max_bytes) });
          },
          onData: (chunk) => {
            pieces.push(chunk);
            size += chunk.length;
            if (size > max_bytes) stop({ fault: tooLarge(max_bytes) });
          },
          onEnd: () => {
            const media_type = head?.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
            resolve({ bytes: Buffer.concat(pieces), media_type });
          },
          onError: (error: UpstreamError) =>
            resolve({ fault: `${host} could not be reached (${error.failure})` }),
        },
      );
      const stop = (outcome: { readonly location: string } | { readonly fault: string }) => {
        exchange.abort();
        resolve(outcome);
      };
    });
  }

  #isTrusted(host: string): boolean {
    return this.#limits.trusted_hosts.includes(host.toLowerCase());
  }

  /** The addresses of a name that are public. */
  async #lookUp(host: string): Promise<{ readonly address: string; readonly family: number }[]> {
    const found = await lookup(host, { all: true });
    return this.#isTrusted(host) ? found : found.filter(({ address }) => isPublicAddress(address));
  }
}

const MEDIA_HEADERS = [
  ["accept", "*/*"],
  ["accept-encoding", "identity"],
  ["user-agent", "venturi"],
] as const;

/** A name is looked at again when it has been resolved. */
function mayBePublic(host: string): boolean {
  if (isIP(host) !== 0) return isPublicAddress(host);
  const name = host.toLowerCase().replace(/\.$/, "");
  return name.includes(".") && name !== "localhost" && !name.endsWith(".localhost");
}

function tooLarge(max_bytes: number): string {
  return `it has more than ${max_bytes} bytes`;
}
