// `/ui`: the page, its files, the login, and the admin API for whoever is logged in. Gateway processes pass on what comes to the
// public port, so everything is checked here. What changes something must come from the page itself: its origin is compared,
// and a header is asked for that no form of another site can send.

import { createHash, timingSafeEqual } from "node:crypto";
import { resolve } from "node:path";
import * as z from "zod";
import type { AdminRank } from "../../access/client_keys.ts";
import { GatewayError } from "../../errors.ts";
import { ACTOR_HEADER, CONTENT_HEADER, toResponse } from "../router.ts";
import { dashboardFiles } from "./files.ts";
import { LoginLimit } from "./login_limit.ts";
import { pageHtml, SAFE_HEADERS } from "./page_html.ts";
import { type AdminTokens, SESSION_MS, type Sessions } from "./sessions.ts";

/** The header of every request of the page's script. */
const PAGE_HEADER = "x-venturi-ui";
/** What a gateway process says of the request that it passes on for anybody: the client's address, and the host that it asked. */
export const FROM_HEADER = "x-venturi-from";
const HOST_HEADER = "x-venturi-host";

const login_schema = z.union([
  z.strictObject({ token: z.string().min(1).max(512) }),
  z.strictObject({ code: z.string().min(1).max(512) }),
]);

/** What the door stands before. */
export interface DoorOptions extends AdminTokens {
  readonly sessions: Sessions;
  /** Tells gateways of one host apart: their pages share cookies, whatever their ports. */
  readonly folder: string;
  /** Answers a request to the admin API. */
  answer(request: Request): Promise<Response>;
}

/** Answers requests below `/ui`. */
export class DashboardDoor {
  readonly #options: DoorOptions;
  readonly #cookie: string;
  readonly #limit = new LoginLimit();

  constructor(options: DoorOptions) {
    this.#options = options;
    const own = createHash("sha256").update(resolve(options.folder)).digest("hex").slice(0, 8);
    this.#cookie = `venturi_session_${own}`;
  }

  async answer(request: Request): Promise<Response> {
    const response = await this.#reply(request);
    for (const [name, value] of Object.entries(SAFE_HEADERS)) response.headers.set(name, value);
    return response;
  }

  async #reply(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/ui/session") return this.#session(request);
    if (pathname.startsWith("/ui/api/")) return this.#api(request);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return toResponse(new GatewayError("method_not_allowed", `${pathname} takes GET.`));
    }
    const files = await dashboardFiles();
    if (pathname.startsWith("/ui/assets/")) {
      const found = files.answer(pathname.slice("/ui/assets/".length), request.headers);
      return found ?? toResponse(new GatewayError("not_found", `There is no ${pathname}. Reload the page.`));
    }
    const theme = cookieOf(request.headers, "venturi_theme");
    return new Response(pageHtml(files, theme === "light" || theme === "dark" ? theme : null), {
      headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-cache" },
    });
  }

  /** `/ui/session`: whether somebody is logged in, the login, the logout. */
  async #session(request: Request): Promise<Response> {
    const foreign = foreignness(request);
    if (foreign !== null) return toResponse(foreign);
    if (request.method === "GET") {
      const has_token = this.#options.token() !== null;
      const rank = this.#rankOf(request);
      const may = { active: rank !== null, may_see_content: rank === "content" };
      return toResponse({ json: { object: "session", ...may, has_token } });
    }
    if (request.method === "POST") return this.#login(request);
    if (request.method !== "DELETE") {
      return toResponse(new GatewayError("method_not_allowed", "/ui/session takes GET, POST, DELETE."));
    }
    const shown = cookieOf(request.headers, this.#cookie);
    if (shown !== null) this.#options.sessions.end(shown);
    const headers = { "set-cookie": this.#setCookie(request, "", 0) };
    return toResponse({ json: { object: "session", active: false }, headers });
  }

  async #login(request: Request): Promise<Response> {
    const now_ms = Date.now();
    const { sessions } = this.#options;
    const address = request.headers.get(FROM_HEADER) ?? "this machine";
    const retry_after_ms = this.#limit.restMs(address, now_ms);
    if (retry_after_ms > 0) {
      const message = "Too many logins have failed. Wait a minute, then try again.";
      return toResponse(new GatewayError("rate_limit_exceeded", message, { retry_after_ms }));
    }
    const wish = login_schema.safeParse(await request.json().catch(() => null));
    if (!wish.success)
      return toResponse(new GatewayError("invalid_value", "A login has a 'token' or a 'code'."));
    const rank =
      "token" in wish.data
        ? this.#rankOfToken(wish.data.token.trim())
        : sessions.takeCode(wish.data.code, now_ms);
    if (rank === null) {
      this.#limit.count(address, now_ms);
      const message =
        "token" in wish.data
          ? "This is not the admin token (admin.token of the configuration)."
          : "This link was used already, or is older than five minutes. Ask for another with `venturi ui`.";
      return toResponse(new GatewayError("invalid_api_key", message));
    }
    this.#limit.forgive(address);
    const cookie = this.#setCookie(request, sessions.begin(rank, now_ms), SESSION_MS / 1_000);
    const json = { object: "session", active: true, may_see_content: rank === "content" };
    return toResponse({ json, headers: { "set-cookie": cookie } });
  }

  /** The admin API, for whoever is logged in. */
  async #api(request: Request): Promise<Response> {
    const foreign = foreignness(request);
    if (foreign !== null) return toResponse(foreign);
    const rank = this.#rankOf(request);
    if (rank === null) {
      return toResponse(
        new GatewayError("invalid_api_key", "You are not logged in, or no longer. Log in again."),
      );
    }
    const url = new URL(request.url);
    const headers = new Headers({
      [ACTOR_HEADER]: `dashboard from ${request.headers.get(FROM_HEADER) ?? "this machine"}`,
    });
    if (rank === "content") headers.set(CONTENT_HEADER, "yes");
    for (const name of ["content-type", "if-match", "accept"]) {
      const value = request.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    const has_body = request.method !== "GET" && request.method !== "HEAD";
    const answer = await this.#options.answer(
      new Request(`http://admin/admin/v1/${url.pathname.slice("/ui/api/".length)}${url.search}`, {
        method: request.method,
        headers,
        signal: request.signal,
        ...(has_body ? { body: await request.arrayBuffer() } : {}),
      }),
    );
    const is_stream = answer.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
    if (!is_stream || answer.body === null) return answer;
    // A stream that is open ends with its session: it says something every few seconds.
    const watched = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        if (this.#rankOf(request) !== null) controller.enqueue(chunk);
        else controller.terminate();
      },
    });
    return new Response(answer.body.pipeThrough(watched), answer);
  }

  /** What whoever is logged in may do; null: nobody is. */
  #rankOf(request: Request): AdminRank | null {
    const shown = cookieOf(request.headers, this.#cookie);
    return shown === null ? null : this.#options.sessions.rankOf(shown, Date.now());
  }

  #rankOfToken(given: string): AdminRank | null {
    const { token, content_token } = this.#options;
    const is = (known: string | null) => known !== null && timingSafeEqual(sha256(given), sha256(known));
    if (is(content_token())) return "content";
    return is(token()) ? "admin" : null;
  }

  /** Scripts never see it, other sites never send it (RFC 6265bis, section 4.1.2). */
  #setCookie(request: Request, value: string, max_age_s: number): string {
    const is_secure = request.headers.get("origin")?.startsWith("https:") === true;
    const attributes = `Path=/ui; Max-Age=${max_age_s}; HttpOnly; SameSite=Strict${is_secure ? "; Secure" : ""}`;
    return `${this.#cookie}=${value}; ${attributes}`;
  }
}

/** Why a request cannot be the page's own; null where it is. */
function foreignness(request: Request): GatewayError | null {
  const { headers, method } = request;
  const origin = headers.get("origin");
  const host = headers.get(HOST_HEADER) ?? headers.get("host");
  const site = headers.get("sec-fetch-site");
  const is_own = origin === null ? method === "GET" : URL.canParse(origin) && new URL(origin).host === host;
  if (is_own && (site === null || site === "same-origin") && headers.get(PAGE_HEADER) !== null) return null;
  return new GatewayError(
    "origin_not_allowed",
    `Only the dashboard's own page may ask this: send its origin and '${PAGE_HEADER}'. Scripts use /admin/v1 with the admin token.`,
  );
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function cookieOf(headers: Headers, name: string): string | null {
  for (const pair of (headers.get("cookie") ?? "").split(";")) {
    const [own, value] = pair.trim().split("=", 2);
    if (own === name && value !== undefined) return value;
  }
  return null;
}
