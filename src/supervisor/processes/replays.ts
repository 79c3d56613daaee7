// Replays that a gateway process was asked for, by number, until it has told what became of them or is gone.

import type { FromGateway, ToGateway } from "../../gateway/protocol.ts";
import type { ReplayOrder, ReplayOutcome } from "../../gateway/replay.ts";

interface Waiting {
  onBytes(bytes: number): void;
  /** Null: the process is gone, and nobody knows. */
  resolve(outcome: ReplayOutcome | null): void;
}

/** The replays of one process. */
export class Replays {
  readonly #tell: (message: ToGateway) => void;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(tell: (message: ToGateway) => void) {
    this.#tell = tell;
  }

  /** Asks for one; null where its process is gone before it is over. */
  ask(
    order: ReplayOrder,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<ReplayOutcome | null> {
    const number = ++this.#last;
    const { promise, resolve } = Promise.withResolvers<ReplayOutcome | null>();
    this.#waiting.set(number, { onBytes, resolve });
    const end = () => this.#tell({ kind: "end-replay", number });
    signal.addEventListener("abort", end);
    this.#tell({ kind: "replay", number, order });
    return promise.finally(() => {
      signal.removeEventListener("abort", end);
      this.#waiting.delete(number);
    });
  }

  hear(message: Extract<FromGateway, { kind: "replaying" | "replayed" }>): void {
    const waiting = this.#waiting.get(message.number);
    if (message.kind === "replaying") waiting?.onBytes(message.bytes);
    else waiting?.resolve(message.outcome);
  }

  /** The process is gone. */
  giveUp(): void {
    for (const { resolve } of this.#waiting.values()) resolve(null);
  }
}
