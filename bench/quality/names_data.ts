// Reads the labelled texts that names are looked for in. None of them is one that the model learned from.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { exampleOf, isHeldOut, readConll } from "../../models/ner/examples.ts";
import { ENTITIES } from "../../src/inference/ner/chain.ts";
import type { Span } from "./spans.ts";

/** A text, the names in it, and where it does not count what is found. */
export interface Text {
  readonly text: string;
  readonly spans: readonly Span[];
  readonly uncounted: readonly Span[];
}

/** A set of texts. */
export interface TextSet {
  readonly name: string;
  readonly texts: readonly Text[];
  /** The labels are not of all names, so that only what is missed counts. */
  readonly is_partial: boolean;
}

const SAMPLES = z.array(
  z.object({
    full_text: z.string(),
    template_id: z.int(),
    spans: z.array(z.object({ entity_type: z.string(), start_position: z.int(), end_position: z.int() })),
  }),
);

const PRESIDIO: Readonly<Record<string, string>> = {
  PERSON: "PERSON",
  GPE: "LOCATION",
  ORGANIZATION: "ORGANIZATION",
};

/** All sets. */
export function readSets(pii: string): readonly TextSet[] {
  const conll = (name: string) => readConll(join(pii, "conll", `${name}.conll`));
  const whole = (name: string) => ({
    name,
    texts: conll(name).map((sentence) => textOf(exampleOf(sentence))),
    is_partial: false,
  });
  return [
    { name: "presidio, held-out templates", texts: readPresidioNames(pii), is_partial: false },
    whole("wnut17-dev"),
    whole("btc-a"),
    whole("wikigold-dev"),
    {
      name: "gum-train, capitalised labels",
      texts: conll("gum-train").map(capitalisedOnly),
      is_partial: true,
    },
  ];
}

/** Sentences of the templates that were held out. Parts of street addresses may be called places or not. */
function readPresidioNames(pii: string): Text[] {
  const samples = SAMPLES.parse(
    JSON.parse(readFileSync(join(pii, "presidio/synth_dataset_v2.json"), "utf8")),
  ).filter(({ template_id }) => isHeldOut(template_id));
  return samples.map(({ full_text, spans }) => {
    const points = Array.from(full_text);
    // Positions count code points; here they count UTF-16 units.
    const units = (position: number) => points.slice(0, position).join("").length;
    const all = spans.map(({ entity_type, start_position, end_position }) => ({
      entity: PRESIDIO[entity_type] ?? entity_type,
      start: units(start_position),
      end: units(end_position),
    }));
    return {
      text: full_text,
      spans: all.filter(({ entity }) => (ENTITIES as readonly string[]).includes(entity)),
      uncounted: all.filter(({ entity }) => entity === "STREET_ADDRESS"),
    };
  });
}

function textOf({ text, labels }: ReturnType<typeof exampleOf>): Text {
  return {
    text,
    spans: labels.map(({ start, end, entity }) => ({ start, end, entity: ENTITIES[entity]! })),
    uncounted: [...text.matchAll(/[@#]\s?\S+/g)].map(({ 0: handle, index }) => ({
      start: index,
      end: index + handle.length,
      entity: "HANDLE",
    })),
  };
}

/** GUM labels every mention, "the man" too: names are those all of whose words have a capital, or a small word between two. */
function capitalisedOnly(sentence: Parameters<typeof exampleOf>[0]): Text {
  const whole = textOf(exampleOf(sentence));
  const NAME = /^\p{Lu}[\p{L}.'’-]*( (of|the|and|de|la|van|von|&) \p{Lu}[\p{L}.'’-]*| \p{Lu}[\p{L}.'’-]*)*$/u;
  const PRONOUN =
    /^(I|You|He|She|We|They|It|My|Your|His|Her|Our|Their|This|That|These|Those|The|A|An|Who|What|One|Some|Many|Most|All)\b/;
  return {
    ...whole,
    spans: whole.spans.filter(({ start, end }) => {
      const name = whole.text.slice(start, end);
      return NAME.test(name) && !PRONOUN.test(name);
    }),
  };
}
