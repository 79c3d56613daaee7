// What whoever asks for all says of the answer that it got. Apart from `lead.ts`, which only calls that may be kept need.

import type { Usage } from "../dialects/usage.ts";
import { serverOf } from "./answer.ts";
import type { Call } from "./call.ts";
import type { LedAnswer } from "./lead.ts";
import type { Prepared } from "./prepare.ts";

/** What a leader says of the answer that it got. */
export function ledAnswer(
  call: Call,
  prepared: Prepared,
  kind: LedAnswer["kind"],
  usage: Usage | null,
  finish_reason: string | null,
  is_fit: boolean,
): LedAnswer {
  const { cost_nano_usd } = call;
  return {
    kind,
    usage,
    finish_reason,
    cost_nano_usd,
    server: serverOf(call)!,
    is_own: call.model === prepared.model || call.cascade !== null,
    is_fit,
  };
}
