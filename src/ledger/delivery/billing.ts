// Billing events: every row of the ledger, in order and at least once, to a file and to a webhook.
// Each has its own cursor in the ledger, which moves when the rows have arrived: after a crash some come twice, none is left out.

import { resolve } from "node:path";
import { shownRow } from "../row.ts";
import type { LedgerSettings } from "../settings.ts";
import type { PlacedRow } from "../store/cursors.ts";
import type { Store } from "../store/store.ts";
import { EventFile } from "./event_file.ts";
import type { Outcome, Piece } from "./pump.ts";
import { postJson } from "./webhook.ts";

/** The cursor of the file. */
export const FILE_CURSOR = "billing_file";
/** The cursor of the webhook. */
export const WEBHOOK_CURSOR = "billing_webhook";
/** Rows that are appended to the file at once. */
const FILE_ROWS = 1000;

type Billing = NonNullable<LedgerSettings["ledger"]["billing"]>;

/** The cursors that a configuration has use for. */
export function cursorsOf(billing: Billing | undefined): string[] {
  const names: string[] = [];
  if (billing?.file !== undefined) names.push(FILE_CURSOR);
  if (billing?.webhook !== undefined) names.push(WEBHOOK_CURSOR);
  return names;
}

/** An event as it is told: a row as logs show it, and its place in the ledger, which grows from row to row. */
function eventText({ seq, row }: PlacedRow): string {
  return JSON.stringify({ seq, ...shownRow(row) });
}

function piece(
  store: Store,
  cursor: string,
  limit: number,
  deliver: (texts: readonly string[], signal: AbortSignal) => Promise<Outcome>,
): Piece | null {
  const rows = store.cursors.next(cursor, limit);
  const last = rows.at(-1);
  if (last === undefined) return null;
  return {
    what: `calls ${rows[0]!.seq} to ${last.seq}`,
    deliver: (signal) => deliver(rows.map(eventText), signal),
    done: () => store.cursors.advance(cursor, last.seq),
  };
}

/** The next rows for the webhook. */
export function webhookPiece(store: Store, billing: Billing | undefined): Piece | null {
  const url = billing?.webhook;
  if (url === undefined) return null;
  return piece(store, WEBHOOK_CURSOR, billing!.batch, (texts, signal) =>
    postJson(url, `{"events":[${texts.join(",")}]}`, signal),
  );
}

/** The file of events of a data folder, opened when there is something for it. */
export class BillingFile {
  readonly #folder: string;
  #file: EventFile | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The next rows for the file. */
  piece(store: Store, billing: Billing | undefined): Piece | null {
    const name = billing?.file;
    if (name === undefined) return null;
    return piece(store, FILE_CURSOR, FILE_ROWS, async (texts) => {
      try {
        this.#at(resolve(this.#folder, name)).append(texts, billing!);
        return { ok: true };
      } catch (error) {
        const fault = error instanceof Error ? error.message : String(error);
        return { ok: false, fault, is_lasting: false, retry_after_ms: null };
      }
    });
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  #at(path: string): EventFile {
    if (this.#file?.path !== path) this.close();
    this.#file ??= new EventFile(path);
    return this.#file;
  }
}
