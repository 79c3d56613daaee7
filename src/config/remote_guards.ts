// Guards that are asked over the network, as the Plan has them: a provider's moderation endpoint, or a service of the operator's own.

import { originOf } from "./address.ts";
import type { GuardAction } from "./guards.ts";
import type { ModerationConfig, WebhookConfig } from "./guards_schema.ts";
import { constantFields } from "./header_fields.ts";
import type { HeaderFields, Origin, ProviderPlan } from "./plan.ts";

interface RemotePlan {
  /** What headers and the ledger call it. */
  readonly name: string;
  /** What becomes of a finding; for a webhook, at most. */
  readonly action: GuardAction;
  readonly timeout_ms: number;
  /** What becomes of a call that it does not judge in time, or not at all. */
  readonly on_failure: GuardAction;
}

/** A provider's moderation endpoint. */
export interface ModerationPlan extends RemotePlan {
  readonly guard: "moderation";
  readonly provider: ProviderPlan;
  readonly model: string;
  /** Categories that count; null: all. */
  readonly categories: readonly string[] | null;
  /** From which score on a category is a finding; where none is given, the provider decides. */
  readonly thresholds: Readonly<Record<string, number>>;
}

/** A service that judges in our own format (docs/guards-remote.md). */
export interface WebhookPlan extends RemotePlan {
  readonly guard: "webhook";
  readonly origin: Origin;
  /** Path and query. */
  readonly path: string;
  readonly headers: HeaderFields;
}

/** A guard that is asked over the network. */
export type RemoteGuardPlan = ModerationPlan | WebhookPlan;

/** As a user writes them. */
export type RemoteGuardConfig = ModerationConfig | WebhookConfig | "moderation";

/** What `moderation` alone means; whoever may block does so too when it cannot be asked. */
const MODERATION: ModerationConfig = {
  guard: "moderation",
  provider: "openai",
  model: "omni-moderation-latest",
  thresholds: {},
  action: "block",
  timeout_ms: 2_000,
};

/** The provider whose endpoint a guard asks; null where it asks none. */
export function providerOfGuard(config: RemoteGuardConfig): string | null {
  if (config === "moderation") return MODERATION.provider;
  return config.guard === "moderation" ? config.provider : null;
}

/** Compiles such a guard. Its provider must be there. */
export function compileRemoteGuard(
  config: RemoteGuardConfig,
  providers: ReadonlyMap<string, ProviderPlan>,
): RemoteGuardPlan {
  const written = config === "moderation" ? MODERATION : config;
  const { guard, action, timeout_ms } = written;
  const common = {
    ...{ name: written.name ?? guard, action, timeout_ms },
    on_failure: written.on_failure ?? action,
  };
  if (written.guard === "moderation") {
    const { provider, model, categories, thresholds } = written;
    return {
      ...common,
      guard: "moderation",
      provider: providers.get(provider)!,
      model,
      categories: categories === undefined ? null : [...categories],
      thresholds: { ...thresholds },
    };
  }
  const url = new URL(written.url);
  return {
    ...common,
    guard: "webhook",
    origin: originOf(url),
    path: url.pathname + url.search,
    headers: constantFields([["content-type", "application/json"]], written.headers),
  };
}
