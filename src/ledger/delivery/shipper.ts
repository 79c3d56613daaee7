// Rows on their way to where they are kept for good beyond the data folder. The ledger's file is their queue: a cursor in it says
// how far they have arrived, and rows behind it are not deleted, so that a store that is away is waited for as long as the disk has room.

import type { LedgerSettings } from "../settings.ts";
import type { Alert } from "../store/alert_book.ts";
import type { Store } from "../store/store.ts";
import type { Patience, Piece } from "./pump.ts";

/** Rows of one piece, at most. */
export const PIECE_ROWS = 1_000;

/** As patient as with one's own database, which is back as soon as it is. */
export const STORE_PATIENCE: Patience = { first_ms: 250, most_ms: 5_000, lasting_ms: 30_000 };

/** Brings rows to one store. */
export interface Shipper {
  /** Its cursor's name; another store has another. */
  readonly cursor: string;
  /** What the store is told it is, in a message; without a secret. */
  readonly shown: string;
  /** Whether the last try arrived. */
  readonly is_up: boolean;
  /** Rows that the store has got since the start. */
  readonly rows: number;
  /** The next rows; null while there are none. */
  piece(store: Store): Piece | null;
  configure(settings: LedgerSettings): void;
  /** Deletes what is too old in the store. */
  clean(settings: LedgerSettings, now_ms: number): Promise<void>;
  close(): Promise<void>;
}

/** What a shipper works with. */
export interface ShipperOptions {
  log(line: string): void;
  /** An alert is this host's to send: kept for good when it returns. */
  takeAlert(alert: Alert): void;
}

/** The shipper that settings ask for; null where rows stay in the data folder. What only some need is loaded only for them. */
export async function makeShipper(
  settings: LedgerSettings,
  options: ShipperOptions,
): Promise<Shipper | null> {
  const { store: wanted } = settings.ledger;
  if (wanted === "sqlite") return null;
  if (wanted === "otlp") {
    const { OtlpShipper } = await import("./otlp_shipper.ts");
    return settings.otlp === null ? null : new OtlpShipper(settings.otlp, options);
  }
  const { PostgresShipper } = await import("./postgres_shipper.ts");
  return new PostgresShipper(wanted, settings, options);
}
