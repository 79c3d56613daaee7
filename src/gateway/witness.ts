// Who looks at the answers of some calls, for themselves: what they find changes nothing for the client.

import type { AnswerCopy } from "./answer_copy.ts";

/** Hears of a call's answer, whole or as a stream, and of its end. */
export interface Witness {
  /** The answer has come whole, in its client's format. */
  came(body: Uint8Array): void;
  /** It has come as a stream. */
  flowed(copy: AnswerCopy): void;
  /** The call is over. */
  over(): void;
}

/** Both of two, or the one that there is. */
export function bothOf(one: Witness | null, other: Witness | null): Witness | null {
  if (one === null || other === null) return one ?? other;
  return {
    came(body) {
      one.came(body);
      other.came(body);
    },
    flowed(copy) {
      one.flowed(copy);
      other.flowed(copy);
    },
    over() {
      one.over();
      other.over();
    },
  };
}
