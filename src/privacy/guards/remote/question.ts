// What a guard that is asked over the network is asked, and what it may say.

import { isFields } from "../../../dialects/fields.ts";
import type { GuardAction, GuardSpan } from "../guard.ts";
import type { TextSource } from "../input/request_texts.ts";

/** A text to be judged. */
export interface JudgedText {
  readonly source: TextSource;
  readonly text: string;
  /** How many characters at its beginning the client has already; more than none only in streams. */
  readonly given: number;
}

/** What is asked at once. */
export interface Question {
  readonly stage: "input" | "output";
  readonly texts: readonly JudgedText[];
}

/** A part of one of the texts that is to be taken out. */
export interface TextSpan extends GuardSpan {
  /** Its position among the texts. */
  readonly text: number;
  readonly replacement: string;
}

/** What a guard says of a question. */
export interface Verdict {
  /** Null: it has found nothing. */
  readonly action: GuardAction | null;
  /** Why, for whoever is refused. */
  readonly reason: string | null;
  /** What is taken out; by text, in order, and without overlaps. */
  readonly spans: readonly TextSpan[];
}

/** A guard that has found nothing. */
export const NOTHING_FOUND: Verdict = { action: null, reason: null, spans: [] };

/** Why an answer is no verdict. */
export interface Fault {
  readonly fault: string;
}

/** The fields of an answer; or why there are none. */
export function readFields(body: Uint8Array): { readonly fields: Readonly<Record<string, unknown>> } | Fault {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return { fault: "its answer is no JSON" };
  }
  return isFields(value) ? { fields: value } : { fault: "its answer is no JSON object" };
}

/** Spans in order, those that overlap made one with the first one's replacement. */
export function mergeSpans<Span extends TextSpan>(spans: readonly Span[]): Span[] {
  const sorted = spans.toSorted((a, b) => a.text - b.text || a.start - b.start || b.end - a.end);
  const merged: Span[] = [];
  for (const span of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && last.text === span.text && span.start < last.end) {
      merged[merged.length - 1] = { ...last, end: Math.max(last.end, span.end) };
    } else merged.push(span);
  }
  return merged;
}

/** A text without spans of it, which are in order and do not overlap, and with what takes their place. */
export function cutSpans(text: string, spans: readonly TextSpan[]): string {
  let cut = "";
  let from = 0;
  for (const { start, end, replacement } of spans) {
    cut += text.slice(from, start) + replacement;
    from = end;
  }
  return cut + text.slice(from);
}
