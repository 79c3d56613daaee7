// Tells of certificates that should be renewed, before clients do: at the start, after each change, and every day from then on.

import { certificateState, certificateText } from "../config/certificate_text.ts";
import type { TlsPlan } from "../config/certificates.ts";
import type { Level } from "../config/say.ts";

const LOOK_MS = 60_000;
const AGAIN_MS = 86_400_000;

/**
 * Looks at certificates for as long as they are served.
 * @param tls what is served now
 * @returns what ends the watch
 */
export function watchExpiry(
  tls: () => TlsPlan | null,
  log: (line: string, level: Level) => void,
): () => void {
  /** When a certificate was told of. */
  let told = new Map<string, number>();
  const look = () => {
    const now_ms = Date.now();
    const still = new Map<string, number>();
    for (const certificate of tls()?.certificates ?? []) {
      const state = certificateState(certificate, now_ms);
      if (state === "good") continue;
      const which = `${state} ${certificate.cert}`;
      const last_ms = told.get(which) ?? Number.NEGATIVE_INFINITY;
      const is_due = now_ms - last_ms >= AGAIN_MS;
      still.set(which, is_due ? now_ms : last_ms);
      if (is_due)
        log(`certificate of ${certificateText(certificate, now_ms)}`, state === "invalid" ? "error" : "warn");
    }
    told = still;
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
