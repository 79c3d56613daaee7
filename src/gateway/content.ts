// What is kept of calls where content is kept: the request as it goes out and the answer as it comes, both without the values that
// privacy has taken out. A call gathers it as it goes by, and hands it over when it ends.

import { statSync } from "node:fs";
import type { ContentPlan } from "../config/plan.ts";
import type { ContentKeys } from "../content/cards.ts";
import { contentPath } from "../content/file.ts";
import { ContentKeeper } from "../content/keeper.ts";
import type { ContentCall, LeftOut } from "../content/record.ts";
import type { OtherMetric } from "../ledger/metrics.ts";
import type { HostFacts } from "../memory/host_facts.ts";
import { AnswerCopy } from "./answer_copy.ts";
import type { Call } from "./call.ts";
import type { Prepared } from "./prepare.ts";

/** Endpoints whose calls are kept: those of which something is said in words. */
const KEPT_ENDPOINTS: ReadonlySet<string | null> = new Set([
  ...["/chat/completions", "/completions", "/responses", "/messages", "/generateContent"],
]);

/** Where content is kept. */
export interface ContentOptions {
  readonly folder: string;
  readonly keys: ContentKeys;
  /** Where it is counted. */
  readonly facts: HostFacts;
  log(line: string): void;
}

/** What one process keeps. */
export class Content {
  readonly #keeper: ContentKeeper;
  readonly #facts: HostFacts;
  readonly #folder: string;

  constructor({ facts, ...rest }: ContentOptions) {
    this.#facts = facts;
    this.#folder = rest.folder;
    this.#keeper = new ContentKeeper({
      ...rest,
      onKept: (calls) => facts.countContent("kept", calls),
      onDropped: (calls) => facts.countContent("dropped", calls),
    });
  }

  /** What gathers the content of a call whose request goes out like this; null where nothing is kept of it. */
  begin(call: Call, prepared: Prepared, plan: ContentPlan): CallContent | null {
    const { read_body, endpoint, counting, model } = prepared;
    if (!KEPT_ENDPOINTS.has(endpoint) || read_body === null || counting !== null) return null;
    const { tenant, name: key } = call.client!;
    if (plan.isExcepted({ model: model.name, key, tenant }) || asksForNothing(call)) return null;
    // What goes out as it came, though personal data was found in it or not looked for, is not to lie about.
    if (!call.may_be_kept) {
      this.#facts.countContent("private", 1);
      return null;
    }
    if (read_body.length > plan.call_max_bytes) {
      this.#facts.countContent("too_long", 1);
      return null;
    }
    return new CallContent(call, prepared, plan, (kept) => this.#keeper.keep(kept, plan.max_bytes));
  }

  /** What its file takes on the disk. */
  metrics(): OtherMetric[] {
    const bytes = statSync(contentPath(this.#folder), { throwIfNoEntry: false })?.size ?? 0;
    const help = "Bytes on the disk of prompts and answers that are kept.";
    return [{ name: "venturi_content_bytes", type: "gauge", samples: { "": bytes }, help }];
  }

  /** Ends when what was taken is kept. */
  close(): Promise<void> {
    return this.#keeper.close();
  }
}

/** Whether a client wants nothing of its call stored (RFC 9111, 5.2.1.5). */
function asksForNothing({ request }: Call): boolean {
  return request.headers.get("cache-control")?.toLowerCase().includes("no-store") ?? false;
}

/** Gathers what is kept of one call. */
export class CallContent {
  readonly #call: Call;
  readonly #prepared: Prepared;
  readonly #plan: ContentPlan;
  readonly #onOver: (kept: ContentCall) => void;
  /** What guards had found before there was an answer. */
  readonly #guards: Call["guards"];
  #answer: ContentCall["answer"] = null;
  #is_too_long = false;

  constructor(call: Call, prepared: Prepared, plan: ContentPlan, onOver: (kept: ContentCall) => void) {
    this.#call = call;
    this.#prepared = prepared;
    this.#plan = plan;
    this.#onOver = onOver;
    this.#guards = call.guards;
  }

  /** The answer has come as one body, or as all of a kept stream's events. */
  came(bytes: Uint8Array, is_events = false): void {
    this.#is_too_long = bytes.length > this.#plan.call_max_bytes;
    this.#answer = this.#is_too_long ? null : { bytes, is_events };
  }

  /** What copies an answer that comes as a stream. */
  copy(): AnswerCopy {
    return new AnswerCopy(this.#plan.call_max_bytes);
  }

  /** The stream is over, whether it came to its end or not. */
  flowed(copy: AnswerCopy): void {
    const bytes = copy.bytes();
    this.#is_too_long = bytes === null;
    this.#answer = bytes === null || bytes.length === 0 ? null : { bytes, is_events: true };
  }

  /** The call is over. Of one that nothing was done for, because it is over a limit or is stopped, nothing is kept. */
  over(): void {
    const call = this.#call;
    if (call.attempts === 0 && call.kept_from === null) return;
    const { endpoint, is_stream, choices, model, read_body } = this.#prepared;
    const is_guarded = this.#wasGuarded();
    const answer = is_guarded ? null : this.#answer;
    this.#onOver({
      ...{ id: call.ledger_id, tenant: call.client!.tenant, user: call.account?.user ?? null },
      ...{ time_ms: Math.round(call.wall_ms), expires_ms: call.wall_ms + this.#plan.retention_ms },
      ...{ endpoint: endpoint!, format: call.format.name, model: model.name, key: call.client!.name },
      ...{ is_stream, choices, request: read_body!, answer },
      left_out: answer === null ? this.#leftOut(is_guarded) : null,
    });
  }

  #leftOut(is_guarded: boolean): LeftOut {
    if (is_guarded) return "guarded";
    return this.#is_too_long ? "too_long" : "none";
  }

  /** Whether a guard has changed or stopped the answer: what it took out is nobody's to read. */
  #wasGuarded(): boolean {
    const { guards } = this.#call;
    if (guards === this.#guards) return false;
    return Object.entries(guards).some(
      ([name, outcome]) => (outcome === "redact" || outcome === "block") && this.#guards[name] !== outcome,
    );
  }
}
