// A supervisor's end of its start as the successor of another, which goes on answering calls until this one does.

import { PREDECESSOR_VARIABLE } from "../../config/environment.ts";
import { LAYOUT_VERSION } from "../../memory/layout.ts";
import type { FromSuccessor, ListenedAddress, ToSuccessor } from "./handover.ts";

/** The supervisor that is followed. */
export interface Predecessor {
  /** All is prepared: resolves when the data folder may be taken, with where calls are answered; with null if it has died before. */
  take(): Promise<ListenedAddress | null>;
  /** This one answers calls. */
  serving(): void;
  /** This one ends. */
  failed(message: string): void;
}

/** The one that the environment names, if it is who started this process; null for a start of its own. */
export function predecessorOf(env: Readonly<Record<string, string | undefined>>): Predecessor | null {
  if (!process.connected || env[PREDECESSOR_VARIABLE] !== String(process.ppid)) return null;
  const tell = (message: FromSuccessor) => {
    if (process.connected) process.send?.(message);
  };
  return {
    async take() {
      const { promise, resolve } = Promise.withResolvers<ListenedAddress | null>();
      process.on("message", (message: ToSuccessor) => resolve(message.address));
      process.on("disconnect", () => resolve(null));
      tell({ kind: "prepared", layout: LAYOUT_VERSION });
      return promise;
    },
    serving() {
      tell({ kind: "serving" });
      process.removeAllListeners("message");
    },
    failed: (message) => tell({ kind: "failed", message }),
  };
}
