// Requests of the page: to the admin API as whoever is logged in, and to the login itself.

/** What the gateway refused, or why it was not reached. */
export class Fault extends Error {
  /** 0 where nothing answered. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** Proof to the gateway that this page asks: no other site can send it. */
const HEADERS = { "x-venturi-ui": "1", "content-type": "application/json" };

let onLoggedOut = () => {};

/** Sets what is done when the gateway says that nobody is logged in. */
export function whenLoggedOut(action: () => void): void {
  onLoggedOut = action;
}

/** Asks the admin API; `path` is below `/admin/v1/`. Throws a `Fault`. */
export async function ask<T>(path: string, method = "GET", body?: unknown): Promise<T> {
  return send<T>(`/ui/api/${path}`, method, body);
}

/** Whether somebody is logged in, and whether there is a token to do so with. */
export interface Session {
  readonly active: boolean;
  readonly has_token?: boolean;
  /** Whether prompts and answers are shown to whoever is logged in. */
  readonly may_see_content?: boolean;
}

/** Asks about the session, begins one with a token or a link's code, or ends it. */
export const session = {
  look: () => send<Session>("/ui/session", "GET"),
  begin: (proof: { readonly token: string } | { readonly code: string }) =>
    send<Session>("/ui/session", "POST", proof),
  end: () => send<Session>("/ui/session", "DELETE"),
};

async function send<T>(url: string, method: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: HEADERS,
      credentials: "same-origin",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Fault("The gateway cannot be reached. Is it running? This page tries again by itself.", 0);
  }
  const json: unknown = await response.json().catch(() => null);
  if (response.ok) return json as T;
  if (response.status === 401 && url.startsWith("/ui/api/")) onLoggedOut();
  throw new Fault(messageOf(json) ?? `The gateway answered ${response.status}.`, response.status);
}

function messageOf(json: unknown): string | null {
  const message = (json as { readonly error?: { readonly message?: unknown } } | null)?.error?.message;
  return typeof message === "string" ? message : null;
}
