// Tells a collector of calls, as spans and histograms: in batches, from rows that are in the ledger already. What it does not take
// waits within a bound; what finds no room is left out and counted, and nobody waits for it.

import { type Patience, type Piece, Pump } from "../delivery/pump.ts";
import type { LedgerRow } from "../row.ts";
import { linesIn, readRow } from "../row_reader.ts";
import { resourceOf } from "./attributes.ts";
import type { KnownProvider } from "./gen_ai.ts";
import { CallHistograms } from "./histograms.ts";
import { type CollectorPlan, type Posted, postOtlp } from "./post.ts";
import { isTold, type OtlpSpan, spansOf } from "./spans.ts";

/** What an exporter needs of a configuration. */
export interface OtlpSettings {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly interval_ms: number;
  readonly timeout_ms: number;
  /** Spans that may wait. */
  readonly max_queue: number;
  readonly max_batch: number;
  readonly traces: boolean;
  readonly metrics: boolean;
  readonly service_name: string;
  readonly providers: ReadonlyMap<string, KnownProvider>;
  /** Whether histograms tell a model from others by the name that clients ask for it by. */
  isKnown(model: string): boolean;
}

/** What an exporter works with. */
export interface ExporterOptions {
  readonly version: string;
  log(line: string): void;
  /** So many spans were left out. */
  onDropped(spans: number): void;
  readonly patience?: Patience;
}

/** As patient as OTLP's exporters are; a refusal is never tried again. */
const PATIENCE: Patience = { first_ms: 1_000, most_ms: 30_000, lasting_ms: 300_000 };

/** Tells one collector. */
export class OtlpExporter {
  readonly #options: ExporterOptions;
  #settings: OtlpSettings;
  readonly #spans: OtlpSpan[] = [];
  #histograms = new CallHistograms(Date.now());
  #are_metrics_due = false;
  readonly #pumps: readonly [traces: Pump, metrics: Pump];
  #timer: ReturnType<typeof setInterval>;

  constructor(settings: OtlpSettings, options: ExporterOptions) {
    const { log, patience = PATIENCE } = options;
    this.#settings = settings;
    this.#options = options;
    this.#pumps = [
      new Pump({ name: "traces", next: () => this.#nextSpans(), is_drained: true, ...{ log, patience } }),
      new Pump({ name: "metrics", next: () => this.#nextMetrics(), is_drained: true, ...{ log, patience } }),
    ];
    this.#timer = this.#tickEvery(settings.interval_ms);
  }

  /** Spans that wait. */
  get waiting(): number {
    return this.#spans.length;
  }

  /** Takes rows, a line each. */
  add(lines: Uint8Array): void {
    const { traces, metrics, providers, isKnown } = this.#settings;
    for (const line of linesIn(lines)) {
      const row = readRow(line);
      if (row === null) continue;
      if (metrics) this.#histograms.count(row, providers, isKnown);
      if (traces && isTold(row)) this.#take(row);
    }
    if (this.#spans.length >= this.#settings.max_batch) this.#pumps[0].wake();
  }

  /** Takes other settings, and tries again at once what failed. */
  configure(settings: OtlpSettings): void {
    clearInterval(this.#timer);
    this.#settings = settings;
    this.#timer = this.#tickEvery(settings.interval_ms);
    for (const pump of this.#pumps) pump.hurry();
  }

  /** Tells what is left, as long as that goes quickly. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#tick();
    await Promise.all(this.#pumps.map((pump) => pump.stop()));
    if (this.#spans.length > 0) this.#options.onDropped(this.#spans.length);
  }

  #tickEvery(interval_ms: number): ReturnType<typeof setInterval> {
    const timer = setInterval(() => this.#tick(), interval_ms);
    timer.unref();
    return timer;
  }

  #tick(): void {
    this.#are_metrics_due = this.#settings.metrics && !this.#histograms.is_empty;
    for (const pump of this.#pumps) pump.wake();
  }

  #take(row: LedgerRow): void {
    const spans = spansOf(row, this.#settings.providers);
    const has_room = this.#spans.length + spans.length <= this.#settings.max_queue;
    if (has_room) this.#spans.push(...spans);
    else this.#options.onDropped(spans.length);
  }

  #nextSpans(): Piece | null {
    const count = Math.min(this.#spans.length, this.#settings.max_batch);
    if (count === 0) return null;
    const scope = { name: "venturi", version: this.#options.version };
    return {
      what: `${count} spans`,
      deliver: async (signal) => {
        const scopeSpans = [{ scope, spans: this.#spans.slice(0, count) }];
        const body = JSON.stringify({ resourceSpans: [{ resource: this.#resource(), scopeSpans }] });
        return this.#outcomeOf("traces", await postOtlp(this.#collector("traces"), body, signal), count);
      },
      done: () => void this.#spans.splice(0, count),
    };
  }

  #nextMetrics(): Piece | null {
    if (!this.#are_metrics_due) return null;
    const scope = { name: "venturi", version: this.#options.version };
    return {
      what: "histograms",
      deliver: async (signal) => {
        const scopeMetrics = [{ scope, metrics: this.#histograms.metrics(Date.now()) }];
        const body = JSON.stringify({ resourceMetrics: [{ resource: this.#resource(), scopeMetrics }] });
        return this.#outcomeOf("metrics", await postOtlp(this.#collector("metrics"), body, signal), 0);
      },
      done: () => {
        this.#are_metrics_due = false;
      },
    };
  }

  /** A refusal ends a piece as well: it would be refused again. */
  #outcomeOf(signal: string, posted: Posted, spans: number) {
    if (posted.kind === "later") {
      const { fault, retry_after_ms } = posted;
      return { ok: false, fault, is_lasting: false, retry_after_ms } as const;
    }
    const left_out = posted.kind === "refused" ? spans : Math.min(spans, posted.rejected);
    if (left_out > 0) this.#options.onDropped(left_out);
    if (posted.kind === "refused") {
      this.#options.log(`the collector does not take ${signal}: ${posted.fault}`);
    } else if (posted.rejected > 0) {
      this.#options.log(`the collector left out ${posted.rejected} of the ${signal}: ${posted.message}`);
    }
    return { ok: true } as const;
  }

  #collector(signal: "traces" | "metrics"): CollectorPlan {
    const { endpoint, headers, timeout_ms } = this.#settings;
    return { url: `${endpoint.replace(/\/+$/, "")}/v1/${signal}`, headers, timeout_ms };
  }

  #resource() {
    return resourceOf(this.#settings.service_name, this.#options.version);
  }
}
