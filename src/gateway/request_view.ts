// A request as the policy table and the capabilities of targets see it: what its headers say, who sends it, and what is in its body.
// Whatever takes work is done when it is first asked for, and once.

import { ALL_NEEDS, type NeedBits, NO_NEEDS } from "../config/needs.ts";
import type { Complexity } from "../config/routes.ts";
import type { ClientFormatName } from "../dialects/client_format.ts";
import { readNeeds } from "../dialects/needs.ts";
import { estimateInput, type OpenAIRequest, readMaxTokens, readUser } from "../dialects/openai/request.ts";
import type { Demands } from "../routing/capabilities.ts";
import { type ComplexityResult, judgeComplexity } from "../routing/complexity.ts";
import type { RouteSubject } from "../routing/policy.ts";
import type { Call } from "./call.ts";
import { readTags } from "./labels.ts";

/** A request that was read, or of which only its model is known. */
export class RequestView implements RouteSubject, Demands {
  readonly model: string | null;
  readonly #call: Call;
  /** Null: its body is passed on unread. */
  readonly #request: OpenAIRequest | null;
  #task: string | null | undefined = undefined;
  #tags: Readonly<Record<string, string>> | null = null;
  #known: NeedBits = NO_NEEDS;
  #needs: NeedBits = NO_NEEDS;
  #prompt_tokens: number | null = null;
  #complexity: ComplexityResult | null = null;

  /** @param model as its client names it; null where it names none */
  constructor(call: Call, model: string | null, request: OpenAIRequest | null) {
    this.#call = call;
    this.model = model;
    this.#request = request;
  }

  get task(): string | null {
    // Every rule may ask for it.
    if (this.#task === undefined) this.#task = this.header("x-venturi-task");
    return this.#task;
  }

  get tier(): string | null {
    return this.#call.client!.tier;
  }

  get tenant(): string {
    return this.#call.client!.tenant;
  }

  get team(): string | null {
    return this.#call.client!.team;
  }

  get key(): string {
    return this.#call.client!.name;
  }

  get region(): string | null {
    return this.header("x-venturi-region")?.toLowerCase() ?? this.#call.client!.region;
  }

  get tags(): Readonly<Record<string, string>> {
    this.#tags ??= readTags(this.header("x-venturi-tags"));
    return this.#tags;
  }

  header(name: string): string | null {
    return this.#call.request.headers.get(name)?.trim() || null;
  }

  get needs(): NeedBits | null {
    return this.#request === null ? null : this.needsAmong(ALL_NEEDS);
  }

  /** What it needs of some needs; the others are not looked for. */
  needsAmong(wanted: NeedBits): NeedBits {
    const missing = wanted & ~this.#known;
    if (missing !== NO_NEEDS && this.#request !== null) {
      this.#needs |= readNeeds(this.#request, this.#format, missing);
      this.#known |= missing;
    }
    return this.#needs & wanted;
  }

  /** What it needs, if somebody has asked for all that it may need; else null. */
  get known_needs(): NeedBits | null {
    return this.#known === ALL_NEEDS ? this.#needs : null;
  }

  get prompt_tokens(): number | null {
    if (this.#request === null) return null;
    this.#prompt_tokens ??= estimateInput(this.#request);
    return this.#prompt_tokens;
  }

  /** Tokens that its answer may have by its own word; 0 where it says nothing. */
  get asked_tokens(): number {
    return this.#request === null ? 0 : (readMaxTokens(this.#request) ?? 0);
  }

  get context_tokens(): number | null {
    const { prompt_tokens } = this;
    return prompt_tokens === null ? null : prompt_tokens + this.asked_tokens;
  }

  /** Bytes of its body: no prompt in it has more tokens. */
  get body_bytes(): number {
    return this.#request?.bytes.length ?? 0;
  }

  /** What it demands of a target. */
  get demands(): Demands {
    // Claude's beta of a longer context: what is known of a model's is not true of it.
    const is_longer = this.#format === "messages" && this.header("anthropic-beta")?.includes("context-1m");
    if (!is_longer) return this;
    const needsAmong = (wanted: NeedBits) => this.needsAmong(wanted);
    return { needsAmong, body_bytes: 0, asked_tokens: 0, context_tokens: null };
  }

  get complexity(): Complexity | null {
    return this.judged?.class ?? null;
  }

  /** How hard its prompt looks, with the reasons; null where it cannot be read. */
  get judged(): ComplexityResult | null {
    if (this.#request === null) return null;
    this.#complexity ??= judgeComplexity(this.#request);
    return this.#complexity;
  }

  /** The same, if somebody has asked for it; else null. */
  get known_complexity(): Complexity | null {
    return this.#complexity?.class ?? null;
  }

  get time_ms(): number {
    return this.#call.wall_ms;
  }

  get sticky_by(): "session" | "user" | "key" {
    if (this.header("x-venturi-session") !== null) return "session";
    return this.#user === null ? "key" : "user";
  }

  get caller(): string {
    const by = this.sticky_by;
    const names = { session: this.header("x-venturi-session"), user: this.#user, key: this.key };
    return JSON.stringify([this.tenant, by, names[by]]);
  }

  get #user(): string | null {
    return this.header("x-venturi-user") ?? (this.#request === null ? null : readUser(this.#request));
  }

  get #format(): ClientFormatName {
    return this.#call.format.name;
  }
}
