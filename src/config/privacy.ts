// What is done about personal data, as the Plan has it.

import { ENTITIES } from "./entities.ts";
import type { PrivacyMode, PrivacyPlan } from "./plan.ts";
import type { ModelPrivacyConfig, ResolvedConfig } from "./schema.ts";

/** Compiles what a model says about personal data. */
export function compilePrivacy(config: ModelPrivacyConfig, { privacy }: ResolvedConfig): PrivacyPlan {
  const { mode, entities, thresholds, on_failure } = config;
  return {
    mode: modeOf(mode),
    entities: [...(entities ?? [...ENTITIES, ...privacy.custom.map(({ name }) => name)])],
    thresholds: { ...thresholds },
    on_failure,
  };
}

/** A mode that does something; null for none. */
export function modeOf(mode: ModelPrivacyConfig["mode"] | undefined): PrivacyMode | null {
  return mode === undefined || mode === "off" ? null : mode;
}
