// A certificate in words, for whoever has to renew it.

import type { Certificate } from "./certificates.ts";

const DAY_S = 86_400;
/** A certificate that holds no longer than this, or than a quarter of its time, should have been renewed. */
const RENEWED_BEFORE_S = 21 * DAY_S;

/** Whether a certificate should be renewed now, does not hold (yet or any more), or neither. */
export function certificateState(certificate: Certificate, now_ms: number): "good" | "renew" | "invalid" {
  const { not_before_s, not_after_s } = certificate;
  const now_s = now_ms / 1_000;
  if (now_s < not_before_s || now_s >= not_after_s) return "invalid";
  const enough_s = Math.min(RENEWED_BEFORE_S, (not_after_s - not_before_s) / 4);
  return not_after_s - now_s < enough_s ? "renew" : "good";
}

/** Whose it is and how long it holds, such as `example.com: until 2027-01-31T12:00:00Z, 66 days`. */
export function certificateText(certificate: Certificate, now_ms: number): string {
  const { names, not_before_s, not_after_s } = certificate;
  const now_s = now_ms / 1_000;
  const whose = names.length === 0 ? "without a name" : names.join(", ");
  if (now_s < not_before_s) return `${whose}: holds only from ${timeText(not_before_s)} on`;
  if (now_s >= not_after_s) return `${whose}: has expired at ${timeText(not_after_s)}`;
  const days = Math.floor((not_after_s - now_s) / DAY_S);
  const left = days === 0 ? "less than a day" : days === 1 ? "1 day" : `${days} days`;
  const advice = certificateState(certificate, now_ms) === "renew" ? "; renew it" : "";
  return `${whose}: until ${timeText(not_after_s)}, ${left}${advice}`;
}

function timeText(time_s: number): string {
  return new Date(time_s * 1_000).toISOString().replace(".000Z", "Z");
}
