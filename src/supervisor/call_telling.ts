// Who is told of calls beside the ledger, once they are in it: the live view, and a log and a collector where they are configured.

import package_json from "../../package.json" with { type: "json" };
import { isAskedFor } from "../config/configured.ts";
import type { Plan } from "../config/plan.ts";
import type { ResolvedConfig } from "../config/schema.ts";
import { CallLog, standardOutput } from "../ledger/call_log.ts";
import { LiveCalls } from "../ledger/live_calls.ts";
import { OtlpExporter, type OtlpSettings } from "../ledger/otlp/exporter.ts";
import type { HostFacts } from "../memory/host_facts.ts";

/** Tells of calls. */
export class CallTelling {
  readonly live = new LiveCalls();
  readonly #log: (line: string) => void;
  #facts: HostFacts | null = null;
  #calls: CallLog | null = null;
  #otlp: OtlpExporter | null = null;
  #ending: Promise<void> = Promise.resolve();

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Where is counted what could not be told. */
  countIn(facts: HostFacts): void {
    this.#facts = facts;
  }

  /** Takes a configuration. */
  configure(config: ResolvedConfig, plan: Plan): void {
    this.#configureLog(config);
    const settings = otlpSettings(config, plan);
    if (settings === null) {
      this.#endOtlp();
      return;
    }
    if (this.#otlp !== null) this.#otlp.configure(settings);
    else {
      this.#otlp = new OtlpExporter(settings, {
        version: package_json.version,
        log: (line) => this.#log(`telemetry: ${line}`),
        onDropped: (spans) => this.#facts?.addOtlpDropped(spans),
      });
    }
  }

  /** These rows, a line each, are in the ledger. */
  add(lines: Uint8Array): void {
    this.live.add(lines);
    this.#calls?.add(lines);
    this.#otlp?.add(lines);
  }

  /** Tells what is left, as long as that goes quickly. */
  close(): Promise<void> {
    this.#calls?.close();
    this.#endOtlp();
    return this.#ending;
  }

  #configureLog({ log, data: folder }: ResolvedConfig): void {
    if (this.#calls !== null) this.#calls.configure(log);
    else if (log.calls !== "off")
      this.#calls = new CallLog(log, { folder, sink: standardOutput(), log: this.#log });
  }

  #endOtlp(): void {
    const ended = this.#otlp;
    this.#otlp = null;
    if (ended !== null) this.#ending = Promise.all([this.#ending, ended.close()]).then(() => {});
  }
}

/** What a collector's exporter needs; null where none is configured. */
function otlpSettings({ telemetry, providers }: ResolvedConfig, plan: Plan): OtlpSettings | null {
  const { otlp } = telemetry;
  if (otlp === undefined) return null;
  const known = Object.entries(providers).map(
    ([name, { kind, base_url }]) => [name, { kind, base_url: base_url ?? null }] as const,
  );
  return {
    ...otlp,
    providers: new Map(known),
    isKnown: (model) => isAskedFor(plan, model),
  };
}
