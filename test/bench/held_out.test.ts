// The rule of what the embedder never saw must be the one that its training kept to.

import { expect, test } from "vitest";
import { isHeldOut, isHeldOutIntent } from "../../bench/quality/held_out.ts";

// As models/embedder/data.py says.
test.each([
  ["clinc150", "restaurant_reviews", "how good are the ratings for chic-fil-a", false, true],
  ["clinc150", "credit_score", "give me my credit score", false, false],
  ["clinc150", "translate", "a", false, true],
  ["clinc150", "translate", "é", false, false],
  ["clinc150", "translate", "日本", false, false],
  ["clinc150", "translate", "😀", false, false],
  ["banking77", "age_limit", "b", true, true],
  ["banking77", "declined_card_payment", "My card was rejected", false, false],
])("%s/%s, %s", (set, intent, text, whole_intent, row) => {
  expect(isHeldOutIntent({ set, intent })).toBe(whole_intent);
  expect(isHeldOut({ set, intent, text })).toBe(row);
});
