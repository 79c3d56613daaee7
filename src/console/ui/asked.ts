// What the page shows of the gateway, kept fresh: asked for at once, then again and again while somebody looks.

import { useCallback, useEffect, useState } from "preact/hooks";
import { ask, Fault } from "./api.ts";

/** An answer of the gateway, as far as it is known. */
export interface Asked<T> {
  /** The newest; of another question, until its own is there, so that nothing jumps. Null before the first. */
  readonly value: T | null;
  readonly fault: Fault | null;
  readonly is_waiting: boolean;
  /** Asks again, at once. */
  reload(): void;
}

/** Asks the admin API, every so often if `every_ms` is given; null asks nothing. */
export function useAsked<T>(path: string | null, every_ms: number | null = null): Asked<T> {
  const [value, setValue] = useState<T | null>(null);
  const [fault, setFault] = useState<Fault | null>(null);
  const [is_waiting, setWaiting] = useState(path !== null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (path === null) return undefined;
    let is_over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    setWaiting(true);
    const look = async () => {
      try {
        const answer = await ask<T>(path);
        if (is_over) return;
        setValue(() => answer);
        setFault(null);
      } catch (error) {
        if (is_over) return;
        setFault(error instanceof Fault ? error : new Fault(String(error), 0));
      }
      setWaiting(false);
      if (every_ms !== null) timer = setTimeout(again, every_ms);
    };
    // A page that nobody sees asks nothing.
    const again = () => {
      if (document.visibilityState === "visible") void look();
      else timer = setTimeout(again, 1_000);
    };
    void look();
    return () => {
      is_over = true;
      clearTimeout(timer);
    };
  }, [path, every_ms, round]);
  const reload = useCallback(() => setRound((number) => number + 1), []);
  return { value, fault, is_waiting, reload };
}
