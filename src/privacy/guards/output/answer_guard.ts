// The guards of one call's answer. What they cannot judge does not pass.

import { GuardedText } from "./guarded_text.ts";
import { type Finding, findAll, type TextGuard } from "./text_guards.ts";
import { beginsAsJson, withoutBreaks } from "./words.ts";

/** Judges the texts of one answer. */
export class AnswerGuard {
  /** Nothing more may go out. */
  is_blocked = false;
  /** Whether what they find may be taken out or blocked. */
  readonly enforces: boolean;
  readonly #guards: readonly TextGuard[];
  readonly #isAsked: (value: string) => boolean;
  readonly #onFinding: (finding: Finding) => void;

  /**
   * @param isAsked whether the request has a value
   * @param is_strict whether others judge the answer as well, that may take out or block
   */
  constructor(
    guards: readonly TextGuard[],
    isAsked: (value: string) => boolean,
    onFinding: (finding: Finding) => void,
    is_strict = false,
  ) {
    this.enforces = is_strict || guards.some(({ action }) => action === "redact" || action === "block");
    this.#guards = guards;
    this.#isAsked = isAsked;
    this.#onFinding = onFinding;
  }

  /** Something cannot be read: it must not go out where it might have been taken out, or blocked. */
  refuse(): void {
    if (this.enforces) this.is_blocked = true;
  }

  /** What may go out of a whole text. */
  judge(text: string): string {
    return this.#safely(() => {
      let given = "";
      let pos = 0;
      const judged = beginsAsJson(text) ? withoutBreaks(text) : text;
      for (const finding of findAll(this.#guards, judged, this.#isAsked)) {
        const { start, end, action, replacement } = finding;
        this.#note(finding);
        if (action !== "redact" || end <= pos) continue;
        if (start >= pos) given += text.slice(pos, start) + replacement;
        pos = end;
      }
      return pos === 0 ? text : given + text.slice(pos);
    });
  }

  /** A text that comes in pieces. */
  begin(): Pick<GuardedText, "held_chars" | "push" | "end"> {
    const text = new GuardedText(this.#guards, this.#isAsked, (finding) => this.#note(finding));
    return {
      get held_chars() {
        return text.held_chars;
      },
      push: (piece) => this.#safely(() => text.push(piece)),
      end: () => this.#safely(() => text.end()),
    };
  }

  #note(finding: Finding): void {
    if (finding.action === "block") this.is_blocked = true;
    this.#onFinding(finding);
  }

  /** What fails is not let through, and neither is what comes with a finding that blocks. */
  #safely(judge: () => string): string {
    if (this.is_blocked) return "";
    try {
      const given = judge();
      return this.is_blocked ? "" : given;
    } catch {
      this.is_blocked = true;
      return "";
    }
  }
}
