// What a request may need of the model that answers it, beside a prompt of text: kinds of input, tools, a form of answer.
// Several needs are one number, a bit for each, so that to compare what is needed with what is there is one operation.

/** The needs, each at the place of its bit. */
export const NEEDS = ["vision", "audio", "video", "pdf", "tools", "json_schema", "reasoning"] as const;

/** A need's name. */
export type Need = (typeof NEEDS)[number];

/** Some of the needs: a bit for each. */
export type NeedBits = number;

/** None of them. */
export const NO_NEEDS: NeedBits = 0;
/** All of them. */
export const ALL_NEEDS: NeedBits = (1 << NEEDS.length) - 1;

/** The bit of a need. */
export function needBit(need: Need): NeedBits {
  return 1 << NEEDS.indexOf(need);
}

/** The bits of some needs. */
export function needBits(needs: readonly Need[]): NeedBits {
  return needs.reduce((bits, need) => bits | needBit(need), NO_NEEDS);
}

/** The names of bits, in the order of `NEEDS`. */
export function needNames(bits: NeedBits): Need[] {
  return NEEDS.filter((_, index) => (bits & (1 << index)) !== 0);
}
