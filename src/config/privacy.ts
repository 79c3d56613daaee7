// What is done about personal data, as the Plan has it.

import { ENTITIES, NAME_ENTITIES } from "./entities.ts";
import type { PrivacyMode, PrivacyPlan } from "./plan.ts";
import type { ModelPrivacyConfig, ResolvedConfig } from "./schema.ts";

/** Compiles what a model says about personal data. */
export function compilePrivacy(config: ModelPrivacyConfig, { privacy }: ResolvedConfig): PrivacyPlan {
  const { mode, entities, thresholds, on_failure, audio } = config;
  return {
    mode: modeOf(mode),
    entities: [...(entities ?? [...ENTITIES, ...privacy.custom.map(({ name }) => name)])],
    thresholds: { ...thresholds },
    on_failure,
    passes_audio: audio === "pass",
  };
}

/** A mode that does something; null for none. */
export function modeOf(mode: ModelPrivacyConfig["mode"] | undefined): PrivacyMode | null {
  return mode === undefined || mode === "off" ? null : mode;
}

/** From the mildest to the strictest. */
const MODES: readonly (PrivacyMode | null)[] = [null, "audit", "redact", "mask", "block"];
const ON_FAILURE: readonly PrivacyPlan["on_failure"][] = ["pass", "recognisers-only", "block"];

/** How sure a finding must be to count where nothing is said. */
const USUAL_SCORE_MIN = 0.5;
const USUAL_NAME_SCORE_MIN = 0.2;

/** The stricter of two modes. */
export function stricterMode(one: PrivacyMode | null, other: PrivacyMode | null): PrivacyMode | null {
  return MODES.indexOf(one) >= MODES.indexOf(other) ? one : other;
}

/**
 * What holds for a call that any of some models may answer: the strictest mode, all kinds, the lowest thresholds.
 * @param plans what each of them says, the called one's first; null for one that says nothing
 * @param by_default what a caller's key means with such a model
 */
export function strictestPrivacy(
  plans: readonly (PrivacyPlan | null)[],
  by_default: PrivacyPlan,
): { readonly privacy: PrivacyPlan | null; readonly privacy_by_key: PrivacyPlan } {
  const demanding = plans.filter((plan) => plan !== null).filter(({ mode }) => mode !== null);
  return {
    privacy: demanding.length === 0 ? plans[0]! : demanding.reduce(stricter),
    privacy_by_key: plans.map((plan) => plan ?? by_default).reduce(stricter),
  };
}

function stricter(one: PrivacyPlan, other: PrivacyPlan): PrivacyPlan {
  const entities = [...new Set([...one.entities, ...other.entities])];
  const thresholds: Record<string, number> = {};
  for (const entity of entities) {
    const usual = NAME_ENTITIES.includes(entity) ? USUAL_NAME_SCORE_MIN : USUAL_SCORE_MIN;
    const wanting = [one, other].filter((plan) => plan.entities.includes(entity));
    const least = Math.min(...wanting.map((plan) => plan.thresholds[entity] ?? usual));
    if (least !== usual) thresholds[entity] = least;
  }
  return {
    mode: stricterMode(one.mode, other.mode),
    entities,
    thresholds,
    on_failure: ON_FAILURE[Math.max(...[one, other].map((plan) => ON_FAILURE.indexOf(plan.on_failure)))]!,
    passes_audio: one.passes_audio && other.passes_audio,
  };
}
