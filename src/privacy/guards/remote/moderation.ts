// A provider's moderation endpoint as a guard: what it is asked, and what its categories and scores mean.
// Source: OpenAI's API reference, "Moderations"; Mistral's moderation endpoint has the same shape.

import type { ModerationPlan } from "../../../config/remote_guards.ts";
import { isFields } from "../../../dialects/fields.ts";
import type { TextSource } from "../input/request_texts.ts";
import { type Fault, type JudgedText, NOTHING_FOUND, readFields, type Verdict } from "./question.ts";

/** Longer texts are judged in pieces, which overlap: models that moderate read about 32,000 tokens. */
const PIECE_MAX_CHARS = 8_000;
const PIECE_OVERLAP_CHARS = 200;
/** Pieces of one request, and requests that are made at once. */
const PIECES_MAX = 32;
const REQUESTS_MAX = 16;
/** How much is told of what was found. */
const TOLD_MAX = 5;
const TOLD_MAX_CHARS = 60;

/** What people and tools say; what the operator's own prompt says, and the model said before, is not judged again. */
const SAID: ReadonlySet<TextSource> = new Set(["user", "tool"]);

/** The bodies of the requests that judge some texts, each with how many results it must have; or why they cannot be judged. */
export function writeModerations(
  { model }: ModerationPlan,
  stage: "input" | "output",
  texts: readonly JudgedText[],
): readonly { readonly body: Uint8Array; readonly count: number }[] | Fault {
  const judged = stage === "input" ? texts.filter(({ source }) => SAID.has(source)) : texts;
  const pieces = [...new Set(judged.flatMap(({ text }) => piecesOf(text.toWellFormed())))];
  if (pieces.length > PIECES_MAX * REQUESTS_MAX)
    return { fault: "there is more text than it can be asked about" };
  const requests = [];
  for (let at = 0; at < pieces.length; at += PIECES_MAX) {
    const input = pieces.slice(at, at + PIECES_MAX);
    requests.push({ body: Buffer.from(JSON.stringify({ model, input })), count: input.length });
  }
  return requests;
}

function piecesOf(text: string): string[] {
  if (text.length <= PIECE_MAX_CHARS) return text.trim() === "" ? [] : [text];
  const pieces: string[] = [];
  for (let at = 0; at + PIECE_OVERLAP_CHARS < text.length; at += PIECE_MAX_CHARS - PIECE_OVERLAP_CHARS) {
    // Half a character is none that every reader of JSON takes.
    pieces.push(text.slice(at, at + PIECE_MAX_CHARS).toWellFormed());
  }
  return pieces;
}

/** Reads an answer that must have so many results; what is wrong with it, by the name of the field. */
export function readModeration(body: Uint8Array, count: number, plan: ModerationPlan): Verdict | Fault {
  const read = readFields(body);
  if ("fault" in read) return read;
  const { results } = read.fields;
  if (!Array.isArray(results) || results.length !== count) return { fault: `'results' must have ${count}` };
  const found = new Set<string>();
  for (const [index, result] of (results as readonly unknown[]).entries()) {
    const wrong = look(result, `results[${index}]`, plan, found);
    if (wrong !== null) return { fault: wrong };
  }
  if (found.size === 0) return NOTHING_FOUND;
  const told = [...found].slice(0, TOLD_MAX).map((name) => name.slice(0, TOLD_MAX_CHARS));
  return { action: plan.action, reason: `it has ${told.join(", ")}`, spans: [] };
}

/** Notes the categories that a result is about; or says what is wrong with it. */
function look(result: unknown, name: string, plan: ModerationPlan, found: Set<string>): string | null {
  if (!isFields(result)) return `'${name}' must be an object`;
  const { categories, category_scores: scores } = result;
  if (!isFields(categories)) return `'${name}.categories' must be an object`;
  if (!isFields(scores)) return `'${name}.category_scores' must be an object`;
  // A category that nobody knows would be a guard that never finds anything.
  for (const category of plan.categories ?? [...Object.keys(plan.thresholds), ...Object.keys(categories)]) {
    const threshold = Object.hasOwn(plan.thresholds, category) ? plan.thresholds[category] : undefined;
    const at = threshold === undefined ? categories : scores;
    const value = Object.hasOwn(at, category) ? at[category] : undefined;
    const field = `${name}.${threshold === undefined ? "categories" : "category_scores"}.${category}`;
    // What does not apply to a text is null.
    if (value === null) continue;
    if (typeof value !== (threshold === undefined ? "boolean" : "number")) {
      return `'${field}' must be ${threshold === undefined ? "true or false" : "a number"}`;
    }
    if (threshold === undefined ? value === true : Number(value) >= threshold) found.add(category);
  }
  return null;
}
