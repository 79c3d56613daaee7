// What happens to the texts of an answer on their way to the client: guards judge what upstream said, then values are put back.

import type { AnswerGuard } from "./guards/output/answer_guard.ts";
import type { Mapping } from "./mapping.ts";
import { Restorer, restoreText } from "./restore.ts";

/** A text that comes in pieces. */
export interface GrowingTreatment {
  /** How many characters are held back. */
  readonly held_chars: number;
  /** What can be passed on now that this piece has come. */
  push(piece: string): string;
  /** What was held back, now that no more comes. */
  end(): string;
}

/** Treats the texts of one answer. */
export class AnswerTexts {
  readonly #mapping: Mapping | null;
  readonly #guard: AnswerGuard | null;

  constructor(mapping: Mapping | null, guard: AnswerGuard | null = null) {
    this.#mapping = mapping;
    this.#guard = guard;
  }

  /** Whether every text comes out as it is. */
  get is_idle(): boolean {
    return this.#guard === null && (this.#mapping === null || this.#mapping.size === 0);
  }

  /** Nothing more may go out. */
  get is_blocked(): boolean {
    return this.#guard?.is_blocked ?? false;
  }

  /** There is something that cannot be treated: where guards take out or block, nothing more may go out. */
  refuse(): void {
    this.#guard?.refuse();
  }

  /** A text that is there as a whole. */
  treat(text: string): string {
    const judged = this.#guard === null ? text : this.#guard.judge(text);
    return this.#mapping === null ? judged : restoreText(judged, this.#mapping);
  }

  /** A text that comes in pieces. */
  begin(): GrowingTreatment {
    const restorer = this.#mapping === null ? null : new Restorer(this.#mapping);
    const judged = this.#guard === null ? null : this.#guard.begin();
    if (judged === null) return restorer ?? UNTOUCHED;
    if (restorer === null) return judged;
    return {
      get held_chars() {
        return judged.held_chars + restorer.held_chars;
      },
      push: (piece) => restorer.push(judged.push(piece)),
      end: () => restorer.push(judged.end()) + restorer.end(),
    };
  }
}

const UNTOUCHED: GrowingTreatment = { held_chars: 0, push: (piece) => piece, end: () => "" };
