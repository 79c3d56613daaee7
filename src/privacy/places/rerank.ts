// What the places of a rerank hold. What is asked and what is searched are texts; so are documents that come back with their scores, in which
// values are put back.

import type { AnswerTreatment } from "../answer_places.ts";
import { HASH, KEEP, type RequestTreatment } from "../request_places.ts";
import { type Rule, rule } from "../walk.ts";

/** A text, or members of which some are texts. */
const DOCUMENT = rule<RequestTreatment>("text", { id: KEEP, type: KEEP, image: KEEP, image_url: KEEP });

/** The body of a request. */
export const RERANK_REQUEST: Rule<RequestTreatment> = rule<RequestTreatment>("text", {
  ...{ model: KEEP, rank_fields: KEEP, provider: KEEP },
  user: HASH,
  ...{ query: DOCUMENT, documents: DOCUMENT },
});

/** A whole answer. */
export const RERANK_ANSWER: Rule<AnswerTreatment> = rule<AnswerTreatment>("keep", {
  results: rule<AnswerTreatment>("keep", {
    document: rule<AnswerTreatment>("text", { image: rule<AnswerTreatment>("keep") }),
  }),
});
