// Reads the labelled sentences of presidio-research and the sentences of the CoNLL sets, which have no labels for structured data.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { Span } from "./spans.ts";

/** A text and what stands in it. */
export interface Labelled {
  readonly text: string;
  readonly spans: readonly Span[];
}

const SAMPLES = z.array(
  z.object({
    full_text: z.string(),
    masked: z.string(),
    spans: z.array(
      z.object({
        entity_type: z.string(),
        entity_value: z.string(),
        start_position: z.int(),
        end_position: z.int(),
      }),
    ),
  }),
);

/** What the set's labels are called here. Labels that are not here are for a model to find. */
const ENTITIES: Readonly<Record<string, string>> = {
  EMAIL_ADDRESS: "EMAIL",
  PHONE_NUMBER: "PHONE",
  CREDIT_CARD: "CREDIT_CARD",
  US_SSN: "US_SSN",
  IBAN_CODE: "IBAN",
  IP_ADDRESS: "IP_ADDRESS",
  US_DRIVER_LICENSE: "DRIVING_LICENCE",
  STREET_ADDRESS: "STREET_ADDRESS",
};

/** Dates are dates of birth where the template says so. */
const BIRTH = /(?:birth\. It's|born on) \{\{DATE_TIME\}\}/i;

/** The labelled sentences. Their positions count code points; here they count UTF-16 units. */
export function readPresidio(folder: string): readonly Labelled[] {
  const samples = SAMPLES.parse(
    JSON.parse(readFileSync(join(folder, "presidio/synth_dataset_v2.json"), "utf8")),
  );
  return samples.map(({ full_text, masked, spans }) => {
    const points = Array.from(full_text);
    const units = (position: number) => points.slice(0, position).join("").length;
    return {
      text: full_text,
      spans: joined(
        full_text,
        spans.flatMap(({ entity_type, start_position, end_position }) => {
          const is_birth = entity_type === "DATE_TIME" && BIRTH.test(masked);
          const entity = is_birth ? "DATE_OF_BIRTH" : ENTITIES[entity_type];
          return entity === undefined
            ? []
            : [{ entity, start: units(start_position), end: units(end_position) }];
        }),
      ),
    };
  });
}

/**
 * The set cuts one address into up to four labels (number, street, flat, post code): those with nothing but spaces and signs
 * between are one.
 */
function joined(text: string, spans: readonly Span[]): readonly Span[] {
  const whole: Span[] = [];
  for (const span of [...spans].sort((one, other) => one.start - other.start)) {
    const last = whole.at(-1);
    const is_next =
      last?.entity === "STREET_ADDRESS" &&
      span.entity === "STREET_ADDRESS" &&
      /^[\s,>?]*$/.test(text.slice(last.end, span.start));
    if (is_next) whole[whole.length - 1] = { ...last, end: span.end };
    else whole.push(span);
  }
  return whole;
}

/** The sentences of all CoNLL files, their tokens joined by spaces. */
export function readSentences(folder: string): readonly string[] {
  return readdirSync(join(folder, "conll"))
    .filter((name) => name.endsWith(".conll"))
    .flatMap((name) => readFileSync(join(folder, "conll", name), "utf8").split(/\n\s*\n/))
    .map((sentence) =>
      sentence
        .split("\n")
        .map((line) => line.split("\t")[0])
        .join(" ")
        .trim(),
    )
    .filter((sentence) => sentence !== "");
}
