// Posting to a collector (OTLP/HTTP, JSON encoding), and what its answer means: it took all, some of it, or may take it later.

/** Where and how. */
export interface CollectorPlan {
  /** Of the signal, such as `…/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeout_ms: number;
}

/** What came of it. */
export type Posted =
  | { readonly kind: "taken"; readonly rejected: number; readonly message: string }
  /** Never: trying again is no use. */
  | { readonly kind: "refused"; readonly fault: string; readonly status: number }
  | { readonly kind: "later"; readonly fault: string; readonly retry_after_ms: number | null };

/** What may be tried again (OTLP specification, "Retryable Response Codes"). */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Posts a body. What is told of a fault has neither the address nor a header in it. */
export async function postOtlp(plan: CollectorPlan, body: string, signal: AbortSignal): Promise<Posted> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(plan.url, {
      method: "POST",
      headers: { ...plan.headers, "content-type": "application/json" },
      body,
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(plan.timeout_ms)]),
    });
    text = await response.text();
  } catch (error) {
    const is_late = error instanceof Error && error.name === "TimeoutError";
    const fault = is_late ? `no answer in ${plan.timeout_ms} ms` : "it cannot be reached";
    return { kind: "later", fault, retry_after_ms: null };
  }
  const { status } = response;
  if (status >= 200 && status < 300) return { kind: "taken", ...partialIn(text) };
  const fault = `it answered ${status}`;
  if (!RETRYABLE.has(status)) return { kind: "refused", fault, status };
  return { kind: "later", fault, retry_after_ms: retryAfterMs(response.headers.get("retry-after")) };
}

/** What it left out (`partialSuccess`). */
function partialIn(text: string): { readonly rejected: number; readonly message: string } {
  try {
    const { partialSuccess } = JSON.parse(text) as {
      partialSuccess?: {
        rejectedSpans?: string;
        rejectedDataPoints?: string;
        rejectedLogRecords?: string;
        errorMessage?: string;
      };
    };
    const { rejectedSpans, rejectedDataPoints, rejectedLogRecords } = partialSuccess ?? {};
    const rejected = Number(rejectedSpans ?? rejectedDataPoints ?? rejectedLogRecords ?? 0);
    const message = String(partialSuccess?.errorMessage ?? "").slice(0, 200);
    return { rejected: Number.isFinite(rejected) && rejected > 0 ? rejected : 0, message };
  } catch {
    return { rejected: 0, message: "" };
  }
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterMs(value: string | null): number | null {
  if (value === null) return null;
  const wait_ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return wait_ms > 0 ? wait_ms : null;
}
