// What supervisor and gateway processes say to each other over Bun's IPC channel.
// The configuration travels this way, resolved, so that no secret stands on a command line or in an environment.

import type { LeaseAsk } from "../access/shared/ask.ts";
import type { ResolvedConfig } from "../config/schema.ts";
import type { ClockBase } from "../memory/clock.ts";
import type { ReplayOrder, ReplayOutcome } from "./replay.ts";

/** The descriptor under which a gateway process is given a listening socket: the first behind the usual three. */
export const HANDED_DESCRIPTOR = 3;

/** Where a gateway process keeps its accounts. */
export interface Place {
  /** The folder of the mapped file. */
  readonly folder: string;
  /** The process' own area in it. */
  readonly index: number;
  readonly clock: ClockBase;
}

/** From the supervisor to a gateway process. */
export type ToGateway =
  | {
      readonly kind: "start";
      readonly config: ResolvedConfig;
      readonly hostname: string;
      readonly port: number;
      /** Of a socket that listens there already; null: it opens its own. */
      readonly descriptor: number | null;
      readonly place: Place;
    }
  | { readonly kind: "config"; readonly config: ResolvedConfig }
  /** Asks for more of limits were answered: what came of it stands in shared memory. */
  | { readonly kind: "leases" }
  | { readonly kind: "drain" }
  /** Make a call again for an operator. */
  | { readonly kind: "replay"; readonly number: number; readonly order: ReplayOrder }
  | { readonly kind: "end-replay"; readonly number: number };

/** From a gateway process to the supervisor. */
export type FromGateway =
  | { readonly kind: "hello" }
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "failed"; readonly message: string }
  /** Calls found too little of limits that hosts share. */
  | { readonly kind: "asks"; readonly asks: readonly LeaseAsk[] }
  /** It was told to end by somebody else, and waits to be drained once another has taken its place. */
  | { readonly kind: "leaving" }
  /** How much of a replay's answer has come; and what became of it. */
  | { readonly kind: "replaying"; readonly number: number; readonly bytes: number }
  | { readonly kind: "replayed"; readonly number: number; readonly outcome: ReplayOutcome };
