// Rows on their way to a collector, as log records: at least once each. What it refuses for what it is, it would refuse again: that is
// said and left out; what is refused for who asks, or where, waits until somebody has changed it.

import package_json from "../../../package.json" with { type: "json" };
import { resourceOf } from "../otlp/attributes.ts";
import { logRecordOf } from "../otlp/log_records.ts";
import { postOtlp } from "../otlp/post.ts";
import { readRow } from "../row_reader.ts";
import type { LedgerSettings } from "../settings.ts";
import type { Store } from "../store/store.ts";
import type { Outcome, Piece } from "./pump.ts";
import { PIECE_ROWS, type Shipper, type ShipperOptions } from "./shipper.ts";

type Collector = NonNullable<LedgerSettings["otlp"]>;

/** What is wrong with the records themselves. */
const OF_RECORDS: ReadonlySet<number> = new Set([400, 413, 422]);

/** Sends rows to one collector. */
export class OtlpShipper implements Shipper {
  readonly cursor = "otlp";
  readonly shown = "the collector";
  readonly #log: (line: string) => void;
  #collector: Collector;
  is_up = false;
  rows = 0;

  constructor(collector: Collector, { log }: ShipperOptions) {
    this.#collector = collector;
    this.#log = log;
  }

  piece(store: Store): Piece | null {
    const most = Math.min(PIECE_ROWS, this.#collector.max_batch);
    const next = store.cursors.nextLines(this.cursor, most);
    if (next === null) return null;
    return {
      what: `rows ${next.first_seq} to ${next.last_seq}`,
      deliver: (signal) => this.#deliver(next.lines, signal),
      done: () => store.cursors.advance(this.cursor, next.last_seq),
    };
  }

  configure({ otlp }: LedgerSettings): void {
    if (otlp !== null) this.#collector = otlp;
  }

  /** A collector's store is its own. */
  async clean(): Promise<void> {}

  async close(): Promise<void> {}

  async #deliver(lines: readonly string[], signal: AbortSignal): Promise<Outcome> {
    const now_ms = Date.now();
    const { endpoint, headers, timeout_ms, service_name } = this.#collector;
    const logRecords = lines.flatMap((line) => {
      const row = readRow(line);
      return row === null ? [] : logRecordOf(row, now_ms);
    });
    const { version } = package_json;
    const scopeLogs = [{ scope: { name: "venturi", version }, logRecords }];
    const body = JSON.stringify({
      resourceLogs: [{ resource: resourceOf(service_name, version), scopeLogs }],
    });
    const url = `${endpoint.replace(/\/+$/, "")}/v1/logs`;
    const posted = await postOtlp({ url, headers, timeout_ms }, body, signal);
    const is_left_out = posted.kind === "refused" && OF_RECORDS.has(posted.status);
    this.is_up = posted.kind === "taken" || is_left_out;
    if (posted.kind === "later") {
      return { ok: false, fault: posted.fault, is_lasting: false, retry_after_ms: posted.retry_after_ms };
    }
    if (posted.kind === "refused" && !is_left_out) {
      return { ok: false, fault: posted.fault, is_lasting: true, retry_after_ms: null };
    }
    const left_out = posted.kind === "refused" ? lines.length : posted.rejected;
    const why = posted.kind === "refused" ? posted.fault : posted.message;
    if (left_out > 0) this.#log(`the collector left out ${left_out} of ${lines.length} rows: ${why}`);
    this.rows += Math.max(0, lines.length - left_out);
    return { ok: true };
  }
}
