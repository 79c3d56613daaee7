// What `venturi doctor` finds: one thing about the host, whether it is good enough, and what to change where it is not.

/** How it is: as it should be; worth knowing; good enough to run and not to rely on; or nothing works with it. */
export type Verdict = "ok" | "note" | "warn" | "fail";

/** A finding. */
export interface Finding {
  /** What was looked at, such as `open files`. */
  readonly what: string;
  readonly verdict: Verdict;
  /** What it is. */
  readonly found: string;
  /** What to change; null where nothing is to be. */
  readonly advice: string | null;
}

/** A finding that nothing is to be done about. */
export function ok(what: string, found: string): Finding {
  return { what, verdict: "ok", found, advice: null };
}

/** A finding that somebody should know of or do something about. */
export function bad(verdict: Exclude<Verdict, "ok">, what: string, found: string, advice: string): Finding {
  return { what, verdict, found, advice };
}

/** Bytes as a person reads them, such as `3.5 GB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1_000 ** power;
  return `${value.toFixed(value < 10 && power > 0 ? 1 : 0)} ${units[power]}`;
}
