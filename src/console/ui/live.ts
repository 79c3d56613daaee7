// Calls as they end: a stream that the page keeps open while it is looked at, and opens anew when it breaks.

import { useEffect, useState } from "preact/hooks";
import type { CallRow } from "./answers.ts";

/** After how long a broken stream is opened again. */
const AGAIN_MS = 2_000;

/** The newest calls, and whether they come by themselves. */
export interface LiveCalls {
  /** Null before the stream is open. */
  readonly calls: readonly CallRow[] | null;
  readonly is_live: boolean;
}

/** The newest calls, the newest first; at most so many. */
export function useLiveCalls(most: number): LiveCalls {
  const [state, setState] = useState<LiveCalls>({ calls: null, is_live: false });
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = async () => {
      try {
        await follow(most, abort.signal, setState);
      } catch {
        // Whatever broke it, it is opened again.
      }
      if (abort.signal.aborted) return;
      setState(({ calls }) => ({ calls, is_live: false }));
      timer = setTimeout(() => void open(), AGAIN_MS);
    };
    void open();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [most]);
  return state;
}

type Change = (change: (now: LiveCalls) => LiveCalls) => void;

/** Reads the stream to its end. What comes with one chunk is shown at once. */
async function follow(most: number, signal: AbortSignal, change: Change): Promise<void> {
  const headers = { "x-venturi-ui": "1", accept: "text/event-stream" };
  const response = await fetch(`/ui/api/calls/live?recent=${most}`, { headers, signal });
  if (!response.ok || response.body === null)
    throw new Error(`the stream of calls answered ${response.status}`);
  // The latest ones come again with a stream that is opened again.
  let is_first = true;
  let rest = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = `${rest}${value}`.split("\n\n");
    rest = blocks.pop() ?? "";
    const came = blocks.flatMap(callOf);
    const is_anew = is_first;
    is_first = false;
    change(({ calls }) => ({
      is_live: true,
      calls: newest(is_anew && came.length > 0 ? [] : (calls ?? []), came, most),
    }));
  }
}

/** The call of an event; none of another, or of a comment. */
function callOf(block: string): CallRow[] {
  const lines = block.split("\n");
  const data = lines.find((line) => line.startsWith("data: "));
  return lines.includes("event: call") && data !== undefined ? [JSON.parse(data.slice(6)) as CallRow] : [];
}

function newest(known: readonly CallRow[], came: readonly CallRow[], most: number): readonly CallRow[] {
  const ids = new Set(came.map(({ id }) => id));
  return [...came.toReversed(), ...known.filter(({ id }) => !ids.has(id))].slice(0, most);
}
