// Which models an entry of the price data is for.

import type { Match } from "./data.ts";

/** Whether an entry is for a model of this name. */
export function matches(match: Match, name: string): boolean {
  const lower = name.toLowerCase();
  if ("equals" in match) return lower === match.equals;
  if ("starts_with" in match) return lower.startsWith(match.starts_with);
  if ("ends_with" in match) return lower.endsWith(match.ends_with);
  if ("contains" in match) return lower.includes(match.contains);
  // The data's own package asks of names in lower case.
  if ("regex" in match) return match.regex.test(lower);
  if ("or" in match) return match.or.some((one) => matches(one, lower));
  return match.and.every((one) => matches(one, lower));
}
