// What another configuration would have made of a call of the ledger: which rule, which model, which target first, and what its tokens
// would have cost there.

import { resolveModel } from "../../config/models.ts";
import type { ClientKey, ModelPlan, Plan, TargetPlan } from "../../config/plan.ts";
import type { Usage } from "../../dialects/usage.ts";
import { findPrice, type PriceBook } from "../../ledger/prices/book.ts";
import { chargeOf, priceOfPlan } from "../../ledger/prices/cost.ts";
import { CACHE_HITS, type LedgerRow } from "../../ledger/row.ts";
import { inAffinityOrder } from "../../routing/affinity.ts";
import { ableModel } from "../../routing/capabilities.ts";
import { chooseRoute } from "../../routing/policy.ts";
import { withinRegions } from "../../routing/region.ts";
import { RowSubject } from "./row_subject.ts";

function isNothing({ input_tokens, output_tokens, input_audio_ms }: Usage): boolean {
  return input_tokens + output_tokens + input_audio_ms === 0;
}

/** Where a call went, or would go. */
export interface Way {
  /** Null: no rule. */
  readonly route: string | null;
  /** `provider/model`; null: nowhere. */
  readonly target: string | null;
  /** Null: nobody knows. */
  readonly cost_nano_usd: number | null;
}

/** A call, as it was and as it would be. */
export interface Replayed {
  readonly before: Way;
  readonly after: Way;
  /** What rules asked about that its row does not tell. */
  readonly unknown: ReadonlySet<string>;
}

/** Runs calls through a configuration. */
export class Replayer {
  readonly #plan: Plan;
  readonly #book: PriceBook;
  readonly #keys: ReadonlyMap<string, ClientKey>;

  constructor(plan: Plan, book: PriceBook) {
    this.#plan = plan;
    this.#book = book;
    this.#keys = new Map(plan.keys.map((key) => [key.name, key]));
  }

  /** Null: the row is of a call that asked for no model. */
  replay(row: LedgerRow): Replayed | null {
    if (row.model === null) return null;
    const key = row.key === null ? null : (this.#keys.get(row.key) ?? null);
    const subject = new RowSubject(row, key);
    const choice = chooseRoute(this.#plan.routes, subject);
    const named = resolveModel(this.#plan, choice?.arm.model ?? row.model);
    const regions = [subject.region, named?.region ?? null].filter((region) => region !== null);
    const there = named === null ? null : withinRegions(named, regions);
    const model = there === null ? null : ableModel(there, subject);
    return {
      before: {
        route: row.routing?.route ?? null,
        target: row.provider === null ? null : `${row.provider}/${row.served_model ?? ""}`,
        cost_nano_usd: row.cost_nano_usd,
      },
      after: { route: choice?.route.name ?? null, ...this.#wayOf(row, model) },
      unknown: subject.unknown,
    };
  }

  #wayOf(row: LedgerRow, model: ModelPlan | null): Omit<Way, "route"> {
    const of =
      model === null ? undefined : [model, ...model.fallbacks].find(({ targets }) => targets.length > 0);
    if (of === undefined) return { target: null, cost_nano_usd: 0 };
    const target = this.#firstOf(of, row);
    const name = `${target.provider.name}/${target.model}`;
    // A kept answer costs nothing, and neither does what used nothing, such as a call that was refused.
    const is_free = CACHE_HITS.has(row.cache) || isNothing(row.usage);
    return { target: name, cost_nano_usd: is_free ? 0 : this.#costAt(of, target, row) };
  }

  /** How fast and how busy targets were is not known any more: where that counts, or chance, they are drawn by weight. */
  #firstOf(model: ModelPlan, row: LedgerRow): TargetPlan {
    const { strategy, targets } = model;
    if (strategy === "priority") return targets[0]!;
    if (strategy === "least-cost") {
      const costOf = (target: TargetPlan) => this.#costAt(model, target, row) ?? Number.MAX_VALUE;
      return targets.reduce((best, target) => (costOf(target) < costOf(best) ? target : best));
    }
    // By the call, so that the same calls give the same again.
    const nameOf = ({ provider, model: name }: TargetPlan) => `${provider.name}/${name}`;
    return inAffinityOrder(targets, row.id, nameOf, ({ weight }) => weight)[0]!;
  }

  #costAt({ price: own }: ModelPlan, { provider, model }: TargetPlan, row: LedgerRow): number | null {
    const { kind, origin } = provider;
    const price = own === null ? findPrice(this.#book, kind, origin.host, model) : priceOfPlan(own);
    return chargeOf(price, { ...row.usage, told_nano_usd: 0 }, row.time).cost_nano_usd;
  }
}
