// A call of the ledger as the policy table sees a request: by what its row tells. What a row does not tell is noted when a rule asks
// about it, and no condition on it holds.

import { type Need, type NeedBits, NO_NEEDS, needBits } from "../../config/needs.ts";
import type { ClientKey } from "../../config/plan.ts";
import { COMPLEXITIES, type Complexity } from "../../config/routes.ts";
import type { LedgerRow } from "../../ledger/row.ts";
import type { Demands } from "../../routing/capabilities.ts";
import type { RouteSubject } from "../../routing/policy.ts";

/** A call that was. */
export class RowSubject implements RouteSubject, Demands {
  readonly model: string | null;
  readonly task: string | null;
  readonly tier: string | null;
  readonly tenant: string;
  readonly team: string | null;
  readonly key: string | null;
  readonly region: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly time_ms: number;
  readonly caller: string;
  readonly sticky_by: string;
  /** Its very bytes are not known, so that the tokens that were counted always count. */
  readonly body_bytes = Number.POSITIVE_INFINITY;
  readonly asked_tokens = 0;
  /** What rules asked about, and the row does not tell. */
  readonly unknown = new Set<string>();
  readonly #row: LedgerRow;

  /** @param key the caller's in the other configuration; null where it has none of this name */
  constructor(row: LedgerRow, key: ClientKey | null) {
    this.#row = row;
    const { routing } = row;
    this.model = row.model;
    this.task = routing?.task ?? null;
    this.tier = key === null ? (routing?.tier ?? null) : key.tier;
    this.tenant = key?.tenant ?? row.tenant;
    this.team = key === null ? row.team : key.team;
    this.key = row.key;
    this.region = routing?.region ?? key?.region ?? null;
    this.tags = row.tags;
    this.time_ms = row.time;
    this.sticky_by = row.user === null ? "key" : "user";
    this.caller = JSON.stringify([this.tenant, this.sticky_by, row.user ?? row.key]);
  }

  header(name: string): null {
    return this.#notTold(`header ${name}`);
  }

  get needs(): NeedBits | null {
    const { routing } = this.#row;
    return routing?.needs === undefined ? this.#notTold("needs") : needBits(routing.needs as readonly Need[]);
  }

  needsAmong(wanted: NeedBits): NeedBits {
    const { routing } = this.#row;
    return routing?.needs === undefined ? NO_NEEDS : needBits(routing.needs as readonly Need[]) & wanted;
  }

  get prompt_tokens(): number | null {
    const { input_tokens } = this.#row.usage;
    return input_tokens > 0 ? input_tokens : this.#notTold("prompt_tokens");
  }

  /** Of the answer what came of it: how much more it might have had is not told. */
  get context_tokens(): number | null {
    const { prompt_tokens } = this;
    return prompt_tokens === null ? null : prompt_tokens + this.#row.usage.output_tokens;
  }

  get complexity(): Complexity | null {
    const said = this.#row.routing?.complexity;
    return COMPLEXITIES.find((one) => one === said) ?? this.#notTold("complexity");
  }

  #notTold(what: string): null {
    this.unknown.add(what);
    return null;
  }
}
