// Service tiers: the neutral words are OpenAI's (`auto`, `default`, `priority`, `flex`, `batch`).
// Source: https://platform.claude.com/docs/en/api/service-tiers.

/** A request's tier, read. */
export function readAskedTier(tier: string): string {
  return tier === "standard_only" ? "default" : tier;
}

/** A request's tier, written; null: there is none like it. */
export function writeAskedTier(tier: string): string | null {
  if (tier === "default") return "standard_only";
  // The better tier is taken wherever the account has it.
  return tier === "auto" || tier === "priority" ? "auto" : null;
}

/** The tier that an answer came from, read. */
export function readGivenTier(tier: unknown): { service_tier?: string } {
  if (typeof tier !== "string") return {};
  return { service_tier: tier === "standard" ? "default" : tier };
}

/** The tier that an answer came from, written. */
export function writeGivenTier(tier: string): string {
  return tier === "priority" || tier === "batch" ? tier : "standard";
}
