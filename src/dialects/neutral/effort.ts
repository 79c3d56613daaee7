// How much to think, as a word and as a number of tokens: for formats and models that take only one of them.

/** From so many tokens on a budget is as much as the word says. */
const EFFORTS: readonly (readonly [effort: string, from_tokens: number])[] = [
  ["high", 16_384],
  ["medium", 4_096],
  ["low", 1],
];

/** The effort that a budget comes nearest to. */
export function effortOfBudget(budget_tokens: number): string {
  return EFFORTS.find(([, from]) => budget_tokens >= from)?.[0] ?? "none";
}
