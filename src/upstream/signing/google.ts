// Google's access tokens: asked for by a service account's signed claim, a login's refresh token, or from the machine itself; kept while they are
// good, and renewed before they are not. Of our own: the library that does it (google-auth-library) brings an HTTP client and ten packages with it.
// Sources: https://developers.google.com/identity/protocols/oauth2/service-account, "HTTP/REST"; RFC 7523; RFC 6749, 6;
// https://cloud.google.com/compute/docs/access/authenticate-workloads.

import { createSign } from "node:crypto";
import type { GoogleCredentials } from "../../config/plan.ts";
import { UpstreamError } from "../exchange.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const GRANT_OF_CLAIM = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/** How long a claim is good, and with it the token that it is given for; Google allows no more. */
const CLAIM_S = 3600;
const ANSWER_TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024;
/** A token is renewed so long before its end, and not used so shortly before it; the shares are for tokens that are good for less. */
const AHEAD_MS = 300_000;
const AHEAD_SHARE = 0.25;
const UNUSED_MS = 10_000;
const UNUSED_SHARE = 0.05;

interface Token {
  readonly text: string;
  /** From then on a new one is asked for, milliseconds since 1970. */
  readonly renewed_from_ms: number;
  /** Until then it is used. */
  readonly used_until_ms: number;
  /** It was taken once. */
  is_proven: boolean;
}

/** The tokens of one account. */
export class GoogleTokens {
  readonly #credentials: GoogleCredentials;
  readonly #now_ms: () => number;
  #token: Token | null = null;
  #asking: Promise<string | UpstreamError> | null = null;

  constructor(credentials: GoogleCredentials, now_ms: () => number = Date.now) {
    this.#credentials = credentials;
    this.#now_ms = now_ms;
  }

  /** A token that is good for now. However many ask, one request is under way at a time. */
  token(proxy?: string): string | Promise<string | UpstreamError> {
    const now_ms = this.#now_ms();
    const token = this.#token;
    const is_usable = token !== null && now_ms < token.used_until_ms;
    if (is_usable && now_ms < token.renewed_from_ms) return token.text;
    this.#asking ??= this.#ask(proxy).finally(() => {
      this.#asking = null;
    });
    return is_usable ? token.text : this.#asking;
  }

  /** The provider took a token. */
  accepted(text: string): void {
    if (this.#token?.text === text) this.#token.is_proven = true;
  }

  /**
   * The provider refused a token: the next call gets a new one. Returns whether that may be better: one that was taken before has ended, one
   * that never was is of an account that may not call.
   */
  refused(text: string): boolean {
    const token = this.#token;
    if (token?.text !== text) return true;
    this.#token = null;
    return token.is_proven;
  }

  async #ask(proxy: string | undefined): Promise<string | UpstreamError> {
    const asked_ms = this.#now_ms();
    const answer = await askForToken(this.#credentials, asked_ms, proxy);
    if (answer instanceof UpstreamError) return answer;
    const { access_token, lifetime_ms } = answer;
    this.#token = {
      text: access_token,
      renewed_from_ms: asked_ms + lifetime_ms - Math.min(AHEAD_MS, lifetime_ms * AHEAD_SHARE),
      used_until_ms: asked_ms + lifetime_ms - Math.min(UNUSED_MS, lifetime_ms * UNUSED_SHARE),
      is_proven: false,
    };
    return access_token;
  }
}

async function askForToken(
  credentials: GoogleCredentials,
  now_ms: number,
  proxy: string | undefined,
): Promise<{ readonly access_token: string; readonly lifetime_ms: number } | UpstreamError> {
  const [url, init] = tokenRequest(credentials, now_ms);
  const host = new URL(url).host;
  const through = proxy === undefined || credentials.type === "metadata" ? {} : { proxy };
  try {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const response = await fetch(url, { ...init, ...through, signal, redirect: "error" });
    const text = (await response.text()).slice(0, ANSWER_BYTES_MAX);
    const answer = fieldsOf(text);
    const { access_token, expires_in, error } = answer;
    if (response.ok && typeof access_token === "string") {
      const seconds = typeof expires_in === "number" && expires_in > 0 ? expires_in : CLAIM_S;
      return { access_token, lifetime_ms: seconds * 1000 };
    }
    // The code of RFC 6749, 5.2; its description may repeat what was sent.
    const said = typeof error === "string" && /^[a-z_]{1,64}$/.test(error) ? ` (${error})` : "";
    return failed(`${host} gave no access token: status ${response.status}${said}`);
  } catch (error) {
    const is_late = error instanceof Error && error.name === "TimeoutError";
    return failed(
      `${host} gave no access token: ${is_late ? "it did not answer in time" : "it could not be reached"}`,
    );
  }
}

function failed(message: string): UpstreamError {
  return new UpstreamError("authorization", message);
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function tokenRequest(credentials: GoogleCredentials, now_ms: number): [url: string, init: RequestInit] {
  switch (credentials.type) {
    case "metadata": {
      const path = "/computeMetadata/v1/instance/service-accounts/default/token";
      const url = `http://${credentials.host}${path}?scopes=${encodeURIComponent(SCOPE)}`;
      return [url, { headers: { "metadata-flavor": "Google" } }];
    }
    case "service_account": {
      const assertion = signedClaim(credentials, now_ms);
      return posted(credentials.token_uri, { grant_type: GRANT_OF_CLAIM, assertion });
    }
    case "authorized_user": {
      const { token_uri, client_id, client_secret, refresh_token } = credentials;
      return posted(token_uri, { grant_type: "refresh_token", client_id, client_secret, refresh_token });
    }
  }
}

function posted(url: string, form: Readonly<Record<string, string>>): [url: string, init: RequestInit] {
  return [url, { method: "POST", body: new URLSearchParams(form) }];
}

/** The account's claim to a token, signed by its key (RFC 7515, RS256). */
function signedClaim(
  account: Extract<GoogleCredentials, { type: "service_account" }>,
  now_ms: number,
): string {
  const { client_email, private_key, private_key_id, token_uri } = account;
  const iat = Math.floor(now_ms / 1000);
  const kid = private_key_id === null ? {} : { kid: private_key_id };
  const claim = { iss: client_email, scope: SCOPE, aud: token_uri, iat, exp: iat + CLAIM_S };
  const signed = [{ alg: "RS256", typ: "JWT", ...kid }, claim]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(private_key, "base64url")}`;
}
