// LiteLLM's `router_settings`, and what of `litellm_settings` is about the same: strategies, retries, timeouts, cooldowns.
// https://docs.litellm.ai/docs/routing, https://docs.litellm.ai/docs/proxy/config_settings

import type { Draft, ModelInput } from "../draft.ts";
import type { Source } from "../source.ts";
import { firstByteOf } from "./deployment.ts";

type Strategy = NonNullable<ModelInput["strategy"]>;

/** The strategies by LiteLLM's names, and what is another here. */
const STRATEGIES: Readonly<Record<string, readonly [Strategy, string | null]>> = {
  "simple-shuffle": ["weighted", null],
  "least-busy": ["least-busy", null],
  "usage-based-routing": [
    "least-busy",
    "the least busy target is asked; one that is over its rates is passed over",
  ],
  "usage-based-routing-v2": [
    "least-busy",
    "the least busy target is asked; one that is over its rates is passed over",
  ],
  "latency-based-routing": ["least-latency", "by the time to the first byte, not by time per token"],
  "cost-based-routing": ["least-cost", null],
};

/** The strategy of models with several targets. */
export function readStrategy(router: Source): Strategy {
  const source = router.at("routing_strategy");
  const name = source.text() ?? "simple-shuffle";
  const [strategy, change] = STRATEGIES[name] ?? ["weighted", null];
  if (STRATEGIES[name] === undefined)
    source.left(`the strategy ${name} is not known here; targets are asked by weight`);
  else if (change === null) source.carried(`strategy: ${strategy}`);
  else source.changed(`${strategy}: ${change}`);
  router.at("routing_strategy_args").left("the strategies here have no such settings");
  return strategy;
}

/** What holds for all providers and models: retries, timeouts, breakers, probes. */
export function readReliability(router: Source, settings: Source, general: Source, draft: Draft): void {
  const { providers, models } = draft.config;
  const attempts = firstThere(router.at("num_retries"), settings.at("num_retries"), router.at("max_retries"));
  const pause = firstThere(router.at("retry_after"), settings.at("retry_after"));
  for (const model of Object.values(models)) {
    const retries = { ...model.retries };
    const tries = attempts?.number() ?? null;
    if (tries !== null && retries.attempts === undefined) retries.attempts = clamp(tries, 0, 100);
    const seconds = pause?.number() ?? null;
    if (seconds !== null && seconds > 0) retries.backoff_ms = clamp(seconds * 1_000, 0, 60_000);
    if (Object.keys(retries).length > 0) model.retries = retries;
  }
  attempts?.carried("retries.attempts, on each target");
  pause?.changed("retries.backoff_ms: the base of a pause that grows");

  const timeout = firstThere(router.at("timeout"), settings.at("request_timeout")) ?? router.at("timeout");
  const stream = firstThere(router.at("stream_timeout"), settings.at("stream_timeout"));
  const first_byte_ms = firstByteOf(timeout, stream ?? router.at("stream_timeout"));
  if (first_byte_ms !== null) {
    for (const provider of Object.values(providers))
      provider.timeouts = { ...provider.timeouts, first_byte_ms };
    if (first_byte_ms > 600_000) for (const model of Object.values(models)) model.deadline_ms = first_byte_ms;
    timeout.carried("timeouts.first_byte_ms of every provider");
  }
  breakers(router, settings, draft);

  const checks = general.at("background_health_checks");
  const interval = general.at("health_check_interval");
  if (checks.flag() === true) {
    const interval_s = clamp(interval.number() ?? 300, 1, 3_600);
    for (const provider of Object.values(providers)) provider.probe = { interval_s };
    checks.changed("probes ask each provider for its list of models, and cost nothing");
  }
}

function breakers(router: Source, settings: Source, { config: { providers } }: Draft): void {
  const fails = firstThere(router.at("allowed_fails"), settings.at("allowed_fails"));
  const cooldown = firstThere(router.at("cooldown_time"), settings.at("cooldown_time"));
  const off = router.at("disable_cooldowns");
  for (const provider of Object.values(providers)) {
    if (off.flag() === true) {
      provider.breaker = "off";
      continue;
    }
    const failures = fails?.number() ?? null;
    const rest_s = cooldown?.number() ?? null;
    const breaker = {
      ...(failures === null ? {} : { failures: clamp(failures + 1, 1, 1_000) }),
      ...(rest_s === null || rest_s <= 0 ? {} : restOf(rest_s)),
    };
    if (Object.keys(breaker).length > 0) provider.breaker = breaker;
  }
  if (off.flag() === true) off.carried("breaker: off");
  fails?.changed("breaker.failures: so many in a row, not in a minute");
  cooldown?.changed(
    "breaker.rest_s: then one call probes the target; the pause doubles while it still fails",
  );
  router.leave(
    ["allowed_fails_policy", "retry_policy", "model_group_retry_policy"],
    "which errors are tried again and count as failures is not configured here (docs/routing-health.md)",
  );
}

function restOf(seconds: number): { rest_s: number; max_rest_s?: number } {
  const rest_s = Math.min(3_600, Math.max(0.1, seconds));
  return rest_s > 120 ? { rest_s, max_rest_s: rest_s } : { rest_s };
}

function firstThere(...sources: readonly Source[]): Source | null {
  return sources.find((one) => one.is_there) ?? null;
}

function clamp(number: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.round(number)));
}

/** What the rest of the router's settings means here. */
export function readRouterRest(router: Source): void {
  router.at("enable_pre_call_checks").carried("targets that cannot serve a request are never tried");
  router
    .at("optional_pre_call_checks")
    .left("limits of providers always hold; conversations stay at a target by cache: { prompt: auto }");
  router.leave(
    [
      "redis_host",
      "redis_port",
      "redis_password",
      "redis_url",
      "redis_db",
      "cache_responses",
      "cache_kwargs",
    ],
    "not needed on one host; several share limits and kept answers by state (docs/configuration.md#state)",
  );
  router.leave(["set_verbose", "debug_level"], "see log in docs/configuration.md");
  router.rest();
}
