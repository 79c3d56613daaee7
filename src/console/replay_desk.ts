// Calls that are made again for an operator, several at once: each goes on by itself, is asked how far it is, and is remembered for a
// while when it is over. What both answers said is for those alone who may see content.

import type { ClientFormatName } from "../dialects/client_format.ts";
import { wholeForm } from "../dialects/whole_form.ts";
import { GatewayError } from "../errors.ts";
import type { ReplayOrder, ReplayOutcome } from "../gateway/replay.ts";
import type { LedgerRow } from "../ledger/row.ts";
import type { LedgerSource } from "../ledger/source.ts";
import type { AdminHooks } from "./admin.ts";

/** Replays at once; more are refused. */
const RUNNING_MAX = 32;
/** Those that are over and are remembered, and for how long. */
const OVER_MAX = 64;
const OVER_MS = 10 * 60_000;
/** How long a replay may take. */
const REPLAY_MAX_MS = 10 * 60_000;
/** How long the row of a call may take that is over, and how often it is looked for. */
const ROW_MAX_MS = 5_000;
const ROW_LOOK_MS = 100;

/** An answer, and the row of its call. */
export interface ReplaySide {
  /** Null where the ledger has none of it. */
  readonly row: LedgerRow | null;
  /** Null where it is not known. */
  readonly answer: { readonly bytes: Uint8Array; readonly form: "whole" | "events" } | null;
}

/** What is to be made again. */
export interface ReplayWish {
  readonly order: ReplayOrder;
  readonly format: ClientFormatName;
  readonly choices: number;
  readonly before: ReplaySide;
}

/** A replay. */
export interface Replay {
  readonly id: string;
  readonly wish: ReplayWish;
  readonly started_ms: number;
  /** Null while it goes on. */
  ended_ms: number | null;
  /** Bytes of its answer that have come. */
  bytes: number;
  /** What came of it; null while it goes on, and where it failed for a fault of the gateway's. */
  after: ReplaySide | null;
  fault: string | null;
  end(): void;
}

/** The replays of a gateway. */
export class ReplayDesk {
  readonly #ledger: LedgerSource;
  readonly #hooks: AdminHooks;
  readonly #replays = new Map<string, Replay>();

  constructor(ledger: LedgerSource, hooks: AdminHooks) {
    this.#ledger = ledger;
    this.#hooks = hooks;
  }

  /** Why none can begin; null: one can. */
  refusal(): GatewayError | null {
    if (this.#hooks.gateway === null)
      return new GatewayError("unavailable", "Without a gateway that runs, no call can be made again.");
    const running = [...this.#replays.values()].filter(({ ended_ms }) => ended_ms === null).length;
    if (running < RUNNING_MAX) return null;
    const message = `${running} calls are being made again already, as many as may be. Try again in a moment.`;
    return new GatewayError("rate_limit_exceeded", message, { retry_after_ms: 1_000 });
  }

  /** Begins one. */
  begin(wish: ReplayWish): Replay {
    this.#forgetOld();
    const ending = new AbortController();
    const replay: Replay = {
      ...{
        id: `rpl_${crypto.randomUUID().replaceAll("-", "")}`,
        wish,
        started_ms: Date.now(),
        ended_ms: null,
      },
      ...{ bytes: 0, after: null, fault: null, end: () => ending.abort() },
    };
    this.#replays.set(replay.id, replay);
    const timer = setTimeout(() => ending.abort(), REPLAY_MAX_MS);
    void this.#run(replay, ending.signal)
      .catch((fault: unknown) => {
        replay.fault = fault instanceof Error ? fault.message : String(fault);
      })
      .finally(() => {
        clearTimeout(timer);
        replay.ended_ms = Date.now();
      });
    return replay;
  }

  find(id: string): Replay | GatewayError {
    this.#forgetOld();
    const found = this.#replays.get(id);
    return found ?? new GatewayError("not_found", `There is no replay '${id.slice(0, 100)}', or no longer.`);
  }

  /** The row of a call, as soon as it is there. */
  async rowOf(id: string, wait_ms = 0): Promise<LedgerRow | null> {
    for (const end_ms = Date.now() + wait_ms; ; await Bun.sleep(ROW_LOOK_MS)) {
      if (wait_ms > 0) await this.#hooks.flushLedger?.();
      const reader = await this.#ledger.open();
      if (!("fault" in reader)) {
        const row = (await reader.calls({ id, limit: 1 }))[0]?.row ?? null;
        reader.close();
        if (row !== null) return row;
      }
      if (Date.now() >= end_ms) return null;
    }
  }

  async #run(replay: Replay, signal: AbortSignal): Promise<void> {
    const { order, format, choices } = replay.wish;
    const onBytes = (bytes: number) => {
      replay.bytes = bytes;
    };
    const outcome = (await this.#hooks.gateway?.replay(order, onBytes, signal)) ?? null;
    if (outcome === null) {
      replay.fault = "The gateway process that made the call ended before it was over.";
      return;
    }
    replay.bytes = outcome.body.length;
    const row = outcome.id === null ? null : await this.rowOf(outcome.id, ROW_MAX_MS);
    if (row === null || outcome.status >= 400) replay.fault = faultOf(outcome);
    replay.after = { row, answer: outcome.status < 400 ? answerOf(outcome, format, choices) : null };
  }

  #forgetOld(): void {
    const over = [...this.#replays.values()].filter(({ ended_ms }) => ended_ms !== null);
    const surplus = over.length - OVER_MAX;
    for (const [index, { id, ended_ms }] of over.entries())
      if (index < surplus || ended_ms! < Date.now() - OVER_MS) this.#replays.delete(id);
  }
}

function answerOf(
  { body, is_events }: ReplayOutcome,
  format: ClientFormatName,
  choices: number,
): ReplaySide["answer"] {
  const whole = is_events ? wholeForm(format, body, choices) : body;
  return whole === null ? { bytes: body, form: "events" } : { bytes: whole, form: "whole" };
}

/** What the gateway said of a call that failed. */
function faultOf({ body, status }: ReplayOutcome): string {
  try {
    const { error } = JSON.parse(Buffer.from(body).toString()) as { error?: { message?: unknown } };
    if (typeof error?.message === "string") return error.message;
  } catch {
    // It said nothing that can be read.
  }
  return status >= 400 ? `The call ended with status ${status}.` : "The call has left no row in the ledger.";
}
