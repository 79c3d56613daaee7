// `POST /moderations`: every category that OpenAI has, none of them flagged.
// An answer has one result an input; a list of parts is one input.

import { type Answer, plainAnswer } from "./answer.ts";
import type { SimModel } from "./models.ts";
import { plainWait } from "./pace.ts";
import type { ModerationsRequest } from "./request.ts";

const CATEGORIES = [
  "harassment",
  "harassment/threatening",
  "hate",
  "hate/threatening",
  "illicit",
  "illicit/violent",
  "self-harm",
  "self-harm/intent",
  "self-harm/instructions",
  "sexual",
  "sexual/minors",
  "violence",
  "violence/graphic",
] as const;

/** Categories that are looked for in images too. */
const IMAGE_CATEGORIES: readonly string[] = [
  "self-harm",
  "self-harm/intent",
  "self-harm/instructions",
  "sexual",
  "violence",
  "violence/graphic",
];

/** Answers a checked request; `id` is what the request's bytes hash to. */
export function answerModerations(model: SimModel, request: ModerationsRequest, id: string): Answer {
  const { input } = request;
  const of_parts = typeof input !== "string" && typeof input[0] !== "string";
  const count = typeof input === "string" || of_parts ? 1 : input.length;
  const kinds = new Set<string>();
  if (typeof input === "string") kinds.add("text");
  else
    for (const item of input) kinds.add(typeof item === "string" || item.type === "text" ? "text" : "image");
  const results = Array.from({ length: count }, () => ({
    flagged: false,
    categories: perCategory(() => false),
    category_scores: perCategory(() => 0),
    category_applied_input_types: perCategory((category) =>
      [...kinds].filter((kind) => kind === "text" || IMAGE_CATEGORIES.includes(category)),
    ),
  }));
  const wait_ms = plainWait(model, 1);
  return plainAnswer(id, { id: `modr-${id}`, model, results }, { wait_ms, cut: model === "cut" });
}

function perCategory<T>(value: (category: string) => T): Record<string, T> {
  return Object.fromEntries(CATEGORIES.map((category) => [category, value(category)]));
}
