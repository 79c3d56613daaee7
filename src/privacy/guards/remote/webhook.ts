// The format in which a service of the operator's own is asked to judge texts, and what it answers; docs/guards-remote.md has it.

import { isFields } from "../../../dialects/fields.ts";
import { type GuardAction, REMOVED } from "../guard.ts";
import { countCodePoints, placesOf } from "./code_points.ts";
import {
  type Fault,
  type JudgedText,
  mergeSpans,
  NOTHING_FOUND,
  type Question,
  readFields,
  type TextSpan,
  type Verdict,
} from "./question.ts";

const REASON_MAX_CHARS = 300;
const REPLACEMENT_MAX_CHARS = 300;
const SPANS_MAX = 10_000;

/** Whose call it is about. */
export interface AskedCall {
  readonly model: string;
  readonly tenant: string;
  readonly key: string;
  readonly request_id: string;
}

/** The body that is posted. */
export function writeWebhookQuestion({ stage, texts }: Question, call: AskedCall): Uint8Array {
  const told = texts.map(({ source, text: came, given }) => {
    // Half a character is none that every reader of JSON takes.
    const text = came.toWellFormed();
    return stage === "input"
      ? { source, text }
      : { source, text, given: countCodePoints(text.slice(0, given)) };
  });
  return Buffer.from(JSON.stringify({ version: 1, stage, ...call, texts: told }));
}

/** Reads what is answered to a question about these texts; what is wrong with it, by the name of the field. */
export function readWebhookVerdict(body: Uint8Array, texts: readonly JudgedText[]): Verdict | Fault {
  const read = readFields(body);
  if ("fault" in read) return read;
  const { action, reason, spans } = read.fields;
  if (!isAction(action)) return { fault: `'action' must be allow, flag, redact or block` };
  if (reason !== undefined && reason !== null && typeof reason !== "string") {
    return { fault: "'reason' must be a text" };
  }
  if (action === "allow") return NOTHING_FOUND;
  const verdict = { action, reason: reason ? reason.slice(0, REASON_MAX_CHARS) : null };
  if (action !== "redact") return { ...verdict, spans: [] };
  if (!Array.isArray(spans) || spans.length === 0)
    return { fault: "'spans' must be a list with at least one" };
  if (spans.length > SPANS_MAX) return { fault: `'spans' must have at most ${SPANS_MAX}` };
  const places = new Map<number, Uint32Array | null>();
  const placesIn = (text: number) => {
    if (!places.has(text)) places.set(text, placesOf(texts[text]!.text));
    return places.get(text) ?? null;
  };
  const found: TextSpan[] = [];
  for (const [index, span] of (spans as readonly unknown[]).entries()) {
    const one = readSpan(span, `spans[${index}]`, texts, placesIn);
    if ("fault" in one) return one;
    found.push(one);
  }
  return { ...verdict, spans: mergeSpans(found) };
}

function readSpan(
  value: unknown,
  name: string,
  texts: readonly JudgedText[],
  placesIn: (text: number) => Uint32Array | null,
): TextSpan | Fault {
  if (!isFields(value)) return { fault: `'${name}' must be an object` };
  const { text, start, end, replacement = REMOVED } = value;
  if (!isCount(text, texts.length - 1)) return { fault: `'${name}.text' must be the position of a text` };
  const places = placesIn(text);
  const length = places === null ? texts[text]!.text.length : places.length - 1;
  if (!isCount(start, length)) return { fault: `'${name}.start' must be a place in the text` };
  if (!isCount(end, length) || end <= start)
    return { fault: `'${name}.end' must be a place behind its start` };
  if (typeof replacement !== "string" || replacement.length > REPLACEMENT_MAX_CHARS) {
    return { fault: `'${name}.replacement' must be a text of at most ${REPLACEMENT_MAX_CHARS} characters` };
  }
  if (places === null) return { text, start, end, replacement };
  return { text, start: places[start]!, end: places[end]!, replacement };
}

function isAction(value: unknown): value is GuardAction {
  return value === "allow" || value === "flag" || value === "redact" || value === "block";
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;
}
