// What guards of all kinds have in common.

/** What the configuration says of them. */
export type { GuardAction, GuardsPlan, InputGuardPlan, OutputGuardPlan } from "../../config/guards.ts";

/** A part of a text, in JavaScript's characters. */
export interface GuardSpan {
  readonly start: number;
  readonly end: number;
}
