// Posting to somebody's webhook, and what its answer means for the next try.
// Any 2xx has taken it; what the client would do wrong again is a fault that lasts; everything else may pass.

import type { Outcome } from "./pump.ts";

/** How long an answer may take. */
const TIMEOUT_MS = 30_000;

/** Posts a JSON text. */
export async function postJson(url: string, body: string, signal: AbortSignal): Promise<Outcome> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      // A POST that is redirected would become a GET: the URL is to be changed instead.
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    // Read and thrown away, so that the connection can be used again.
    await response.arrayBuffer();
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    return { ok: false, fault, is_lasting: false, retry_after_ms: null };
  }
  const { status } = response;
  if (status >= 200 && status < 300) return { ok: true };
  return {
    ok: false,
    fault: `it answered ${status}`,
    is_lasting: status >= 300 && status < 500 && status !== 408 && status !== 425 && status !== 429,
    retry_after_ms: retryAfter(response.headers.get("retry-after")),
  };
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(value: string | null): number | null {
  if (value === null) return null;
  const wait_ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return wait_ms > 0 ? wait_ms : null;
}
