// The signals that a supervisor obeys: stop, stop at once, reload, and upgrade. Heard from the first moment on, so that none that comes
// early ends the process in the middle of its start.

/** Two SIGINT within this time are one: a terminal sends it to every process, and npm passes it on besides. */
const SAME_MS = 500;

/** What signals ask for. */
export interface SignalHooks {
  reload(): void;
  /** Let the program that is there now take over. */
  upgrade(): void;
  /** Finish and end. */
  stop(signal: string): void;
  /** End at once. */
  abort(): void;
}

/** Listens to SIGHUP, SIGUSR2, SIGTERM and SIGINT for the rest of the process' life. */
export function obeySignals(hooks: SignalHooks): void {
  let stopped_ms: number | null = null;
  const stop = (signal: string) => {
    if (stopped_ms !== null) return;
    stopped_ms = performance.now();
    hooks.stop(signal);
  };
  process.on("SIGHUP", () => hooks.reload());
  process.on("SIGUSR2", () => hooks.upgrade());
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => {
    if (stopped_ms !== null && performance.now() - stopped_ms > SAME_MS) hooks.abort();
    else stop("SIGINT");
  });
}
