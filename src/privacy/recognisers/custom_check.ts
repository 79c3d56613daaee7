// Checks recognisers from the configuration before they are made: name, pattern, and the examples that they are held to.

import { patternFault } from "../../config/patterns.ts";
import { finish } from "../steps.ts";
import { type CustomRecogniser, customSearch } from "./custom.ts";
import { RECOGNISED, THRESHOLD } from "./recognisers.ts";

const NAME = /^[A-Z][A-Z0-9_]{0,39}$/;

/** Names that mean something already: what is recognised here, and what a model finds. */
const TAKEN = new Set([...RECOGNISED, "PERSON", "LOCATION", "ORGANIZATION"]);

/** What is wrong with a custom recogniser, in words; null for nothing. Its examples are tried. */
export function checkCustom(custom: CustomRecogniser): string | null {
  const { name, pattern, examples = [], counterexamples = [] } = custom;
  if (!NAME.test(name)) return "the name must be of capitals, digits and _, and at most 40 characters";
  if (TAKEN.has(name)) return `${name} is built in; another name is needed`;
  const fault = patternFault(pattern);
  if (fault !== null) return `the pattern is not valid: ${fault}`;
  const search = customSearch(custom);
  const finds = (text: string) => finish(search(text)).some(({ score }) => score >= THRESHOLD);
  const missed = examples.findIndex((example) => !finds(example));
  if (missed >= 0) return `it finds nothing in example ${missed + 1}`;
  const mistaken = counterexamples.findIndex(finds);
  return mistaken >= 0 ? `it finds something in counterexample ${mistaken + 1}` : null;
}
