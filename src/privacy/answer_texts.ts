// What happens to the texts of an answer on their way to the client: guards judge what upstream said, then values are put back.

import { scanObject } from "../wire/json.ts";
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

/** One of the things that happen to texts. */
export interface TextStage {
  /** A text that is there as a whole. */
  treat(text: string): string;
  /** A text that comes in pieces; its name is its own within the answer. */
  begin(name: string): GrowingTreatment;
}

/** Treats the texts of one answer. */
export class AnswerTexts implements TextStage {
  readonly #mapping: Mapping | null;
  readonly #guard: AnswerGuard | null;
  readonly #between: TextStage | null;
  readonly #stages: readonly TextStage[];

  /** @param between what else happens to texts, between the guard and the values */
  constructor(mapping: Mapping | null, guard: AnswerGuard | null = null, between: TextStage | null = null) {
    this.#mapping = mapping;
    this.#guard = guard;
    this.#between = between;
    const restoring = mapping === null ? null : restoringStage(mapping);
    const judging = guard === null ? null : judgingStage(guard);
    this.#stages = [judging, between, restoring].filter((stage) => stage !== null);
  }

  /** Whether every text comes out as it is. */
  get is_idle(): boolean {
    const has_values = this.#mapping !== null && this.#mapping.size > 0;
    return this.#guard === null && this.#between === null && !has_values;
  }

  /** Nothing more may go out. */
  get is_blocked(): boolean {
    return this.#guard?.is_blocked ?? false;
  }

  /** There is something that cannot be treated: where guards take out or block, nothing more may go out. */
  refuse(): void {
    this.#guard?.refuse();
  }

  treat(text: string): string {
    let treated = text;
    for (const stage of this.#stages) treated = stage.treat(treated);
    return treated;
  }

  /** An object that is a text as a whole, which is JSON. What a guard leaves of it may be none any more: then there is nothing in it. */
  treatJson(text: string): string {
    const treated = this.treat(text);
    return treated === text || isJson(treated) ? treated : "{}";
  }

  begin(name: string): GrowingTreatment {
    const [first = UNTOUCHED, ...more] = this.#stages.map((stage) => stage.begin(name));
    return more.reduce(following, first);
  }
}

function isJson(text: string): boolean {
  return scanObject(Buffer.from(text)).fault === null;
}

function judgingStage(guard: AnswerGuard): TextStage {
  return { treat: (text) => guard.judge(text), begin: () => guard.begin() };
}

function restoringStage(mapping: Mapping): TextStage {
  return { treat: (text) => restoreText(text, mapping), begin: () => new Restorer(mapping) };
}

function following(first: GrowingTreatment, second: GrowingTreatment): GrowingTreatment {
  return {
    get held_chars() {
      return first.held_chars + second.held_chars;
    },
    push: (piece) => second.push(first.push(piece)),
    end: () => second.push(first.end()) + second.end(),
  };
}

const UNTOUCHED: GrowingTreatment = { held_chars: 0, push: (piece) => piece, end: () => "" };
