// What the places of an answer in OpenAI's format hold. Everything that a model may have written is text; what names, counts or
// carries media is kept.

import { type Rule, rule } from "./walk.ts";

/** A placeholder in a `text` stands for its value. */
export type AnswerTreatment = "text";

const KEEP = rule<AnswerTreatment>("keep");
const CALLED = rule<AnswerTreatment>("text", { name: KEEP });

/** A message, or what a chunk adds to it. */
export const ANSWER_MESSAGE: Rule<AnswerTreatment> = rule<AnswerTreatment>("text", {
  role: KEEP,
  id: KEEP,
  name: KEEP,
  images: KEEP,
  audio: rule<AnswerTreatment>("keep", { transcript: rule<AnswerTreatment>("text") }),
  content: rule<AnswerTreatment>("text", { type: KEEP, signature: KEEP, image_url: KEEP }),
  tool_calls: rule<AnswerTreatment>("text", { id: KEEP, type: KEEP, function: CALLED, custom: CALLED }),
  function_call: CALLED,
  annotations: rule<AnswerTreatment>("text", { type: KEEP }),
  reasoning_details: rule<AnswerTreatment>("text", {
    id: KEEP,
    type: KEEP,
    format: KEEP,
    data: KEEP,
    signature: KEEP,
  }),
});

/** A whole body. Errors are kept: they may be logged by whoever reads them. */
export const ANSWER: Rule<AnswerTreatment> = rule<AnswerTreatment>("keep", {
  choices: rule<AnswerTreatment>("keep", { message: ANSWER_MESSAGE, text: rule<AnswerTreatment>("text") }),
});
