// Active probes: providers that are configured so are asked for something small every few seconds, by one process at a time.
// What fails counts for all their targets; what does not lets a target that rests be tried by the next call.

import type { Plan, ProviderPlan } from "../config/plan.ts";
import { faultText } from "../errors.ts";
import type { Health } from "../routing/health/health.ts";
import { isIll } from "../routing/retry.ts";
import type { KeyRotation } from "../routing/rotation.ts";
import { requestPath } from "../upstream/addressing.ts";
import {
  type Exchange,
  type UpstreamClient,
  UpstreamError,
  type UpstreamRequest,
} from "../upstream/exchange.ts";
import { authorized } from "../upstream/signing/authorize.ts";

/** How often it is looked whether a probe is due, in milliseconds. */
const LOOK_MS = 1_000;
const TIMEOUTS = { connect_ms: 5_000, first_byte_ms: 10_000, idle_ms: 10_000, total_ms: 15_000 };

/** What probes need of the gateway. */
export interface ProberTools {
  readonly health: Health;
  readonly rotation: KeyRotation;
  plan(): Plan;
  clientOf(provider: Pick<ProviderPlan, "client">): UpstreamClient;
  log(line: string): void;
}

/** Probes while the process lives; gives what ends it. A Plan without probes costs a look a second. */
export function startProber(tools: ProberTools): () => void {
  const timer = setInterval(() => {
    for (const provider of tools.plan().providers.values()) {
      const { probe } = provider;
      if (probe === null || isDrilled(provider, tools.health)) continue;
      if (!tools.health.takeCheck(provider, probe.interval_ms)) continue;
      checkOnce(provider, probe.path, tools).catch((fault: unknown) =>
        tools.log(`a probe of ${provider.name} failed by a fault of the gateway: ${faultText(fault)}`),
      );
    }
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** During a drill a provider is not asked for anything. */
function isDrilled({ name }: ProviderPlan, health: Health): boolean {
  return (
    health.is_careful && health.drills.some(({ provider, model }) => provider === name && model === null)
  );
}

async function checkOnce(provider: ProviderPlan, path: string, tools: ProberTools): Promise<void> {
  const fault = await faultOf(provider, path, tools);
  for (const model of tools.plan().models.values()) {
    for (const target of model.targets) {
      if (target.provider !== provider || target.breaker === null) continue;
      const health = tools.health.of(target);
      if (fault === null) health.endRest();
      else health.countCheck(target.breaker, `probe: ${fault}`);
    }
  }
}

/** What is wrong with a provider, in a word; null where somebody is there. */
async function faultOf(provider: ProviderPlan, path: string, tools: ProberTools): Promise<string | null> {
  const { key } = tools.rotation.choose(provider, "", performance.now());
  // Who rests or is refused says nothing of the provider.
  if (key === null) return null;
  const plain: readonly UpstreamRequest[] = [
    {
      ...{ origin: provider.origin, pool: key.name, method: "GET", body: null, timeouts: TIMEOUTS },
      path: requestPath(provider, "", path, true),
      headers: key.pass_headers,
    },
  ];
  const requests = key.signing === null ? plain : await authorized(plain, key.signing);
  if (requests instanceof UpstreamError) return null;
  return new Promise((resolve) => {
    const exchange: Exchange = tools.clientOf(provider).exchange(requests[0]!, {
      onHead: ({ status }) => {
        resolve(isIll(status) ? String(status) : null);
        exchange.abort();
      },
      onData: () => {},
      onEnd: () => {},
      onError: ({ failure }) => resolve(failure),
    });
  });
}
