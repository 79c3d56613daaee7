// What all calls together come to: those that went, and would go, alike are one line.

import type { Replayed, Way } from "./decision.ts";

/** Calls that are alike. */
export interface ReplayLine {
  readonly model: string;
  readonly before: Pick<Way, "route" | "target">;
  readonly after: Pick<Way, "route" | "target">;
  calls: number;
  cost_before: number;
  cost_after: number;
  /** Calls whose cost is not known on that side. */
  unpriced_before: number;
  unpriced_after: number;
}

/** Sums up calls. */
export class ReplayTally {
  calls = 0;
  /** Those of which a rule asked what their rows do not tell. */
  undecided = 0;
  readonly unknown = new Map<string, number>();
  readonly #lines = new Map<string, ReplayLine>();

  add(model: string, { before, after, unknown }: Replayed): void {
    this.calls += 1;
    if (unknown.size > 0) this.undecided += 1;
    for (const what of unknown) this.unknown.set(what, (this.unknown.get(what) ?? 0) + 1);
    const name = JSON.stringify([model, before.route, before.target, after.route, after.target]);
    let line = this.#lines.get(name);
    if (line === undefined) {
      const wayOf = ({ route, target }: Way) => ({ route, target });
      line = {
        ...{ model, before: wayOf(before), after: wayOf(after), calls: 0 },
        ...{ cost_before: 0, cost_after: 0, unpriced_before: 0, unpriced_after: 0 },
      };
      this.#lines.set(name, line);
    }
    line.calls += 1;
    if (before.cost_nano_usd === null) line.unpriced_before += 1;
    if (after.cost_nano_usd === null) line.unpriced_after += 1;
    line.cost_before += before.cost_nano_usd ?? 0;
    line.cost_after += after.cost_nano_usd ?? 0;
  }

  /** What changes first, by how many calls it is. */
  get lines(): readonly ReplayLine[] {
    return [...this.#lines.values()].sort(
      (a, b) => Number(isChanged(b)) - Number(isChanged(a)) || b.calls - a.calls,
    );
  }

  /** Sums of some of the lines. */
  sum(of: (line: ReplayLine) => number, isMeant: (line: ReplayLine) => boolean = () => true): number {
    return this.lines.filter(isMeant).reduce((sum, line) => sum + of(line), 0);
  }
}

/** Whether calls would go another way. */
export function isChanged({ before, after }: ReplayLine): boolean {
  return before.route !== after.route || before.target !== after.target;
}
