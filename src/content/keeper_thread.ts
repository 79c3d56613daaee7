// The thread that writes content: it is handed calls by its gateway process, puts streams together, and keeps them many at a time.

import { wholeForm } from "../dialects/whole_form.ts";
import type { ContentKeys } from "./cards.ts";
import type { ContentCall } from "./record.ts";
import { ContentStore, type WholeCall } from "./store.ts";

declare const self: Worker;

/** What the thread is told. */
export type KeeperOrder =
  | { readonly kind: "open"; readonly folder: string; readonly keys: ContentKeys }
  | {
      readonly kind: "keep";
      readonly batch: number;
      readonly calls: readonly ContentCall[];
      /** What the store may have in it: the oldest make room. */
      readonly max_bytes: number;
    };

/** What it says of a batch: why none of it was kept, in words; null: all of it was. */
export interface KeeperReport {
  readonly batch: number;
  readonly fault: string | null;
}

let place: Extract<KeeperOrder, { kind: "open" }> | null = null;
let store: ContentStore | null = null;

/** Keeps a batch; in words, why it cannot be. */
function keep(calls: readonly ContentCall[], max_bytes: number): string | null {
  try {
    if (store === null && place !== null) {
      const opened = ContentStore.open(place.folder, place.keys);
      if (!(opened instanceof ContentStore)) return opened.fault;
      store = opened;
    }
    store?.keep(calls.map(wholeCall));
    // It is swept now and then; until then as much goes as comes, or a little more.
    if (store !== null && store.bytes > max_bytes) store.remove({}, 2 * calls.length);
    return null;
  } catch (error) {
    // Whoever comes next finds it opened anew.
    try {
      store?.close();
    } catch {
      // What cannot be closed is left.
    }
    store = null;
    return error instanceof Error ? error.message : String(error);
  }
}

/** A call with its answer as one body, where its stream came to its end. */
function wholeCall({ answer, ...call }: ContentCall): WholeCall {
  if (answer === null) return { ...call, answer };
  const { bytes, is_events } = answer;
  const whole = is_events ? wholeForm(call.format, bytes, call.choices) : bytes;
  return { ...call, answer: whole === null ? { bytes, form: "events" } : { bytes: whole, form: "whole" } };
}

self.onmessage = ({ data }: MessageEvent<KeeperOrder>) => {
  if (data.kind === "open") {
    place = data;
    return;
  }
  self.postMessage({ batch: data.batch, fault: keep(data.calls, data.max_bytes) } satisfies KeeperReport);
};
