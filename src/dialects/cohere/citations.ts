// Where a text comes from, as Cohere tells it. Source: https://docs.cohere.com/docs/rag-citations.

import { list, record } from "../fields.ts";
import type { Citation } from "../neutral/parts.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The content that a citation is of, by its index; null: of what the model thought or planned, which nothing cites elsewhere. */
export function citedContent({ type, content_index }: Fields): number | "text" | null {
  if (type !== undefined && type !== "TEXT_CONTENT") return null;
  return typeof content_index === "number" ? content_index : "text";
}

/** A citation of a text, once for each of its sources. @param said the text so far */
export function readCitations(citation: Fields, said: string): readonly Citation[] {
  const place = placeOf(citation, said);
  const sources = list(citation["sources"]).map(record);
  return sources.map((source) => ({ ...sourceOf(source), ...place }));
}

function sourceOf(source: Fields): Citation {
  const found = record(source["document"] ?? source["tool_output"]);
  const { url, title } = found;
  const text = found["text"] ?? found["snippet"] ?? found["content"];
  const name = title ?? source["id"];
  return {
    ...(typeof url === "string" && isAddress(url) ? { url } : {}),
    ...(typeof name === "string" && name !== "" ? { title: name } : {}),
    ...(typeof text === "string" ? { cited_text: text } : {}),
  };
}

function isAddress(url: string): boolean {
  const start = url.slice(0, 8).toLowerCase();
  return start.startsWith("https://") || start.startsWith("http://");
}

/** Cohere counts characters, JavaScript the halves of the large ones too: which it is shows in the text that is cited. */
function placeOf({ start, end, text }: Fields, said: string): Pick<Citation, "start" | "end"> {
  if (typeof start !== "number" || typeof end !== "number" || typeof text !== "string") return {};
  if (said.slice(start, end) === text) return { start, end };
  // What is cited may have been said already, or may be about to be; only what is there can be counted.
  const from = unitsOf(said, start);
  const to = from + text.length;
  return said.slice(from, to) === text ? { start: from, end: to } : {};
}

/** How many units the first characters of a text have. */
function unitsOf(text: string, characters: number): number {
  let units = 0;
  for (let left = characters; left > 0 && units < text.length; left--)
    units += text.codePointAt(units)! > 0xffff ? 2 : 1;
  return units;
}
